"""The contract of all channels of commands, over real brokers to a device that does as `limit_holder`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiomqtt
import pytest

from devices.limit_holder import LimitHolder
from devices.messages import LimitCommand
from devices.mqtt import codec
from devices.mqtt.driver import MqttLink
from devices.mqtt.topics import Topics
from devices.signing import device_key, sign
from tests.devices.command_contract import FLOOR_KW, CommandContract
from tests.devices.live import WITHIN_S, Deliveries
from tests.devices.mqtt.conftest import AnyBroker, linked

SECRET = bytes(range(32))
T = Topics()


class MqttDevice:
    """A device on the broker: told by the broker, and by its own clock."""

    def __init__(self, port: int, feeder: str, device: str) -> None:
        self._port, self._feeder, self._device = port, feeder, device
        self.holder = LimitHolder(device, device_key(SECRET, device), FLOOR_KW)
        self.listening = asyncio.Event()

    async def run(self) -> None:
        while True:
            self.listening.clear()
            with suppress(aiomqtt.MqttError):
                await self._serve()
            await asyncio.sleep(0.05)

    async def _serve(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self._port, timeout=WITHIN_S) as client:
            await client.subscribe(T.request(self._feeder, self._device), qos=1)
            self.listening.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                received = codec.decode_command(message.topic.value, message.payload)
                assert isinstance(received, LimitCommand)
                answer = self.holder.receive(received, datetime.now(UTC))
                if answer is not None:
                    topic = T.answer(self._feeder, self._device)
                    await client.publish(topic, codec.encode_answer(answer), qos=1)


class MqttRig:
    """The broker and the device behind it."""

    feeder, device = "f1", "ev1"

    def __init__(
        self, broker: AnyBroker, driver: MqttLink, deliveries: Deliveries, device: MqttDevice
    ) -> None:
        self.driver = driver
        self.deliveries = deliveries
        self._broker, self._device = broker, device

    async def send(self, command: LimitCommand) -> None:
        await self.driver.send(sign(command, SECRET))

    async def held_kw(self) -> float | None:
        return self._device.holder.limit_at(datetime.now(UTC))

    async def lose(self) -> None:
        self._device.listening.clear()
        await self._broker.die()

    async def come_back(self) -> None:
        await self._broker.start()
        await asyncio.wait_for(self._device.listening.wait(), WITHIN_S)


@asynccontextmanager
async def on_the_broker(device: MqttDevice) -> AsyncIterator[None]:
    running = asyncio.create_task(device.run())
    try:
        await asyncio.wait_for(device.listening.wait(), WITHIN_S)
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.mosquitto
class TestCommands(CommandContract):
    """As the contract says."""

    @pytest.fixture
    async def rig(self, any_broker: AnyBroker) -> AsyncIterator[MqttRig]:
        device = MqttDevice(any_broker.port, MqttRig.feeder, MqttRig.device)
        async with (
            linked(any_broker.port, any_broker.protocol) as (link, deliveries),
            on_the_broker(device),
        ):
            yield MqttRig(any_broker, link, deliveries, device)
