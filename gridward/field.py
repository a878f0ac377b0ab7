"""`gridward field SCENARIO`: emulated meters, devices, people on a real broker, an RTU on real Modbus.

For trying a daemon against: it writes a site for it, and a clock that both follow when time is to run faster.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.settings_file import load_site
from devices.modbus.register_map import load_profile
from devices.mqtt.embedded_broker import EmbeddedBroker
from grid_model.errors import NetworkRejected
from grid_model.load_flow import FactoredLoadFlow
from gridward.api_client import ApiClient
from gridward.argument_types import port, positive, seed, share, time_of_day
from gridward.field_site import FieldSite, write_journal, write_site
from gridward.hardware import NO_HARDWARE, Hardware, check_hardware, load_hardware
from gridward.real_power import follow
from gridward.run import configure_logs
from gridward.shared_clock import start_clock
from gridward.stopping import stop_event
from gridward.wiring import site_secret
from simulations.broker_outages import outages_of
from simulations.carriage import carriage_of
from simulations.errors import ScenarioRejected
from simulations.feeders import feeders_of
from simulations.field import FieldModel
from simulations.live_scope import otherwise
from simulations.live_time import Live, as_if_now
from simulations.metering import Metering
from simulations.mqtt_field import MqttField, Wiring
from simulations.reconfiguration import moved
from simulations.rtu_server import RtuServer
from simulations.scenario import Scenario
from simulations.scenario_file import load_scenario
from simulations.scenario_library import find_scenario
from simulations.setups import prepare
from simulations.substation import Substation

RTU_PROFILE = "rtu_generic"
CONNECTED_WITHIN_S = 20.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """Where everything listens."""

    host: str
    port: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "scenario", metavar="SCENARIO", help="a TOML file or a name of `gridward simulate --list`"
    )
    broker = parser.add_mutually_exclusive_group(required=True)
    broker.add_argument("--broker", metavar="HOST:PORT", type=_place, help="a broker that runs already")
    broker.add_argument("--embedded-broker", action="store_true", help="bring a broker along")
    parser.add_argument(
        "--site", type=Path, required=True, help="folder for site.toml, customers, devices, clock"
    )
    parser.add_argument("--console-port", type=port, default=8080, help="port of the page in site.toml")
    parser.add_argument(
        "--speed", type=positive, default=1.0, help="simulated seconds in one second (default: 1)"
    )
    parser.add_argument(
        "--real",
        type=Path,
        metavar="HARDWARE.toml",
        help="the devices and meters that are real; the scenario then begins now, at speed 1",
    )
    parser.add_argument("--from", dest="begin", type=time_of_day, help="time of day to begin at (HH:MM)")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    parser.add_argument("--seed", type=seed, help="another draw of the same scenario")
    parser.add_argument(
        "--concentrated",
        type=share,
        default=0.75,
        help="share of the meters that report through a concentrator, in batches (default: 0.75)",
    )
    parser.add_argument("--days", type=positive, default=3.0, help="the field lives this long (default: 3)")


def run(options: argparse.Namespace) -> int:
    """Run until told to stop. 2 when the scenario cannot be run."""
    configure_logs("text" if sys.stderr.isatty() else "json")
    try:
        scenario = _for_days(load_scenario(find_scenario(options.scenario), options.seed), options.days)
        hardware = NO_HARDWARE if options.real is None else load_hardware(options.real)
        if options.real is not None and options.speed != 1:
            raise ConfigRejected([f"--speed {options.speed:g}: real hardware lives at speed 1"])
        asyncio.run(_live(options, scenario, hardware))
    except (ScenarioRejected, NetworkRejected, ConfigRejected, OSError) as fault:
        print(f"gridward field: {fault}", file=sys.stderr)
        return 2
    return 0


def _place(text: str) -> Place:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected HOST:PORT")
    return Place(host, int(port))


def _for_days(scenario: Scenario, days: float) -> Scenario:
    time_table = msgspec.structs.replace(scenario.time, days=max(days, scenario.time.days))
    return msgspec.structs.replace(scenario, time=time_table)


def _begin(scenario: Scenario, begin: time | None) -> datetime:
    start = scenario.time.start
    if begin is None:
        return start
    return max(start, datetime.combine(start.date(), begin, start.tzinfo))


async def _live(options: argparse.Namespace, scenario: Scenario, hardware: Hardware) -> None:
    stop = stop_event(with_parent=options.with_parent)
    async with _broker(options.broker) as broker, RtuServer(load_profile(RTU_PROFILE)) as rtu:
        first = feeders_of(scenario)[0]
        setup = prepare(first)
        if options.real is not None:
            check_hardware(options.real, hardware, setup.population.registry)
        site = FieldSite(
            broker.host, broker.port, rtu.host, rtu.port, RTU_PROFILE, options.console_port, hardware
        )
        path = write_site(options.site, setup, site)
        secret = site_secret(options.site / "site.secret")
        begin = _begin(scenario, options.begin)
        live = Live(first, setup.outdoors)
        if options.real is not None:
            now = WallClock().now()
            live, begin = as_if_now(first, setup.outdoors, begin, now), now
        model = FieldModel(
            setup.population,
            setup.base,
            live.scenario,
            secret,
            real=hardware.parts,
            outdoors=live.outdoors,
        )
        model.advance(begin)
        clock = start_clock(options.site / "clock.json", begin, options.speed)
        field = MqttField(
            model,
            Substation(setup.network, FactoredLoadFlow(setup.network), moved(setup.later, live.moved)),
            Wiring(broker.host, broker.port, concentrated=options.concentrated),
            clock=clock,
            wire_clock=WallClock(),
            rng=np.random.default_rng(scenario.seed),
            step_s=scenario.time.step_s,
            rtu=rtu,
            metering=Metering(setup.population, live.scenario),
            carriage=carriage_of(live.scenario),
        )
        log.info("field_up", broker=f"{broker.host}:{broker.port}", rtu=rtu.port, site=str(options.site))
        for sentence in otherwise(scenario, own_broker=options.broker is None):
            log.warning("scenario_not_played_as_simulated", what=sentence)
        works = [field.run()]
        if isinstance(broker, EmbeddedBroker):
            works.append(outages_of(broker, live.scenario.outage, clock))
        if options.real is not None:
            works.append(
                follow(ApiClient.of(load_site(path)), model, setup.network.service_points, WallClock())
            )
        try:
            await _until(stop, works)
        finally:
            write_journal(options.site / "device_journal.json", model)


@asynccontextmanager
async def _broker(outside: Place | None) -> AsyncIterator[Place | EmbeddedBroker]:
    if outside is not None:
        yield outside
        return
    async with EmbeddedBroker() as broker:
        yield broker


async def _until(stop: asyncio.Event, works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Raises what a work raises, as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            living = [tasks.create_task(work, name="field") for work in works]
            await stop.wait()
            for one in living:
                one.cancel()
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from faults
