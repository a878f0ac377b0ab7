"""Entries and records for tests, with figures that are easy to follow."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.books import Books
from controller.entries import Entry, EventClosed, EventOpened, RequestMoved, RequestPlanned, RequestState
from controller.requests import RequestRecord

T0 = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
EVENT = "E-dorf-20260112T180000Z"


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def opened(event: str = EVENT, feeder: str = "dorf", at: datetime = T0) -> EventOpened:
    return EventOpened(
        at=at, event=event, feeder=feeder, element="line:3", kind="line_overload", value=127.4, limit=100.0
    )


def closed(event: str = EVENT, feeder: str = "dorf", at: datetime = T0) -> EventClosed:
    return EventClosed(at=at, event=event, feeder=feeder, peak_percent=127.4)


def planned(number: int = 1, **changes: Any) -> RequestPlanned:
    """An 11 kW charger asked to stay below 4.2 kW for 15 min, at a meter that showed 12 kW."""
    values: dict[str, Any] = {
        "at": T0,
        "request": f"{EVENT}-R{number:03d}",
        "event": EVENT,
        "feeder": "dorf",
        "resource": "device",
        "target": f"ev-{number:03d}",
        "kind": "ev_charger",
        "customer": f"C-{number:03d}",
        "service_point": f"load:{number}",
        "limit_kw": 4.2,
        "p_before_kw": 11.0,
        "baseline_kw": 12.0,
        "start": T0,
        "end": after(900),
        "epoch": 1,
        "sequence": 1,
        "element": "line:3",
        "value": 127.4,
    }
    return RequestPlanned(**(values | changes))


def moved(request: str, state: RequestState, at: datetime, reason: str = "test") -> RequestMoved:
    return RequestMoved(at=at, request=request, state=state, reason=reason)


def ended(**changes: Any) -> RequestRecord:
    """A request that was active for its whole 15 minutes."""
    plan = planned(**changes)
    return RequestRecord(
        planned=plan,
        state="ended",
        limit_kw=plan.limit_kw,
        end=plan.end,
        sequence=plan.sequence,
        sent_sequence=1,
        attempts=1,
        sent_at=plan.at,
        moved_at=plan.end,
        active_at=plan.start,
        ended_at=plan.end,
        held_until=plan.end,
        limits=((plan.at, plan.limit_kw),),
    )


def with_limits(record: RequestRecord, *limits: tuple[float, float]) -> RequestRecord:
    """(seconds after T0, limit_kw) each."""
    return replace(
        record, limits=tuple((after(seconds), kw) for seconds, kw in limits), limit_kw=limits[-1][1]
    )


@dataclass(frozen=True)
class Sample:
    """A `baselines.MeterSample`."""

    at: datetime
    p_kw: NDArray[np.float32]


def samples(
    p_kw: float | list[float], *, every_s: float = 5.0, begin_s: float = 0.0, end_s: float = 900.0
) -> list[Sample]:
    """One meter, read regularly: the same power always, or one value for each reading."""
    times = np.arange(begin_s, end_s, every_s)
    values = [p_kw] * len(times) if isinstance(p_kw, float) else p_kw
    return [
        Sample(after(float(seconds)), np.array([kw], dtype=np.float32))
        for seconds, kw in zip(times, values, strict=True)
    ]


def books_of(*entries: Entry) -> Books:
    books = Books()
    books.apply_all(entries)
    return books
