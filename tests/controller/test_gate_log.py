"""A refusal of the gate is told when it begins and when it is over, not in every pass."""

from datetime import timedelta

import pytest
import structlog

from controller import safety_gate
from controller.gate_log import GateLog, gate_news
from controller.safety_gate import Refused
from tests.builders import FEEDER, START
from tests.controller.worlds import World, evening


def test_each_reason_is_told_once_while_it_lasts_and_its_count_when_it_is_over() -> None:
    log, told = GateLog(), []
    for second in range(0, 240, 10):
        refused = {"reach": 2} if second < 60 else {}
        if second in (30, 70, 220):
            refused = {**refused, "too_long": 1}
        log, news = gate_news(log, refused, START + timedelta(seconds=second))
        told += [(second, "began", *one) for one in news.began.items()]
        told += [(second, "over", *one) for one in news.over.items()]
    assert told == [
        (0, "began", "reach", 2),
        (30, "began", "too_long", 1),
        (110, "over", "reach", 12),
        (130, "over", "too_long", 2),
        (220, "began", "too_long", 1),
    ]


def test_a_clock_that_was_ahead_holds_nothing_up() -> None:
    log, _ = gate_news(GateLog(), {"reach": 1}, START + timedelta(days=1))
    log, _ = gate_news(log, {}, START)
    _, news = gate_news(log, {}, START + timedelta(seconds=60))
    assert news.over == {"reach": 1}


async def test_the_log_is_told_once_while_the_metric_counts_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety_gate, "judge", lambda ask, facts: Refused("protected"))
    world = World(evening())
    world.charge()
    with structlog.testing.capture_logs() as logs:
        await world.tick(12)
    told = [one for one in logs if one["event"] == "gate_refused"]
    assert [one["reason"] for one in told] == ["protected"]
    counted = world.daemon.metrics.requests.gate.labels(FEEDER, "protected").collect()[0].samples[0].value
    assert counted > 12
