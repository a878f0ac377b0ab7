"""Readings against the baseline: how much less was really used, step [7] of the path. Pure.

The rules, each chosen so that doubt never earns:

* Only the time in which the request was active counts, and only where the meter was read: a sample stands for
  the time until the next one, but for no more than `LONGEST_GAP` times the usual spacing, so a gap proves
  nothing. A late reading stands alike, by the spacing of the late readings, where no sample shows anything.
* Per interval (UTC, `interval_s` long) the reduction is what the meter used less than the baseline, netted
  over the interval's samples: what was saved in one minute and used in the next is no reduction. It is never
  below zero.
* It is never more than what was asked: what the target took before less the limit in force (a device), or the
  frozen baseline less the limit (a person). Where limits changed while a sample stood, the highest of them
  counts.
* The frozen baseline is one moment's: it is believed for `baseline_holds_s` from the planned start on, and
  what a longer request saves after that earns nothing. Nobody knows when a car that charges slowly would have
  been full. A published rule's (`Steps`) is of the whole time, and believed for all of it.
* Of feeding in less the frozen baseline is all there is, and the sun does not stand still: what would have
  been fed in is taken for falling from what it was to nothing in `baseline_holds_s`, faster than a clear sky
  lets it fall, and for no more than other roofs show that the sun left (`sun_seen.py`). While the meter shows
  less feed-in than the limit leaves, a cloud or the house itself may have done all of it: that earns nothing
  either.
* What other devices behind the meter did meanwhile, by their own word, proves nothing (`behind_meter.py`): it
  counts from a while before it was heard, and where nobody listened, all that they can do. A published rule's
  baseline knows what the house is used to, and stands.
* Where several requests of one direction were active at one meter, each gets the share of the reduction that
  it has of what was asked of that meter, so that no kilowatt is credited twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from controller.bounds import feeds_in
from controller.proving.meter_readings import Floats, MeterSeries
from controller.requests import RequestRecord

Flags = NDArray[np.bool_]
LONGEST_GAP = 3.0
"""times the median spacing of the samples"""
_AS_LIMITED_KW = 0.5
"""A house may take so much more than before while what it feeds in still counts as held back by the limit."""
HEARD_WITHIN = timedelta(seconds=60)
"""What a device does its meter may show so long before the device's own word comes."""
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

    def is_measured(self, min_share: float) -> bool:
        """Whether at least this share of its active time was measured."""
        return self.measured_s > 0.0 and self.measured_s >= min_share * self.active_s


@dataclass(frozen=True, slots=True)
class Verified:
    """What the meter proves of one request."""

    asked_kwh: float
    """over the whole active time, measured or not"""
    intervals: tuple[Interval, ...]
    samples: int
    samples_measured: int

    @property
    def measured_share(self) -> float:
        """Of the samples, how many showed this meter; 0 without any sample."""
        return self.samples_measured / self.samples if self.samples else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A baseline that changes from one step of time to the next; unknown outside of its steps."""

    begin_s: float
    """Unix time of the first step's begin"""
    step_s: float
    p_kw: Floats
    """(n_step,)"""

    def edges_s(self) -> Floats:
        """(n_step + 1,) where steps begin and end."""
        return self.begin_s + self.step_s * np.arange(len(self.p_kw) + 1, dtype=np.float64)

    def at(self, at_s: Floats) -> Floats:
        """(n,) the baseline at these times; NaN outside of its steps."""
        places = np.floor((at_s - self.begin_s) / self.step_s).astype(np.int64)
        known = (places >= 0) & (places < len(self.p_kw))
        return np.where(known, self.p_kw[np.clip(places, 0, len(self.p_kw) - 1)], np.nan)


def sample_window(record: RequestRecord) -> tuple[datetime, datetime] | None:
    """The samples (start <= at < end) that `verify_series` needs; None when the request never was active.

    A function of the record alone, so that verifying again later sees the same samples.
    """
    if record.active_at is None or record.ended_at is None:
        return None
    return record.active_at - LOOK_BACK, record.ended_at


def verify_series(
    record: RequestRecord,
    beside: Sequence[RequestRecord],
    series: MeterSeries,
    interval_s: float,
    *,
    baseline: Steps | None = None,
    baseline_holds_s: float = math.inf,
    sun: Steps | None = None,
) -> Verified:
    """What a meter proves of an ended request.

    `beside`: all other requests at the same meter (`Books.beside`). `series`: the meter in `sample_window`.
    Without `baseline` the frozen one counts, but nothing later than `baseline_holds_s` after the request was
    planned, or after the start that it was planned for. `sun`: as `SettledSun.gone`, NaN where nobody tells.
    """
    active_at, ended_at = record.active_at, record.ended_at
    if active_at is None or ended_at is None or ended_at <= active_at:
        return Verified(asked_kwh=0.0, intervals=(), samples=0, samples_measured=0)
    until = ended_at if baseline is not None else _believed_until(record, ended_at, baseline_holds_s)
    active_s, until_s = active_at.timestamp(), until.timestamp()
    shown, samples, samples_measured = _shown(series, active_s, until_s)
    shown = _under_the_sun(shown, sun)
    edges = _edges(active_s, until_s, interval_s, baseline)
    if feeds_in(record):
        cells = _cells_of_feed_in(record, beside, shown, edges, baseline_holds_s)
    else:
        cells = _cells(record, beside, shown, edges, baseline)
    asked_kwh, saved_kwh, measured_s = cells
    return Verified(
        asked_kwh=_asked_in_all_kwh(record, active_at, ended_at),
        intervals=_intervals(edges, interval_s, asked_kwh, saved_kwh, measured_s),
        samples=samples,
        samples_measured=samples_measured,
    )


def _believed_until(record: RequestRecord, ended_at: datetime, baseline_holds_s: float) -> datetime:
    begins = _frozen_at(record)
    held_s = (ended_at - begins).total_seconds()
    return ended_at if held_s <= baseline_holds_s else begins + timedelta(seconds=baseline_holds_s)


def _frozen_at(record: RequestRecord) -> datetime:
    """From when on the frozen baseline ages: who is told ahead is no worse off for it."""
    return max(record.planned.at, record.planned.start)


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What the meter showed: (n,) readings, and from when until when (Unix time) each stands."""

    begin_s: Floats
    end_s: Floats
    p_kw: Floats
    sun_gone: Floats = field(default_factory=lambda: np.zeros(0))
    """(n,) as `SettledSun.gone`; NaN where nobody tells"""
    is_late: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    """(n,) the controller did not see it then"""


def _shown(series: MeterSeries, active_s: float, until_s: float) -> tuple[_Shown, int, int]:
    """What was read in the active time; how many samples there are, and how many of them show the meter."""
    before_end = series.at_s < until_s
    at_s, p_kw = series.at_s[before_end], series.p_kw[before_end]
    counts = at_s >= active_s
    begin_s, end_s, p_kw = at_s[counts], _stands_until(at_s, until_s)[counts], p_kw[counts]
    read = np.isfinite(p_kw)
    shown = _Shown(begin_s[read], end_s[read], p_kw[read], is_late=np.zeros(int(read.sum()), dtype=np.bool_))
    if not len(series.late_at_s):
        return shown, len(begin_s), int(read.sum())
    late = _late(series, shown, active_s, until_s)
    if not len(begin_s):  # the controller itself was away: how much was read, the intervals tell
        return late, len(late.begin_s), len(late.begin_s)
    told = _within(late, begin_s[~read])
    both = [np.concatenate(pair) for pair in ((shown.begin_s, late.begin_s), (shown.end_s, late.end_s))]
    return (
        _Shown(
            both[0],
            both[1],
            np.concatenate((shown.p_kw, late.p_kw)),
            is_late=np.concatenate((shown.is_late, late.is_late)),
        ),
        len(begin_s),
        int(read.sum()) + told,
    )


def _stands_until(at_s: Floats, ended_s: float) -> Floats:
    """Until when each sample stands: the next one, or the end, but not past the longest gap. (n,) → (n,)."""
    if len(at_s) < 2:
        return at_s.copy()  # no spacing is known, so one sample proves no time
    next_s = np.append(at_s[1:], ended_s)
    spacing_s = np.sort(np.diff(at_s))
    median_s = float(spacing_s[(len(spacing_s) - 1) // 2] + spacing_s[len(spacing_s) // 2]) / 2
    longest_s: float = LONGEST_GAP * median_s
    until_s: Floats = np.minimum(next_s, at_s + longest_s)
    return until_s


def _late(series: MeterSeries, shown: _Shown, active_s: float, until_s: float) -> _Shown:
    """The late readings of the active time, cut to where no sample shows anything."""
    before_end = series.late_at_s < until_s
    at_s, p_kw = series.late_at_s[before_end], series.late_p_kw[before_end]
    end_s = _stands_until(at_s, until_s)
    pieces: list[tuple[float, float, float]] = []
    for begin, end, kw in zip(at_s, end_s, p_kw, strict=True):
        if begin < active_s:
            continue
        free_from = float(begin)
        first, last = np.searchsorted(shown.end_s, begin, "right"), np.searchsorted(shown.begin_s, end)
        for taken_from, taken_until in zip(shown.begin_s[first:last], shown.end_s[first:last], strict=True):
            if taken_from > free_from:
                pieces.append((free_from, float(taken_from), float(kw)))
            free_from = float(taken_until)
        if free_from < end:
            pieces.append((free_from, float(end), float(kw)))
    table = np.array(pieces).reshape(-1, 3)
    return _Shown(table[:, 0], table[:, 1], table[:, 2], is_late=np.ones(len(table), dtype=np.bool_))


def _within(shown: _Shown, at_s: Floats) -> int:
    """How many of these times lie in what is shown."""
    if not len(shown.begin_s):
        return 0
    latest = np.searchsorted(shown.begin_s, at_s, "right") - 1
    return int(((latest >= 0) & (at_s < shown.end_s[latest])).sum())


def _edges(active_s: float, until_s: float, interval_s: float, baseline: Steps | None) -> Floats:
    """Active time's begin and end, and between them every edge of an interval or of a baseline's step."""
    if until_s <= active_s:
        return np.array([active_s])
    first, last = math.floor(active_s / interval_s) + 1, math.ceil(until_s / interval_s)
    inner = np.arange(first, last) * interval_s
    if baseline is not None:
        inner = np.union1d(inner, baseline.edges_s())
    inner = inner[(inner > active_s) & (inner < until_s)]
    return np.concatenate(([active_s], inner, [until_s]))


def _cells(
    record: RequestRecord,
    beside: Sequence[RequestRecord],
    shown: _Shown,
    edges: Floats,
    baseline: Steps | None,
) -> tuple[Floats, Floats, Floats]:
    """Asked kWh, saved kWh and measured seconds of each cell between two edges, (n_cell,) each."""
    asked_kw = _asked_kw(record, shown)
    share = _share(record, asked_kw, beside, shown)
    frozen_kw = record.planned.baseline_kw
    middle_s = (edges[:-1] + edges[1:]) / 2
    b_kw = np.full(len(middle_s), frozen_kw) if baseline is None else baseline.at(middle_s)
    overlap_s = _overlap_s(shown, edges)
    overlap_s = np.where(np.isfinite(b_kw)[None, :], overlap_s, 0.0)
    b_kw = np.where(np.isfinite(b_kw), b_kw, 0.0)
    others_kw = np.zeros(len(shown.p_kw)) if baseline is not None else _others_kw(record, shown)
    # near to what is told, so that little is cancelled out
    saved_kw = share * (frozen_kw - shown.p_kw - others_kw)
    saved_kwh = (saved_kw @ overlap_s + (b_kw - frozen_kw) * (share @ overlap_s)) / 3600.0
    return asked_kw @ overlap_s / 3600.0, saved_kwh, overlap_s.sum(axis=0)


def _overlap_s(shown: _Shown, edges: Floats) -> Floats:
    """(n, n_cell) for how long each reading stands in each cell."""
    until_s = np.minimum(shown.end_s[:, None], edges[None, 1:])
    return np.asarray(np.maximum(until_s - np.maximum(shown.begin_s[:, None], edges[None, :-1]), 0.0))


def _cells_of_feed_in(
    record: RequestRecord,
    beside: Sequence[RequestRecord],
    shown: _Shown,
    edges: Floats,
    holds_s: float,
) -> tuple[Floats, Floats, Floats]:
    """As `_cells`. Each reading is held against what the sun is believed to give until it ends; what it gives
    less than at the start nobody held back.
    """
    at_first_kw, set_kw = _of_the_sun(record, shown, holds_s)
    asked_kw = at_first_kw - set_kw
    share = _share(record, asked_kw, beside, shown)
    for other in beside:  # of several inverters one meter shows what all of them feed in less
        if feeds_in(other) and _overlap(record, other):
            theirs, active = _of_the_sun(other, shown, holds_s), _is_active(other, shown.begin_s)
            at_first_kw = at_first_kw + np.where(active, theirs[0], 0.0)
            set_kw = set_kw + np.where(active, theirs[1], 0.0)
    less_kw = shown.p_kw - record.planned.baseline_kw  # fed in than at the start
    as_limited = less_kw <= at_first_kw + _AS_LIMITED_KW
    saved_kw = np.where(as_limited, share * (less_kw - set_kw - _others_kw(record, shown)), 0.0)
    overlap_s = _overlap_s(shown, edges)
    return asked_kw @ overlap_s / 3600.0, saved_kw @ overlap_s / 3600.0, overlap_s.sum(axis=0)


def _of_the_sun(record: RequestRecord, shown: _Shown, holds_s: float) -> tuple[Floats, Floats]:
    """(n,) what an inverter was asked to leave out while each reading stood, and what of it the sun is
    believed to give no more.
    """
    passed_s = np.maximum(shown.end_s - _frozen_at(record).timestamp(), 0.0)
    gone = np.minimum(passed_s / holds_s, 1.0) if holds_s > 0 else np.ones(len(passed_s))
    gone = np.fmax(gone, shown.sun_gone)
    asked_kw = _asked_kw(record, shown)
    return asked_kw, np.minimum(gone * _before_kw(record), asked_kw)


def _under_the_sun(shown: _Shown, sun: Steps | None) -> _Shown:
    """With what other roofs tell of the sun when each reading was taken."""
    unknown = np.full(len(shown.begin_s), np.nan)
    return replace(shown, sun_gone=unknown if sun is None else sun.at(shown.begin_s))


def _others_kw(record: RequestRecord, shown: _Shown) -> Floats:
    """(n,) the most that other devices behind the meter did while each reading stood, and `HEARD_WITHIN`
    afterwards; of late readings all that they can do.
    """
    most_kw, begin_s = record.planned.beside_kw, shown.begin_s
    from_s = np.array([-math.inf, *(at.timestamp() for at, _ in record.beside)])
    kw = np.array([0.0, *(kw for _, kw in record.beside)])
    highest_kw = kw[np.searchsorted(from_s, begin_s, side="right") - 1]
    for at_s, told_kw in zip(from_s, kw, strict=True):
        meanwhile = (begin_s < at_s) & (at_s < shown.end_s + HEARD_WITHIN.total_seconds())
        highest_kw = np.where(meanwhile, np.maximum(highest_kw, told_kw), highest_kw)
    return np.minimum(np.where(shown.is_late, most_kw, highest_kw), most_kw)


def _intervals(
    edges: Floats, interval_s: float, asked_kwh: Floats, saved_kwh: Floats, measured_s: Floats
) -> tuple[Interval, ...]:
    """Cells summed up to intervals: netted over all of an interval, within 0 and what was asked."""
    numbers = np.floor((edges[:-1] + edges[1:]) / 2 / interval_s)
    cells = zip(
        numbers.tolist(),
        asked_kwh.tolist(),
        saved_kwh.tolist(),
        measured_s.tolist(),
        np.diff(edges).tolist(),
        strict=True,
    )
    found = []
    for number, of_one in groupby(cells, key=itemgetter(0)):
        _, asked, saved, measured, active = (sum(column) for column in zip(*of_one, strict=True))
        found.append(
            Interval(
                start=datetime.fromtimestamp(number * interval_s, tz=UTC),
                asked_kwh=asked,
                reduced_kwh=min(max(saved, 0.0), asked),
                measured_s=measured,
                active_s=active,
            )
        )
    return tuple(found)


def _asked_kw(record: RequestRecord, shown: _Shown) -> Floats:
    """(n,) what the request asked the target to leave out while each reading stood: by the highest limit in
    force then.
    """
    limits_kw = np.array([limit_kw for _, limit_kw in record.limits])
    if len(limits_kw) == 1:
        highest_kw = np.full(len(shown.begin_s), limits_kw[0])
    else:
        from_s = np.array([at.timestamp() for at, _ in record.limits])
        in_force = np.maximum(np.searchsorted(from_s, shown.begin_s, side="right") - 1, 0)
        highest_kw = limits_kw[in_force]
        for at_s, limit_kw in zip(from_s, limits_kw, strict=True):
            meanwhile = (shown.begin_s < at_s) & (at_s < shown.end_s)
            highest_kw = np.where(meanwhile, np.maximum(highest_kw, limit_kw), highest_kw)
    return np.maximum(_before_kw(record) - highest_kw, 0.0)


def _before_kw(record: RequestRecord) -> float:
    planned = record.planned
    return planned.p_before_kw if record.resource == "device" else planned.baseline_kw


def _share(record: RequestRecord, asked_kw: Floats, beside: Sequence[RequestRecord], shown: _Shown) -> Floats:
    """(n,) the part of what the meter shows that is this request's: what it asked of all that was asked there
    in its direction.
    """
    all_kw = asked_kw
    for other in beside:
        if other.planned.direction == record.planned.direction and _overlap(record, other):
            all_kw = all_kw + np.where(_is_active(other, shown.begin_s), _asked_kw(other, shown), 0.0)
    return np.divide(asked_kw, all_kw, out=np.zeros_like(asked_kw), where=all_kw > 0.0)


def _overlap(one: RequestRecord, other: RequestRecord) -> bool:
    """Whether both were active at some time; `one` has ended."""
    if one.active_at is None or other.active_at is None or one.ended_at is None:
        return False
    return other.active_at < one.ended_at and (other.ended_at is None or one.active_at < other.ended_at)


def _is_active(record: RequestRecord, at_s: Floats) -> np.ndarray:
    assert record.active_at is not None
    begun = at_s >= record.active_at.timestamp()
    return begun if record.ended_at is None else begun & (at_s < record.ended_at.timestamp())


def _asked_in_all_kwh(record: RequestRecord, active_at: datetime, ended_at: datetime) -> float:
    """What was asked over the whole active time, limit by limit."""
    changes = [max(active_at, at) for at, _ in record.limits if at < ended_at]
    edges = sorted({active_at, *changes, ended_at})
    before_kw, energy_kwh = _before_kw(record), 0.0
    for begin, end in pairwise(edges):
        limit_kw = record.limits[0][1]
        for at, kw in record.limits:
            limit_kw = kw if at <= begin else limit_kw
        energy_kwh += max(before_kw - limit_kw, 0.0) * (end - begin).total_seconds() / 3600.0
    return energy_kwh
