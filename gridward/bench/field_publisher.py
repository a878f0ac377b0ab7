"""The field of `gridward bench field`: publishes prepared readings as fast as the broker takes them.

A process of its own, so that its work is nobody else's. `python -m gridward.bench.field_publisher PORT SHAPE
MESSAGES SEED`; it prints "ready", waits for a line, and speaks the little of MQTT 3.1.1 that QoS 0 needs by
itself: any client library would cost more than the daemon it loads. So its messages carry no properties, also
where the daemon's link speaks MQTT 5.
"""

import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np

from devices.messages import Reading, ReadingBatch
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from devices.wire import JSON, MSGPACK

FEEDERS, METERS = 100, 100
SHAPES = ("single", "json", "msgpack")
SENT_AT_ONCE = 64
_START_AGO_S, _SPREAD_S = 60.0, 50.0
_TOPICS = Topics()


def feeder_name(number: int) -> str:
    """The id of a feeder of the bench."""
    return f"feeder-{number:03}"


def meter_name(number: int) -> str:
    """The id of a meter, the same on each feeder."""
    return f"meter-{number:03}"


def messages(shape: str, count: int, seed: int, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Topic and payload; each reading is newer than the one before it of the same meter."""
    rng = np.random.default_rng(seed)
    meters = tuple(meter_name(number) for number in range(METERS))
    for number in range(count):
        feeder = feeder_name(number % FEEDERS)
        at = now + timedelta(seconds=_SPREAD_S * number / count - _START_AGO_S)
        p_kw, q_kvar = rng.uniform(0.1, 3.0, METERS).round(3), rng.uniform(0.0, 0.5, METERS).round(3)
        if shape == "single":
            meter, energy_kwh = meters[number // FEEDERS % METERS], 1000.0 + round(number / count, 3)
            reading = Reading(
                feeder, meter, at, float(p_kw[0]), float(q_kvar[0]), (230.1, 229.8, 231.0), None, energy_kwh
            )
            yield _TOPICS.meter_reading(feeder, meter), codec.encode_reading(reading)
        else:
            batch = ReadingBatch(feeder, at, meters, tuple(p_kw.tolist()), tuple(q_kvar.tolist()))
            content_type = MSGPACK if shape == "msgpack" else JSON
            yield _TOPICS.batch(feeder), codec.encode_batch(batch, content_type)


def publish(port: int, shape: str, count: int, seed: int) -> None:
    """Prepare, wait for a line, publish, say goodbye."""
    made = messages(shape, count, seed, datetime.now(UTC))  # noqa: TID251  a process of its own
    packets = [_packet(0x30, _text(topic) + payload) for topic, payload in made]
    print("ready", flush=True)
    sys.stdin.readline()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(_packet(0x10, _text("MQTT") + b"\x04\x02\x00\x3c" + _text("bench-field")))
        line.recv(4)
        waiting = iter(packets)
        while some := list(islice(waiting, SENT_AT_ONCE)):
            line.sendall(b"".join(some))
        line.sendall(b"\xe0\x00")


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)[0], rest % 128
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


if __name__ == "__main__":
    publish(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
