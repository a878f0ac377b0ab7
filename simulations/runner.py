"""Runs one scenario twice: as it would go by itself, and with the daemon's own code on simulated time.

Both runs begin with the same draw. The daemon is built from the same parts as in `gridward run`; only clock,
link and offload differ.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from controller.books import Books
from controller.daemon import Daemon
from controller.feeder_control import build_control
from controller.settings import Feeder, Site
from controller.settings import Store as StoreSettings
from controller.stores.port import Store
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from simulations.carriage import carriage_of
from simulations.direct_link import DirectLink, FieldWays, LinksByFeeder, Looks, OnTheWire
from simulations.draws import stream
from simulations.emulated_devices import DeviceNote
from simulations.errors import ScenarioRejected
from simulations.feeders import Coupled, Coupling, feeders_of
from simulations.field import FieldModel, Moment
from simulations.metering import Metering
from simulations.own_profiles import with_own_profiles
from simulations.population import Population, draw_population
from simulations.profiles import BaseLoad, load_profiles
from simulations.quiet_times import QuietTimes
from simulations.reconfiguration import Stage, stages_of
from simulations.recording import Recorder, Recording
from simulations.scenario import Scenario
from simulations.substation import Head, Substation
from simulations.virtual_time import VirtualClock, run_virtual
from simulations.weather import Outdoors, outdoors_of

LEAD_S = 1.0
"""The daemon looks this long after each step, as meters' readings take their time."""
Watch = Callable[[FieldModel, Moment], None]
"""Is shown the field at each step, beside the recorder."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Setup:
    """What both runs share."""

    scenario: Scenario
    network: Network
    load_flow: FactoredLoadFlow
    population: Population
    base: BaseLoad
    secret: bytes
    outdoors: Outdoors
    later: tuple[Stage, ...] = ()
    """what the network becomes during the run"""
    supplied_at: str | None = None
    """the service point of the first feeder that this one hangs on"""

    @property
    def feeder(self) -> str:
        """Its id."""
        return self.scenario.network.feeder


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


def prepare(scenario: Scenario) -> Setup:
    """Load the network and draw the field. Raises NetworkRejected; ScenarioRejected for its files."""
    first, *later = stages_of(scenario)
    network = first.network
    outdoors = outdoors_of(scenario)
    start, days = scenario.time.start, scenario.time.days
    return Setup(
        scenario=scenario,
        network=network,
        load_flow=first.load_flow,
        population=draw_population(network, scenario, outdoors),
        base=with_own_profiles(
            load_profiles(network, start, days, stream(scenario.seed, "households")), network, scenario
        ),
        secret=f"gridward simulation, seed {scenario.seed}".encode(),
        outdoors=outdoors,
        later=tuple(later),
    )


def prepare_all(scenario: Scenario) -> tuple[Setup, ...]:
    """All feeders of a scenario, that of `[network]` first. Raises as `prepare`."""
    first, *others = (prepare(one) for one in feeders_of(scenario))
    known = first.network.service_point_index()
    unknown = [
        f"feeder.{row}.supplied_at: {one.supplied_at!r} is not in the network {first.network.source}; "
        f"expected such as {first.network.service_points[0]!r}"
        for row, one in enumerate(scenario.feeder)
        if one.supplied_at is not None and one.supplied_at not in known
    ]
    if unknown:
        raise ScenarioRejected(unknown)
    return (
        first,
        *(
            replace(setup, secret=first.secret, supplied_at=row.supplied_at)
            for setup, row in zip(others, scenario.feeder, strict=True)
        ),
    )


def site_of(scenario: Scenario, store: Path, feeders: Sequence[Scenario] = ()) -> Site:
    """The site that the daemon runs: its feeders, the scenario's control settings."""
    control = scenario.control
    return Site(
        name=scenario.title or scenario.network.source,
        feeder=tuple(
            Feeder(
                id=one.network.feeder,
                network=one.network.source,
                customers=Path("customers.csv"),
                devices=Path("devices.csv"),
            )
            for one in feeders or (scenario,)
        ),
        cycle=control.cycle,
        limits=control.limits,
        events=control.events,
        look_ahead=control.look_ahead,
        requests=control.requests,
        safety=control.safety,
        rewards=control.rewards,
        store=StoreSettings(path=store, durable=False, keep_samples_days=scenario.time.days + 1),
    )


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

    def looks_of(setup: Setup) -> Looks | None:
        if len(setups) > 1:  # one daemon looks at all of them at once, so none can be quiet by itself
            return None
        feeder = setup.scenario.network.feeder
        return QuietTimes(setup.scenario, setup.network, lambda: _under_way(books, feeder)).looks

    links = [
        DirectLink(
            field,
            substation,
            clock,
            scenario.time.step_s,
            looked,
            looks=looks_of(setup),
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
    rig = _Rig(setups, links, ways, clock, store, store_path, version, books)
    ends = scenario.steps * scenario.time.step_s - LEAD_S / 2
    over = scenario.time.start + timedelta(seconds=ends)
    told = [stage for stage in setups[0].later if stage.known and stage.at < over]
    async with asyncio.TaskGroup() as tasks:
        # the supplied ones first: what they take is then known to the one that supplies them
        living = [tasks.create_task(link.live(), name="field") for link in links[::-1]]
        await clock.sleep(LEAD_S)
        running = tasks.create_task(rig.daemon(None).run(), name="daemon")
        for stage in told:
            await clock.sleep((stage.at - clock.now()).total_seconds())
            running.cancel()
            await asyncio.wait([running])
            running = tasks.create_task(rig.daemon(stage).run(), name="daemon")
        await clock.sleep(ends + LEAD_S - clock.monotonic())
        for task in (running, *living):
            task.cancel()
    return [
        field_run(field, recorder, link.wire) for (field, recorder, _), link in zip(built, links, strict=True)
    ]


def _under_way(known: Sequence[Books], feeder: str) -> bool:
    """Whether the controller has anything open that a cycle may move."""
    return any(
        books.open_event(feeder) is not None
        or books.unsettled(feeder)
        or books.violations(feeder)
        or books.messages_waiting()
        for books in known
    )


@dataclass(frozen=True)
class _Rig:
    """What each daemon of a controlled run is built from: there is another one after each known switching."""

    setups: Sequence[Setup]
    links: Sequence[DirectLink]
    ways: FieldWays
    clock: VirtualClock
    store: Store
    store_path: Path
    version: str
    books: list[Books]
    """of the daemon that was built last"""

    def daemon(self, stage: Stage | None) -> Daemon:
        site = site_of(self.setups[0].scenario, self.store_path, [setup.scenario for setup in self.setups])
        controls = [
            build_control(
                site,
                feeder,
                setup.network if stage is None or number else stage.network,
                setup.population.known,
                setup.load_flow if stage is None or number else stage.load_flow,
            )
            for number, (feeder, setup) in enumerate(zip(site.feeder, self.setups, strict=True))
        ]
        daemon = Daemon(
            site,
            controls,
            store=self.store,
            sources=self.links,
            commands=self.ways,
            notices=self.ways,
            failsafes=self.ways,
            heartbeats=self.ways,
            links={"field": self.ways},
            clock=self.clock,
            offload=_inline,
            secret=self.setups[0].secret,
            version=self.version,
            pace=partial(self._pace, site.cycle.period_s),
        )
        self.books[:] = [daemon.books]
        return daemon

    async def _pace(self, period_s: float, seconds: float) -> int:
        """Wait for the next cycle, and pass over those in quiet times."""
        await self.clock.sleep(seconds)
        passed = 0
        while not any(link.watched for link in self.links):
            await self.clock.sleep(period_s)
            passed += 1
        return passed


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


async def _inline(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The daemon's offload in simulated time: there is no loop to hold up."""
    return function(*args, **kwargs)
