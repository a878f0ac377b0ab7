"""The table of kinds is whole and means what it says."""

import ast
from pathlib import Path
from typing import get_args

from controller.alarms.kinds import GOAL_PERCENT, KINDS, PRIORITIES, kind_of
from controller.data_alarms import _KINDS, CONTROLLER_FAULT
from controller.silence_alarms import FAILSAFE_ALARMS
from grid_model.violations import ViolationKind

ROOT = Path(__file__).parents[3]


def test_whatever_is_told_has_a_row() -> None:
    told = {*_KINDS, CONTROLLER_FAULT, *FAILSAFE_ALARMS}
    told |= {kind for kind in get_args(ViolationKind) if not kind.endswith("overload")}
    source = ast.parse((ROOT / "controller/alarms/conditions.py").read_text(encoding="utf-8"))
    named = {
        one.args[0].value
        for one in ast.walk(source)
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Name)
        and one.func.id == "Condition"
        and isinstance(one.args[0], ast.Constant)
    }
    assert len(named) > 6
    assert (told | named) - KINDS.keys() == set()


def test_rows_speak_of_rows_and_nothing_explains_itself() -> None:
    for kind in KINDS.values():
        others = (*kind.explained_by, *kind.suppressed_by)
        assert set(others) <= KINDS.keys() - {kind.kind}
        assert kind.off_s >= 0
        assert kind.response_s >= 60  # below a minute it is no operator's task


def test_the_more_urgent_the_less_time() -> None:
    longest = [max(one.response_s for one in KINDS.values() if one.priority == p) for p in PRIORITIES]
    assert longest == sorted(longest)
    assert [one.kind for one in KINDS.values() if one.priority == "critical"] == ["journal_unwritable"]
    assert sum(GOAL_PERCENT.values()) == 100


def test_a_family_is_one_alarm_that_can_become_worse() -> None:
    assert kind_of("overload").one_of == kind_of("overload_severe").one_of
    assert kind_of("overload").priority != kind_of("overload_severe").priority


def test_a_kind_of_another_release_is_no_fault() -> None:
    assert kind_of("of tomorrow").priority == "medium"
