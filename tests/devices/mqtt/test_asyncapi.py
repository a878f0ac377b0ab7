"""The MQTT side's document: what it says is what the codec reads, and all that travels is in it."""

import json
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from devices.messages import Refused
from devices.mqtt import codec
from devices.mqtt.asyncapi import Channel, asyncapi_document, channels
from devices.mqtt.client import status_payload
from devices.mqtt.topics import Kind, Topics

TOPICS = Topics("town/gridward")
CHANNELS = channels(TOPICS)
DECODERS = {
    "deviceRequest": codec.decode_command,
    "deviceFailsafe": codec.decode_failsafe,
    "customerNotice": codec.decode_notice,
    "controllerHeartbeat": codec.decode_heartbeat,
}
READ = [one for one in CHANNELS if one.name != "controllerStatus"]


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(asyncapi_document(TOPICS, "1.2.3")))
    return found


@pytest.mark.parametrize("channel", READ, ids=[one.name for one in READ])
def test_each_example_is_read_by_our_own_decoder(channel: Channel) -> None:
    decode: Any = DECODERS.get(channel.name, codec.decode)
    for content_type in channel.content_types:
        payload = channel.example
        if content_type == "application/msgpack":
            payload = msgspec.msgpack.encode(msgspec.json.decode(payload, type=channel.payload))
        message = decode(channel.topic, payload, content_type, topics=TOPICS)
        assert not isinstance(message, Refused), message
    assert isinstance(decode(channel.topic, b"{}", None, topics=TOPICS), Refused)


def test_the_controller_s_own_status_is_as_it_is_sent() -> None:
    channel = next(one for one in CHANNELS if one.name == "controllerStatus")
    for sent in (channel.example, status_payload(None)):
        status = msgspec.json.decode(sent, type=channel.payload)
        assert msgspec.json.decode(msgspec.json.encode(status)) == msgspec.json.decode(sent)
    assert msgspec.json.decode(status_payload(None), type=channel.payload).at is None  # type: ignore[attr-defined]


def test_every_kind_of_message_is_in_it_once() -> None:
    kinds = [address.kind for one in CHANNELS if (address := TOPICS.parse(one.topic)) is not None]
    assert sorted(kinds) == sorted(get_args(Kind))
    assert {one.topic for one in CHANNELS} >= {TOPICS.controller_status, TOPICS.heartbeat}


def test_examples_follow_their_schemas_and_all_references_lead_somewhere() -> None:
    whole = document()
    for name, message in whole["components"]["messages"].items():
        schema = {**message["payload"], "components": whole["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(message["examples"][0]["payload"])
        assert not validator.is_valid({}), name
    for reference in _references(whole):
        place: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_addresses_name_their_parameters_and_who_sends() -> None:
    whole = document()
    assert whole["asyncapi"] == "3.0.0"
    request = whole["channels"]["deviceRequest"]
    assert request["address"] == "town/gridward/{feeder}/devices/{device}/request"
    assert set(request["parameters"]) == {"feeder", "device"}
    sent = whole["operations"]["sendDeviceRequest"]
    assert (sent["action"], sent["bindings"]["mqtt"]["retain"]) == ("send", False)
    retained = {name for name, one in whole["operations"].items() if one["bindings"]["mqtt"]["retain"]}
    assert retained == {"receiveDeviceStatus", "sendDeviceFailsafe", "sendControllerStatus"}
    assert all(one["action"] == "receive" for name, one in whole["operations"].items() if "eading" in name)


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in _references(value)]
    return [found for value in part for found in _references(value)] if isinstance(part, list) else []
