"""`gridward bench field` in small: what is published arrives in the feeder state, all of it."""

import asyncio

import pytest

from gridward.bench import field


@pytest.mark.mosquitto
def test_a_batch_and_single_messages_reach_the_feeder_state() -> None:
    controls = field._feeders()
    for _, figures in field._without_network(controls, "single", 200, seed=1):
        assert figures.seconds > 0
    # `_State` asserts that nothing was refused or late, and the run ends when all of it came
    figures = asyncio.run(field._end_to_end(controls, "5", "json", 300, 1))
    assert figures.shed == 0
