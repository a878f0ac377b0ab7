"""The table of contents: one pass over one feeder, steps 2 to 6. Pure: (memory, books, now) → decisions.

`hearing.hear` comes before it (what came in [1]); the shell journals the decisions before anything of them
goes out.

    snapshot, load flow      feeder_check      [2, 3]
    data good enough?        data_alarms       [2, 3]
    who needs a failsafe     failsafes         [6]
    what may come            headroom, look_ahead, announcements  [3]
    violations, event        events            [3]
    free, ease, raise, renew release, easing, raising  [6]
    locate                   grid_model        [4]
    cut devices, ask people  planning, asking  [5]
    is it over?              events            [3]
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import numpy as np
import structlog

from controller import data_alarms, easing, events, failsafes, planning, raising
from controller.announcements import AnnouncerState, Told, announce
from controller.baselines import WINDOW
from controller.behind_meter import beside_moved
from controller.books import Books
from controller.bounds import at_point
from controller.entries import Entry, EventOpened, RequestChanged
from controller.feeder_check import Check, CheckState, check
from controller.feeder_control import FeederControl
from controller.gatekeeper import Gatekeeper, feeder_budget_kw
from controller.headroom import headroom, watch
from controller.look_ahead import LookAhead, gather, look, measured
from controller.memory import Memory
from controller.operators import Orders
from controller.people import asking
from controller.release import Releases, releases, renewals
from controller.relief import relieves
from controller.round_record import round_record
from controller.shortfalls import Shortfalls
from controller.situation import Expectation, RunningEvent, Situation
from controller.stores.port import FeederSample
from controller.sun_witness import remembered
from controller.turns import Turn, turns_of
from controller.without_control import back_as_before_kw, curtailed_kw, held_back_kw, without_control_kw
from grid_model.errors import Diverged
from grid_model.forecast.trend import Trend
from grid_model.load_flow import LoadFlowResult
from grid_model.location import Contribution, locate
from grid_model.network import Floats
from grid_model.snapshot import Quality

log = structlog.get_logger()


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
    situation: Situation
    """all that was decided on, for whoever asks about it"""
    owed: tuple[Entry, ...] = ()
    """those of the entries that do not rest on what the feeder showed: releases that are owed in any case"""
    seen: tuple[Entry, ...] = ()
    """those that tell what the feeder showed, and move nobody"""
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


@dataclass(frozen=True)
class _Seen:
    """Steps 2 and 3: how the feeder is, whether its data are good, and what may come."""

    situation: Situation
    """with the event that is open, or opens in this very pass"""
    check_state: CheckState
    judged: data_alarms.Judged
    guarded: failsafes.Watched
    uncontrolled: LoadFlowResult
    """the loadings if nobody were limited now"""
    trend: Trend | None
    tracker: events.Tracker
    opening: tuple[Entry, ...]
    ahead: LookAhead | None
    announcer: AnnouncerState
    announced: tuple[Told, ...]
    beside: tuple[Entry, ...]
    """what others behind the meters of requests do by now"""


@dataclass(frozen=True)
class _Moves:
    """Steps 4 to 6: who is moved, and what is told of it."""

    located: tuple[Contribution, ...]
    freed: Releases
    short: tuple[Entry, ...]
    shortfalls: Shortfalls
    told_round: tuple[Entry, ...]
    asked: planning.Plan
    renewed: tuple[Entry, ...]
    ended: tuple[Entry, ...]
    """notices that are taken back, and the event's end"""


def decide(control: FeederControl, books: Books, memory: Memory, around: Surroundings) -> Decisions:
    """One pass over one feeder."""
    seen = _see(control, books, memory, around)
    situation, judged = seen.situation, seen.judged
    moves = _move(seen, memory.shortfalls)
    sample = _sample(situation, seen.uncontrolled)
    return Decisions(
        entries=_in_order(seen, moves),
        memory=_remembered(memory, seen, moves, sample),
        sample=sample,
        check=situation.check,
        good=judged.good,
        alarm=judged.alarm,
        located=moves.located,
        situation=situation,
        owed=moves.freed.owed,
        seen=(*judged.entries, *seen.announced, *seen.opening, *seen.beside),
        gate_refused=situation.gatekeeper.refused,
        moved_kw=situation.gatekeeper.moved_kw,
    )


def _see(control: FeederControl, books: Books, memory: Memory, around: Surroundings) -> _Seen:
    now, feeder, state = around.now, control.feeder, memory.state
    checked, check_state = check(control, state, memory.check, now)
    raised = {alarm.kind: alarm for alarm in books.alarms(feeder)}
    judged = data_alarms.judge(memory.alarms, control, state, checked, raised=raised, now=now)
    good, proves = judged.good, judged.proves
    before = situation_of(control, books, memory, checked, good=good, proves=proves, around=around)
    uncontrolled = _without_control(before)
    trend = watch(control, memory.trend, uncontrolled, now) if good else None
    before = replace(before, headroom=headroom(control, trend))
    tracker, opening = _observed(before, memory.tracker)
    ahead, announcer, announced = _announced(control, books, memory, before)
    situation = _in_event(before, _running(books, opening, feeder))
    return _Seen(
        situation=situation,
        check_state=check_state,
        judged=judged,
        guarded=failsafes.watch(control, books, memory.failsafes, state, now=now, epoch=around.epoch),
        uncontrolled=uncontrolled,
        trend=trend,
        tracker=tracker,
        opening=opening,
        ahead=ahead,
        announcer=announcer,
        announced=announced,
        beside=tuple(beside_moved(situation)),
    )


def _observed(situation: Situation, before: events.Tracker) -> tuple[events.Tracker, tuple[Entry, ...]]:
    books, feeder = situation.books, situation.control.feeder
    return events.observe(
        before,
        situation.control,
        situation.check,
        appeared=books.violations(feeder),
        event=books.open_event(feeder),
        good=situation.good,
        now=situation.now,
        expected=situation.expected,
    )


def _move(seen: _Seen, before: Shortfalls) -> _Moves:
    situation, tracker = seen.situation, seen.tracker
    freed = raising.with_raised(situation, easing.with_eased(situation, releases(situation)))
    located = _located(situation)
    asked = _asked(situation, freed, located)
    told_round = _explained(situation, asked.entries, located)
    renewed = renewals(situation, freed, asked.entries)
    short, shortfalls = _short(situation, before, tracker, freed, asked.short_kw)
    return _Moves(
        located=located,
        freed=freed,
        short=short,
        shortfalls=shortfalls,
        told_round=told_round,
        asked=asked,
        renewed=renewed,
        ended=_ended(situation, tracker, asked.entries),
    )


def _ended(situation: Situation, tracker: events.Tracker, asked: Sequence[Entry]) -> tuple[Entry, ...]:
    """Notices that need not be followed any more; and the event, once it is over and nobody is asked."""
    rules, now, feeder = situation.control.site.events, situation.now, situation.control.feeder
    event = situation.books.open_event(feeder)
    quiet = event is not None and not asked
    back = asking.taken_back(situation, over=quiet and events.closes(tracker, rules, True, now))
    nobody = _nobody_limited(situation.books, feeder, now)
    if event is None or asked or not events.closes(tracker, rules, nobody, now):
        return back
    return (*back, events.closing(event, tracker, now))


def _in_order(seen: _Seen, moves: _Moves) -> tuple[Entry, ...]:
    """As the journal has them: what was seen, then who is freed before who is asked."""
    return (
        *seen.judged.entries,
        *seen.guarded.entries,
        *seen.announced,
        *seen.opening,
        *seen.beside,
        *moves.freed.entries,
        *moves.short,
        *moves.told_round,
        *moves.asked.entries,
        *moves.renewed,
        *moves.ended,
    )


def _remembered(memory: Memory, seen: _Seen, moves: _Moves, sample: FeederSample) -> Memory:
    """The memory after this pass."""
    now = seen.situation.now
    return replace(
        memory,
        check=seen.check_state,
        alarms=seen.judged.state,
        tracker=seen.tracker,
        trend=seen.trend,
        look_ahead=seen.ahead,
        announced=seen.announcer,
        expectations=_without_risen(moves.asked.expectations, moves.freed),
        sun=remembered(seen.situation, moves.asked.entries),
        history=(*(s for s in memory.history if s.at >= now - WINDOW), sample),
        failsafes=seen.guarded.memory,
        shortfalls=moves.shortfalls,
        cycle=memory.cycle + 1,
    )


def _without_risen(expectations: Mapping[int, Expectation], freed: Releases) -> dict[int, Expectation]:
    """Those that still stand: who is given something back is not expected to come down any more."""
    up = {entry.request for entry in freed.entries if isinstance(entry, RequestChanged)}
    return {place: one for place, one in expectations.items() if up.isdisjoint(one.requests)}


def _nobody_limited(books: Books, feeder: str, now: datetime) -> bool:
    """By the automatic: what an operator ordered stands beside the event."""
    return all(record.is_ordered(now) for record in books.open_requests(feeder))


def _announced(
    control: FeederControl, books: Books, memory: Memory, situation: Situation
) -> tuple[LookAhead | None, AnnouncerState, tuple[Told, ...]]:
    """Learn from this cycle, look ahead when it is time to, and tell what is expected."""
    before, checked, now = memory.look_ahead, situation.check, situation.now
    if before is None or not situation.good:
        return before, memory.announced, ()
    gathered = gather(before, control, now, without_control_kw(situation), measured(checked))
    ahead = look(gathered, control, checked, now)
    state, told = announce(memory.announced, control, books, ahead=ahead, check=checked, now=now)
    return ahead, state, told


def _running(books: Books, opening: Sequence[Entry], feeder: str) -> RunningEvent | None:
    """The event that is open, or opens in this very pass."""
    record = books.open_event(feeder)
    if record is not None:
        return RunningEvent(record.event, record.opened.at, books.next_number(record.event))
    opened = next((entry for entry in opening if isinstance(entry, EventOpened)), None)
    return None if opened is None else RunningEvent(opened.event, opened.at, 1)


def situation_of(
    control: FeederControl,
    books: Books,
    memory: Memory,
    checked: Check,
    *,
    good: bool,
    proves: bool = True,
    around: Surroundings,
) -> Situation:
    """All that is known before anything is decided: no event yet, and no word on what may come."""
    return Situation(
        control=control,
        books=books,
        state=memory.state,
        check=checked,
        event=None,
        now=around.now,
        epoch=around.epoch,
        good=good,
        proves=proves,
        automatic=around.orders.leave_automatic(control.feeder, books),
        left_alone=around.orders.left_alone(control.feeder),
        history=memory.history,
        gatekeeper=_gatekeeper(control, books, memory, around, good),
        expectations=memory.expectations,
        sun=memory.sun,
    )


def _gatekeeper(
    control: FeederControl, books: Books, memory: Memory, around: Surroundings, good: bool
) -> Gatekeeper:
    return Gatekeeper(
        control=control,
        books=books,
        now=around.now,
        epoch=around.epoch,
        event_ends_by=None,
        data_good=good,
        feeder_budget_kw=feeder_budget_kw(control, books, around.now),
        fleet_budget_kw=around.fleet_budget_kw,
        unproven=failsafes.unproven(control, memory.state),
    )


def _in_event(situation: Situation, event: RunningEvent | None) -> Situation:
    """The same with the running event, and the gate that knows whose turn in it ends when."""
    if event is None:
        return situation
    control = situation.control
    gatekeeper = replace(
        situation.gatekeeper,
        event_ends_by=Turn(situation.now, 0).ends_by(control.site.events),
        read_turns=partial(turns_of, situation.books, control.feeder, event.event, event.opened_at),
    )
    return replace(situation, event=event, gatekeeper=gatekeeper)


def _located(situation: Situation) -> tuple[Contribution, ...]:
    """Who causes the worst violation, there or expected; nobody while there is none, and so near to collapse
    that nobody can tell.
    """
    worst, control = situation.worst, situation.control
    if worst is None:
        return ()
    known = situation.check.snapshot
    try:
        return locate(
            control.network,
            control.load_flow,
            known.p_kw,
            known.q_kvar,
            (worst,),
            _flexible_kw(situation),
            slack_scale=situation.check.slack_scale,
        )
    except Diverged:
        return ()


def _flexible_kw(situation: Situation) -> Floats:
    """(n_sp,) what the devices at each service point could give."""
    flexible = np.zeros(len(situation.control.network.service_points))
    for device in planning.flexible_devices(situation, situation.expectations):
        flexible[device.service_point] += device.highest_kw - device.lowest_kw
    return flexible


def _asked(situation: Situation, freed: Releases, located: Sequence[Contribution]) -> planning.Plan:
    """Cuts of devices, then notices to people; neither while the automatic may not act, or somebody is
    released because there is room. Those who leave in any case leave their part to others, where it counts
    against what presses: nobody is spared because a roof may feed in again.
    """
    event, owed = situation.event, {e.request for e in freed.owed if isinstance(e, RequestChanged)}
    if event is None or not situation.may_act or freed.released - owed:
        _, standing = planning.expected_p_kw(situation)
        return planning.Plan(expectations=standing)
    known = situation.control.registry.device
    leaving = {
        record.planned.target: at_point(record, back_as_before_kw(situation, record))
        for record in situation.limited
        if record.request in owed
        and (device := known.get(record.planned.target)) is not None
        and relieves(situation, device)
    }
    plan = planning.plan(situation, located, leaving)
    notices = asking.asks(situation, event, located, plan.cut_at, plan.next_number)
    return replace(plan, entries=(*plan.entries, *notices))


def _explained(
    situation: Situation, asked: Sequence[Entry], located: Sequence[Contribution]
) -> tuple[Entry, ...]:
    """What the journal keeps of the round. Nobody is asked because of it, so a fault in it costs no order:
    then the log tells it."""
    try:
        return round_record(situation, asked, located)
    except Exception:
        log.exception("round_not_explained", feeder=situation.control.feeder)
        return ()


def _short(
    situation: Situation,
    before: Shortfalls,
    tracker: events.Tracker,
    freed: Releases,
    short_kw: Floats | None,
) -> tuple[tuple[Entry, ...], Shortfalls]:
    """Tells once per situation that what may be asked for does not clear the violation."""
    event, worst = situation.event, next(iter(situation.check.violations), None)
    told = before.seen(None if event is None else event.event, tracker.below_since, situation.now)
    short, turns_end = short_kw is not None, freed.turns_end
    if event is None or worst is None or not told.is_news(worst, short=short, turns_end=turns_end):
        return (), told
    entry = planning.shortfall(situation, worst, event.event, short_kw)
    return (entry,), told.with_told(worst, turns_end=turns_end)


def _sample(situation: Situation, uncontrolled: LoadFlowResult) -> FeederSample:
    """What settlement and trend need of this pass: fresh readings only, never a guess."""
    known, result, control = situation.check.snapshot, situation.check.result, situation.control
    return FeederSample(
        feeder=control.feeder,
        at=situation.now,
        p_kw=np.where(known.quality == Quality.MEASURED, known.p_kw, np.nan).astype(np.float32),
        transformer_loading_percent=_highest(result.transformer_loading_percent),
        max_line_loading_percent=_highest(result.line_loading_percent),
        without_control_percent=events.highest_loading(uncontrolled),
        curtailed_kw=sum(curtailed_kw(situation).values()) + sum(held_back_kw(situation).values()),
        substation_p_kw=_substation_p_kw(situation),
    )


def _substation_p_kw(situation: Situation) -> float | None:
    """What the RTU shows, while that is fresh."""
    reading = situation.state.fresh_substation(situation.now, situation.control.site.cycle.fresh_s)
    return None if reading is None else reading.p_kw


def _without_control(situation: Situation) -> LoadFlowResult:
    """The loadings if nobody were limited now."""
    result = situation.check.result
    if not result.converged or not (curtailed_kw(situation) or held_back_kw(situation)):
        return result
    return situation.solve(without_control_kw(situation))


def _highest(loading: Floats) -> float | None:
    """The highest, or None when there is no element or nothing is known."""
    highest = float(np.fmax.reduce(loading)) if loading.size else np.nan
    return highest if np.isfinite(highest) else None
