"""The baseline of one request by a published rule, from what its meter showed before: step [7]. Pure.

The meter's history is made of the stored samples: means of quarters of an hour, in days of the site's time
zone. Days on which the meter was asked, and holidays, are told apart. How far back the samples go is the
store's to say: too little history is handled as the rule says, and where it then has no baseline the live
meter counts, which the result tells.

The event's hours, which the rule compares with the same hours of other days, reach from the opening of the
event to the end of the request: what is beside them nobody had asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from controller.baselines.calculation import baseline
from controller.baselines.history import DAY_MINUTES, DayHistory, EventWindow, place_of
from controller.baselines.results import AppliedAdjustment, BaselineResult
from controller.baselines.rules import ControlGroup, DayMatching, MeterAround, Method, Programme, Stretch
from controller.entries import SettledBaseline
from controller.proving.meter_readings import Floats, MeterReadings
from controller.proving.settlement import RuleBaseline
from controller.proving.verification import Steps
from controller.requests import RequestRecord

Powers = NDArray[np.float32]
"""weeks of all meters: half the memory, and far finer than any meter"""
QUARTER_S = 900.0
_QUARTER_MINUTES = 15
_QUARTERS_A_DAY = DAY_MINUTES // _QUARTER_MINUTES
LIVE_METER = "live meter"
_DECIMALS = 4
"""of the kW that the journal tells and that are calculated with"""
_LONGEST_LOOK_BACK = timedelta(days=2)
"""at least, so that a rule that looks beside the event finds the hours before it"""


@dataclass(frozen=True, slots=True, eq=False)
class QuarterMeans:
    """What all meters of a feeder took in each quarter of an hour."""

    begin_s: Floats
    """(n,) Unix time, ascending, each once"""
    p_kw: Powers
    """(n_sp, n) NaN where too little was read"""
    samples: Floats | None = None
    """(n,) how many each is the mean of; None: as many as usual"""

    def usual(self) -> Powers:
        """(n_sp, n) the means, but NaN in quarters with less than half the samples that the usual one has."""
        if self.samples is None or not len(self.samples):
            return self.p_kw
        usual = self.samples >= np.median(self.samples) / 2
        return self.p_kw if usual.all() else np.where(usual, self.p_kw, np.float32(np.nan))


def quarter_means(readings: MeterReadings, min_share: float) -> QuarterMeans:
    """The means of the quarters that the readings touch, where at least `min_share` of a
    quarter's samples show the meter.
    """
    number = np.floor(readings.at_s / QUARTER_S).astype(np.int64)
    quarters, first, count = np.unique(number, return_index=True, return_counts=True)
    if not len(quarters):
        return QuarterMeans(np.zeros(0), np.zeros((0, 0), dtype=np.float32))
    read = np.isfinite(readings.p_kw)
    shown = np.add.reduceat(read, first, axis=1, dtype=np.int64)
    total = np.add.reduceat(np.where(read, readings.p_kw, 0.0), first, axis=1, dtype=np.float64)
    enough = (shown > 0) & (shown >= min_share * count)
    begin_s = quarters.astype(np.float64) * QUARTER_S
    p_kw = np.where(enough, total / np.maximum(shown, 1), np.nan)
    return QuarterMeans(begin_s, p_kw.astype(np.float32), count.astype(np.float64))


def joined(parts: Sequence[QuarterMeans]) -> QuarterMeans:
    """Stretches of time in order, that begin and end with quarters, as one."""
    known = [part for part in parts if len(part.begin_s)]
    if not known:
        return QuarterMeans(np.zeros(0), np.zeros((0, 0), dtype=np.float32))
    counts = [part.samples for part in known if part.samples is not None]
    return QuarterMeans(
        np.concatenate([part.begin_s for part in known]),
        np.concatenate([part.p_kw for part in known], axis=1),
        np.concatenate(counts) if len(counts) == len(known) else None,
    )


class MeterHistories:
    """The quarters of one feeder as local days; asked for one meter after the other."""

    def __init__(self, means: QuarterMeans, zone: tzinfo, holidays: frozenset[date] = frozenset()) -> None:
        self.zone = zone
        self._holidays = holidays
        starts = [datetime.fromtimestamp(float(at_s), tz=UTC) for at_s in means.begin_s]
        places = [place_of(at, zone, _QUARTER_MINUTES) for at in starts]
        self._dates = tuple(sorted({day for day, _ in places}))
        row = {day: n for n, day in enumerate(self._dates)}
        slots = np.array([row[day] * _QUARTERS_A_DAY + column for day, column in places], dtype=np.int64)
        self._p_kw = _in_slots(means.usual(), slots, len(self._dates) * _QUARTERS_A_DAY)

    @property
    def service_points(self) -> int:
        """How many meters there are."""
        return len(self._p_kw)

    def of(self, position: int, event_days: frozenset[date] = frozenset()) -> DayHistory | None:
        """One meter; None without any sample. An hour that the clock repeats is the mean of both."""
        if not self._dates or position >= self.service_points:
            return None
        table = self._p_kw[position].reshape(len(self._dates), _QUARTERS_A_DAY).astype(np.float64)
        return DayHistory(self._dates, table, self._holidays, event_days)


def _in_slots(p_kw: Powers, slots: NDArray[np.int64], n_slot: int) -> Powers:
    """(n_sp, n) → (n_sp, n_slot), by the slot of each column; the mean where two share one."""
    table = np.full((len(p_kw), n_slot), np.nan, dtype=np.float32)
    table[:, slots] = p_kw
    known, count = np.unique(slots, return_counts=True)
    for slot in known[count > 1]:
        both = p_kw[:, slots == slot].astype(np.float64)
        read = np.isfinite(both)
        total = np.where(read, both, 0.0).sum(axis=1)
        mean = total / np.maximum(read.sum(axis=1), 1)
        table[:, slot] = np.where(read.any(axis=1), mean, np.nan).astype(np.float32)
    return table


@dataclass(frozen=True, slots=True)
class Asked:
    """When the rule is applied to whom."""

    position: int
    event_from: datetime
    """when the event opened"""
    spans: tuple[tuple[datetime, datetime], ...] = ()
    """when this meter was asked, in other events too"""
    not_asked: tuple[int, ...] = ()
    """positions of those nobody asked in this event: a control group"""


def ready_at(rule: Programme, ended_at: datetime) -> datetime:
    """From when on a rule can be applied: some look at hours after the event."""
    methods = (rule.method, rule.fall_back)
    far = [stretch.far for method in methods if (stretch := _after(method)) is not None]
    return ended_at + timedelta(minutes=max(far) + _QUARTER_MINUTES) if far else ended_at


def look_back_days(rule: Programme) -> int:
    """How many days before the event a rule looks back at most; 0 where it knows no days."""
    methods = (rule.method, rule.fall_back)
    return max([one.look_back_days for m in methods for one in getattr(m, "days", ())], default=0)


def history_from(rule: Programme, event_from: datetime) -> datetime:
    """From when on the rule wants to know what the meters showed: a quarter's begin."""
    back = max(timedelta(days=look_back_days(rule) + 1), _LONGEST_LOOK_BACK)
    since_s = (event_from - back).timestamp()
    return datetime.fromtimestamp(since_s // QUARTER_S * QUARTER_S, tz=UTC)


def rule_baseline(
    record: RequestRecord, rule: Programme, histories: MeterHistories, asked: Asked
) -> RuleBaseline:
    """What the rule gives for a request that was active; the live meter's where it gives nothing."""
    assert record.active_at is not None and record.ended_at is not None  # noqa: PT018  one thing: it was active
    window = _window(min(asked.event_from, record.active_at), record.ended_at, histories.zone)
    if isinstance(window, str):
        return _live(record, rule, (window,))
    days = _days_of(asked.spans, histories.zone)
    history = histories.of(asked.position, days)
    if history is None:
        return _live(record, rule, ("no readings of this meter are kept",))
    controls: tuple[DayHistory, ...] = ()
    if isinstance(rule.method, ControlGroup):
        controls = tuple(one for n in asked.not_asked if (one := histories.of(n, days)) is not None)
    try:
        result = baseline(history, window, rule, controls)
    except ValueError as error:
        return _live(record, rule, (str(error),))
    return _told(record, rule, result, asked)


def told_baseline(record: RequestRecord, told: SettledBaseline) -> RuleBaseline:
    """The baseline that a request was settled by, from what the journal tells of it."""
    if not told.p_kw or record.active_at is None:
        return RuleBaseline(told, None)
    begin_s = record.active_at.timestamp() // QUARTER_S * QUARTER_S
    return RuleBaseline(told, Steps(begin_s, QUARTER_S, np.array(told.p_kw)))


def _after(method: Method | None) -> Stretch | None:
    """The hours after the event that a method looks at."""
    if isinstance(method, DayMatching):
        return None if method.adjustment is None else method.adjustment.after
    return method.after if isinstance(method, MeterAround) else None


def _window(begin: datetime, end: datetime, zone: tzinfo) -> EventWindow | str:
    """The event's hours on the local clock, or why they cannot be told."""
    local, local_end = begin.astimezone(zone), end.astimezone(zone)
    if local.utcoffset() != local_end.utcoffset():
        return "the clock was changed within the event"
    begin_minute = local.hour * 60 + local.minute
    end_minute = begin_minute + -(-int((end - begin).total_seconds() + local.second) // 60)
    try:
        return EventWindow(local.date(), begin_minute, max(end_minute, begin_minute + 1))
    except ValueError as error:
        return str(error)


def _days_of(spans: Iterable[tuple[datetime, datetime]], zone: tzinfo) -> frozenset[date]:
    days: set[date] = set()
    for begin, end in spans:
        day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        while day <= last:
            days.add(day)
            day += timedelta(days=1)
    return frozenset(days)


def _told(record: RequestRecord, rule: Programme, result: BaselineResult, asked: Asked) -> RuleBaseline:
    assert record.active_at is not None and record.ended_at is not None  # noqa: PT018
    if result.p_kw is None or not np.all(np.isfinite(result.p_kw)):
        return _live(record, rule, result.reasons)
    begin_s = min(asked.event_from, record.active_at).timestamp() // QUARTER_S * QUARTER_S
    p_kw: Floats = np.asarray(result.p_kw, dtype=np.float64).round(_DECIMALS)
    steps = Steps(begin_s, QUARTER_S, p_kw)
    active_s, ended_s = record.active_at.timestamp(), record.ended_at.timestamp()
    edges = steps.edges_s()
    within_s = np.maximum(np.minimum(edges[1:], ended_s) - np.maximum(edges[:-1], active_s), 0.0)
    told = SettledBaseline(
        rule=rule.name,
        method=result.method,
        baseline_kwh=round(float(steps.p_kw @ within_s) / 3600.0, 6),
        p_kw=tuple(steps.p_kw[within_s > 0].tolist()),
        days=result.used_days,
        adjustment=_adjustment(result.adjustment),
        reasons=result.reasons,
    )
    return RuleBaseline(told, steps)


def _live(record: RequestRecord, rule: Programme, reasons: Sequence[str]) -> RuleBaseline:
    assert record.active_at is not None and record.ended_at is not None  # noqa: PT018
    hours = (record.ended_at - record.active_at).total_seconds() / 3600.0
    told = SettledBaseline(
        rule=rule.name,
        method=LIVE_METER,
        baseline_kwh=round(record.planned.baseline_kw * hours, 6),
        reasons=(*reasons, "the rule gives no baseline, so the live meter's counts"),
    )
    return RuleBaseline(told, None)


def _adjustment(applied: AppliedAdjustment | None) -> str | None:
    if applied is None:
        return None
    by = "kW" if applied.kind.value == "additive" else "times"
    seen = f"{applied.measured_kw:.3f} kW beside the event, {applied.expected_kw:.3f} kW on the used days"
    cap = f", {applied.applied:.4f} after the cap" if applied.capped else ""
    return f"{applied.kind.value}: {applied.asked:.4f} {by}{cap} ({seen})"
