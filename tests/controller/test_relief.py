"""Whose less relieves what is outside its limits: chargers in the first twelve houses, then four roofs."""

from dataclasses import replace

import pytest

from controller.relief import relieves
from controller.situation import Situation
from tests.controller.sunny import SunnyPasses, roofs, sunny

CABLE = 10
"""houses on each: EV00 to EV09 on the first, EV10, EV11 and the roofs on the second"""


@pytest.fixture(scope="module")
def calm() -> Situation:
    return SunnyPasses(sunny(roofs(chargers=12)), sun_kw=2.0).step().situation


def _with(calm: Situation, v_pu: dict[int, float] | None = None, line: int | None = None) -> Situation:
    """As if the voltage at the end of a cable (0 or 1), or the loading of a line, were so."""
    result, network = calm.check.result, calm.control.network
    voltages, loadings = result.v_pu.copy(), result.line_loading_percent.copy()
    for cable, value in (v_pu or {}).items():
        voltages[network.service_point_bus[CABLE * (cable + 1) - 1]] = value
    if line is not None:
        loadings[line] = 130.0
    changed = replace(result, v_pu=voltages, line_loading_percent=loadings)
    return replace(calm, check=replace(calm.check, result=changed))


def _who(situation: Situation) -> set[str]:
    return {d.device for d in situation.control.registry.devices if relieves(situation, d)}


CHARGERS = {f"EV{n:02d}" for n in range(12)}
ROOFS = {f"EV{n:02d}" for n in range(12, 16)}


def test_a_voltage_that_is_too_low_is_relieved_by_taking_less_and_no_roof_is_asked(calm: Situation) -> None:
    assert _who(_with(calm, {0: 0.85})) == CHARGERS


def test_a_voltage_that_is_too_high_is_relieved_by_feeding_in_less(calm: Situation) -> None:
    assert _who(_with(calm, {1: 1.15})) == ROOFS


def test_where_one_end_is_too_low_and_the_other_too_high_each_helps_one_of_them(calm: Situation) -> None:
    assert _who(_with(calm, {0: 0.85, 1: 1.15})) == CHARGERS | ROOFS


def test_what_only_moves_the_losses_relieves_nothing(calm: Situation) -> None:
    """The last stretch of the first cable: only the house at its end has something to do with it."""
    assert _who(_with(calm, line=CABLE - 1)) == {"EV09"}
