"""Readings a second from the field into the feeder state, through Mosquitto, beside what each part costs [1].

The daemon's own path: `MqttLink`, `Intake`, and `hear` in a worker thread every half second; 100 feeders of
100 meters. The field publishes as fast as the broker takes it, and is a process of its own as the broker is:
on two cores the three share them. Beside it stand what a client library alone costs (it counts the messages
and throws them away) and what our codec, intake and state cost without a network. "CPU %" is this process's
share of one core: below 90 it had to wait, for the field, for the broker or for a core; what it could do with
a core of its own is in the column "readings/CPU s".
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pandapower

from controller import settings
from controller.books import Books
from controller.clock import WallClock
from controller.feeder_control import FeederControl, build_control
from controller.hearing import hear
from controller.intake import Drained, Intake, by_feeder
from controller.memory import fresh_memory
from controller.plausibility import Refusals
from customers.registry import Customer, Registry
from devices.messages import Inbound
from devices.mqtt import codec
from devices.mqtt.driver import MqttLink
from devices.mqtt.settings import LinkSettings, Protocol
from grid_model.network import network_of
from gridward.bench.field_broker import broker_and_field, mosquitto
from gridward.bench.field_floors import bare_aiomqtt, bare_paho, counted
from gridward.bench.field_publisher import FEEDERS, METERS, feeder_name, messages, meter_name

GOALS = {"single": 30_000, "json": 1_000_000, "msgpack": 1_000_000}
"""readings a second on two cores"""
_PERIOD_S, _LOOK_EVERY_S = 0.5, 0.01
_QUEUE_BOUND = 10_000_000
"""readings; five seconds of twice the goal, so that nothing is shed on a busy machine"""
_WITHIN_S = 120.0
_ALONE = 10_000
"""messages without a network"""
_FLOORS = (("bare paho, counted", bare_paho), ("bare aiomqtt, counted", bare_aiomqtt))


@dataclass(frozen=True)
class Figures:
    """One run: what it took on the clock, and of the processor by this process."""

    seconds: float
    cpu_s: float
    shed: int = 0


def print_figures(seed: int, quick: bool) -> None:
    """Print one table for each shape of message."""
    controls = _feeders()
    single, batches = (20_000, 5_000) if quick else (150_000, 30_000)
    if mosquitto() is None:
        print("Mosquitto is not installed (Debian: mosquitto): all that goes through it is left out")
    for shape, count in (("single", single), ("json", batches), ("msgpack", batches)):
        each = 1 if shape == "single" else METERS
        print(f"{shape}: {count:,} messages of {each} readings; goal {GOALS[shape]:,} readings/s")
        print(f"{'':<36}{'readings/s':>12}{'CPU %':>7}{'us a message':>14}{'readings/CPU s':>16}{'shed':>6}")
        for name, some, figures in _rows(controls, shape, count, seed):
            print(
                f"{name:<36}{some * each / figures.seconds:>12,.0f}"
                f"{figures.cpu_s / figures.seconds * 100:>7.0f}{figures.cpu_s / some * 1e6:>14.1f}"
                f"{some * each / figures.cpu_s:>16,.0f}{figures.shed:>6,}",
                flush=True,
            )


def _rows(
    controls: dict[str, FeederControl], shape: str, count: int, seed: int
) -> Iterator[tuple[str, int, Figures]]:
    alone = min(count, _ALONE)
    for name, figures in _without_network(controls, shape, alone, seed):
        yield name, alone, figures
    if mosquitto() is None:
        return
    for protocol in ("3.1.1", "5"):
        for name, client in _FLOORS:
            taken = asyncio.run(counted(client, protocol, shape, count, seed))
            yield f"{name}, MQTT {protocol}", count, Figures(*taken)
        with contextlib.redirect_stdout(sys.stderr):
            whole = asyncio.run(_end_to_end(controls, protocol, shape, count, seed))
        yield f"into the feeder state, MQTT {protocol}", count, whole


def _without_network(
    controls: dict[str, FeederControl], shape: str, count: int, seed: int
) -> Iterator[tuple[str, Figures]]:
    made = list(messages(shape, count, seed, WallClock().now()))
    came: list[Inbound] = []
    yield "codec alone", _timed(lambda: came.extend(codec.decode(*one) for one in made))
    intake, state, drained = Intake(_QUEUE_BOUND), _State(controls), list[Drained]()

    def through_intake() -> None:
        for message in came:
            intake.deliver(message)
        drained.append(intake.drain())

    yield "intake alone", _timed(through_intake)
    yield "feeder state alone", _timed(lambda: state.take(drained[0]))


def _timed(work: Callable[[], object]) -> Figures:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Figures(time.perf_counter() - began, time.process_time() - cpu)


class _State:
    """All feeders' memories, as the daemon's rounds keep them."""

    def __init__(self, controls: dict[str, FeederControl]) -> None:
        self._controls, self._books, self._clock = controls, Books(), WallClock()
        self._memory = {name: fresh_memory(control) for name, control in controls.items()}
        self.messages = self.shed = 0

    def take(self, drained: Drained) -> None:
        """Hear one drain. Nothing may be refused or late: every reading is news."""
        refusals, now = Refusals(), self._clock.now()
        grouped = by_feeder(drained, self._controls, refusals)
        assert not refusals.by_reason(), refusals.by_reason()
        for feeder, control in self._controls.items():
            heard = hear(control, self._books, self._memory[feeder], grouped[feeder], now)
            assert not heard.refused, heard.refused
            assert not heard.late, feeder
            self._memory[feeder] = heard.memory
        self.messages += len(drained.readings)
        self.shed += drained.shed


async def _end_to_end(
    controls: dict[str, FeederControl], protocol: Protocol, shape: str, count: int, seed: int
) -> Figures:
    clock, intake, state = WallClock(), Intake(_QUEUE_BOUND), _State(controls)
    async with broker_and_field(shape, count, seed) as field, asyncio.timeout(_WITHIN_S):
        link = MqttLink(
            LinkSettings("127.0.0.1", field.port, tuple(controls), protocol=protocol),
            clock,
            np.random.default_rng(seed),
        )
        running = asyncio.create_task(link.run(intake.deliver))
        while not link.connected:
            await clock.sleep(0.01)
        field.begin()
        while not link.received:
            await clock.sleep(0.001)
        began, cpu = time.perf_counter(), time.process_time()
        while state.messages + state.shed < count:
            due = time.perf_counter() + _PERIOD_S
            while link.received < count and time.perf_counter() < due:
                await clock.sleep(_LOOK_EVERY_S)
            await asyncio.to_thread(state.take, intake.drain())
        figures = Figures(time.perf_counter() - began, time.process_time() - cpu, state.shed)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return figures


def _feeders() -> dict[str, FeederControl]:
    """All of one network: a busbar with the customers on it, which is all that hearing looks at."""
    net = pandapower.create_empty_network()
    medium, busbar = pandapower.create_bus(net, 20.0), pandapower.create_bus(net, 0.4)
    pandapower.create_ext_grid(net, medium)
    pandapower.create_transformer(net, medium, busbar, std_type="0.63 MVA 20/0.4 kV")
    points = [f"sp{number}" for number in range(METERS)]
    pandapower.create_loads(net, [busbar] * METERS, 1e-5, name=points)
    with contextlib.redirect_stdout(sys.stderr):
        network = network_of(net, "bench")
    customers = tuple(Customer(f"C{n}", point, meter_name(n)) for n, point in enumerate(points))
    feeder = settings.Feeder(id="bench", network="bench", customers=Path("c"), devices=Path("d"))
    site = settings.Site(name="bench", feeder=(feeder,))
    one = build_control(site, feeder, network, Registry(customers, ()))
    names = [feeder_name(number) for number in range(FEEDERS)]
    return {name: replace(one, settings=msgspec.structs.replace(feeder, id=name)) for name in names}
