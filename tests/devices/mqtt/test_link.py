"""The link over real brokers: both versions of MQTT, the embedded one, loss, return, foreign clients."""

import asyncio
import gc
import json
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
from structlog.testing import capture_logs

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, CustomerNotice, DeviceStatus, LimitCommand, Reading, Refused
from devices.mqtt import codec
from devices.mqtt.client import LinkClient
from devices.mqtt.driver import MqttLink
from devices.mqtt.embedded_broker import EmbeddedBroker
from devices.mqtt.settings import LinkSettings, tls_context
from devices.mqtt.topics import Topics
from devices.signing import device_key, sign, verify
from tests.brokers import Mosquitto, tool
from tests.devices.driver_contract import TelemetryContract
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.mqtt.certificates import Authority
from tests.devices.mqtt.clients import publish, subscribed
from tests.devices.mqtt.conftest import AnyBroker, cut_off, linked, new_link, turned_away
from tests.devices.mqtt.field_clients import authority_of_a_field

T = Topics()
METER, REQUEST = T.meter_reading("f1", "m1"), T.request("f1", "ev1")
READING = b'{"at": "2026-01-12T18:00:00Z", "p_kw": %s, "q_kvar": 0, "v_v": [230], "energy_kwh": 7, "x": 1}'
NOW = datetime.now(UTC)
SECRET = bytes(range(32))
COMMAND = sign(LimitCommand("f1", "ev1", "r1", 4.2, NOW, NOW + timedelta(minutes=15), 3, 1), SECRET)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Mosquitto:
    """Not started yet."""
    return Mosquitto(tmp_path)


class MqttRig:
    """The contract's far side: a broker and mosquitto_pub as a meter."""

    def __init__(self, broker: AnyBroker, driver: MqttLink, deliveries: Deliveries) -> None:
        self.driver = driver
        self.deliveries = deliveries
        self._broker = broker

    async def measure(self, p_kw: float) -> None:
        await publish(self._broker.port, METER, READING % str(p_kw).encode())

    async def measure_nonsense(self) -> None:
        await publish(self._broker.port, METER, READING % b'"much"')

    async def lose(self) -> None:
        await self._broker.die()

    async def come_back(self) -> None:
        await self._broker.start()


@pytest.mark.mosquitto
class TestTelemetry(TelemetryContract):
    """The contract of every driver."""

    @pytest.fixture
    async def rig(self, any_broker: AnyBroker) -> AsyncIterator[MqttRig]:
        async with linked(any_broker.port, any_broker.protocol) as (link, deliveries):
            yield MqttRig(any_broker, link, deliveries)


@pytest.mark.mosquitto
async def test_a_command_reaches_a_foreign_client_as_the_designs_json(any_broker: AnyBroker) -> None:
    async with (
        linked(any_broker.port, any_broker.protocol) as (link, deliveries),
        subscribed(any_broker.port, "gridward/f1/devices/+/request") as device,
    ):
        await link.send(COMMAND)
        topic, _, payload = (await device.line()).partition(" ")
        assert topic == "gridward/f1/devices/ev1/request"
        assert json.loads(payload) == {
            "request": "r1",
            "limit_kw": 4.2,
            "start": COMMAND.start.isoformat().replace("+00:00", "Z"),
            "end": COMMAND.end.isoformat().replace("+00:00", "Z"),
            "epoch": 3,
            "sequence": 1,
            "signature": COMMAND.signature,
        }
        received = codec.decode_command(topic, payload.encode())
        assert isinstance(received, LimitCommand)
        assert verify(received, device_key(SECRET, "ev1"))
        assert link.sent == 1
        # our own words do not come back as telemetry
        await publish(any_broker.port, METER, READING % b"1")
        await deliveries.wait_for(1)
        assert [type(message) for message in deliveries] == [Reading]


@pytest.mark.mosquitto
async def test_a_command_is_not_retained(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (link, _):
        async with subscribed(any_broker.port, REQUEST) as device:
            await link.send(COMMAND)
            assert (await device.line()).startswith(f"{REQUEST} ")
        async with subscribed(any_broker.port, "gridward/f1/devices/+/+") as late:
            await publish(any_broker.port, T.answer("f1", "ev1"), b"marker")
            assert await late.line() == "gridward/f1/devices/ev1/answer marker"


@pytest.mark.mosquitto
async def test_a_notice_reaches_a_person(any_broker: AnyBroker) -> None:
    notice = CustomerNotice("f1", "c1", "r2", 1.5, NOW, NOW + timedelta(minutes=15), 1, "Bitte weniger ⚡")
    async with (
        linked(any_broker.port, any_broker.protocol) as (link, _),
        subscribed(any_broker.port, "gridward/f1/customers/c1/notice") as person,
    ):
        await link.notify(notice)
        topic, _, payload = (await person.line()).partition(" ")
        assert codec.decode_notice(topic, payload.encode()) == notice


@pytest.mark.mosquitto
async def test_everything_of_the_field_comes_in_and_the_unknown_is_counted(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (link, deliveries):
        port = any_broker.port
        status = DeviceStatus("f1", "ev1", NOW, True, 11.0, None, None)
        await publish(port, T.status("f1", "ev1"), codec.encode_status(status), "-r")
        answer = Answer("f1", "ev1", "r1", "accepted")
        await publish(port, T.answer("f1", "ev1"), codec.encode_answer(answer))
        await publish(port, "gridward/f1/meter/m1/reading", b"{}")
        await publish(port, METER, b"{broken")
        await publish(port, "gridward/f2/meters/m1/reading", READING % b"1")
        await publish(port, METER, READING % b"2")
        await deliveries.wait_for(5)
        assert {status, answer} <= set(deliveries)
        refused = [(m.source, m.reason) for m in deliveries if isinstance(m, Refused)]
        assert refused == [("gridward/f1/meter/m1/reading", "unknown_topic"), (METER, "malformed")]
        assert link.received == len(deliveries) == 5


@pytest.mark.mosquitto
async def test_it_says_online_and_its_will_says_offline(any_broker: AnyBroker) -> None:
    async with subscribed(any_broker.port, "gridward/controller/status") as watcher:
        async with linked(any_broker.port, any_broker.protocol) as (link, _):
            _, _, online = (await watcher.line()).partition(" ")
            assert json.loads(online)["online"] is True
            cut_off(link)
            assert (await watcher.line()).endswith('{"online":false,"at":null}')
            _, _, again = (await watcher.line()).partition(" ")
            assert json.loads(again)["online"] is True
        assert (await watcher.line()).endswith('{"online":false,"at":null}')
    async with subscribed(any_broker.port, "gridward/controller/status") as late:
        assert (await late.line()).endswith('{"online":false,"at":null}')


@pytest.mark.mosquitto
async def test_without_a_link_a_command_is_unreachable_at_once(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (link, _):
        await any_broker.die()
        await until(lambda: not link.connected)
        with pytest.raises(Unreachable, match="no link"):
            await link.send(COMMAND)
        await any_broker.start()
        await until(lambda: link.connected)
        async with subscribed(any_broker.port, REQUEST):
            await link.send(COMMAND)
        assert (link.sent, link.reconnects) == (1, 1)


@pytest.mark.mosquitto
async def test_a_frozen_broker_makes_it_unreachable_by_the_deadline(mosquitto: Mosquitto) -> None:
    with mosquitto:
        async with (
            linked(mosquitto.port, publish_deadline_s=0.3) as (link, _),
            subscribed(mosquitto.port, REQUEST),
        ):
            mosquitto.freeze()
            with pytest.raises(Unreachable, match=r"within 0\.3 s"):
                await link.send(COMMAND)
            mosquitto.thaw()
            await link.send(COMMAND)
            assert link.sent == 1


@pytest.mark.mosquitto
async def test_a_half_open_connection_is_noticed_by_the_keepalive(mosquitto: Mosquitto) -> None:
    with mosquitto, capture_logs() as logs:
        async with linked(mosquitto.port, keepalive_s=1, connect_deadline_s=0.3) as (link, _):
            mosquitto.freeze()
            await until(lambda: not link.connected)
            with pytest.raises(Unreachable, match="no link"):
                await link.send(COMMAND)
            mosquitto.thaw()
            await until(lambda: link.connected)
    assert [line["event"] for line in logs] == ["mqtt link up", "mqtt link lost", "mqtt link up"]


@pytest.mark.mosquitto
async def test_a_link_lost_while_a_command_waits_is_told_at_once(mosquitto: Mosquitto) -> None:
    with mosquitto:
        async with linked(mosquitto.port, publish_deadline_s=60) as (link, _):
            mosquitto.freeze()
            sending = asyncio.create_task(link.send(COMMAND))
            await asyncio.sleep(0.1)
            mosquitto.kill()
            with pytest.raises(Unreachable):
                await asyncio.wait_for(sending, 30)


@pytest.mark.mosquitto
async def test_answers_wait_at_the_broker_while_we_are_away(mosquitto: Mosquitto) -> None:
    with mosquitto:
        async with linked(mosquitto.port):
            pass
        answer = Answer("f1", "ev1", "r1", "accepted")
        await publish(mosquitto.port, T.answer("f1", "ev1"), codec.encode_answer(answer))
        async with linked(mosquitto.port) as (_, deliveries):
            await deliveries.wait_for(1)
            assert deliveries == [answer]


@pytest.mark.mosquitto
async def test_a_flood_of_a_foreign_client_comes_in_whole_and_in_order(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (_, deliveries):
        flood = b"\n".join(READING % str(number).encode() for number in range(800))
        command = (tool("mosquitto_pub"), "-p", str(any_broker.port), "-t", METER, "-q", "1", "-l")
        process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
        await process.communicate(flood)
        await deliveries.wait_for(800)
        assert [m.p_kw for m in deliveries if isinstance(m, Reading)] == [float(n) for n in range(800)]


async def test_a_broker_that_does_not_speak_5_is_asked_again_with_3_1_1() -> None:
    async with EmbeddedBroker() as broker:
        with capture_logs() as logs:
            async with linked(broker.port, "5") as (link, _):
                await link.send(COMMAND)
        assert [line["event"] for line in logs] == [
            "mqtt broker does not speak MQTT 5, going on with 3.1.1",
            "mqtt link up",
        ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(COMMAND, signature=""), "not signed"),
        (replace(COMMAND, limit_kw=-1.0), "from 0 up"),
        (replace(COMMAND, device="a/b"), "MQTT topic"),
        (replace(COMMAND, end=NOW + timedelta(hours=1), start=NOW + timedelta(hours=2)), "before it starts"),
    ],
    ids=["unsigned", "negative", "topic", "window"],
)
async def test_a_command_that_must_not_go_out_is_rejected(bad: LimitCommand, words: str) -> None:
    async with EmbeddedBroker() as broker, linked(broker.port) as (link, _):
        with pytest.raises(CommandRejected, match=words):
            await link.send(bad)
        assert link.sent == 0


async def test_a_release_may_end_before_it_starts() -> None:
    release = sign(replace(COMMAND, start=NOW, end=NOW - timedelta(seconds=1), sequence=2), SECRET)
    async with EmbeddedBroker() as broker, linked(broker.port) as (link, _):
        await link.send(release)
        assert link.sent == 1


@pytest.mark.mosquitto
async def test_two_controllers_with_one_client_id_are_told_what_it_may_be(any_broker: AnyBroker) -> None:
    with capture_logs() as logs:
        async with (
            linked(any_broker.port, any_broker.protocol) as (one, _),
            linked(any_broker.port, any_broker.protocol, client_id="another") as (other, _),
        ):
            for _ in range(2):
                cut_off(other)
                await until(lambda: not other.connected)
                await until(lambda: other.connected)
            assert not [line for line in logs if "another controller" in line["event"]]
            async with linked(any_broker.port, any_broker.protocol) as (twin, _):
                await until(lambda: one.connections + twin.connections > 8)
    asked = [line["event"] for line in logs if "another controller" in line["event"]]
    assert 1 <= len(asked) <= 2, "each of the two tells once"
    assert all("client_id 'gridward-controller'?" in event for event in asked)


async def test_no_end_of_a_link_is_told_on_standard_error() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with EmbeddedBroker() as broker:
        settings = LinkSettings("127.0.0.1", broker.port, ("f1",), protocol="3.1.1")
        client = LinkClient(settings, "3.1.1", lambda _topic, _payload, _kind: None)
        async with client:
            assert client._losing is not None
            client._losing.cancel()  # as at a stop: nobody waits for the end any more
            connection = client._client.socket()
            assert isinstance(connection, socket.socket)
            connection.shutdown(socket.SHUT_RDWR)
            await until(client._disconnected.done)
        del client
        gc.collect()
    assert told == []


@pytest.mark.mosquitto
async def test_a_wrong_password_is_told_once_and_tried_again(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run([tool("mosquitto_passwd"), "-c", "-b", passwords, "gw", "right"], check=True)
    passwords.chmod(0o600)
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        async with linked(broker.port, username="gw", password="right") as (link, _):
            assert link.connected
        logs = await turned_away(broker.port, username="gw", password="wrong")
        assert [(line["event"], line["error"]) for line in logs] == [
            ("mqtt link lost", "[code:135] Not authorized")
        ]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, and a broker's certificate of the first one."""
    folder = tmp_path_factory.mktemp("certificates")
    authority_of_a_field(folder)
    Authority(folder, "theirs")
    return folder


@pytest.mark.mosquitto
async def test_tls_checks_the_broker_against_our_own_authority(tmp_path: Path, certificates: Path) -> None:
    lines = (
        "allow_anonymous true",
        f"certfile {certificates / 'broker.pem'}",
        f"keyfile {certificates / 'broker.key'}",
    )
    with Mosquitto(tmp_path, *lines) as broker:
        async with linked(broker.port, tls=tls_context(certificates / "field-ca.pem")) as (link, _):
            with pytest.raises(Unreachable, match="no device listens"):
                await link.send(COMMAND)
        logs = await turned_away(broker.port, tls=tls_context(certificates / "theirs.pem"))
        assert len(logs) == 1
        assert "CERTIFICATE_VERIFY_FAILED" in logs[0]["error"]
        trusted = tls_context(certificates / "field-ca.pem")
        logs = await turned_away(broker.port, host="localhost", tls=trusted)
        assert len(logs) == 1
        assert "CERTIFICATE_VERIFY_FAILED" in logs[0]["error"]


def test_a_tls_context_verifies(certificates: Path) -> None:
    context = tls_context(certificates / "field-ca.pem")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    with pytest.raises(OSError, match="No such file"):
        tls_context(certificates / "missing.pem")


async def test_a_stop_whose_goodbye_fails_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the broker reads no more: aiomqtt's own error takes the cancellation's place."""

    async def failing(_client: aiomqtt.Client, *_of_an_error: object) -> None:
        monkeypatch.undo()  # another connection would end as it should
        raise aiomqtt.MqttError("Operation timed out")

    monkeypatch.setattr(aiomqtt.Client, "__aexit__", failing)
    async with EmbeddedBroker() as broker:
        link = new_link(RealClock(), port=broker.port, protocol="3.1.1")
        running = asyncio.create_task(link.run(Deliveries()))
        await until(lambda: link.connected)
        running.cancel()
        await asyncio.wait([running], timeout=5)
        ended = running.done()
        running.cancel()
        await asyncio.wait([running])
    assert (ended, link.connections) == (True, 1)
