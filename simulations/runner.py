"""Runs one scenario twice: as it would go by itself, and with the daemon's own code on simulated time.

Both runs begin with the same draw. The daemon is built from the same parts as in `gridward run`; only clock,
link and offload differ.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from controller.daemon import Daemon
from controller.feeder_control import build_control
from controller.settings import Feeder, Site
from controller.settings import Store as StoreSettings
from controller.stores.port import Store
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network
from simulations.carriage import carriage_of
from simulations.direct_link import DirectLink, OnTheWire
from simulations.draws import stream
from simulations.emulated_devices import DeviceNote
from simulations.field import FieldModel, Moment
from simulations.metering import Metering
from simulations.own_profiles import with_own_profiles
from simulations.population import Population, draw_population
from simulations.profiles import BaseLoad, load_profiles
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
    network = load_network(scenario.network.source, metered_generation=True)
    outdoors = outdoors_of(scenario)
    start, days = scenario.time.start, scenario.time.days
    return Setup(
        scenario=scenario,
        network=network,
        load_flow=FactoredLoadFlow(network, compiled=scenario.control.cycle.compiled),
        population=draw_population(network, scenario, outdoors),
        base=with_own_profiles(
            load_profiles(network, start, days, stream(scenario.seed, "households")), network, scenario
        ),
        secret=f"gridward simulation, seed {scenario.seed}".encode(),
        outdoors=outdoors,
    )


def site_of(scenario: Scenario, store: Path) -> Site:
    """The site that the daemon runs: one feeder, the scenario's control settings."""
    control = scenario.control
    feeder = Feeder(
        id=scenario.network.feeder,
        network=scenario.network.source,
        customers=Path("customers.csv"),
        devices=Path("devices.csv"),
    )
    return Site(
        name=scenario.title or scenario.network.source,
        feeder=(feeder,),
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
    field, recorder, substation = build_field(setup)
    start, step_s = setup.scenario.time.start, setup.scenario.time.step_s
    for step in range(setup.scenario.steps + 1):
        field.advance(start + timedelta(seconds=step * step_s))
        moment = field.power()
        recorder.look(moment, substation.head(moment))
    return field_run(field, recorder, ())


def run_controlled(
    setup: Setup, store: Store, store_path: Path, version: str, watch: Watch | None = None
) -> FieldRun:
    """The same evening under the daemon, which writes its journal into `store`; `watch` sees each step."""
    return run_virtual(_controlled(setup, store, store_path, version, watch))


async def _controlled(
    setup: Setup, store: Store, store_path: Path, version: str, watch: Watch | None
) -> FieldRun:
    scenario = setup.scenario
    field, recorder, substation = build_field(setup)
    clock = VirtualClock(scenario.time.start.astimezone(UTC))

    def looked(moment: Moment, head: Head) -> None:
        recorder.look(moment, head)
        if watch is not None:
            watch(field, moment)

    link = DirectLink(
        field,
        substation,
        clock,
        scenario.time.step_s,
        looked,
        carriage=carriage_of(scenario),
        metering=Metering(setup.population, scenario),
    )
    site = site_of(scenario, store_path)
    control = build_control(site, site.feeder[0], setup.network, setup.population.known, setup.load_flow)
    daemon = Daemon(
        site,
        [control],
        store=store,
        sources=[link],
        commands=link,
        notices=link,
        failsafes=link,
        heartbeats=link,
        links={"field": link},
        clock=clock,
        offload=_inline,
        secret=setup.secret,
        version=version,
    )
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(link.live(), name="field")
        await clock.sleep(LEAD_S)
        running = tasks.create_task(daemon.run(), name="daemon")
        await clock.sleep(scenario.steps * scenario.time.step_s - LEAD_S / 2)
        running.cancel()
        living.cancel()
    return field_run(field, recorder, link.wire)


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
    return field, recorder, Substation(network, setup.load_flow)


async def _inline(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The daemon's offload in simulated time: there is no loop to hold up."""
    return function(*args, **kwargs)
