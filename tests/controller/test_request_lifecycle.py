"""Requests under everything that may go wrong at once, drawn by hypothesis: never two active limits for one
device, none for ever.

The deeper run is `python -m tests.controller.lifecycle`, by `make soak`: a thousand walks. The same faults
strike in the thousand seeds of `tests/simulations/faults`, which a judge of their own looks at.
"""

import pytest

from tests.controller.lifecycle.judge import Broken
from tests.controller.lifecycle.planted import PLANTED, planted
from tests.controller.lifecycle.runs import run, run_scenario
from tests.controller.lifecycle.scenarios import SCENARIOS, Scenario

WALKS = 30


@pytest.mark.timeout(600)  # when it finds something, the shrinking takes minutes
def test_never_two_limits_none_for_ever() -> None:
    counts = run(1, WALKS, 30)
    assert counts["examples"] >= WALKS
    assert counts["requests"] > counts["examples"]
    assert counts["starts"] > 1.3 * counts["examples"]
    assert counts["commands"] > 2 * counts["examples"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_where_a_walk_seldom_comes(scenario: Scenario) -> None:
    assert run_scenario(scenario, 1, 10) > 10


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_are_found(fault: str) -> None:
    with planted(fault), pytest.raises(Broken):
        run_scenario(PLANTED[fault], 1, 60, shrink=False)
