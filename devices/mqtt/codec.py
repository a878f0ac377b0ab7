"""Bytes to messages and back, for both ends of the wire [1] [6]. No I/O, no clock.

Reading in never raises, whatever the bytes: what cannot be accepted becomes `Refused` with one of few
reasons. The rules: unknown fields are ignored; every field of the design must be there, and one that is not
measured is null, never left out; times carry their zone; numbers are finite. Size is checked before anything
is parsed.

The device side uses the same functions, so the emulated field and the daemon cannot drift apart.
"""

import math
from datetime import datetime
from typing import assert_never, get_args

import msgspec

from devices.errors import CommandRejected, MalformedMessage
from devices.identifiers import id_fault
from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Direction,
    Failsafe,
    Heartbeat,
    Inbound,
    LimitCommand,
    Reading,
    ReadingBatch,
    Refused,
)
from devices.mqtt.topics import Address, Topics
from devices.mqtt.wire import (
    AnswerWire,
    BatchWire,
    CommandWire,
    FailsafeWire,
    HeartbeatWire,
    MeterWire,
    NoticeWire,
    StatusWire,
    SubstationWire,
)
from devices.wire import (
    JSON,
    MSGPACK,
    WireReader,
    all_finite,
    all_finite_or_none,
    checked_id,
    checked_utc,
    finite,
    finite_or_none,
)

MAX_BATCH_BYTES = 1 << 20
MAX_BATCH_METERS = 20_000
"""With names of 40 characters a batch of 1 MiB holds fewer; with names of 2 it could hold 170,000, and one
message would keep everybody waiting."""
MAX_BYTES = 64 << 10
KEPT_BYTES = 512
"""So much of a refused payload is kept for inspection."""
KEPT_METERS = 500_000
"""So many meters of batches are remembered as fit; with more all are forgotten and looked at again."""
DEFAULT_TOPICS = Topics()


class _MeterColumns:
    """The meters of batches, looked at once: a concentrator sends the same ones in every batch.

    All its batches then hold the same tuple, which spares memory, and time to whoever groups them by it.
    """

    def __init__(self) -> None:
        self._fit: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._kept = 0

    def checked(self, meters: tuple[str, ...]) -> tuple[str, ...]:
        """An equal tuple, when each is fit to be an id and none is there twice."""
        known = self._fit.get(meters)
        if known is not None:
            return known
        for meter in meters:
            checked_id("meters", meter)
        if len(set(meters)) != len(meters):
            raise MalformedMessage("malformed", "a meter stands in `meters` more than once")
        self._kept += len(meters)
        if self._kept > KEPT_METERS:
            self._fit.clear()
            self._kept = len(meters)
        self._fit[meters] = meters
        return meters


_METER_COLUMNS = _MeterColumns()
_METER = WireReader(MeterWire, MAX_BYTES)
_SUBSTATION = WireReader(SubstationWire, MAX_BYTES)
_BATCH = WireReader(BatchWire, MAX_BATCH_BYTES)
_STATUS = WireReader(StatusWire, MAX_BYTES)
_ANSWER = WireReader(AnswerWire, MAX_BYTES)
_COMMAND = WireReader(CommandWire, MAX_BYTES)
_FAILSAFE = WireReader(FailsafeWire, MAX_BYTES)
_HEARTBEAT = WireReader(HeartbeatWire, MAX_BYTES)
_NOTICE = WireReader(NoticeWire, MAX_BYTES)


def decode(
    topic: str, payload: bytes, content_type: str | None = None, *, topics: Topics = DEFAULT_TOPICS
) -> Inbound:
    """What came in from the field. Never raises: what is not right is `Refused`."""
    address = topics.parse(topic)
    if address is None:
        feeder = topics.feeder_of(topic)
        return _refused(topic, "unknown_topic", "no message of ours travels here", payload, feeder)
    try:
        return _inbound(address, payload, content_type)
    except MalformedMessage as error:
        return _refused(topic, error.reason, error.detail, payload, address.feeder)


def decode_command(
    topic: str, payload: bytes, content_type: str | None = None, *, topics: Topics = DEFAULT_TOPICS
) -> LimitCommand | Refused:
    """What a device is asked to do. Never raises. The signature is the receiver's to check."""
    address = topics.parse(topic)
    if address is None or address.kind != "request":
        return _refused(topic, "unknown_topic", "not the topic of a request", payload)
    try:
        wire = _COMMAND.read(payload, content_type)
        return LimitCommand(
            feeder=address.feeder,
            device=address.name,
            request=checked_id("request", wire.request),
            limit_kw=finite("limit_kw", wire.limit_kw),
            start=checked_utc("start", wire.start),
            end=checked_utc("end", wire.end),
            epoch=wire.epoch,
            sequence=wire.sequence,
            signature=wire.signature,
            direction=wire.direction,
        )
    except MalformedMessage as error:
        return _refused(topic, error.reason, error.detail, payload)


def decode_failsafe(
    topic: str, payload: bytes, content_type: str | None = None, *, topics: Topics = DEFAULT_TOPICS
) -> Failsafe | Refused:
    """What a device is to do in silence. Never raises. The signature is the receiver's to check."""
    address = topics.parse(topic)
    if address is None or address.kind != "failsafe":
        return _refused(topic, "unknown_topic", "not the topic of a failsafe", payload)
    try:
        wire = _FAILSAFE.read(payload, content_type)
        return Failsafe(
            feeder=address.feeder,
            device=address.name,
            failsafe_kw=finite("failsafe_kw", wire.failsafe_kw),
            failsafe_s=wire.failsafe_s,
            heartbeat_timeout_s=wire.heartbeat_timeout_s,
            epoch=wire.epoch,
            sequence=wire.sequence,
            signature=wire.signature,
        )
    except MalformedMessage as error:
        return _refused(topic, error.reason, error.detail, payload)


def decode_heartbeat(
    topic: str, payload: bytes, content_type: str | None = None, *, topics: Topics = DEFAULT_TOPICS
) -> Heartbeat | Refused:
    """That the controller lives. Never raises."""
    if topic != topics.heartbeat:
        return _refused(topic, "unknown_topic", "not the topic of the heartbeat", payload)
    try:
        wire = _HEARTBEAT.read(payload, content_type)
        return Heartbeat(checked_utc("at", wire.at), wire.epoch, wire.sequence)
    except MalformedMessage as error:
        return _refused(topic, error.reason, error.detail, payload)


def decode_notice(
    topic: str, payload: bytes, content_type: str | None = None, *, topics: Topics = DEFAULT_TOPICS
) -> CustomerNotice | Refused:
    """What a person is asked to do. Never raises."""
    address = topics.parse(topic)
    if address is None or address.kind != "notice":
        return _refused(topic, "unknown_topic", "not the topic of a notice", payload)
    try:
        wire = _NOTICE.read(payload, content_type)
        return CustomerNotice(
            feeder=address.feeder,
            customer=address.name,
            request=checked_id("request", wire.request),
            limit_kw=finite("limit_kw", wire.limit_kw),
            start=checked_utc("start", wire.start),
            end=checked_utc("end", wire.end),
            sequence=wire.sequence,
            text=wire.text,
            kind=wire.kind,
        )
    except MalformedMessage as error:
        return _refused(topic, error.reason, error.detail, payload)


def _inbound(address: Address, payload: bytes, content_type: str | None) -> Inbound:
    match address.kind:
        case "meter":
            return _meter(address, payload, content_type)
        case "substation":
            return _substation(address, payload, content_type)
        case "batch":
            return _batch(address, payload, content_type)
        case "status":
            return _status(address, payload, content_type)
        case "answer":
            return _answer(address, payload, content_type)
        case "request" | "failsafe" | "notice":
            raise MalformedMessage("unknown_topic", f"a {address.kind} goes to the field, not from it")
        case _:
            assert_never(address.kind)


def _meter(address: Address, payload: bytes, content_type: str | None) -> Reading:
    if address.name == SUBSTATION:
        raise MalformedMessage("unknown_topic", "the substation's own readings have a topic of their own")
    wire = _METER.read(payload, content_type)
    return _reading(address.feeder, address.name, wire, None)


def _substation(address: Address, payload: bytes, content_type: str | None) -> Reading:
    wire = _SUBSTATION.read(payload, content_type)
    return _reading(address.feeder, SUBSTATION, wire, wire.i_a)


def _reading(
    feeder: str, meter: str, wire: MeterWire | SubstationWire, i_a: tuple[float, ...] | None
) -> Reading:
    return Reading(
        feeder=feeder,
        meter=meter,
        at=checked_utc("at", wire.at),
        p_kw=finite("p_kw", wire.p_kw),
        q_kvar=finite_or_none("q_kvar", wire.q_kvar),
        v_v=all_finite_or_none("v_v", wire.v_v),
        i_a=all_finite_or_none("i_a", i_a),
        energy_kwh=finite_or_none("energy_kwh", wire.energy_kwh),
    )


def _batch(address: Address, payload: bytes, content_type: str | None) -> ReadingBatch:
    wire = _BATCH.read(payload, content_type)
    if len(wire.meters) > MAX_BATCH_METERS:
        raise MalformedMessage("too_large", f"{len(wire.meters)} meters, expected {MAX_BATCH_METERS} at most")
    meters = _METER_COLUMNS.checked(wire.meters)
    return ReadingBatch(
        feeder=address.feeder,
        at=checked_utc("at", wire.at),
        meters=meters,
        p_kw=_column("p_kw", wire.p_kw, len(meters)),
        q_kvar=None if wire.q_kvar is None else _column("q_kvar", wire.q_kvar, len(meters)),
        v_v=None if wire.v_v is None else _voltages(wire.v_v, len(meters)),
    )


def _column(name: str, values: tuple[float, ...], expected: int) -> tuple[float, ...]:
    if len(values) != expected:
        raise MalformedMessage("malformed", f"{name} has {len(values)} values for {expected} meters")
    # a sum is finite only if all its parts are; only a large one can be infinite although they are
    return values if math.isfinite(sum(values)) else all_finite(name, values)


def _voltages(values: tuple[float | None, ...], expected: int) -> tuple[float | None, ...]:
    _column("v_v", tuple(0.0 if value is None else value for value in values), expected)
    return values


def _status(address: Address, payload: bytes, content_type: str | None) -> DeviceStatus:
    wire = _STATUS.read(payload, content_type)
    if wire.online and wire.at is None:
        raise MalformedMessage("wrong_type", "`at` is null, which only a will (`online` false) may say")
    return DeviceStatus(
        feeder=address.feeder,
        device=address.name,
        at=None if wire.at is None else checked_utc("at", wire.at),
        online=wire.online,
        p_kw=finite_or_none("p_kw", wire.p_kw),
        limit_kw=finite_or_none("limit_kw", wire.limit_kw),
        request=None if wire.request is None else checked_id("request", wire.request),
        production_limit_kw=finite_or_none("production_limit_kw", wire.production_limit_kw),
        production_request=None
        if wire.production_request is None
        else checked_id("production_request", wire.production_request),
        failsafe_kw=finite_or_none("failsafe_kw", wire.failsafe_kw),
        failsafe_s=wire.failsafe_s,
        heartbeat_timeout_s=wire.heartbeat_timeout_s,
        nominal_kw=finite_or_none("nominal_kw", wire.nominal_kw),
        state=wire.state,
    )


def _answer(address: Address, payload: bytes, content_type: str | None) -> Answer:
    wire = _ANSWER.read(payload, content_type)
    request = checked_id("request", wire.request)
    return Answer(address.feeder, address.name, request, wire.answer, wire.reason)


def encode_reading(reading: Reading) -> bytes:
    """A meter's or, for `meter == SUBSTATION`, the RTU's reading as JSON."""
    wire: MeterWire | SubstationWire
    if reading.meter == SUBSTATION:
        wire = SubstationWire(
            at=reading.at,
            p_kw=reading.p_kw,
            q_kvar=reading.q_kvar,
            v_v=reading.v_v,
            i_a=reading.i_a,
            energy_kwh=reading.energy_kwh,
        )
    else:
        wire = MeterWire(
            at=reading.at,
            p_kw=reading.p_kw,
            q_kvar=reading.q_kvar,
            v_v=reading.v_v,
            energy_kwh=reading.energy_kwh,
        )
    return msgspec.json.encode(wire)


def encode_batch(batch: ReadingBatch, content_type: str = JSON) -> bytes:
    """Many meters in columns, as JSON or, for `application/msgpack`, as MessagePack."""
    wire = BatchWire(at=batch.at, meters=batch.meters, p_kw=batch.p_kw, q_kvar=batch.q_kvar, v_v=batch.v_v)
    return msgspec.msgpack.encode(wire) if content_type == MSGPACK else msgspec.json.encode(wire)


def encode_status(status: DeviceStatus) -> bytes:
    """What a device says of itself; also its will."""
    return msgspec.json.encode(
        StatusWire(
            at=status.at,
            online=status.online,
            p_kw=status.p_kw,
            limit_kw=status.limit_kw,
            request=status.request,
            production_limit_kw=status.production_limit_kw,
            production_request=status.production_request,
            failsafe_kw=status.failsafe_kw,
            failsafe_s=status.failsafe_s,
            heartbeat_timeout_s=status.heartbeat_timeout_s,
            nominal_kw=status.nominal_kw,
            state=status.state,
        )
    )


def encode_answer(answer: Answer) -> bytes:
    """A device's answer."""
    return msgspec.json.encode(AnswerWire(request=answer.request, answer=answer.answer, reason=answer.reason))


def encode_command(command: LimitCommand) -> bytes:
    """A command to a device. The last check before the wire: CommandRejected when it must not go out."""
    if not command.signature:
        raise CommandRejected(f"command {command.request} to {command.device} is not signed")
    _check_limit(command.request, command.limit_kw, command.start, command.end)
    if command.direction not in get_args(Direction):
        raise CommandRejected(f"{command.request}: direction is {command.direction!r}")
    return msgspec.json.encode(
        CommandWire(
            request=command.request,
            limit_kw=command.limit_kw,
            start=command.start,
            end=command.end,
            epoch=command.epoch,
            sequence=command.sequence,
            signature=command.signature,
            direction=command.direction,
        )
    )


def encode_failsafe(failsafe: Failsafe) -> bytes:
    """What a device is to do in silence; CommandRejected when it must not go out."""
    whose = f"failsafe of {failsafe.device}"
    if not failsafe.signature:
        raise CommandRejected(f"{whose} is not signed")
    if not math.isfinite(failsafe.failsafe_kw) or failsafe.failsafe_kw < 0:
        raise CommandRejected(f"{whose}: failsafe_kw is {failsafe.failsafe_kw}, expected 0 or more")
    for name, seconds in (
        ("failsafe_s", failsafe.failsafe_s),
        ("heartbeat_timeout_s", failsafe.heartbeat_timeout_s),
    ):
        if seconds < 1:
            raise CommandRejected(f"{whose}: {name} is {seconds}, expected at least 1")
    return msgspec.json.encode(
        FailsafeWire(
            failsafe_kw=failsafe.failsafe_kw,
            failsafe_s=failsafe.failsafe_s,
            heartbeat_timeout_s=failsafe.heartbeat_timeout_s,
            epoch=failsafe.epoch,
            sequence=failsafe.sequence,
            signature=failsafe.signature,
        )
    )


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """That the controller lives."""
    return msgspec.json.encode(
        HeartbeatWire(at=heartbeat.at, epoch=heartbeat.epoch, sequence=heartbeat.sequence)
    )


def encode_notice(notice: CustomerNotice) -> bytes:
    """A request to a person; checked as a command is."""
    _check_limit(notice.request, notice.limit_kw, notice.start, notice.end)
    return msgspec.json.encode(
        NoticeWire(
            request=notice.request,
            limit_kw=notice.limit_kw,
            start=notice.start,
            end=notice.end,
            sequence=notice.sequence,
            text=notice.text,
            kind=notice.kind,
        )
    )


def _check_limit(request: str, limit_kw: float, start: datetime, end: datetime) -> None:
    fault = id_fault(request)
    if fault is not None:
        raise CommandRejected(f"request id {request!r} {fault}")
    if not math.isfinite(limit_kw) or limit_kw < 0:
        raise CommandRejected(f"{request}: limit_kw is {limit_kw}, expected a finite number from 0 up")
    for name, at in (("start", start), ("end", end)):
        if at.utcoffset() is None:
            raise CommandRejected(f"{request}: {name} has no time zone")


def _refused(topic: str, reason: str, detail: str, payload: bytes, feeder: str | None = None) -> Refused:
    return Refused(source=topic, reason=reason, detail=detail, payload=payload[:KEPT_BYTES], feeder=feeder)
