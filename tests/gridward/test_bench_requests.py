"""Requests in bulk: every one is answered once, by devices that check what they get."""

import asyncio
import math
from pathlib import Path

import pytest

from devices.messages import Answer
from devices.mqtt.settings import Protocol
from gridward.bench import requests
from gridward.bench.requests import PROTOCOLS, Answered, Arriving, measure
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


def test_who_answers_twice_does_not_answer_for_another() -> None:
    arriving = Arriving(2)
    for request, answer in (("r1", "accepted"), ("r1", "accepted"), ("r2", "refused")):
        arriving.take(Answer("F", "ev", request, answer), 1.0)  # type: ignore[arg-type]
    assert not arriving.all_answered.is_set()
    arriving.take(Answer("F", "ev", "r2", "accepted"), 2.0)
    assert arriving.all_answered.is_set()
    assert sorted(arriving.after_s.values()) == [1.0, 2.0]


@pytest.mark.parametrize("quick", [True, False])
def test_the_goal_stands_only_beside_what_it_is_about(
    quick: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise requests.NoMosquitto("no mosquitto here")

    monkeypatch.setattr(requests, "PrivateBroker", missing)
    requests.print_figures(1, quick)
    assert ("goal" in capsys.readouterr().out) is not quick
