"""Every driver ends when it is cancelled, whatever it is doing: at each step of each of its tasks."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from devices.modbus.driver import ModbusField
from devices.mqtt.settings import Protocol
from devices.ocpp.driver import CentralSystem
from devices.openadr.changes import Change
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings
from devices.openadr.notifier import MqttNotifier, NotifierSettings
from devices.openadr.object_store import ObjectStore
from devices.openadr.settings import VtnSettings
from devices.openadr.vtn import Vtn
from devices.signing import sign
from tests.brokers import Mosquitto
from tests.cancelling import Part, ends_at_every_step
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.modbus.rig import QUICK, command, mapped, memory_reply, scripted, unit
from tests.devices.mqtt.conftest import new_link
from tests.devices.mqtt.test_command_contract import SECRET, MqttDevice, on_the_broker
from tests.devices.openadr.channel_rig import (
    DEVICE,
    FAST,
    OTHER,
    all_clients,
    in_background,
    new_repository,
)
from tests.devices.openadr.test_notifier import Vens, event
from tests.simulations.test_ocpp_charger import PASSWORD, SETTINGS, CentralAddress, new_charger


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_the_link_to_the_broker(protocol: Protocol, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        async with on_the_broker(MqttDevice(broker.port, "f1", "ev1")):

            def make() -> Part:
                link, deliveries = new_link(RealClock(), port=broker.port, protocol=protocol), Deliveries()

                async def use() -> None:
                    await until(lambda: link.connected)
                    for number in range(3):
                        asked = command(f"r{number}", device="ev1", sequence=number + 1)
                        await link.send(sign(asked, SECRET))
                    await deliveries.wait_for(1)

                return lambda: link.run(deliveries), use

            assert await ends_at_every_step(make) > 10


@pytest.mark.mosquitto
async def test_the_notifier(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = NotifierSettings("127.0.0.1", broker.port, ("mqtt://127.0.0.1",))

        def make() -> Part:
            notifier = MqttNotifier(settings, Vens(), RealClock(), rng())
            for number in range(3):
                notifier.changed(Change("report", "CREATE", {"id": f"x{number}"}))

            async def use() -> None:
                await until(lambda: notifier.published == 3)
                notifier.changed(Change("event", "CREATE", event(), ("v1",)))
                await until(lambda: notifier.published == 6)

            return notifier.run, use

        assert await ends_at_every_step(make) > 10


async def test_the_central_system() -> None:
    def make() -> Part:
        system, deliveries = CentralSystem(SETTINGS, RealClock(), rng()), Deliveries()

        async def use() -> None:
            await until(lambda: system.listening)
            address = CentralAddress(f"ws://127.0.0.1:{system.port}/ocpp", "cp1", "1.6", PASSWORD)
            async with in_background(new_charger(address).run()):
                await deliveries.wait_for(3)
                await system.send(command(device="ev1"))
                await deliveries.wait_for(len(deliveries) + 1)

        return lambda: system.run(deliveries), use

    assert await ends_at_every_step(make) > 10


async def test_modbus() -> None:
    async with scripted(memory_reply({})) as port:

        def make() -> Part:
            field = ModbusField((unit(port, mapped()),), RealClock(), rng(), RealClock(), QUICK)
            deliveries = Deliveries()

            async def use() -> None:
                await deliveries.wait_for(2)
                await field.send(command())
                await deliveries.wait_for(len(deliveries) + 1)

            return lambda: field.run(deliveries), use

        assert await ends_at_every_step(make) > 5


async def test_the_channel_of_events() -> None:
    vtn = new_repository(RealClock())

    def make() -> Part:
        settings = ChannelSettings((DEVICE, OTHER), **FAST)
        channel = OpenAdrChannel(settings, vtn, RealClock(), rng(), RealClock())

        async def use() -> None:
            await until(lambda: channel.connected)
            await channel.send(command(device="ev1"))

        return lambda: channel.run(Deliveries()), use

    assert await ends_at_every_step(make) > 5


async def test_the_vtn() -> None:
    def make() -> Part:
        settings = VtnSettings(all_clients(), b"k" * 32, port=0, goodbye_s=0.1)
        vtn = Vtn(settings, ObjectStore(None), RealClock(), rng())

        async def use() -> None:
            await until(lambda: vtn.connected)
            async with httpx.AsyncClient() as client:
                await client.get(f"http://127.0.0.1:{vtn.port}/openadr3/3.0.1/programs")

        return vtn.run, use

    assert await ends_at_every_step(make) > 5
