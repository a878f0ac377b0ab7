"""Direction, failsafe and heartbeat as bytes and over brokers; mosquitto's own clients are the far side."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import DeviceStatus, Failsafe, Heartbeat, LimitCommand, Refused
from devices.mqtt import codec
from devices.mqtt.topics import Address, Topics
from devices.signing import device_key, sign, verify
from tests.devices.mqtt.clients import publish, subscribed
from tests.devices.mqtt.conftest import AnyBroker, linked

AT = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
SECRET = bytes(range(32))
KEY = device_key(SECRET, "d1")
T = Topics()
REQUEST, STATUS, FAILSAFE_TOPIC = T.request("f1", "d1"), T.status("f1", "d1"), T.failsafe("f1", "d1")
LIMIT = sign(LimitCommand("f1", "d1", "r1", 4.2, AT, AT + timedelta(minutes=15), 3, 1), SECRET)
FED_IN = sign(replace(LIMIT, direction="production"), SECRET)
FAILSAFE = sign(Failsafe("f1", "d1", 4.2, 7200, 120, 3, 1), SECRET)


def test_topics() -> None:
    assert FAILSAFE_TOPIC == "gridward/f1/devices/d1/failsafe"
    assert T.heartbeat == "gridward/controller/heartbeat"
    assert T.parse(FAILSAFE_TOPIC) == Address("failsafe", "f1", "d1")
    assert T.parse(T.heartbeat) is None  # no feeder, no device: never taken for a message of the field


# ---- direction


def test_a_limit_on_what_is_taken_is_written_as_devices_know_it() -> None:
    assert "direction" not in json.loads(codec.encode_command(LIMIT))
    assert codec.decode_command(REQUEST, codec.encode_command(LIMIT)) == LIMIT


def test_a_limit_on_what_is_fed_in_says_so() -> None:
    written = codec.encode_command(FED_IN)
    assert json.loads(written)["direction"] == "production"
    read = codec.decode_command(REQUEST, written)
    assert read == FED_IN
    assert isinstance(read, LimitCommand)
    assert verify(read, KEY)


def test_who_reads_no_direction_finds_no_valid_limit() -> None:
    body = json.loads(codec.encode_command(FED_IN))
    del body["direction"]
    read = codec.decode_command(REQUEST, json.dumps(body).encode())
    assert isinstance(read, LimitCommand)
    assert read.direction == "consumption"
    assert not verify(read, KEY)


@pytest.mark.parametrize("direction", ["both", "", None, 0, "Production"])
def test_an_unknown_direction_is_refused_and_no_limit_of_either(direction: object) -> None:
    body = json.loads(codec.encode_command(LIMIT)) | {"direction": direction}
    read = codec.decode_command(REQUEST, json.dumps(body).encode())
    assert isinstance(read, Refused)
    assert read.reason == "wrong_type"


def test_an_unknown_direction_is_not_written() -> None:
    with pytest.raises(CommandRejected, match="direction"):
        codec.encode_command(replace(LIMIT, direction="both"))  # type: ignore[arg-type]


# ---- failsafe and heartbeat


def test_failsafe_and_heartbeat_there_and_back() -> None:
    assert json.loads(codec.encode_failsafe(FAILSAFE)) == {
        "failsafe_kw": 4.2,
        "failsafe_s": 7200,
        "heartbeat_timeout_s": 120,
        "epoch": 3,
        "sequence": 1,
        "signature": FAILSAFE.signature,
    }
    assert codec.decode_failsafe(FAILSAFE_TOPIC, codec.encode_failsafe(FAILSAFE)) == FAILSAFE
    heartbeat = Heartbeat(AT, 3, 17)
    assert codec.decode_heartbeat(T.heartbeat, codec.encode_heartbeat(heartbeat)) == heartbeat


@pytest.mark.parametrize(
    "field", ["failsafe_kw", "failsafe_s", "heartbeat_timeout_s", "epoch", "sequence", "signature"]
)
def test_a_failsafe_without_any_one_field_arms_nobody(field: str) -> None:
    """Above all no absent duration that reads as 0, and no absent limit that reads as none."""
    body = json.loads(codec.encode_failsafe(FAILSAFE))
    del body[field]
    for wrong in (body, body | {field: None}):
        read = codec.decode_failsafe(FAILSAFE_TOPIC, json.dumps(wrong).encode())
        assert isinstance(read, Refused)
        assert read.reason in ("missing_field", "wrong_type")


@pytest.mark.parametrize("wrong", [{"failsafe_s": 0}, {"heartbeat_timeout_s": 0}, {"failsafe_s": -1}])
def test_no_duration_is_0(wrong: dict[str, int]) -> None:
    body = json.loads(codec.encode_failsafe(FAILSAFE)) | wrong
    read = codec.decode_failsafe(FAILSAFE_TOPIC, json.dumps(body).encode())
    assert isinstance(read, Refused)
    assert read.reason == "out_of_range"
    with pytest.raises(CommandRejected, match="expected at least 1"):
        codec.encode_failsafe(replace(FAILSAFE, **wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"signature": ""}, "not signed"),
        ({"failsafe_kw": float("nan")}, "expected 0 or more"),
        ({"failsafe_kw": -0.1}, "expected 0 or more"),
    ],
)
def test_what_must_not_go_out_does_not(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(CommandRejected, match=why):
        codec.encode_failsafe(replace(FAILSAFE, **wrong))  # type: ignore[arg-type]


def test_ours_are_no_messages_of_the_field() -> None:
    for topic, payload in (
        (FAILSAFE_TOPIC, codec.encode_failsafe(FAILSAFE)),
        (T.heartbeat, codec.encode_heartbeat(Heartbeat(AT, 3, 1))),
    ):
        read = codec.decode(topic, payload)
        assert isinstance(read, Refused)
        assert read.reason == "unknown_topic"


# ---- read-back


def test_a_device_that_knows_no_failsafe_says_what_it_always_said() -> None:
    old = DeviceStatus("f1", "d1", AT, True, 11.0, 4.2, "r1")
    assert set(json.loads(codec.encode_status(old))) == {"at", "online", "p_kw", "limit_kw", "request"}
    assert codec.decode(STATUS, codec.encode_status(old)) == old


def test_a_device_of_guard_mode_reads_back_what_it_was_told() -> None:
    said = DeviceStatus(
        "f1", "d1", AT, True, 4.0, 4.2, None, 1.5, "r2", 4.2, 7200, 120, nominal_kw=11.0, state="failsafe"
    )
    assert codec.decode(STATUS, codec.encode_status(said)) == said


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"failsafe_s": 0}, "out_of_range"),
        ({"failsafe_kw": "4.2"}, "wrong_type"),
        ({"state": "asleep"}, "wrong_type"),
        ({"production_request": ""}, "malformed"),
    ],
)
def test_a_read_back_that_cannot_be_is_refused(wrong: dict[str, object], reason: str) -> None:
    body = json.loads(codec.encode_status(DeviceStatus("f1", "d1", AT, True))) | wrong
    read = codec.decode(STATUS, json.dumps(body).encode())
    assert isinstance(read, Refused)
    assert read.reason == reason


# ---- over brokers


async def test_a_failsafe_waits_for_its_device_and_a_heartbeat_for_nobody(any_broker: AnyBroker) -> None:
    """Told while nobody listened; then we are gone; then the device comes."""
    async with linked(any_broker.port, any_broker.protocol) as (link, _):
        async with subscribed(any_broker.port, T.heartbeat) as listener:
            await link.beat(Heartbeat(AT, 3, 1))
            assert (
                await listener.line()
                == f"{T.heartbeat} " + codec.encode_heartbeat(Heartbeat(AT, 3, 1)).decode()
            )
        await link.arm(FAILSAFE)
    async with subscribed(any_broker.port, "gridward/+/devices/d1/failsafe") as device:
        assert await device.line() == f"{FAILSAFE_TOPIC} {codec.encode_failsafe(FAILSAFE).decode()}"
    async with subscribed(any_broker.port, T.heartbeat) as late:
        await publish(any_broker.port, T.heartbeat, b"marker")
        assert await late.line() == f"{T.heartbeat} marker"  # no heartbeat of the dead came first


async def test_what_is_kept_for_devices_does_not_come_back_to_us(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (link, _):
        await link.arm(FAILSAFE)
        await link.beat(Heartbeat(AT, 3, 1))
    async with linked(any_broker.port, any_broker.protocol) as (_, deliveries):
        status = codec.encode_status(DeviceStatus("f1", "d1", AT, True))
        await publish(any_broker.port, STATUS, status)
        await deliveries.wait_for(1)
        assert [type(message) for message in deliveries] == [DeviceStatus]


async def test_without_a_link_both_are_unreachable_at_once(any_broker: AnyBroker) -> None:
    async with linked(any_broker.port, any_broker.protocol) as (link, _):
        pass
    with pytest.raises(Unreachable, match="no link"):
        await link.arm(FAILSAFE)
    with pytest.raises(Unreachable, match="no link"):
        await link.beat(Heartbeat(AT, 3, 1))
