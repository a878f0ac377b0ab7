"""Requests under everything that may go wrong at once, drawn by hypothesis: never two active limits for one
device, none for ever.

The deeper run is `python -m tests.controller.lifecycle`.
"""

import pytest

from tests.controller.lifecycle.judge import Broken
from tests.controller.lifecycle.planted import PLANTED, planted
from tests.controller.lifecycle.runs import run

SEEDS = (1, 2)
QUICKLY_FOUND = ("no_floor", "critical_not_read", "no_deadline", "no_end_in_the_command", "orders_forgotten")


@pytest.mark.timeout(600)  # when it finds something, the shrinking takes minutes
@pytest.mark.parametrize("seed", SEEDS)
def test_never_two_limits_none_for_ever(seed: int) -> None:
    counts = run(seed, 100, 30)
    assert counts["examples"] >= 100
    assert counts["requests"] > counts["examples"]
    assert counts["starts"] > 1.3 * counts["examples"]
    assert counts["commands"] > 2 * counts["examples"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault", [f for f in PLANTED if f.__name__ in QUICKLY_FOUND], ids=lambda f: f.__name__
)
def test_planted_faults_are_found(fault: object) -> None:
    with planted(fault), pytest.raises(Broken):
        run(1, 60, 30, shrink=False)
