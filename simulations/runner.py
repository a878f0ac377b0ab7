"""Runs one scenario twice: as it would go by itself, and with the daemon's own code on simulated time.

Both runs begin with the same draw. The daemon is built from the same parts as in `gridward run`; only clock,
link and offload differ.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from controller.books import Books
from controller.stores.port import Store
from simulations.carriage import carriage_of
from simulations.daemon_rig import Rig
from simulations.direct_link import DirectLink, FieldWays, LinksByFeeder, Looks, OnTheWire, live_in_turn
from simulations.emulated_devices import DeviceNote
from simulations.feeders import Coupled, Coupling
from simulations.field import FieldModel, Moment
from simulations.metering import Metering
from simulations.quiet_times import QuietTimes
from simulations.recording import Recorder, Recording
from simulations.setups import Setup
from simulations.substation import Head, Substation
from simulations.virtual_time import VirtualClock, run_virtual

LEAD_S = 1.0
"""The daemon looks this long after each step, as meters' readings take their time."""
Watch = Callable[[FieldModel, Moment], None]
"""Is shown the field at each step, beside the recorder."""


@dataclass(frozen=True)
class FieldRun:
    """What truly happened in one run."""

    recording: Recording
    journal: Sequence[DeviceNote]
    wire: Sequence[OnTheWire]
    ev_left_short_kwh: float
    comfort: Mapping[str, float]
    """what people and devices made of it: `results.json` has these beside the figures of the network"""
    notices: int
    notices_followed: int


def run_uncontrolled(setup: Setup) -> FieldRun:
    """The evening as it would go by itself."""
    return run_uncontrolled_together([setup])[0]


def run_uncontrolled_together(setups: Sequence[Setup]) -> list[FieldRun]:
    """The same of several feeders, coupled where one supplies others."""
    built = [build_field(setup) for setup in setups]
    looks = _coupled_looks(setups, built, None)
    time = setups[0].scenario.time
    for step in range(setups[0].scenario.steps + 1):
        for (field, _, substation), looked in zip(built[::-1], looks[::-1], strict=True):
            field.advance(time.start + timedelta(seconds=step * time.step_s))
            moment = field.power()
            looked(moment, substation.head(moment))
    return [field_run(field, recorder, ()) for field, recorder, _ in built]


def run_controlled(
    setup: Setup, store: Store, store_path: Path, version: str, watch: Watch | None = None
) -> FieldRun:
    """The same evening under the daemon, which writes its journal into `store`; `watch` sees each step."""
    return run_controlled_together([setup], store, store_path, version, watch)[0]


def run_controlled_together(
    setups: Sequence[Setup], store: Store, store_path: Path, version: str, watch: Watch | None = None
) -> list[FieldRun]:
    """The same of several feeders under one daemon."""
    return run_virtual(_controlled(setups, store, store_path, version, watch))


async def _controlled(
    setups: Sequence[Setup], store: Store, store_path: Path, version: str, watch: Watch | None
) -> list[FieldRun]:
    scenario = setups[0].scenario
    built = [build_field(setup) for setup in setups]
    looks = _coupled_looks(setups, built, watch)
    clock = VirtualClock(scenario.time.start.astimezone(UTC))
    books: list[Books] = []
    """of the daemon that runs"""

    links = [
        DirectLink(
            field,
            substation,
            clock,
            scenario.time.step_s,
            looked,
            # one daemon looks at several feeders at once, so none can be quiet by itself
            looks=_quiet_looks(setup, books) if len(setups) == 1 else None,
            carriage=carriage_of(setup.scenario),
            metering=Metering(setup.population, setup.scenario),
        )
        for setup, (field, _, substation), looked in zip(setups, built, looks, strict=True)
    ]
    ways: FieldWays = (
        links[0]
        if len(links) == 1
        else LinksByFeeder({s.feeder: k for s, k in zip(setups, links, strict=True)})
    )
    await _live(Rig(setups, links, ways, clock, store, store_path, version, books))
    return [
        field_run(field, recorder, link.wire) for (field, recorder, _), link in zip(built, links, strict=True)
    ]


async def _live(rig: Rig) -> None:
    """To the scenario's end; where a network is switched and that is known, the daemon begins anew."""
    scenario, later, clock = rig.setups[0].scenario, rig.setups[0].later, rig.clock
    ends = scenario.steps * scenario.time.step_s - LEAD_S / 2
    over = scenario.time.start + timedelta(seconds=ends)
    told = [stage for stage in later if stage.known and stage.at < over]
    async with asyncio.TaskGroup() as tasks:
        # the supplied ones first: what they take is then known to the one that supplies them
        living = tasks.create_task(live_in_turn(rig.links[::-1], clock), name="field")
        await clock.sleep(LEAD_S)
        running = tasks.create_task(rig.daemon(None).run(), name="daemon")
        for stage in told:
            await clock.sleep((stage.at - clock.now()).total_seconds())
            running.cancel()
            await asyncio.wait([running])
            running = tasks.create_task(rig.daemon(stage).run(), name="daemon")
        await clock.sleep(ends + LEAD_S - clock.monotonic())
        for task in (running, living):
            task.cancel()


def _quiet_looks(setup: Setup, books: Sequence[Books]) -> Looks:
    feeder = setup.scenario.network.feeder
    return QuietTimes(setup.scenario, setup.network, lambda: _under_way(books, feeder)).looks


def _under_way(known: Sequence[Books], feeder: str) -> bool:
    """Whether the controller has anything open that a cycle may move."""
    return any(
        books.open_event(feeder) is not None
        or books.unsettled(feeder)
        or books.violations(feeder)
        or books.messages_waiting()
        for books in known
    )


def _coupled_looks(
    setups: Sequence[Setup], built: Sequence[tuple[FieldModel, Recorder, Substation]], watch: Watch | None
) -> list[Callable[[Moment, Head], None]]:
    """What is done with each look at each feeder."""
    supplied = [number for number, setup in enumerate(setups) if setup.supplied_at is not None]
    first = setups[0].network
    places = [first.service_point_index()[setups[number].supplied_at or ""] for number in supplied]
    coupling = Coupling(
        built[0][0],
        [
            Coupled(place, int(first.service_point_bus[place]), built[number][2])
            for number, place in zip(supplied, places, strict=True)
        ],
    )

    def looked(number: int, moment: Moment, head: Head) -> None:
        field, recorder, _ = built[number]
        recorder.look(moment, head)
        if number in supplied:
            coupling.lower_looked(supplied.index(number), moment, head)
        elif number == 0:
            coupling.upper_looked(head)
        if watch is not None:
            watch(field, moment)

    return [partial(looked, number) for number in range(len(setups))]


def field_run(field: FieldModel, recorder: Recorder, wire: Sequence[OnTheWire]) -> FieldRun:
    """What happened, once a run is over."""
    return FieldRun(
        recording=recorder.done(),
        journal=field.devices.journal,
        wire=wire,
        ev_left_short_kwh=float(field.cars.left_short_kwh.sum()),
        comfort={
            "too_cold_kelvin_hours": float(field.heat_pumps.too_cold_kh.sum()),
            "too_warm_kelvin_hours": float(field.coolers.too_warm_kh.sum()),
            "pv_kwh": float(field.roofs.made_kwh.sum()),
            "pv_held_back_kwh": float(field.roofs.held_back_kwh.sum()),
            "battery_given_kwh": float(field.batteries.given_kwh.sum()),
        },
        notices=field.residents.notices,
        notices_followed=field.residents.followed,
    )


def build_field(setup: Setup) -> tuple[FieldModel, Recorder, Substation]:
    """The field at its start, whoever drives it, with its recorder and its RTU."""
    network, allowed = setup.network, setup.scenario.control.limits.loading_percent
    recorder = Recorder(
        setup.scenario.time.step_s,
        line_limits=np.minimum(allowed, network.lines.max_loading_percent),
        transformer_limits=np.minimum(allowed, network.transformers.max_loading_percent),
    )
    field = FieldModel(setup.population, setup.base, setup.scenario, setup.secret, outdoors=setup.outdoors)
    return field, recorder, Substation(network, setup.load_flow, setup.later)
