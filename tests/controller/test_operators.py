"""What operators order: the entries, and what of it lasts."""

from datetime import timedelta

import pytest

from controller.books import Books
from controller.entries import (
    DataAlarm,
    EventClosed,
    EventOpened,
    OperatorActed,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
)
from controller.operators import Orders, order
from tests.builders import FEEDER, START, control

EVENT = "E-F1-20160112T170000Z"


def _opened() -> EventOpened:
    return EventOpened(
        at=START,
        event=EVENT,
        feeder=FEEDER,
        element="trafo:0",
        kind="transformer_overload",
        value=110.0,
        limit=100.0,
    )


def _planned(number: int) -> RequestPlanned:
    return RequestPlanned(
        at=START,
        request=f"{EVENT}-R{number:03d}",
        event=EVENT,
        feeder=FEEDER,
        resource="device",
        target=f"EV{number:02d}",
        kind="ev_charger",
        customer=f"C{number:02d}",
        service_point=f"sp{number:02d}",
        limit_kw=4.2,
        p_before_kw=11.0,
        baseline_kw=15.0,
        start=START,
        end=START + timedelta(minutes=15),
        epoch=1,
        sequence=1,
        element="trafo:0",
        value=110.0,
    )


@pytest.fixture
def books() -> Books:
    books = Books()
    books.apply_all([_opened(), *(_planned(n) for n in (1, 2, 3))])
    return books


def _act(action: str, target: str | None = None) -> OperatorActed:
    return OperatorActed(at=START, who="Ann", why="x", action=action, feeder=FEEDER, target=target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "target", "freed"),
    [
        ("release_all", None, {"EV01", "EV02", "EV03"}),
        ("release", "EV02", {"EV02"}),
        ("release", f"{EVENT}-R003", {"EV03"}),
        ("release", "EV09", set()),
        ("exclude", "EV01", {"EV01"}),
        ("exclude", "C01", {"EV01"}),
        ("include", "EV01", set()),
        ("automatic_off", None, set()),
        ("automatic_on", None, set()),
    ],
)
def test_who_is_freed(books: Books, action: str, target: str | None, freed: set[str]) -> None:
    now = START + timedelta(minutes=1)
    act, entries = order(control(), books, 7, action=action, target=target, who=" Ann ", why="drill", now=now)
    assert entries[0] == act
    assert (act.who, act.at) == ("Ann", now)
    changed = [e for e in entries if isinstance(e, RequestChanged)]
    assert {books.requests[e.request].planned.target for e in changed} == freed
    assert all((e.end, e.sequence, e.epoch, e.reason) == (now, 2, 7, "overridden") for e in changed)
    books.apply_all(entries)
    assert {r.planned.target for r in books.open_requests(FEEDER)} == {"EV01", "EV02", "EV03"} - freed
    moved = [e for e in entries if isinstance(e, RequestMoved)]
    assert all("Ann" in e.reason for e in moved)


def test_handing_back_clears_our_own_fault(books: Books) -> None:
    fault = DataAlarm(at=START, feeder=FEEDER, kind="controller_fault", raised=True, text="x")
    meters = DataAlarm(at=START, feeder=FEEDER, kind="too_few_meters", raised=True, text="x")
    books.apply_all([fault, meters])
    _, entries = order(
        control(), books, 7, action="automatic_on", target=None, who="Ann", why="fixed", now=START
    )
    books.apply_all(entries)
    assert [alarm.kind for alarm in books.alarms(FEEDER)] == ["too_few_meters"]


def _after(*entries: object) -> Orders:
    orders = Orders()
    for entry in entries:
        orders = orders.after(entry)  # type: ignore[arg-type]
    return orders


def test_how_long_orders_last() -> None:
    closed = EventClosed(at=START, event=EVENT, feeder=FEEDER, peak_percent=110.0)
    released, excluded, everybody = _act("release", "EV01"), _act("exclude", "EV02"), _act("release_all")
    running = _after(_opened(), released, excluded, everybody)
    assert running.left_alone(FEEDER) == {"EV01", "EV02"}
    assert FEEDER in running.hands_off
    assert running.left_alone("F2") == frozenset()
    over = _after(_opened(), released, excluded, everybody, closed)
    assert over.left_alone(FEEDER) == {"EV02"}
    assert FEEDER not in over.hands_off
    back = _after(_opened(), released, excluded, everybody, _act("automatic_on"))
    assert back.left_alone(FEEDER) == {"EV01"}
    assert FEEDER not in back.hands_off
    again = _after(excluded, _act("exclude", "EV03"), _act("include", "EV02"), _act("include", "EV07"))
    assert again.left_alone(FEEDER) == {"EV03"}
    assert FEEDER not in _after(everybody, _opened()).hands_off, "it was ordered when nothing ran"
