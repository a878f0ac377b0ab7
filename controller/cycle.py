"""The table of contents: one pass over one feeder, steps 2 to 6. Pure: (memory, books, now) → decisions.

`hearing.hear` comes before it (what came in [1]); the shell journals the decisions before anything of them
goes out.

    snapshot, load flow      feeder_check      [2, 3]
    data good enough?        data_alarms       [2, 3]
    violations, event        events            [3]
    free, renew              release           [6]
    locate                   grid_model        [4]
    cut devices, ask people  planning, asking  [5]
    is it over?              events            [3]
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from controller import asking, data_alarms, events, planning
from controller.baselines import WINDOW
from controller.books import Books
from controller.entries import Entry, EventOpened
from controller.feeder_check import Check, check
from controller.feeder_control import FeederControl
from controller.gatekeeper import Gatekeeper, feeder_budget_kw
from controller.memory import Memory
from controller.operators import Orders
from controller.reach import ends_by
from controller.release import Releases, curtailed_kw, releases, renewals, without_control_kw
from controller.situation import RunningEvent, Situation
from controller.stores.port import FeederSample
from grid_model.location import Contribution, locate
from grid_model.network import Floats
from grid_model.snapshot import Quality
from grid_model.violations import Violation


@dataclass(frozen=True)
class Decisions:
    """What one pass decided; nothing of it has happened yet."""

    entries: tuple[Entry, ...]
    memory: Memory
    """to be adopted once the entries are durable"""
    sample: FeederSample
    check: Check
    good: bool
    alarm: str | None
    """what is wrong with the data now, for people"""
    located: tuple[Contribution, ...]
    gate_refused: Counter[str] = field(default_factory=Counter)
    moved_kw: float = 0.0
    """what the decided limits take away"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a feeder's pass is told from outside the feeder."""

    now: datetime
    epoch: int
    orders: Orders
    fleet_budget_kw: float


def decide(control: FeederControl, books: Books, memory: Memory, around: Surroundings) -> Decisions:
    """One pass over one feeder."""
    now, feeder = around.now, control.feeder
    checked, check_state = check(control, memory.state, memory.check, now)
    raised = {alarm.kind: alarm for alarm in books.alarms(feeder)}
    judged = data_alarms.judge(memory.alarms, control, memory.state, checked, raised=raised, now=now)
    event = books.open_event(feeder)
    tracker, opening = events.observe(
        memory.tracker,
        control,
        checked,
        appeared=books.violations(feeder),
        event=event,
        good=judged.good,
        now=now,
    )
    running = _running(books, opening, feeder)
    situation = _situation(control, books, memory, checked, event=running, good=judged.good, around=around)
    freed = releases(situation)
    located = _located(situation)
    asked = _asked(situation, freed, located)
    renewed = renewals(situation, freed, asked.entries)
    short, told_short = _short(situation, memory, freed, asked.short)
    closing: tuple[Entry, ...] = ()
    if (
        event is not None
        and not asked.entries
        and events.closes(tracker, control.site.events, not books.open_requests(feeder), now)
    ):
        closing = (events.closing(event, tracker, now),)
        told_short = None
    sample = _sample(situation)
    after = replace(
        memory,
        check=check_state,
        alarms=judged.state,
        tracker=tracker,
        expectations=asked.expectations,
        history=(*(s for s in memory.history if s.at >= now - WINDOW), sample),
        told_short=told_short,
        cycle=memory.cycle + 1,
    )
    return Decisions(
        entries=(*judged.entries, *opening, *freed.entries, *short, *asked.entries, *renewed, *closing),
        memory=after,
        sample=sample,
        check=checked,
        good=judged.good,
        alarm=judged.alarm,
        located=located,
        gate_refused=situation.gatekeeper.refused,
        moved_kw=situation.gatekeeper.moved_kw,
    )


def _running(books: Books, opening: Sequence[Entry], feeder: str) -> RunningEvent | None:
    """The event that is open, or opens in this very pass."""
    record = books.open_event(feeder)
    if record is not None:
        return RunningEvent(record.event, record.opened.at, books.next_number(record.event))
    opened = next((entry for entry in opening if isinstance(entry, EventOpened)), None)
    return None if opened is None else RunningEvent(opened.event, opened.at, 1)


def _situation(
    control: FeederControl,
    books: Books,
    memory: Memory,
    checked: Check,
    *,
    event: RunningEvent | None,
    good: bool,
    around: Surroundings,
) -> Situation:
    feeder = control.feeder
    return Situation(
        control=control,
        books=books,
        state=memory.state,
        check=checked,
        event=event,
        now=around.now,
        epoch=around.epoch,
        good=good,
        automatic=books.automatic(feeder) and feeder not in around.orders.hands_off,
        left_alone=around.orders.left_alone(feeder),
        history=memory.history,
        gatekeeper=Gatekeeper(
            control=control,
            books=books,
            now=around.now,
            epoch=around.epoch,
            event_ends_by=None if event is None else ends_by(event.opened_at, control.site.events),
            data_good=good,
            feeder_budget_kw=feeder_budget_kw(control, books, around.now),
            fleet_budget_kw=around.fleet_budget_kw,
        ),
        expectations=memory.expectations,
    )


def _worst(situation: Situation) -> Violation | None:
    return situation.check.violations[0] if situation.check.violations else None


def _located(situation: Situation) -> tuple[Contribution, ...]:
    """Who causes the worst violation; nobody while there is none."""
    worst, control = _worst(situation), situation.control
    if worst is None:
        return ()
    known = situation.check.snapshot
    return locate(
        control.network, control.load_flow, known.p_kw, known.q_kvar, (worst,), _flexible_kw(situation)
    )


def _flexible_kw(situation: Situation) -> Floats:
    """(n_sp,) what the devices at each service point could give."""
    flexible = np.zeros(len(situation.control.network.service_points))
    for device in planning.flexible_devices(situation, situation.expectations):
        flexible[device.service_point] += max(device.p_kw - device.min_kw, 0.0)
    return flexible


def _asked(situation: Situation, freed: Releases, located: Sequence[Contribution]) -> planning.Plan:
    """Cuts of devices, then notices to people; neither while the automatic may not act or the event winds
    down.
    """
    event = situation.event
    if event is None or not situation.may_act or freed.winding_down or freed.released:
        _, standing = planning.expected_p_kw(situation)
        return planning.Plan(expectations=standing)
    plan = planning.plan(situation)
    notices = asking.asks(situation, event, located, plan.cut_at, plan.next_number)
    return replace(plan, entries=(*plan.entries, *notices))


def _short(
    situation: Situation, memory: Memory, freed: Releases, plan_short: bool
) -> tuple[tuple[Entry, ...], str | None]:
    """Tells once per situation that what may be asked for does not clear the violation."""
    event, worst = situation.event, _worst(situation)
    if event is None:
        return (), None
    if worst is None or not (plan_short or freed.winding_down):
        return (), memory.told_short
    told = f"{event.event}{' winding down' if freed.winding_down else ''}"
    if told == memory.told_short:
        return (), told
    return (planning.shortfall(situation, worst, event.event),), told


def _sample(situation: Situation) -> FeederSample:
    """What settlement and trend need of this pass: fresh readings only, never a guess."""
    known, result, control = situation.check.snapshot, situation.check.result, situation.control
    curtailed = sum(curtailed_kw(situation).values())
    return FeederSample(
        feeder=control.feeder,
        at=situation.now,
        p_kw=np.where(known.quality == Quality.MEASURED, known.p_kw, np.nan).astype(np.float32),
        transformer_loading_percent=_highest(result.transformer_loading_percent),
        max_line_loading_percent=_highest(result.line_loading_percent),
        without_control_percent=_without_control(situation, curtailed),
        curtailed_kw=curtailed,
    )


def _without_control(situation: Situation, curtailed: float) -> float | None:
    """The highest loading if nobody were limited now; None when nothing is known."""
    check, result = situation.check, situation.check.result
    if curtailed > 0 and result.converged:
        p_kw = without_control_kw(situation)
        result = situation.control.load_flow.solve(p_kw, check.snapshot.q_kvar, slack_scale=check.slack_scale)
    return events.highest_loading(result)


def _highest(loading: Floats) -> float | None:
    """The highest, or None when there is no element or nothing is known."""
    highest = float(np.fmax.reduce(loading)) if loading.size else np.nan
    return highest if np.isfinite(highest) else None
