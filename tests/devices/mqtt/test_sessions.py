"""What the broker keeps for us and passes on: sessions, shared subscriptions, retained statuses, wills."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt.client import MQTTMessage
from structlog.testing import capture_logs

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, DeviceStatus, Inbound, Reading, ReadingBatch
from devices.mqtt import codec
from devices.mqtt.client import LinkClient, _options
from devices.mqtt.driver import MqttLink, _is_told
from devices.mqtt.settings import LinkSettings, Protocol
from devices.mqtt.topics import Topics
from devices.wire import JSON, MSGPACK
from tests.brokers import Mosquitto, tool
from tests.devices.live import RealClock, until
from tests.devices.mqtt.clients import publish, subscribed
from tests.devices.mqtt.conftest import AnyBroker, cut_off, linked
from tests.devices.mqtt.scripted_broker import ScriptedBroker

pytestmark = pytest.mark.mosquitto

T = Topics()
AT = datetime(2026, 1, 12, 18, tzinfo=UTC)
ANSWER = Answer("f1", "ev1", "r1", "accepted")
STATUS = DeviceStatus("f1", "ev1", AT, True, 11.0, None, None)
READING = Reading("f1", "m1", AT, 2.0)
BATCH = ReadingBatch("f1", AT, ("m1", "m2"), (1.5, 0.0), (0.25, 0.5))
METER = T.meter_reading("f1", "m1")


@pytest.fixture(params=["5", "3.1.1"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    chosen: Protocol = request.param
    return chosen


async def test_after_its_expiry_a_session_is_forgotten_and_we_start_anew(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        async with linked(broker.port, session_expiry_s=1):
            pass
        await publish(broker.port, T.answer("f1", "ev1"), codec.encode_answer(ANSWER))
        await until(lambda: "Expiring client gridward-controller" in broker.log.read_text())
        async with linked(broker.port, session_expiry_s=1) as (_, deliveries):
            await publish(broker.port, METER, codec.encode_reading(READING))
            await deliveries.wait_for(1)
            assert deliveries == [READING]


async def test_without_an_expiry_nothing_is_kept(tmp_path: Path, protocol: Protocol) -> None:
    with Mosquitto(tmp_path) as broker:
        async with linked(broker.port, protocol, session_expiry_s=0):
            pass
        await publish(broker.port, T.answer("f1", "ev1"), codec.encode_answer(ANSWER))
        async with linked(broker.port, protocol, session_expiry_s=0) as (_, deliveries):
            await publish(broker.port, METER, codec.encode_reading(READING))
            await deliveries.wait_for(1)
            assert deliveries == [READING]


async def test_readers_share_the_readings_and_the_controller_hears_every_answer(
    tmp_path: Path, protocol: Protocol
) -> None:
    def reader(name: str) -> dict[str, object]:
        return {"client_id": name, "reads": "readings", "readings_group": "readers"}

    with Mosquitto(tmp_path) as broker:
        port = broker.port
        async with (
            linked(port, protocol, **reader("a")) as (_, first),
            linked(port, protocol, **reader("b")) as (_, second),
            linked(port, protocol, reads="devices") as (_, controller),
        ):
            many = b"\n".join(b"%b" % codec.encode_reading(READING) for _ in range(100))
            command = (tool("mosquitto_pub"), "-p", str(port), "-t", METER, "-q", "1", "-l")
            process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
            await process.communicate(many)
            await publish(port, T.status("f1", "ev1"), codec.encode_status(STATUS))
            await publish(port, T.answer("f1", "ev1"), codec.encode_answer(ANSWER))
            await until(lambda: len(first) + len(second) >= 100)
            await controller.wait_for(2)
            assert len(first) + len(second) == 100
            assert min(len(first), len(second)) > 0
            assert controller == [STATUS, ANSWER]


async def test_a_reader_that_went_away_takes_no_share_with_it(tmp_path: Path, protocol: Protocol) -> None:
    def reader(name: str) -> dict[str, object]:
        return {"client_id": name, "reads": "readings", "readings_group": "readers"}

    with Mosquitto(tmp_path) as broker:
        async with linked(broker.port, protocol, **reader("a")) as (_, there):
            async with linked(broker.port, protocol, **reader("b")):
                pass
            for _ in range(6):
                await publish(broker.port, METER, codec.encode_reading(READING))
            await there.wait_for(6)
    with pytest.raises(ValueError, match="a reader needs another"):
        LinkSettings("h", 1, ("f1",), reads="readings")


@pytest.mark.parametrize("where", ["user-property", "content-type"])
async def test_no_text_of_a_sender_ends_the_link(tmp_path: Path, where: str) -> None:
    """U+FEFF in a property, which Mosquitto passes on and paho's own reader calls malformed."""
    text = ("a", "\ufeff") if where == "user-property" else ("\ufeff",)
    with Mosquitto(tmp_path) as broker:
        async with linked(broker.port) as (link, deliveries):
            poison = ("-V", "5", "-D", "publish", where, *text)
            await publish(broker.port, METER, codec.encode_reading(READING), *poison)
            await publish(broker.port, METER, codec.encode_reading(READING))
            await deliveries.wait_for(2)
            assert (link.connected, link.connections) == (True, 1)
            assert deliveries[-1] == READING


async def test_what_no_client_of_5_can_read_is_read_by_3_1_1() -> None:
    """The broker offers the same malformed message at each connection."""
    malformed = b"\x30\x05\x00\x01t\x01\xff"  # a property that MQTT 5 does not know
    async with ScriptedBroker(at_first_word=malformed) as broker:
        with capture_logs() as logs:
            async with linked(broker.port) as (link, _):
                await until(lambda: link.connections == 3 and link.connected)
    assert [line["event"] for line in logs] == [
        "mqtt link up",
        "mqtt link lost",
        "mqtt link up",
        "mqtt broker sends what no MQTT 5 client can read, going on with 3.1.1",
    ]


async def test_a_reader_says_nothing_of_the_controller(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        async with subscribed(broker.port, T.controller_status) as watcher:
            async with linked(broker.port, client_id="reader", reads="readings") as (reader, _):
                cut_off(reader)
                await until(lambda: reader.reconnects == 1)
            await publish(broker.port, T.controller_status, b"nobody else spoke")
            assert await watcher.line() == f"{T.controller_status} nobody else spoke"


def test_only_readings_are_ever_shared_and_no_filter_covers_a_request() -> None:
    settings = LinkSettings("h", 1, ("f1",), readings_group="g")
    assert settings.filters == (
        "$share/g/gridward/f1/+",
        "$share/g/gridward/f1/+/reading",
        "$share/g/gridward/f1/+/+/reading",
        "gridward/f1/+/+/status",
        "gridward/f1/+/+/answer",
    )
    # "no local" on a shared subscription is a protocol error, which Mosquitto 2.0 overlooks
    assert [_options(topic).noLocal for topic in settings.filters] == [False, False, False, True, True]
    with pytest.raises(ValueError, match="readings_group"):
        LinkSettings("h", 1, ("f1",), readings_group="a/b")


async def test_a_status_that_was_retained_is_heard_at_the_start(any_broker: AnyBroker) -> None:
    await publish(any_broker.port, T.status("f1", "ev1"), codec.encode_status(STATUS), "-r")
    async with linked(any_broker.port, any_broker.protocol) as (_, deliveries):
        await deliveries.wait_for(1)
        assert deliveries == [STATUS]


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
async def test_a_batch_comes_in_as_json_and_as_messagepack(any_broker: AnyBroker, content_type: str) -> None:
    payload = codec.encode_batch(BATCH, content_type)
    told = ("-V", "5", "-D", "publish", "content-type", content_type) if any_broker.protocol == "5" else ()
    async with linked(any_broker.port, any_broker.protocol) as (_, deliveries):
        await publish(any_broker.port, T.batch("f1"), payload, *told)
        await deliveries.wait_for(1)
        assert deliveries == [BATCH]


async def test_the_will_of_a_device_that_dies_is_heard(any_broker: AnyBroker) -> None:
    topic = T.status("f1", "ev1")
    gone = DeviceStatus("f1", "ev1", None, False, None, None, None)
    will = ("--will-topic", topic, "--will-payload", codec.encode_status(gone).decode(), "--will-retain")
    async with linked(any_broker.port, any_broker.protocol) as (_, deliveries):
        async with subscribed(any_broker.port, T.request("f1", "ev1"), *will) as device:
            device.process.kill()
            await deliveries.wait_for(1)
        assert deliveries == [gone]


async def test_a_message_that_we_fail_at_does_not_end_the_link(tmp_path: Path) -> None:
    came: list[Inbound] = []

    def deliver(message: Inbound) -> None:
        came.append(message)
        if len(came) < 3:
            raise RuntimeError("a fault of ours")

    with Mosquitto(tmp_path) as broker, capture_logs() as logs:
        async with linked(broker.port, deliver=deliver) as (link, _):
            for _ in range(3):
                await publish(broker.port, METER, codec.encode_reading(READING))
            await until(lambda: len(came) == 3)
            assert (link.failed, link.connected, link.reconnects) == (2, True, 0)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["mqtt message failed"]


async def test_a_topic_that_is_no_text_is_passed_over() -> None:
    came: list[str] = []
    client = LinkClient(LinkSettings("h", 1, ("f1",)), "5", lambda topic, *_: came.append(topic))
    for topic in (b"gridward/f1/\xff", b"gridward/f1/readings"):
        client._came_in(client._client, None, MQTTMessage(topic=topic))
    assert came == ["gridward/f1/readings"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(0x87, CommandRejected), (0x90, CommandRejected), (0x97, Unreachable), (0x83, Unreachable)],
)
def test_what_a_refusal_of_the_broker_means(reason: int, expected: type[Exception]) -> None:
    link = MqttLink(LinkSettings("h", 1, ("f1",)), RealClock(), np.random.default_rng(1))
    with pytest.raises(expected, match="the broker refuses it"):
        link._is_heard("topic", reason)
    assert link.sent == 0


def test_what_goes_on_is_told_at_the_first_the_tenth_the_hundredth() -> None:
    assert [count for count in range(1, 1101) if _is_told(count)] == [1, 10, 100, 1000]
