"""The set-up for the field that `config/broker` ships: who may say and hear what, tried by everybody."""

import asyncio
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, Failsafe, LimitCommand, Reading, ReadingBatch, Refused
from devices.mqtt import codec
from devices.mqtt.settings import Protocol, tls_context
from devices.mqtt.topics import Topics
from devices.mqtt.watched_client import HUNG_UP
from devices.signing import sign
from tests.brokers import FieldBroker, tool
from tests.devices.live import WITHIN_S, until
from tests.devices.mqtt.certificates import DAY, Authority, Issued
from tests.devices.mqtt.clients import publish, subscribed
from tests.devices.mqtt.conftest import linked, turned_away
from tests.devices.mqtt.field_clients import authority_of_a_field, member

pytestmark = pytest.mark.mosquitto

T = Topics()
STATUS = T.controller_status
FOR_ALL = {STATUS, T.heartbeat}
NOW = datetime.now(UTC)
COMMAND = sign(LimitCommand("f1", "ev1", "r1", 4.2, NOW, NOW + timedelta(minutes=15), 3, 1), bytes(32))
FAILSAFE = sign(Failsafe("f1", "ev1", 4.2, 7200, 120, 3, 1), bytes(32))
READING = Reading("f1", "m1", NOW, 1.5)

Issue = Callable[[str], Issued]

MAY_WRITE = {
    "f1/meters/m1": {T.meter_reading("f1", "m1")},
    "f1/meters/m2": {T.meter_reading("f1", "m2")},
    "f2/meters/m1": {T.meter_reading("f2", "m1")},
    "f1": {T.batch("f1")},
    "f2": {T.batch("f2")},
    "f1/substation": {T.substation_reading("f1")},
    "f2/substation": {T.substation_reading("f2")},
    "f1/devices/ev1": {T.status("f1", "ev1"), T.answer("f1", "ev1")},
    "f1/devices/m1": {T.status("f1", "m1"), T.answer("f1", "m1")},
    "f1/customers/c1": set(),
    "f1/customers/ev1": set(),
    "controller": FOR_ALL
    | {T.request(f, d) for f in ("f1", "f2") for d in ("ev1", "m1")}
    | {T.failsafe(f, d) for f in ("f1", "f2") for d in ("ev1", "m1")}
    | {T.notice(f, c) for f in ("f1", "f2") for c in ("c1", "ev1")},
    "controller/reader1": set(),
    "controller/reader2": set(),
    "controller/reader": set(),
    "nobody": set(),
    "#": set(),
    "f1/devices/+": set(),
}
"""identity → the topics that mean something and that it may write; some share their last name on purpose"""
TOPICS = sorted(
    {topic for topics in MAY_WRITE.values() for topic in topics}
    | {build("f2", d) for build in (T.status, T.answer) for d in ("ev1", "m1")}
    | {T.meter_reading("f2", "m2"), "gridward", "elsewhere", "$SYS/broker/load"}
)


def may_hear(identity: str, topic: str) -> bool:
    """By the README: what each name may read of `TOPICS`."""
    readings = topic.endswith(("/reading", "/readings"))
    match identity:
        case "#" | "f1/devices/+":
            return False
        case "controller":
            return topic.startswith("gridward")
        case "controller/reader1" | "controller/reader2":
            return readings or topic in FOR_ALL
        case _:
            own = {f"gridward/{identity}/{leaf}" for leaf in ("request", "failsafe", "notice")}
            return topic in own or topic in FOR_ALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("field")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return authority_of_a_field(folder)


@pytest.fixture(scope="module")
def field(folder: Path, authority: Authority) -> Iterator[FieldBroker]:
    with FieldBroker(folder) as broker:
        yield broker


@pytest.fixture(scope="module")
def issue(authority: Authority) -> Issue:
    """A certificate for a name, the same one each time."""
    return cache(authority.issue)


def test_there_is_no_other_way_in(field: FieldBroker) -> None:
    assert field.listens_on == {("127.0.0.1", field.port)}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_each_says_and_hears_its_own_and_nothing_else(
    field: FieldBroker,
    authority: Authority,
    issue: Issue,
    protocol: Protocol,
) -> None:
    async with AsyncExitStack() as stack:
        members = {
            name: await stack.enter_async_context(
                member(field.port, authority.file, issue(name), protocol, "#", "gridward/#", "$SYS/#")
            )
            for name in MAY_WRITE
        }
        for name, one in members.items():
            for topic in TOPICS:
                await one.client.publish(topic, name, qos=1)
            # the last of all that reach it: what comes before has come by then
        await members["controller"].client.publish(STATUS, "end", qos=1)
        async with asyncio.timeout(WITHIN_S):
            for name, one in members.items():
                if may_hear(name, STATUS):
                    await one.wait_for(STATUS, "end")
        for name, one in members.items():
            said = {(topic, who) for who, topics in MAY_WRITE.items() for topic in topics}
            expected = {(topic, who) for topic, who in said if may_hear(name, topic)}
            assert {heard for heard in one.heard if heard[1] in MAY_WRITE} == expected, name


def tls_of(authority: Authority, issued: Issued) -> ssl.SSLContext:
    """As the daemon makes it from its settings."""
    return tls_context(authority.file, issued.certificate, issued.key)


async def test_the_controller_works_through_it_with_a_certificate(
    field: FieldBroker, authority: Authority, issue: Issue
) -> None:
    tls = tls_of(authority, issue("controller"))
    request, answer = T.request("f1", "ev1"), Answer("f1", "ev1", "r1", "accepted")
    async with linked(field.port, tls=tls, feeders=("f1",)) as (link, deliveries):
        with pytest.raises(Unreachable, match="no device listens"):
            await link.send(COMMAND)
        async with (
            member(field.port, authority.file, issue("f1/devices/ev1"), "5", request) as device,
            member(field.port, authority.file, issue("f1/meters/m1")) as meter,
        ):
            await link.send(COMMAND)
            await device.wait_for(request, codec.encode_command(COMMAND).decode())
            await device.client.publish(T.answer("f1", "ev1"), codec.encode_answer(answer), qos=1)
            await meter.client.publish(T.meter_reading("f1", "m1"), codec.encode_reading(READING), qos=1)
            # in a wrong place, but allowed: counted, not believed
            await device.client.publish("gridward/f1/devices/ev1/reading", codec.encode_reading(READING), 1)
            await deliveries.wait_for(3)
        refused = [message for message in deliveries if isinstance(message, Refused)]
        assert [message for message in deliveries if message not in refused] == [answer, READING]
        assert [(message.source, message.reason) for message in refused] == [
            ("gridward/f1/devices/ev1/reading", "unknown_topic")
        ]
        assert (link.sent, link.unheard) == (2, 1)


async def test_who_may_not_command_is_told_so(field: FieldBroker, authority: Authority, issue: Issue) -> None:
    tls = tls_of(authority, issue("f1/meters/m1"))
    async with linked(field.port, tls=tls, reads="readings", client_id="m1") as (link, _):
        for sending in (link.send(COMMAND), link.arm(FAILSAFE)):
            with pytest.raises(CommandRejected, match="Not authorized"):
                await sending
        assert link.sent == 0


async def test_readers_share_the_readings_each_with_a_certificate(
    field: FieldBroker, authority: Authority, issue: Issue
) -> None:
    def reader(name: str) -> dict[str, object]:
        tls = tls_of(authority, issue(name))
        return {"tls": tls, "client_id": name, "feeders": ("f2",), "reads": "readings", "readings_group": "g"}

    async with (
        linked(field.port, **reader("controller/reader1")) as (one, first),
        linked(field.port, **reader("controller/reader2")) as (two, second),
        member(field.port, authority.file, issue("f2/meters/m1")) as meter,
    ):
        for _ in range(20):
            await meter.client.publish(T.meter_reading("f2", "m1"), codec.encode_reading(READING), qos=1)
        await until(lambda: len(first) + len(second) == 20)
        assert min(len(first), len(second)) > 0
        assert (one.connections, two.connections) == (1, 1)


async def test_a_queue_is_bounded_in_bytes_as_well(tmp_path: Path) -> None:
    """As shipped, with a smaller number."""
    authority = authority_of_a_field(tmp_path)
    controller, concentrator = authority.issue("controller"), authority.issue("f1")
    batch = codec.encode_batch(
        ReadingBatch("f1", NOW, tuple(f"m{n:05}" for n in range(9000)), (0.5,) * 9000, None)
    )
    with FieldBroker(tmp_path, changes={"max_queued_bytes 268435456": "max_queued_bytes 250000"}) as broker:
        async with linked(broker.port, tls=tls_of(authority, controller)):
            pass
        async with member(broker.port, authority.file, concentrator) as sender:
            for _ in range(6):
                await sender.client.publish(T.batch("f1"), batch, qos=1)
        async with linked(broker.port, tls=tls_of(authority, controller)) as (_, deliveries):
            async with member(broker.port, authority.file, concentrator) as sender:
                await sender.client.publish(T.batch("f1"), b"end", qos=1)
            await until(lambda: any(isinstance(message, Refused) for message in deliveries))
            assert 1 <= len(deliveries) - 1 < 6


async def test_a_burst_while_we_are_busy_pushes_no_answer_out(
    field: FieldBroker, authority: Authority, issue: Issue
) -> None:
    answer, many = Answer("f1", "ev1", "r1", "accepted"), 3000
    topic, payload = T.meter_reading("f1", "m1"), codec.encode_reading(READING)
    async with linked(field.port, tls=tls_of(authority, issue("controller"))) as (_, deliveries):
        for who, to, lines in (
            ("f1/meters/m1", topic, (payload + b"\n") * many),
            ("f1/devices/ev1", T.answer("f1", "ev1"), codec.encode_answer(answer)),
        ):
            options = (
                "-h",
                "127.0.0.1",
                "--cafile",
                str(authority.file),
                *issue(who).options,
                "-q",
                "1",
                "-l",
            )
            command = (tool("mosquitto_pub"), "-p", str(field.port), "-t", to, *options)
            # not awaited: the loop that should read stands still meanwhile
            subprocess.run(command, input=lines, check=True, timeout=60)
        await deliveries.wait_for(many + 1)
        assert deliveries.count(answer) == 1


@pytest.mark.parametrize("stolen", ["controller", "gridward-controller"])
async def test_nobody_takes_a_client_id_that_is_not_his(
    field: FieldBroker, authority: Authority, issue: Issue, stolen: str
) -> None:
    tls = tls_of(authority, issue("controller"))
    waiting = codec.encode_answer(Answer("f1", "ev1", "r1", "accepted"))
    async with member(field.port, authority.file, issue("f1/devices/ev1")) as device:
        async with linked(field.port, tls=tls) as (link, _):
            async with member(field.port, authority.file, issue("f1/meters/m2"), identifier=stolen) as thief:
                await thief.client.publish(T.meter_reading("f1", "m2"), codec.encode_reading(READING), qos=1)
                await until(lambda: link.received > 0)
            assert (link.connected, link.reconnects) == (True, 0)
        await device.client.publish(T.answer("f1", "ev1"), waiting, qos=1)
        options = {"identifier": stolen, "clean_start": False}
        async with member(field.port, authority.file, issue("f1/meters/m2"), **options) as thief:
            await thief.client.publish(T.meter_reading("f1", "m2"), b"", qos=1)
        assert not thief.heard
        async with linked(field.port, tls=tls) as (_, deliveries):
            await deliveries.wait_for(1)  # the answer waited for its owner


@pytest.mark.parametrize("who", ["nobody", "expired", "not valid yet", "of another authority"])
async def test_without_a_good_certificate_nobody_comes_in_and_is_told_once(
    field: FieldBroker, authority: Authority, tmp_path: Path, who: str
) -> None:
    tls = {
        "nobody": lambda: tls_context(authority.file),
        "expired": lambda: tls_of(authority, authority.issue("controller", at=NOW - 2 * DAY)),
        "not valid yet": lambda: tls_of(authority, authority.issue("controller", at=NOW + 2 * DAY)),
        "of another authority": lambda: tls_of(authority, Authority(tmp_path, "x").issue("controller")),
    }[who]()
    logs = await turned_away(field.port, tls=tls)
    assert [line["error"] for line in logs] == [HUNG_UP]


async def test_a_revoked_certificate_lets_nobody_in(tmp_path: Path) -> None:
    authority = authority_of_a_field(tmp_path)
    lost, kept = authority.issue("f1/meters/m1"), authority.issue("controller")
    authority.revoke(lost, tmp_path / "revoked.pem")
    with FieldBroker(tmp_path, f"crlfile {tmp_path / 'revoked.pem'}") as broker:
        async with linked(broker.port, tls=tls_of(authority, kept)) as (link, _):
            assert link.connected
        logs = await turned_away(broker.port, tls=tls_of(authority, lost))
        assert [line["error"] for line in logs] == [HUNG_UP]


async def test_mosquittos_own_clients_come_in_by_certificate(
    field: FieldBroker, authority: Authority, issue: Issue
) -> None:
    """Both versions over TLS: a reading up, a request down."""
    trust = ("-h", "127.0.0.1", "--cafile", str(authority.file))
    meter, device = (trust + issue(name).options for name in ("f1/meters/m1", "f1/devices/ev1"))
    topic, request = T.meter_reading("f1", "m1"), T.request("f1", "ev1")
    async with linked(field.port, tls=tls_of(authority, issue("controller"))) as (link, deliveries):
        for count, version in enumerate(("mqttv311", "mqttv5"), start=1):
            await publish(field.port, topic, codec.encode_reading(READING), "-V", version, *meter)
            await deliveries.wait_for(count)
            async with subscribed(field.port, request, "-V", version, *device) as listening:
                await link.send(COMMAND)
                assert await listening.line() == f"{request} {codec.encode_command(COMMAND).decode()}"
        assert deliveries == [READING, READING]
