"""The field on a real broker and a real RTU, seen with the daemon's own drivers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from controller.clock import ScaledClock, WallClock
from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Inbound,
    Reading,
    ReadingBatch,
)
from devices.modbus.driver import ModbusField
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.register_map import load_profile
from devices.modbus.settings import FieldUnit, LinkPlace
from devices.mqtt.driver import MqttLink
from devices.mqtt.embedded_broker import EmbeddedBroker
from devices.mqtt.settings import LinkSettings
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network
from simulations.carriage import carriage_of
from simulations.field import FieldModel
from simulations.metering import Metering
from simulations.mqtt_field import MqttField, Wiring
from simulations.population import draw_population
from simulations.rtu_server import RtuServer
from simulations.substation import Substation
from tests.simulations.small_field import SECRET, START, command, flat_load, marked, scenario

SPEED = 60.0
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)


def field_of(network: Network) -> FieldModel:
    a_scenario = scenario(
        shares={"ev": 0.9, "heat_pump": 0.0, "critical": 0.0},
        devices={"vanish_within_s": 60, "vanish_for_s": 240, "reaction_s": 2},
        people={"share": 1.0, "comply": 1.0, "reaction_s": 30},
    )
    who = marked(draw_population(network, a_scenario), vanishes=[1])
    return FieldModel(who, flat_load(len(network.service_points)), a_scenario, SECRET)


class Listener:
    """The daemon's side of the wire."""

    def __init__(self) -> None:
        self.heard: list[Inbound] = []
        self._news = asyncio.Event()

    def deliver(self, message: Inbound) -> None:
        self.heard.append(message)
        self._news.set()

    async def until(self, wanted: Callable[[Inbound], bool], within_s: float = 60.0) -> Inbound:
        """The first message that is wanted, waiting for it if need be."""
        async with asyncio.timeout(within_s):
            while True:
                self._news.clear()
                for message in self.heard:
                    if wanted(message):
                        return message
                await self._news.wait()


async def test_everything_speaks_on_the_wire(network: Network) -> None:
    wall, listener = WallClock(), Listener()
    async with EmbeddedBroker() as broker, RtuServer(load_profile("rtu_generic")) as rtu:
        clock = ScaledClock(START + timedelta(hours=2, minutes=30), SPEED)
        substation = Substation(network, FactoredLoadFlow(network))
        field = MqttField(
            field_of(network),
            substation,
            Wiring(broker.host, broker.port, concentrated=0.5),
            clock=clock,
            wire_clock=wall,
            rng=np.random.default_rng(1),
            step_s=60,
            rtu=rtu,
        )
        link = MqttLink(
            LinkSettings(host=broker.host, port=broker.port, feeders=("F1",)),
            clock,
            np.random.default_rng(2),
            wall,
        )
        profile = load_profile("rtu_generic")
        place = LinkPlace(rtu.host, rtu.port)
        unit = FieldUnit("F1", place, 1, MappedUnit(profile), meter=SUBSTATION, period_s=60.0)
        modbus = ModbusField([unit], clock, np.random.default_rng(3), wall)
        tasks = [
            asyncio.create_task(work)
            for work in (link.run(listener.deliver), modbus.run(listener.deliver), field.run())
        ]
        try:
            await _meters_and_devices(listener, field.model)
            await _commands(listener, link, clock)
            await _vanishing(listener, link, clock)
            await _people(listener, link, clock, field.model)
        finally:
            begun = wall.monotonic()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert wall.monotonic() - begun < 1.0


async def test_what_a_scenario_says_of_meters_and_ways_holds_on_the_wire(network: Network) -> None:
    """Concentrator 1 and the RTU are away, M-013 shows twice what flows, each message comes twice."""
    hours = {"begin": START, "end": START + timedelta(hours=20)}
    a_scenario = scenario(
        shares={"ev": 0.0, "heat_pump": 0.0, "critical": 0.0},
        meters={"concentrators": 2},
        outage=[{"of": "concentrator"} | hours, {"of": "substation"} | hours],
        false_reading=[{"meters": ["M-013"], "scale": 2.0}],
        link={"duplicate": 1.0, "delay_s": 5.0},
    )
    who = draw_population(network, a_scenario)
    wall, listener = WallClock(), Listener()
    async with EmbeddedBroker() as broker, RtuServer(load_profile("rtu_generic")) as rtu:
        clock = ScaledClock(START + timedelta(hours=2, minutes=30), SPEED)
        field = MqttField(
            FieldModel(who, flat_load(13), a_scenario, SECRET),
            Substation(network, FactoredLoadFlow(network)),
            Wiring(broker.host, broker.port, concentrated=0.7),
            clock=clock,
            wire_clock=wall,
            rng=np.random.default_rng(1),
            step_s=60,
            rtu=rtu,
            metering=Metering(who, a_scenario),
            carriage=carriage_of(a_scenario),
        )
        settings = LinkSettings(host=broker.host, port=broker.port, feeders=("F1",))
        link = MqttLink(settings, clock, np.random.default_rng(2), wall)
        place = LinkPlace(rtu.host, rtu.port)
        unit = FieldUnit(
            "F1", place, 1, MappedUnit(load_profile("rtu_generic")), meter=SUBSTATION, period_s=6
        )
        modbus = ModbusField([unit], clock, np.random.default_rng(3), wall)
        works = (link.run(listener.deliver), modbus.run(listener.deliver), field.run())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            first = await listener.until(lambda m: isinstance(m, Reading) and m.meter == "M-013")
            await listener.until(lambda _: listener.heard.count(first) == 2)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, Reading)
    assert first.p_kw == 2.0
    batches = [one.meters for one in listener.heard if isinstance(one, ReadingBatch)]
    assert batches
    assert set(batches) == {("M-008", "M-009")}
    assert not [one for one in listener.heard if isinstance(one, Reading) and one.meter == SUBSTATION]


async def _meters_and_devices(listener: Listener, model: FieldModel) -> None:
    batch = await listener.until(lambda m: isinstance(m, ReadingBatch))
    assert isinstance(batch, ReadingBatch)
    last = await listener.until(lambda m: isinstance(m, Reading) and m.meter == "M-013")
    assert isinstance(last, Reading)
    assert last.p_kw == model.power().p_kw[12]
    assert last.v_v is not None
    assert 200 < last.v_v[0] < 235
    assert "M-013" not in batch.meters
    assert "M-001" in batch.meters
    head = await listener.until(lambda m: isinstance(m, Reading) and m.meter == SUBSTATION and m.p_kw > 0)
    assert isinstance(head, Reading)
    assert head.p_kw == pytest.approx(13 + 12 * 11, rel=0.15)
    status = await listener.until(lambda m: isinstance(m, DeviceStatus) and m.device == "ev-001")
    assert isinstance(status, DeviceStatus)
    assert (status.online, status.p_kw, status.limit_kw) == (True, 11.0, None)


async def _commands(listener: Listener, link: MqttLink, clock: ScaledClock) -> None:
    await link.send(command("ev-001", clock.now(), minutes=4))
    answer = await listener.until(lambda m: isinstance(m, Answer) and m.device == "ev-001")
    assert answer == Answer("F1", "ev-001", "R1", "accepted", None)
    await listener.until(lambda m: isinstance(m, DeviceStatus) and m.device == "ev-001" and m.limit_kw == 4.2)
    ended = await listener.until(lambda m: isinstance(m, Answer) and m.answer == "ended")
    assert ended == Answer("F1", "ev-001", "R1", "ended", "end reached")


async def _vanishing(listener: Listener, link: MqttLink, clock: ScaledClock) -> None:
    await link.send(command("ev-002", clock.now(), minutes=2))
    gone = await listener.until(lambda m: isinstance(m, DeviceStatus) and not m.online)
    assert gone == DeviceStatus("F1", "ev-002", at=None, online=False)
    heard_before = len(listener.heard)
    await listener.until(
        lambda m: (
            isinstance(m, DeviceStatus)
            and m.device == "ev-002"
            and m.online
            and m in listener.heard[heard_before:]
        )
    )


async def _people(listener: Listener, link: MqttLink, clock: ScaledClock, model: FieldModel) -> None:
    (asked,) = [c for c in model.population.registry.customers if c.takes_notices]
    place = model.population.registry.customers.index(asked)
    less_kw = 1.0 - model.population.cut_share[place]
    now = clock.now()
    await link.notify(
        CustomerNotice("F1", asked.customer, "R9", 0.5, now, now + timedelta(minutes=30), 1, "please")
    )
    await listener.until(lambda m: _shows(m, asked.meter, less_kw))
    assert (model.residents.notices, model.residents.followed) == (1, 1)


def _shows(message: Inbound, meter: str, kw: float) -> bool:
    match message:
        case Reading(meter=name, p_kw=p_kw):
            return name == meter and abs(p_kw - kw) < 0.01
        case ReadingBatch(meters=meters, p_kw=powers):
            return meter in meters and abs(powers[meters.index(meter)] - kw) < 0.01
        case _:
            return False
