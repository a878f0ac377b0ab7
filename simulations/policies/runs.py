"""Drives the same field under each policy: the same draw of houses, cars, weather and behaviour.

A rule sees a step and its commands go out a second later, as the daemon's do; the devices think about them.
The optimum sets the limits of a step before it is looked at. Ours is the daemon itself, in simulated time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from controller.stores.sqlite import SqliteStore
from devices.messages import CustomerNotice, LimitCommand
from grid_model.network import Floats
from simulations.checker import Broken, judge
from simulations.field import FieldModel
from simulations.policies.command_desk import CommandDesk
from simulations.policies.course import Course, CourseWatch
from simulations.policies.discipline import next_limits
from simulations.policies.optimum import Optimum
from simulations.policies.port import Rule, feeder_of
from simulations.record_reading import Record, read_record
from simulations.runner import LEAD_S, FieldRun, build_field, field_run, run_controlled
from simulations.setups import Setup
from simulations.simulate import evidence_of


@dataclass(frozen=True)
class PolicyRun:
    """One policy on one seed."""

    run: FieldRun
    course: Course
    requests: int
    """to devices"""
    commands: int
    """all that was sent to devices: first words, changes, renewals, early ends"""
    notices: int
    """to people"""
    record: Record | None = None
    """ours alone keeps books"""
    broken: tuple[Broken, ...] = ()
    referee_difference_percent: float | None = None
    """the optimum alone is looked at by `runpp`"""


def without_control(setup: Setup) -> PolicyRun:
    """As it goes by itself."""
    field, recorder, substation = build_field(setup)
    watch = CourseWatch()
    for at in _steps(setup):
        field.advance(at)
        moment = field.power()
        recorder.look(moment, substation.head(moment))
        watch(field, moment)
    return PolicyRun(field_run(field, recorder, ()), watch.done(), 0, 0, 0)


def under_rule(setup: Setup, rule: Rule) -> PolicyRun:
    """Under one of the simple rules."""
    field, recorder, substation = build_field(setup)
    feeder, watch, sent = feeder_of(setup), CourseWatch(), 0
    scenario, registry = setup.scenario, setup.population.registry
    renew_before_s = max(feeder.requests.renew_before_s, 2 * scenario.time.step_s)
    desk = CommandDesk(scenario.network.feeder, feeder, registry.devices, setup.secret, renew_before_s)
    for at in _steps(setup):
        desk.hear(field.advance(at))
        moment = field.power()
        recorder.look(moment, substation.head(moment))
        watch(field, moment)
        look = desk.look(moment)
        limit_kw = next_limits(rule, feeder, look, desk.held_kw(), desk.unchanged_s(at))
        now = at + timedelta(seconds=LEAD_S)
        desk.hear(field.advance(now))
        for command in desk.commands(limit_kw, look, now):
            field.receive(command)
            sent += 1
    return PolicyRun(field_run(field, recorder, ()), watch.done(), desk.requests, sent, 0)


def under_optimum(setup: Setup, *, late: bool = False, margin: bool = False) -> PolicyRun:
    """Under the optimum with perfect knowledge, or with that of the step before (`late`), or aiming at the
    daemon's own target (`margin`). How often it moves a limit counts as what it sends.
    """
    field, recorder, substation = build_field(setup)
    optimum, watch, sent, requests = optimum_of(setup), CourseWatch(), 0, 0
    before_kw = np.full(len(setup.population.registry.devices), np.inf)
    for at in _steps(setup):
        field.advance(at)
        seen = field.power()
        limit_kw = _best_now(field, optimum, margin)
        moment = seen if late else field.power()
        recorder.look(moment, substation.head(moment))
        watch(field, moment)
        sent += int((limit_kw != before_kw).sum())
        requests += int((np.isfinite(limit_kw) & np.isinf(before_kw)).sum())
        before_kw = limit_kw
    return PolicyRun(
        field_run(field, recorder, ()),
        watch.done(),
        requests,
        sent,
        0,
        referee_difference_percent=optimum.referee_difference_percent,
    )


def _best_now(field: FieldModel, optimum: Optimum, margin: bool) -> Floats:
    """The best limits for what is wanted now, set at once; nobody is told."""
    field.devices.limit_kw = np.full_like(field.devices.limit_kw, np.inf)
    moment = field.power()
    limit_kw = optimum.best(moment.p_kw, moment.q_kvar, field.wanted_kw(), margin=margin).limit_kw
    field.devices.limit_kw = limit_kw.copy()
    return limit_kw


def under_ours(setup: Setup, version: str) -> PolicyRun:
    """Under the daemon, with its journal, ledger and judge."""
    watch = CourseWatch()
    with TemporaryDirectory(prefix="gridward-policies-") as folder:
        path = Path(folder) / "journal.sqlite3"
        store = SqliteStore(path, durable=False)
        try:
            run = run_controlled(setup, store, path, version, watch)
        finally:
            store.close()
        record = read_record(path)
    messages = [passed.message for passed in run.wire]
    to_devices = [one for one in messages if isinstance(one, LimitCommand)]
    return PolicyRun(
        run,
        watch.done(),
        requests=len({one.request for one in to_devices}),
        commands=len(to_devices),
        notices=len({one.request for one in messages if isinstance(one, CustomerNotice)}),
        record=record,
        broken=tuple(judge(evidence_of(setup, run, record))),
    )


def optimum_of(setup: Setup) -> Optimum:
    """The solver of single steps."""
    return Optimum(feeder_of(setup), setup.population.registry)


def _steps(setup: Setup) -> list[datetime]:
    time = setup.scenario.time
    return [time.start + timedelta(seconds=n * time.step_s) for n in range(setup.scenario.steps + 1)]
