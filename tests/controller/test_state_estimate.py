"""The estimate of a cycle: intervals, who is not believed and since when, silent and old meters."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState, Readings, take_in
from controller.plausibility import Refusals
from controller.state_estimate import (
    REPEATS_AFTER_S,
    EstimateState,
    NotEstimated,
    StateEstimate,
    estimate_state,
    substation_measurements,
)
from devices.messages import SUBSTATION, Reading
from grid_model.violations import Violation, find_violations
from tests.builders import FEEDER, HOUSES, START, control, site, small_load_flow

BASE_KW = np.linspace(2.0, 6.0, HOUSES)
FRESH_S = 15.0


@pytest.fixture(scope="module")
def of() -> FeederControl:
    return control(site(rtu=True))


def said(
    p_kw: np.ndarray,
    at: datetime = START,
    *,
    silent: tuple[int, ...] = (),
    shown: dict[int, float] | None = None,
    substation_kw: float | None = None,
) -> list[Reading]:
    """What meters and RTU say of true loads `p_kw` (20,); `shown` are those of wrong meters."""
    result = small_load_flow().solve(p_kw, 0.2 * p_kw)
    wrong = shown or {}
    meters = [
        Reading(FEEDER, f"M{n:02d}", at, wrong.get(n, float(p_kw[n])), 0.2 * wrong.get(n, float(p_kw[n])))
        for n in range(HOUSES)
        if n not in silent
    ]
    busbar_v = float(result.v_pu[1]) * 400 / 3**0.5
    total = result.supply_kw if substation_kw is None else substation_kw
    rtu = Reading(FEEDER, SUBSTATION, at, total, float(0.2 * p_kw.sum()), v_v=(busbar_v,) * 3)
    return [*meters, rtu]


def taken(
    of: FeederControl, messages: list[Reading], at: datetime = START, before: FeederState | None = None
) -> FeederState:
    known = before or FeederState(Readings.nothing(HOUSES))
    return take_in(known, of, messages, [], now=at, refusals=Refusals()).state


def known(of: FeederControl, state: FeederState, now: datetime = START) -> StateEstimate:
    found, _ = estimate_state(of, state, EstimateState(), slack_scale=1.0, now=now)
    assert isinstance(found, StateEstimate), found
    return found


def sure(found: StateEstimate, violation: Violation) -> float:
    certainty = found.certainty(violation)
    assert certainty is not None
    return certainty.probability


Changed = Callable[[int, float], np.ndarray]


@pytest.fixture
def changed() -> Changed:
    def with_one(house: int, p_kw: float) -> np.ndarray:
        loads = BASE_KW.copy()
        loads[house] = p_kw
        return loads

    return with_one


def test_with_all_meters_the_state_is_what_they_say(of: FeederControl) -> None:
    found = known(of, taken(of, said(BASE_KW)))
    exact = small_load_flow().solve(BASE_KW, 0.2 * BASE_KW)
    np.testing.assert_allclose(found.p_kw.value, BASE_KW, rtol=0.01)
    np.testing.assert_allclose(found.lines.value, exact.line_loading_percent, atol=0.5)
    np.testing.assert_allclose(found.transformers.value, exact.transformer_loading_percent, atol=0.5)
    assert found.transformers.sd[0] < 0.7
    assert found.consistent
    assert (found.suspects, found.surprising, found.possible) == ((), (), ())
    assert found.fullest is not None
    assert found.fullest.value == pytest.approx(
        max(exact.line_loading_percent.max(), exact.transformer_loading_percent.max()), abs=0.5
    )


def test_the_substation_tells_of_silent_houses(of: FeederControl, changed: Changed) -> None:
    silent = (2, 9, 13)
    loads = changed(9, 12.0)
    state = taken(of, said(loads, silent=silent))
    found = known(of, state)
    blind = known(of, FeederState(state.readings))
    exact = small_load_flow().solve(loads, 0.2 * loads)
    assert found.p_kw.value[list(silent)].sum() == pytest.approx(loads[list(silent)].sum(), abs=2.5)
    assert found.transformers.value[0] == pytest.approx(exact.transformer_loading_percent[0], abs=1.0)
    assert found.transformers.sd[0] < 0.7 * blind.transformers.sd[0]
    assert found.p_kw.sd[9] > 10 * found.p_kw.sd[8]


def test_an_old_reading_is_less_sure_than_a_fresh_one_and_surer_than_none(of: FeederControl) -> None:
    now = START + timedelta(seconds=600)
    old = taken(of, said(BASE_KW)[:-1])
    renewed = taken(of, said(BASE_KW, now, silent=(3, 4))[:-1], now, old)
    found = known(of, renewed, now)
    never = known(of, taken(of, said(BASE_KW, now, silent=(3, 4))[:-1], now), now)
    assert found.p_kw.sd[5] < 0.1 < found.p_kw.sd[3] < 0.7 * never.p_kw.sd[3]
    late = known(of, renewed, now + timedelta(hours=2))  # nothing of it says anything any more
    assert late.p_kw.sd[5] > 1.0


def test_a_violation_says_how_sure_it_is(of: FeederControl) -> None:
    loads = BASE_KW * 3.3
    state = taken(of, said(loads, silent=(0, 5, 11)))
    found = known(of, state)
    violations = find_violations(of.network, found.estimate.result, of.limits)
    assert violations
    for violation in violations:
        assert sure(found, violation) > 0.5
    assert sure(found, violations[0]) > 0.9
    assert found.certainty(Violation("bus:1", "overvoltage", 1.2, 1.1)) is None


@pytest.mark.parametrize(("shown", "words"), [(-5.8, "opposite sign"), (0.0058, "kW taken for W")])
def test_a_wrong_meter_is_named_and_stands_after_a_while(
    of: FeederControl, changed: Changed, shown: float, words: str
) -> None:
    loads, remembered, state = changed(7, 5.8), EstimateState(), None
    stands = []
    for cycle in range(5):
        at = START + timedelta(seconds=5 * cycle)
        state = taken(of, said(loads, at, shown={7: shown}), at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert isinstance(found, StateEstimate)
        (suspect,) = found.suspects
        assert (suspect.source, suspect.service_point, suspect.position) == ("M07", "sp07", 7)
        assert suspect.since == START
        assert suspect.text.startswith("meter M07 at sp07 reads")
        assert found.p_kw.value[7] == pytest.approx(5.8, abs=2.0)
        stands.append(suspect.stands)
    assert words in suspect.text
    assert stands == [False, False, False, True, True]


def test_what_contradicts_for_a_moment_only_never_stands(of: FeederControl, changed: Changed) -> None:
    remembered, state, stood = EstimateState(), None, []
    for cycle in range(8):
        at = START + timedelta(seconds=5 * cycle)
        wrong = {7: -5.8} if cycle in {1, 2, 5, 6} else None
        state = taken(of, said(changed(7, 5.8), at, shown=wrong), at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert isinstance(found, StateEstimate)
        stood += [suspect.stands for suspect in found.suspects]
    assert stood == [False] * 4
    assert remembered.contradicted == {}


def test_a_stuck_meter_is_known_by_its_repeated_readings(of: FeederControl) -> None:
    rng, remembered, state = np.random.default_rng(3), EstimateState(), None
    for cycle in range(8):
        at = START + timedelta(seconds=REPEATS_AFTER_S * cycle)
        loads = BASE_KW * rng.uniform(0.98, 1.02, HOUSES)
        loads[7] = 3.5 if cycle < 2 else 9.5
        state = taken(of, said(loads, at, shown={7: 3.5}), at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        # asked twice without news, the count stays
        _, again = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert again.repeated is not None
        assert again.repeated.count[7] == cycle + 1
    assert isinstance(found, StateEstimate)
    assert [(suspect.source, suspect.stands) for suspect in found.suspects] == [("M07", True)]
    assert "in a row were exactly the same" in found.suspects[0].text


@pytest.mark.parametrize("rtu", [True, False])
def test_a_generator_that_nobody_wrote_down_is_no_wrong_meter(of: FeederControl, rtu: bool) -> None:
    loads, remembered, state = BASE_KW.copy(), EstimateState(), None
    loads[[5, 9, 14]] = (-2.9, -4.1, -1.6)
    for cycle in range(6):
        at = START + timedelta(seconds=5 * cycle)
        messages = said(loads, at, silent=(3,))
        state = taken(of, messages if rtu else messages[:-1], at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert isinstance(found, StateEstimate)
        assert not any(suspect.stands for suspect in found.suspects)


@pytest.mark.parametrize("steady_kw", [0.02, 2.0])
def test_a_house_that_takes_always_the_same_is_believed_while_it_fits(
    of: FeederControl, changed: Changed, steady_kw: float
) -> None:
    rng, remembered, state = np.random.default_rng(3), EstimateState(), None
    for cycle in range(40):
        at = START + timedelta(seconds=REPEATS_AFTER_S * cycle)
        loads = changed(7, steady_kw)
        loads[:7] *= rng.uniform(0.9, 1.1)
        state = taken(of, said(loads, at, silent=(3,)), at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert isinstance(found, StateEstimate)
        assert not any(suspect.stands for suspect in found.suspects)


def test_a_car_that_charges_steadily_is_not_stuck(of: FeederControl) -> None:
    remembered, state = EstimateState(), None
    loads = BASE_KW.copy()
    loads[7] = 14.9
    for cycle in range(24):
        at = START + timedelta(seconds=5 * cycle)
        state = taken(of, said(loads, at, silent=(1, 2, 3, 4, 5, 6)), at, state)
        found, remembered = estimate_state(of, state, remembered, slack_scale=1.0, now=at)
        assert isinstance(found, StateEstimate)
        assert found.suspects == ()


def test_a_broken_substation_is_named(of: FeederControl) -> None:
    found = known(of, taken(of, said(BASE_KW, substation_kw=-80.0)))
    (suspect,) = found.suspects
    assert (suspect.service_point, suspect.position) == (None, None)
    assert suspect.text.startswith("P of trafo:0 reads -80 kW, all others say")
    assert found.p_kw.value.sum() == pytest.approx(BASE_KW.sum(), rel=0.02)


def test_an_old_substation_reading_is_not_used(of: FeederControl) -> None:
    (*_, reading) = said(BASE_KW)
    assert len(substation_measurements(of, reading, START + timedelta(seconds=FRESH_S))) == 3
    assert substation_measurements(of, reading, START + timedelta(seconds=FRESH_S + 1)) == ()
    assert substation_measurements(of, None, START) == ()


def test_nothing_but_defaults_is_still_an_answer(of: FeederControl) -> None:
    found = known(of, FeederState(Readings.nothing(HOUSES)))
    np.testing.assert_allclose(found.p_kw.value, of.network.default_p_kw)
    assert found.transformers.sd[0] > 0.3 * found.transformers.value[0]


def test_a_load_flow_without_solution_is_no_estimate(of: FeederControl) -> None:
    strong = replace(of, bound_kw=10 * of.bound_kw)
    nan = np.full(HOUSES, np.nan)
    at_s, p_kw = np.full(HOUSES, START.timestamp()), np.full(HOUSES, 400.0)
    heavy = Readings(at_s, p_kw, p_kw / 5, nan, nan, nan)
    found, after = estimate_state(strong, FeederState(heavy), EstimateState(), slack_scale=1.0, now=START)
    assert isinstance(found, NotEstimated)
    assert "load flow" in found.reason
    assert after.repeated is not None
