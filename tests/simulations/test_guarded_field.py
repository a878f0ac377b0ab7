"""Devices of guard mode in the field: what they note, what they show, and that both cross a real broker."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from controller.clock import ScaledClock, WallClock
from controller.stores.sqlite import SqliteStore
from devices.failsafe import GuardedDevice
from devices.messages import DeviceStatus, Failsafe, GuardState, Heartbeat, Inbound
from devices.mqtt.driver import MqttLink
from devices.mqtt.embedded_broker import EmbeddedBroker
from devices.mqtt.settings import LinkSettings
from devices.signing import sign
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import load_network
from simulations.checker import Broken, judge
from simulations.emulated_devices import DeviceNote, EmulatedDevices
from simulations.field import FieldModel
from simulations.mqtt_field import MqttField, Wiring
from simulations.occurrences import LinkDrops, LinkReturns
from simulations.population import Population, draw_population
from simulations.record_reading import read_record
from simulations.runner import run_controlled
from simulations.scenario_file import parse_scenario
from simulations.setups import Setup, prepare
from simulations.simulate import evidence_of
from simulations.substation import Substation
from tests.simulations.small_field import SECRET, START, command, field_of, flat_load, population, scenario

GUARD = "ev-001"
SPEED = 240.0


def guarded(who: Population) -> Population:
    """The same people; the first car is of guard mode."""
    registry = who.registry
    devices = tuple(
        replace(d, on_contact_loss="guard", failsafe_kw=6.0) if d.device == GUARD else d
        for d in registry.devices
    )
    return replace(who, registry=replace(registry, devices=devices))


def failsafe(sequence: int = 1, hold_s: int = 600) -> Failsafe:
    return sign(Failsafe("F1", GUARD, 6.0, hold_s, 120, 1, sequence), SECRET)


@pytest.fixture
def field() -> FieldModel:
    return field_of(
        scenario(devices={"reaction_s": 0.001, "vanish_for_s": 1000}), guarded(population(scenario()))
    )


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(devices: EmulatedDevices, since: float = 0.0) -> list[tuple[float, str, float | None]]:
    """What the device noted, by the second."""
    return [
        ((note.at - START).total_seconds(), note.what, note.limit_kw)
        for note in devices.journal
        if note.device == GUARD and note.at >= after(since)
    ]


def test_it_notes_when_silence_limits_it_and_when_that_is_over(field: FieldModel) -> None:
    field.hear(Heartbeat(START, 1, 1))
    field.receive_failsafe(failsafe())
    field.advance(after(2000))
    noted = told(field.devices)
    assert [(what, kw) for _, what, kw in noted] == [("armed", 6.0), ("failsafe", 6.0), ("free", None)]
    assert noted[1][0] == pytest.approx(120, abs=0.01)
    assert noted[2][0] == pytest.approx(720, abs=0.01)


def test_a_request_its_end_and_the_silence_after_it(field: FieldModel) -> None:
    field.hear(Heartbeat(START, 1, 1))
    field.receive_failsafe(failsafe())
    field.receive(command(GUARD, START, limit_kw=5.0, minutes=5))
    field.advance(after(400))
    assert [(round(s), what, kw) for s, what, kw in told(field.devices)[2:]] == [
        (0, "limited", 5.0),
        (300, "failsafe", 6.0),
    ]
    (status,) = [s for s in field.statuses() if s.device == GUARD]
    assert (status.limit_kw, status.request, status.state) == (6.0, None, "failsafe")
    assert (status.failsafe_kw, status.failsafe_s, status.heartbeat_timeout_s) == (6.0, 600, 120)
    assert status.nominal_kw == field.population.registry.devices[0].rated_kw


def test_without_contact_it_hears_no_heartbeat_and_keeps_what_it_was_told(field: FieldModel) -> None:
    field.hear(Heartbeat(START, 1, 1))
    field.receive_failsafe(failsafe())
    field.devices.drop(LinkDrops(0), after(10))
    for number in range(1, 6):
        field.advance(after(30 * number))
        field.hear(Heartbeat(after(30 * number), 1, number + 1))
    field.receive_failsafe(failsafe(sequence=2, hold_s=60))
    assert told(field.devices)[-1][1] == "failsafe"
    field.devices.come_back(LinkReturns(0), after(150), 0.0)
    field.hear(Heartbeat(after(150), 1, 9))
    field.receive_failsafe(failsafe(sequence=3))
    assert told(field.devices, 150)[-1][1] == "free"


def test_devices_of_event_mode_show_nothing_of_it(field: FieldModel) -> None:
    field.hear(Heartbeat(START, 1, 1))
    field.advance(after(500))
    others = [s for s in field.statuses() if s.device != GUARD]
    assert {(s.failsafe_kw, s.failsafe_s, s.nominal_kw, s.state) for s in others} == {
        (None, None, None, None)
    }
    assert not [note for note in field.devices.journal if note.what == "failsafe"]


EVENING = """\
title = "Guards that lose contact"
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T17:30:00+00:00"
days = 0.016
[shares]
ev = 1.0
heat_pump = 0.0
critical = 0.1
[devices]
guard = 0.7
vanish = 0.8
vanish_within_s = 60
vanish_for_s = 600
[ev]
arrival_hour = 17.5
arrival_sd_hours = 0.05
[control.cycle]
period_s = 15
fresh_s = 90
"""


@pytest.fixture(scope="module")
def setup() -> Setup:
    """An evening in which most devices lose contact while they are limited."""
    return prepare(parse_scenario(EVENING))


def judged(setup: Setup, folder: Path) -> tuple[Sequence[DeviceNote], list[Broken]]:
    """The devices' journal, and what the judge finds."""
    path = folder / "journal.sqlite3"
    store = SqliteStore(path, durable=False)
    try:
        run = run_controlled(setup, store, path, "1")
    finally:
        store.close()
    return run.journal, judge(evidence_of(setup, run, read_record(path)))


def test_an_evening_of_guards_keeps_every_promise(setup: Setup, tmp_path: Path) -> None:
    journal, broken = judged(setup, tmp_path)
    assert broken == []
    whats = {note.what for note in journal}
    assert {"armed", "limited", "offline", "failsafe", "online"} <= whats


def test_guards_that_stay_free_in_silence_are_found(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same evening with devices that take a failsafe over and never go to it."""

    def only_requests(self: GuardedDevice, now: datetime, at_s: float, _: str) -> float | None:
        return self.holder.limit_at(now, at_s=at_s)

    monkeypatch.setattr(GuardedDevice, "limit_at", only_requests)
    _, broken = judged(setup, tmp_path)
    assert {one.invariant for one in broken} == {"silence"}


async def test_told_proven_silent_and_back_over_a_real_broker() -> None:
    network = load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)
    a_scenario = scenario(shares={"ev": 0.9, "heat_pump": 0.0, "critical": 0.0})
    who = guarded(draw_population(network, a_scenario))
    model = FieldModel(who, flat_load(len(network.service_points)), a_scenario, SECRET)
    wall, clock = WallClock(), ScaledClock(START, SPEED)
    shown: dict[str, DeviceStatus] = {}

    def deliver(message: Inbound) -> None:
        if isinstance(message, DeviceStatus):
            shown[message.device] = message

    async def until(state: GuardState, limit_kw: float | None) -> None:
        async with asyncio.timeout(60):
            while (s := shown.get(GUARD)) is None or (s.state, s.limit_kw) != (state, limit_kw):
                await asyncio.sleep(0.02)

    async with EmbeddedBroker() as broker:
        field = MqttField(
            model,
            Substation(network, FactoredLoadFlow(network)),
            Wiring(broker.host, broker.port, concentrated=1.0),
            clock=clock,
            wire_clock=wall,
            rng=np.random.default_rng(1),
            step_s=30,
        )
        settings = LinkSettings(host=broker.host, port=broker.port, feeders=("F1",))
        link = MqttLink(settings, clock, np.random.default_rng(2), wall)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(link.run(deliver)), tasks.create_task(field.run())]
            async with asyncio.timeout(60):
                await field.wait_until_up()
                while not link.connected:
                    await asyncio.sleep(0.01)
            await link.beat(Heartbeat(clock.now(), 1, 1))
            await link.arm(failsafe(hold_s=7200))
            await until("unlimited_controlled", None)
            await until("failsafe", 6.0)
            await link.beat(Heartbeat(clock.now(), 1, 2))
            await link.send(command(GUARD, clock.now(), limit_kw=5.0, minutes=60))
            await until("limited", 5.0)
            for task in running:
                task.cancel()
