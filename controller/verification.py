"""Readings against the baseline: how much less was really used, step [7] of the path. Pure.

The rules, each chosen so that doubt never earns:

* Only the time in which the request was active counts, and only where the meter was read: a sample stands for
  the time until the next one, but for no more than `LONGEST_GAP` times the usual spacing, so a gap proves
  nothing.
* Per interval (UTC, `interval_s` long) the reduction is what the meter used less than the baseline, netted
  over the interval's samples: what was saved in one minute and used in the next is no reduction. It is never
  below zero.
* It is never more than what was asked: what the target took before less the limit in force (a device), or the
  baseline less the limit (a person). Where limits changed while a sample stood, the highest of them counts.
* The baseline is one moment's: it is believed for `baseline_holds_s` after it was frozen, and what a longer
  request saves after that earns nothing. Nobody knows when a car that charges slowly would have been full.
* Where several requests were active at one meter, each gets the share of the reduction that it has of what
  was asked of that meter, so that no kilowatt is credited twice.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from controller.baselines import MeterSample
from controller.requests import RequestRecord

LONGEST_GAP = 3.0
"""times the median spacing of the samples"""
LOOK_BACK = timedelta(minutes=5)
"""Samples from before the request tell the usual spacing even when it was short."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of a request's active time."""

    start: datetime
    asked_kwh: float
    """over the measured time"""
    reduced_kwh: float
    measured_s: float
    active_s: float


@dataclass(frozen=True, slots=True)
class Verified:
    """What the meter proves of one request."""

    asked_kwh: float
    """over the whole active time, measured or not"""
    intervals: tuple[Interval, ...]
    samples: int
    samples_measured: int

    @property
    def reduced_kwh(self) -> float:
        """The sum over all intervals."""
        return sum(interval.reduced_kwh for interval in self.intervals)

    @property
    def compliance_percent(self) -> float:
        """Reduced as a share of what was asked in the measured time; 0 when nothing was."""
        asked_kwh = sum(interval.asked_kwh for interval in self.intervals)
        return 100.0 * self.reduced_kwh / asked_kwh if asked_kwh > 0.0 else 0.0

    @property
    def measured_share(self) -> float:
        """Of the samples, how many showed this meter; 0 without any sample."""
        return self.samples_measured / self.samples if self.samples else 0.0

    def intervals_measured(self, min_share: float) -> int:
        """Intervals whose active time was measured to at least this share."""
        return sum(i.measured_s > 0.0 and i.measured_s >= min_share * i.active_s for i in self.intervals)


def sample_window(record: RequestRecord) -> tuple[datetime, datetime] | None:
    """The samples (start <= at < end) that `verify` needs; None when the request never was active.

    A function of the record alone, so that verifying again later sees the same samples.
    """
    if record.active_at is None or record.ended_at is None:
        return None
    return record.active_at - LOOK_BACK, record.ended_at


def verify(
    record: RequestRecord,
    beside: Sequence[RequestRecord],
    samples: Sequence[MeterSample],
    position: int,
    interval_s: float,
    *,
    baseline_holds_s: float = math.inf,
) -> Verified:
    """What the meter at `position` of the samples' `p_kw` proves of an ended request.

    `beside`: all other requests at the same meter (`Books.beside`). `samples`: those in `sample_window`, any
    order. Nothing counts later than `baseline_holds_s` after the request was planned.
    """
    active_at, ended_at = record.active_at, record.ended_at
    if active_at is None or ended_at is None or ended_at <= active_at:
        return Verified(asked_kwh=0.0, intervals=(), samples=0, samples_measured=0)
    until = _believed_until(record, ended_at, baseline_holds_s)
    stretches = [s for s in _stretches(samples, position, until) if s.begin_s >= active_at.timestamp()]
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    for stretch in stretches:
        if stretch.p_kw is None:
            continue
        asked_kw = _asked_kw(record, stretch.begin_s, stretch.end_s)
        saved_kw = (record.planned.baseline_kw - stretch.p_kw) * _share(record, asked_kw, beside, stretch)
        for number, seconds in _split(stretch.begin_s, stretch.end_s, interval_s):
            tallies[number].add(asked_kw, saved_kw, seconds)
    return Verified(
        asked_kwh=_asked_in_all_kwh(record, active_at, ended_at),
        intervals=tuple(
            tallies[number].interval(datetime.fromtimestamp(number * interval_s, tz=UTC), seconds)
            for number, seconds in _split(active_at.timestamp(), until.timestamp(), interval_s)
        ),
        samples=len(stretches),
        samples_measured=sum(stretch.p_kw is not None for stretch in stretches),
    )


def _believed_until(record: RequestRecord, ended_at: datetime, baseline_holds_s: float) -> datetime:
    held_s = (ended_at - record.planned.at).total_seconds()
    return ended_at if held_s <= baseline_holds_s else record.planned.at + timedelta(seconds=baseline_holds_s)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One sample of one meter, and the time it stands for."""

    begin_s: float
    end_s: float
    """Unix time"""
    p_kw: float | None


@dataclass(slots=True)
class _Tally:
    """Sums of one interval."""

    asked_kwh: float = 0.0
    saved_kwh: float = 0.0
    """netted: what was used above the baseline counts against it"""
    measured_s: float = 0.0

    def add(self, asked_kw: float, saved_kw: float, seconds: float) -> None:
        self.asked_kwh += asked_kw * seconds / 3600.0
        self.saved_kwh += saved_kw * seconds / 3600.0
        self.measured_s += seconds

    def interval(self, start: datetime, active_s: float) -> Interval:
        return Interval(
            start=start,
            asked_kwh=self.asked_kwh,
            reduced_kwh=min(max(self.saved_kwh, 0.0), self.asked_kwh),
            measured_s=self.measured_s,
            active_s=active_s,
        )


def _stretches(samples: Sequence[MeterSample], position: int, ended_at: datetime) -> list[_Stretch]:
    """The samples before `ended_at` in order, each with the time it stands for."""
    before_end = [sample for sample in samples if sample.at < ended_at]
    ordered = sorted(before_end, key=lambda sample: sample.at)
    at_s = np.array([sample.at.timestamp() for sample in ordered])
    until_s = _stands_until(at_s, ended_at.timestamp())
    p_kw = [float(sample.p_kw[position]) for sample in ordered]
    return [
        _Stretch(float(begin_s), float(end_s), kw if math.isfinite(kw) else None)
        for begin_s, end_s, kw in zip(at_s, until_s, p_kw, strict=True)
    ]


def _stands_until(at_s: NDArray[np.float64], ended_s: float) -> NDArray[np.float64]:
    """Until when each sample stands: the next one, or the end, but not past the longest gap. (n,) → (n,)."""
    if len(at_s) < 2:
        return at_s.copy()  # no spacing is known, so one sample proves no time
    spacing_s = np.diff(at_s)
    next_s = np.append(at_s[1:], ended_s)
    longest_s: float = LONGEST_GAP * float(np.median(spacing_s))
    until_s: NDArray[np.float64] = np.minimum(next_s, at_s + longest_s)
    return until_s


def _asked_kw(record: RequestRecord, begin_s: float, end_s: float) -> float:
    """What the request asked the target to leave out between these times: by the highest limit in force
    then."""
    planned = record.planned
    before_kw = planned.p_before_kw if record.resource == "device" else planned.baseline_kw
    in_force = record.limits[0][1]
    highest: float | None = None
    for at, limit_kw in record.limits:
        at_s = at.timestamp()
        if at_s <= begin_s:
            in_force = limit_kw
        elif at_s < end_s:
            highest = limit_kw if highest is None else max(highest, limit_kw)
    limit_kw = in_force if highest is None else max(in_force, highest)
    return max(before_kw - limit_kw, 0.0)


def _share(
    record: RequestRecord, asked_kw: float, beside: Sequence[RequestRecord], stretch: _Stretch
) -> float:
    """The part of what the meter shows that is this request's: what it asked of all that was asked there."""
    others = (other for other in beside if _is_active(other, stretch.begin_s))
    all_kw = asked_kw + sum(_asked_kw(other, stretch.begin_s, stretch.end_s) for other in others)
    return asked_kw / all_kw if all_kw > 0.0 else 0.0


def _is_active(record: RequestRecord, at_s: float) -> bool:
    if record.active_at is None or at_s < record.active_at.timestamp():
        return False
    return record.ended_at is None or at_s < record.ended_at.timestamp()


def _asked_in_all_kwh(record: RequestRecord, active_at: datetime, ended_at: datetime) -> float:
    """What was asked over the whole active time, limit by limit."""
    changes = [max(active_at, at) for at, _ in record.limits if at < ended_at]
    edges = sorted({active_at, *changes, ended_at})
    return sum(
        _asked_kw(record, begin.timestamp(), begin.timestamp()) * (end - begin).total_seconds() / 3600.0
        for begin, end in pairwise(edges)
    )


def _split(begin_s: float, end_s: float, interval_s: float) -> list[tuple[int, float]]:
    """The time between two instants by interval number (Unix time over `interval_s`): (number, seconds)."""
    parts: list[tuple[int, float]] = []
    while begin_s < end_s:
        number = int(begin_s // interval_s)
        until_s = min((number + 1) * interval_s, end_s)
        if until_s <= begin_s:  # an edge that binary fractions cannot tell from begin_s
            number, until_s = number + 1, min((number + 2) * interval_s, end_s)
        parts.append((number, until_s - begin_s))
        begin_s = until_s
    return parts
