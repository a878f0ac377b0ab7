"""[3] What the next hours bring: a forecast that learns from every cycle, and what it says of each element.
Pure.

Powers *as they would be without control* are gathered into quarter-hour means, because what was curtailed
must not be learnt as normal; only what was measured counts. Every `look_ahead.every_s` the forecast
(`grid_model/forecast/`) is drawn and solved, and the elements that may leave their limits are kept with their
probability and time. Whether that is told to anybody is `announcements.py`'s subject.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from controller.feeder_check import Check
from controller.feeder_control import FeederControl
from grid_model.forecast import forecaster
from grid_model.forecast.course import Course, course
from grid_model.forecast.forecaster import HORIZONS, STEP_S, Forecaster, Slot
from grid_model.forecast.outlook import Outlook, outlooks
from grid_model.forecast.seasonal import SLOTS, WEEKEND, WORKDAY
from grid_model.network import Floats
from grid_model.snapshot import Quality

STEP = timedelta(seconds=STEP_S)
LEARNS_FIRST = SLOTS
"""Steps that must have been seen before anything is said: nothing is known of an evening that never was."""
_SCENARIOS = 64
_SEED = 2016
"""The same draws at every look: a probability changes because the forecast did."""
_FORGETS_AFTER = max(HORIZONS)
"""After a gap of so many steps no deviation is left to remember."""
_TELLING_SHARE = 1 / 3
"""From this share of it on a quarter-hour that still runs tells where things stand."""
_SATURDAY = 5


@dataclass(frozen=True)
class Running:
    """The quarter-hour that still runs."""

    start: datetime
    sum_kw: Floats
    """(n_sp,) of what was measured in it"""
    count: Floats
    """(n_sp,) how often"""

    @property
    def mean_kw(self) -> Floats:
        """(n_sp,) NaN where nothing was measured."""
        mean = np.full(len(self.count), np.nan)
        np.divide(self.sum_kw, self.count, out=mean, where=self.count > 0)
        return mean


@dataclass(frozen=True)
class LookAhead:
    """What is remembered from cycle to cycle. Replaced, never changed."""

    known: Forecaster
    running: Running | None = None
    looked_at: datetime | None = None
    outlooks: tuple[Outlook, ...] = ()
    """of the latest look"""
    times: tuple[datetime, ...] = ()
    """beginning of each horizon's quarter-hour at the latest look"""
    course: Course | None = None
    """how the highest loadings are expected to go on, by the latest look"""


def fresh(control: FeederControl) -> LookAhead:
    """Before anything was seen."""
    return LookAhead(forecaster.begin(control.network.default_p_kw))


def gather(
    before: LookAhead, control: FeederControl, at: datetime, without_control_kw: Floats, measured: Floats
) -> LookAhead:
    """Take in one cycle's powers (n_sp,); `measured` is 1 where a meter showed it.

    A time before the running quarter-hour is left out; one long before it shows that the clock was ahead, and
    what runs is dropped: it would stop the learning until that time comes.
    """
    start = slot_start(at)
    if before.running is not None and start < before.running.start - _FORGETS_AFTER * STEP:
        before = replace(before, running=None)
    running = before.running
    if running is not None and start < running.start:
        return before
    after = before
    if running is not None and start > running.start:
        after, running = _closed(before, control, running, start), None
    if running is None:
        nothing = np.zeros(len(without_control_kw))
        if after.known.steps == 0:
            after = replace(after, known=_guessed(control, without_control_kw, measured))
        running = Running(start, nothing, nothing)
    added = np.where(measured > 0, without_control_kw, 0.0)
    return replace(after, running=Running(start, running.sum_kw + added, running.count + measured))


def _guessed(control: FeederControl, without_control_kw: Floats, measured: Floats) -> Forecaster:
    """The network's own powers, times the ratio at which the meters are to theirs: a first guess."""
    default_kw, seen = control.network.default_p_kw, measured > 0
    expected_kw = float(default_kw[seen].sum())
    ratio = float(without_control_kw[seen].sum()) / expected_kw if expected_kw > 0 else 1.0
    return forecaster.begin(default_kw * max(ratio, 0.0))


def look(before: LookAhead, control: FeederControl, check: Check, now: datetime) -> LookAhead:
    """Look ahead when it is time to, and something is known; else nothing changes."""
    due = (
        before.looked_at is None
        or abs(now - before.looked_at).total_seconds() >= control.site.look_ahead.every_s
    )
    if not due or not check.result.converged or before.known.steps < LEARNS_FIRST or before.running is None:
        return before
    known, first = _standing(before, control, now)
    times = tuple(first + (h - 1) * STEP for h in HORIZONS)
    slots = tuple(slot(control, at) for at in times)
    load_flow = control.load_flow.at_voltage(check.slack_scale)
    forecast, reactive = forecaster.forecast(known, slots), partial(_reactive, control, check)
    found = outlooks(
        control.network,
        load_flow,
        forecast,
        reactive=reactive,
        limits=control.limits,
        count=_SCENARIOS,
        rng=np.random.default_rng(_SEED),
    )
    ahead = course(load_flow, forecast, reactive=reactive)
    return replace(before, looked_at=now, outlooks=found, times=times, course=ahead)


def is_old(ahead: LookAhead, control: FeederControl, now: datetime) -> bool:
    """Whether two looks or more have failed to come since the latest, as when no solution was found."""
    if ahead.looked_at is None:
        return False
    return (now - ahead.looked_at).total_seconds() > 2 * control.site.look_ahead.every_s


def measured(check: Check) -> Floats:
    """(n_sp,) 1 where the snapshot was measured."""
    return np.where(check.snapshot.quality == Quality.MEASURED, 1.0, 0.0)


def slot_start(at: datetime) -> datetime:
    """The beginning of a time's quarter-hour."""
    return at - timedelta(seconds=at.timestamp() % STEP_S)


def slot(control: FeederControl, start: datetime) -> Slot:
    """Which quarter-hour of which kind of day it is for the people who live there."""
    local = start.astimezone(ZoneInfo(control.site.look_ahead.time_zone))
    kind = WEEKEND if local.weekday() >= _SATURDAY else WORKDAY
    return Slot(kind, (local.hour * 3600 + local.minute * 60) // STEP_S)


def _closed(before: LookAhead, control: FeederControl, running: Running, until: datetime) -> LookAhead:
    """Learn the quarter-hour that is over, and those after it of which nothing is known."""
    known = forecaster.observe(before.known, slot(control, running.start), running.mean_kw)
    for start in _gap(running.start + STEP, until):
        known = forecaster.observe(known, slot(control, start), np.full(len(running.count), np.nan))
    return replace(before, known=known)


def _gap(start: datetime, until: datetime) -> Iterator[datetime]:
    start = max(start, until - _FORGETS_AFTER * STEP)
    while start < until:
        yield start
        start += STEP


def _standing(before: LookAhead, control: FeederControl, now: datetime) -> tuple[Forecaster, datetime]:
    """The forecaster that knows where things stand, and the start of the first quarter-hour it foretells."""
    running = before.running
    assert running is not None
    if (now - running.start) / STEP < _TELLING_SHARE:
        return before.known, running.start
    seen = forecaster.glimpse(before.known, slot(control, running.start), running.mean_kw)
    return seen, running.start + STEP


def _reactive(control: FeederControl, check: Check, p_kw: Floats) -> Floats:
    """Reactive power as now, and what is added by each service point's own power factor."""
    default_p, default_q = control.network.default_p_kw, control.network.default_q_kvar
    per_kw = np.divide(default_q, default_p, out=np.zeros(len(default_p)), where=default_p != 0)
    return np.asarray(check.snapshot.q_kvar + (p_kw - check.snapshot.p_kw) * per_kw)
