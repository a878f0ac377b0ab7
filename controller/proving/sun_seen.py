"""What the sun did while a request was in force, by the meters of other roofs: step [7] of the path. Pure.

Nobody knows what one roof would have given, but those of the same street stand under the same sky. Witnesses
are service points with inverters and no other device, and only while nobody there is asked for anything, nor
was when the request was planned. What a house takes shows at its meter as well: taken together it hardly
moves, and a house that takes more makes the sun look lower, never higher than it was at the start.

What they tell is rounded up, can only take away from a credit, and stands in the journal, so that calculating
anew needs no other meter.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.books import Books
from controller.bounds import direction_of, feeds_in
from controller.entries import SettledSun
from controller.feeder_control import FeederControl
from controller.proving.asked_times import Span
from controller.proving.meter_readings import Floats, MeterReadings
from controller.proving.verification import LOOK_BACK, Steps
from controller.requests import RequestRecord

STEP_S = 60.0
"""at least; a slower cycle's period else"""
LEAST_KW = 1.0
"""A roof whose meter showed less feed-in than this at the start tells nothing."""
MOVING = timedelta(minutes=2)
"""Before and after a request its meter does not show the sun alone yet."""
_DECIMALS = 1000
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Witness:
    """A service point where nothing but inverters is known."""

    position: int
    asked: tuple[Span, ...] = ()
    """when somebody there was, or is, asked for something"""


def witnesses(control: FeederControl, books: Books, record: RequestRecord) -> tuple[Witness, ...]:
    """All of a feeder but the request's own meter."""
    own = control.place.get(record.planned.service_point)
    in_force: dict[str, list[Span]] = {}
    for other in books.open_requests(control.feeder):
        span = (other.active_at or other.planned.start, datetime.max.replace(tzinfo=UTC))
        in_force.setdefault(other.planned.service_point, []).append(span)
    return tuple(
        Witness(
            position,
            (*books.asked_spans(control.feeder, point), *in_force.get(point, ())),
        )
        for position, devices in control.devices_at.items()
        if position != own and all(direction_of(device.kind) == "production" for device in devices)
        for point in (control.network.service_points[position],)
    )


def sun_seen(
    record: RequestRecord, readings: MeterReadings, who: Iterable[Witness], step_s: float
) -> SettledSun | None:
    """What the witnesses tell of the time from a request's plan until its end; None where nobody tells
    anything, and where taking is limited. `readings`: of all meters, in a stretch of time with
    `sample_window` in it.
    """
    known = tuple(who)
    if record.ended_at is None or not known or not feeds_in(record):
        return None
    start_s = record.planned.at.timestamp()
    first = int(np.searchsorted(readings.at_s, start_s, side="right")) - 1
    last = int(np.searchsorted(readings.at_s, record.ended_at.timestamp()))
    if first < 0 or last <= first or readings.at_s[first] < start_s - LOOK_BACK.total_seconds():
        return None
    at_s = readings.at_s[first:last]
    fed_in_kw = -readings.p_kw[[one.position for one in known], first:last].astype(np.float64)
    shown = np.isfinite(fed_in_kw) & ~_asked(known, at_s)
    shown &= shown[:, :1]
    return _in_steps(at_s, _gone(fed_in_kw, shown), max(step_s, STEP_S))


def steps_of(sun: SettledSun | None) -> Steps | None:
    """The same as a series of steps, NaN where nobody was read."""
    if sun is None:
        return None
    gone = np.array([math.nan if part is None else part for part in sun.gone])
    return Steps(sun.begin.timestamp(), sun.step_s, gone)


def _asked(who: Iterable[Witness], at_s: Floats) -> Flags:
    """(n_witness, n) whether somebody there was asked for something."""
    margin_s = MOVING.total_seconds()
    rows = []
    for one in who:
        asked = np.zeros(len(at_s), dtype=np.bool_)
        for begin, end in one.asked:
            asked |= (at_s >= begin.timestamp() - margin_s) & (at_s <= end.timestamp() + margin_s)
        rows.append(asked)
    return np.array(rows)


def _gone(fed_in_kw: Floats, shown: Flags) -> Floats:
    """(n,) the part of what was fed in at the start that is not any more; NaN where nobody tells."""
    shown = shown & (fed_in_kw[:, :1] >= LEAST_KW)
    then_kw = np.where(shown, fed_in_kw[:, :1], 0.0).sum(axis=0)
    now_kw = np.where(shown, np.maximum(fed_in_kw, 0.0), 0.0).sum(axis=0)
    left = np.divide(now_kw, then_kw, out=np.full(len(now_kw), np.nan), where=then_kw > 0)
    gone: Floats = np.maximum(1.0 - left, 0.0)
    return gone


def _in_steps(at_s: Floats, gone: Floats, step_s: float) -> SettledSun | None:
    """The highest of each step."""
    number = np.floor(at_s / step_s).astype(np.int64)
    highest = np.full(int(number[-1] - number[0]) + 1, np.nan)
    np.fmax.at(highest, number - number[0], gone)
    if np.isnan(highest).all():
        return None
    rounded = np.ceil(np.round(highest * _DECIMALS, 6)) / _DECIMALS
    told = tuple(None if np.isnan(part) else float(part) for part in rounded)
    return SettledSun(
        begin=datetime.fromtimestamp(float(number[0]) * step_s, tz=UTC), step_s=step_s, gone=told
    )
