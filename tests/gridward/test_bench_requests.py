"""Requests in bulk: every one is answered once, by devices that check what they get."""

import asyncio
import math
from pathlib import Path

import pytest

from devices.mqtt.settings import Protocol
from gridward.bench.requests import PROTOCOLS, Answered, measure
from tests.brokers import Mosquitto


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_all_are_answered(protocol: Protocol, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        found = await asyncio.wait_for(measure(broker.port, 200, 1, protocol), 60.0)
    assert len(found.after_s) == 200


def test_what_is_not_answered_is_not_left_out_of_the_share() -> None:
    found = Answered(100, [float(second) for second in range(98)])
    assert found.share_s(0.5) == 49.0
    assert math.isinf(found.share_s(0.99))
