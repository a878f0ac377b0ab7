"""What happens in a soak: events, requests, answers, ends and settlements of one feeder, drawn from a seed.

Pure: books, draws and a time in, entries out; the writer makes them durable one step after the other and asks
again, so that a story goes on from whatever the journal holds after a kill. Decides nothing by load flow:
what is asked of whom is drawn, all that follows are the controller's own rules.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from controller import settings
from controller.books import Books
from controller.entries import (
    Entry,
    EventClosed,
    EventOpened,
    OperatorActed,
    ReadingsRefused,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
)
from controller.requests import (
    RequestRecord,
    due,
    event_id,
    next_state,
    on_answer,
    on_sent,
    request_id,
    settlement_due,
)
from controller.stores.port import FeederSample

FEEDER = "soak"
SERVICE_POINTS = 8
BEGIN = datetime(2026, 1, 12, 17, 0, tzinfo=UTC)
TICK = timedelta(seconds=20)
REQUESTS = settings.Requests(duration_s=120.0, renew_before_s=30.0, answer_within_s=20.0, attempts=2)
REWARDS = settings.Rewards()
BASELINE_KW = 12.0

Step = Callable[[Books, np.random.Generator, datetime], tuple[Entry, ...]]


def sample(books: Books, rng: np.random.Generator, now: datetime) -> FeederSample:
    """What the meters show: those who are asked mostly do it, and now and then a meter is silent."""
    p_kw = np.full(SERVICE_POINTS, BASELINE_KW, dtype=np.float32)
    for record in books.open_requests(FEEDER):
        if record.state == "active" and rng.random() < 0.9:
            p_kw[_place(record)] = BASELINE_KW - record.planned.p_before_kw + record.limit_kw
    p_kw[rng.random(SERVICE_POINTS) < 0.02] = np.nan
    return FeederSample(FEEDER, now, p_kw, 96.0, 88.0, None, 0.0)


def refuse_readings(_: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """Some input is no use."""
    if rng.random() < 0.8:
        return ()
    return (
        ReadingsRefused(at=now, feeder=FEEDER, reason="stale", count=int(rng.integers(1, 50)), sample="m"),
    )


def open_or_close(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """One event after the other."""
    running = books.open_event(FEEDER)
    if running is None:
        event = event_id(FEEDER, now)
        return (
            EventOpened(
                at=now, event=event, feeder=FEEDER, element="line:3", kind="line_overload",
                value=float(rng.integers(101, 140)), limit=100.0,
            ),
        )  # fmt: skip
    over = len(running.requests) >= 6 and not books.open_requests(FEEDER)
    return (EventClosed(at=now, event=running.event, feeder=FEEDER, peak_percent=112.0),) if over else ()


def plan(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """Ask some who are not limited now."""
    event = books.open_event(FEEDER)
    if event is None or len(event.requests) >= 6:
        return ()
    planned: list[Entry] = []
    for place in np.flatnonzero(rng.random(SERVICE_POINTS) < 0.3):
        number = books.next_number(event.event) + len(planned)
        if books.held_by(FEEDER, f"ev-{place}") is None:
            planned.append(_planned(event.event, number, int(place), books.epoch, now))
    return tuple(planned)


def send(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """What is in the outbox went out, or most of it."""
    told: list[Entry] = []
    for record in books.unsent():
        if rng.random() < 0.1:
            continue
        told.append(
            RequestSent(at=now, request=record.request, sequence=record.sequence, attempt=record.attempts + 1)
        )
        if on_sent(record) is not None:
            told.append(RequestMoved(at=now, request=record.request, state="sent", reason="sent"))
    return tuple(told)


def answer(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """Devices accept, refuse, stay silent, and say the same twice."""
    told: list[Entry] = []
    for record in books.open_requests(FEEDER):
        if record.state not in ("planned", "sent"):
            continue
        word = str(rng.choice(["accepted", "accepted", "accepted", "refused", "silent"]))
        step = on_answer(record, word, now, record.request)
        if step is None:
            continue
        heard = RequestAnswered(at=now, request=record.request, answer=word, reason=None)
        state = next_state(record.state, step, record.resource)
        told += [heard, RequestMoved(at=now, request=record.request, state=state, reason=word)]
        if rng.random() < 0.2:
            told.append(heard)
    return tuple(told)


def change(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """A limit is tightened, or somebody is released ahead of the end."""
    told: list[Entry] = []
    for record in books.open_requests(FEEDER):
        if record.state != "active" or rng.random() > 0.15:
            continue
        released = rng.random() < 0.5
        told.append(
            RequestChanged(
                at=now, request=record.request, epoch=books.epoch, sequence=record.sequence + 1,
                limit_kw=record.limit_kw if released else 4.2, end=now if released else record.end,
                reason="released" if released else "tightened",
            )
        )  # fmt: skip
        if released:
            told.append(RequestMoved(at=now, request=record.request, state="ended", reason="released"))
    return tuple(told)


def pass_time(books: Books, _: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """What is due by time alone."""
    told: list[Entry] = []
    for record in books.unsettled(FEEDER):
        trigger = due(record, REQUESTS, now)
        if trigger is not None:
            state = next_state(record.state, trigger, record.resource)
            told.append(RequestMoved(at=now, request=record.request, state=state, reason=trigger))
    return tuple(told)


def operate(books: Books, rng: np.random.Generator, now: datetime) -> tuple[Entry, ...]:
    """Somebody takes the feeder in hand, and gives it back."""
    if rng.random() < 0.9:
        return ()
    action = "automatic_off" if books.automatic(FEEDER) else "automatic_on"
    return (OperatorActed(at=now, who="op", why="soak", action=action, feeder=FEEDER, target=None),)  # type: ignore[arg-type]


STEPS: tuple[Step, ...] = (refuse_readings, open_or_close, plan, send, answer, change, pass_time, operate)


def to_settle(books: Books, now: datetime) -> tuple[RequestRecord, ...]:
    """Whose credit is to be decided."""
    return tuple(r for r in books.unsettled(FEEDER) if settlement_due(r, REQUESTS, now))


def position(record: RequestRecord) -> int:
    """Of its service point in the samples."""
    return _place(record)


def _place(record: RequestRecord) -> int:
    return int(record.planned.service_point.removeprefix("load:"))


def _planned(event: str, number: int, place: int, epoch: int, now: datetime) -> RequestPlanned:
    return RequestPlanned(
        at=now,
        request=request_id(event, number),
        event=event,
        feeder=FEEDER,
        resource="device",
        target=f"ev-{place}",
        kind="ev_charger",
        customer=f"C-{place}",
        service_point=f"load:{place}",
        limit_kw=5.0,
        p_before_kw=11.0,
        baseline_kw=BASELINE_KW,
        start=now,
        end=now + timedelta(seconds=REQUESTS.duration_s),
        epoch=epoch,
        sequence=1,
        element="line:3",
        value=112.0,
    )
