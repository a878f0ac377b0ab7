"""The MQTT side as an AsyncAPI 3.0 document, made from the wire's own types, topics and encoders. No I/O.

It is written from the controller's place: what it receives and what it sends. Every example was encoded by
the codec, so a device that takes the examples takes what really comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    LimitCommand,
    Reading,
    ReadingBatch,
)
from devices.mqtt import codec, wire
from devices.mqtt.topics import Topics
from devices.wire import MSGPACK

_AT = datetime(2026, 1, 12, 17, 0, tzinfo=UTC)
_SIGNED = "5f2b" * 16
_FEEDER, _METER, _DEVICE, _CUSTOMER = "dorf", "M-0017", "EV-17", "C-017"
_REQUEST = "dorf-20260112T165800Z-3"
_IDS = {"feeder": _FEEDER, "meter": _METER, "device": _DEVICE, "customer": _CUSTOMER}
_PARAMETERS = {
    "feeder": "id of the feeder, as in the site file",
    "meter": "id of the meter, as in customers.csv",
    "device": "id of the device, as in devices.csv",
    "customer": "id of the customer, as in customers.csv",
}
_BINDING = "0.2.0"
"""version of AsyncAPI's MQTT bindings"""


class ControllerStatusWire(msgspec.Struct):
    """Whether the controller is there; its will says that it is not."""

    online: bool
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None
    """since when; null in the will"""


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of message and where it travels."""

    name: str
    action: Literal["receive", "send"]
    topic: str
    """of the example"""
    payload: type[msgspec.Struct]
    example: bytes
    summary: str
    qos: tuple[int, ...] = (1,)
    retain: bool = False
    content_types: tuple[str, ...] = ("application/json",)


def channels(topics: Topics) -> tuple[Channel, ...]:
    """All that travels below one root."""
    until = _AT + timedelta(minutes=15)
    reading = Reading(_FEEDER, _METER, _AT, 3.2, 0.4, (231.2, 230.8, 229.9), None, 18234.6)
    rtu = Reading(_FEEDER, SUBSTATION, _AT, 402.0, 61.0, (236.1, 236.4, 235.9), (588.0, 571.0, 602.0), None)
    batch = ReadingBatch(_FEEDER, _AT, (_METER, "M-0018"), (3.2, 0.6), (0.4, 0.1), (230.6, None))
    status = DeviceStatus(_FEEDER, _DEVICE, _AT, True, 4.1, 4.2, _REQUEST)
    command = LimitCommand(_FEEDER, _DEVICE, _REQUEST, 4.2, _AT, until, 7, 1, _SIGNED)
    failsafe = Failsafe(_FEEDER, _DEVICE, 4.2, 7200, 120, 7, 1, _SIGNED)
    text = "Please stay below 4.2 kW until 18:15: the transformer of your street is overloaded."
    notice = CustomerNotice(_FEEDER, _CUSTOMER, _REQUEST, 4.2, _AT, until, 1, text)
    answer = Answer(_FEEDER, _DEVICE, _REQUEST, "accepted")
    return (
        Channel(
            "meterReading", "receive", topics.meter_reading(_FEEDER, _METER), wire.MeterWire,
            codec.encode_reading(reading), "what a meter measured", qos=(0, 1),
        ),
        Channel(
            "readings", "receive", topics.batch(_FEEDER), wire.BatchWire, codec.encode_batch(batch),
            "many meters at one time, in columns", qos=(0, 1), content_types=("application/json", MSGPACK),
        ),
        Channel(
            "substationReading", "receive", topics.substation_reading(_FEEDER), wire.SubstationWire,
            codec.encode_reading(rtu), "what the substation's RTU measured", qos=(0, 1),
        ),
        Channel(
            "deviceStatus", "receive", topics.status(_FEEDER, _DEVICE), wire.StatusWire,
            codec.encode_status(status), "what a device says of itself; its will says offline", retain=True,
        ),
        Channel(
            "deviceAnswer", "receive", topics.answer(_FEEDER, _DEVICE), wire.AnswerWire,
            codec.encode_answer(answer), "a device's answer to a request",
        ),
        Channel(
            "deviceRequest", "send", topics.request(_FEEDER, _DEVICE), wire.CommandWire,
            codec.encode_command(command), "take no more than this until then; the device holds the end",
        ),
        Channel(
            "deviceFailsafe", "send", topics.failsafe(_FEEDER, _DEVICE), wire.FailsafeWire,
            codec.encode_failsafe(failsafe), "what a device of guard mode is to do in silence", retain=True,
        ),
        Channel(
            "customerNotice", "send", topics.notice(_FEEDER, _CUSTOMER), wire.NoticeWire,
            codec.encode_notice(notice), "a request to a person, or a further word about it",
        ),
        Channel(
            "controllerStatus", "send", topics.controller_status, ControllerStatusWire,
            msgspec.json.encode(ControllerStatusWire(True, _AT)),
            "whether the controller is there; its will says offline", retain=True,
        ),
        Channel(
            "controllerHeartbeat", "send", topics.heartbeat, wire.HeartbeatWire,
            codec.encode_heartbeat(Heartbeat(_AT, 7, 4120)),
            "the controller lives, each 15 to 30 s: devices of guard mode wait for it", qos=(0,),
        ),
    )  # fmt: skip


def asyncapi_document(topics: Topics, version: str) -> dict[str, Any]:
    """The document of a site with this root; `version` is the controller's."""
    known = channels(topics)
    _, schemas = msgspec.json.schema_components(
        [one.payload for one in known], ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gridward over MQTT",
            "version": version,
            "description": (
                "Readings in, limits out, over MQTT 5 or 3.1.1. Unknown fields are ignored; every field "
                "without a default must be there, and null says that it was not measured; times carry their "
                "zone; power is positive for consumption. What is not right is refused and counted."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {one.name: _channel(one, topics.root) for one in known},
        "operations": {_operation_name(one): _operation(one) for one in known},
        "components": {"messages": {one.name: _message(one) for one in known}, "schemas": schemas},
    }


def _channel(one: Channel, root: str) -> dict[str, Any]:
    address = one.topic.removeprefix(root)
    for parameter, value in _IDS.items():
        address = address.replace(f"/{value}", f"/{{{parameter}}}")
    named = [parameter for parameter in _PARAMETERS if f"{{{parameter}}}" in address]
    return {
        "address": root + address,
        "summary": one.summary,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"}},
        "parameters": {parameter: {"description": _PARAMETERS[parameter]} for parameter in named},
    }


def _operation_name(one: Channel) -> str:
    return one.action + one.name[0].upper() + one.name[1:]


def _operation(one: Channel) -> dict[str, Any]:
    return {
        "action": one.action,
        "channel": {"$ref": f"#/channels/{one.name}"},
        "summary": one.summary,
        "messages": [{"$ref": f"#/channels/{one.name}/messages/{one.name}"}],
        "bindings": {"mqtt": {"qos": max(one.qos), "retain": one.retain, "bindingVersion": _BINDING}},
    }


def _message(one: Channel) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.summary,
        "summary": _told(one),
        "contentType": one.content_types[0],
        "payload": {"$ref": f"#/components/schemas/{one.payload.__name__}"},
        "examples": [{"name": one.name, "payload": msgspec.json.decode(one.example)}],
    }


def _told(one: Channel) -> str:
    kept = "retained" if one.retain else "never retained"
    also = f"; also as {', '.join(one.content_types[1:])}" if one.content_types[1:] else ""
    return f"QoS {_either(one.qos)}, {kept}{also}"


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(map(str, numbers))
