"""Devices in a process of their own that take requests from a broker and answer: the far side of `requests`.

Each is a `LimitHolder` that checks signature, epoch, sequence and floor, as a real gateway has to.
Run as `python -m gridward.bench.answering_devices PORT FEEDER COUNT SECRET_HEX`; says when it listens.
"""

import sys
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from devices.limit_holder import LimitHolder
from devices.messages import LimitCommand
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from devices.signing import device_key

FLOOR_KW = 4.2


def device_name(number: int) -> str:
    """The id of one of them."""
    return f"ev-{number:05d}"


def answer_for_ever(port: int, feeder: str, count: int, secret: bytes) -> None:
    """Until killed."""
    names = [device_name(number) for number in range(count)]
    holders = {name: LimitHolder(name, device_key(secret, name), FLOOR_KW) for name in names}
    topics = Topics()

    def on_message(client: Client, _: Any, message: MQTTMessage) -> None:
        command = codec.decode_command(message.topic, bytes(message.payload))
        if isinstance(command, LimitCommand):
            now = datetime.now(UTC)  # noqa: TID251  a device's own clock
            answer = holders[command.device].receive(command, now)
            if answer is not None:
                client.publish(topics.answer(feeder, command.device), codec.encode_answer(answer), qos=1)

    def on_subscribe(*_: Any) -> None:
        print("listening", flush=True)

    client = Client(CallbackAPIVersion.VERSION2, client_id="gridward-bench-devices")
    client.max_inflight_messages_set(0)
    client.on_message, client.on_subscribe = on_message, on_subscribe
    client.connect("127.0.0.1", port)
    client.subscribe(topics.request(feeder, "ANY").replace("ANY", "+"), qos=1)
    client.loop_forever()


if __name__ == "__main__":
    answer_for_ever(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), bytes.fromhex(sys.argv[4]))
