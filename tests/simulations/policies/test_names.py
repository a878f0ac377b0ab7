"""Policies by name: what a name changes reaches the daemon, and nothing else does."""

from typing import Any, get_args

import pytest

from simulations.policies import names
from simulations.policies.names import GROUPS, POLICIES
from simulations.scenario import PolicyName
from simulations.scenario_file import parse_scenario
from simulations.setups import Setup, prepare

VILLAGE = """\
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T17:00:00+00:00"
"""


@pytest.fixture(scope="module")
def setup() -> Setup:
    return prepare(parse_scenario(VILLAGE))


@pytest.mark.parametrize("name", [name for name in GROUPS["without"] if name.startswith("ours-")])
def test_ours_without_a_rule_runs_the_daemon_with_that_setting_changed(
    name: str, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(names, "under_ours", lambda changed, version: seen.append(changed))
    POLICIES[name].run(setup, "1.2.3")
    control, before = seen[0].scenario.control, setup.scenario.control
    changed = {
        "ours-blind": control.look_ahead.act_early is False,
        "ours-restless": control.requests.min_between_s == 0,
        "ours-at-once": control.safety.release_share_per_minute == 1,
        "ours-unraised": control.requests.raise_limits is False,
        "ours-narrow": (control.requests.target_share, control.events.close_below) == (0.98, 0.98),
    }
    alone = {name} if name in changed else set(changed) - {"ours-unraised"}
    assert {key for key, is_so in changed.items() if is_so} == alone
    assert control.limits == before.limits
    assert seen[0].population is setup.population


def test_a_scenario_may_name_any_of_them() -> None:
    assert set(get_args(PolicyName)) == set(GROUPS["all"])
