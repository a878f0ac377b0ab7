"""One snapshot without history: the level of the meters, and who is not believed."""

import numpy as np
import pytest

from grid_model.estimation.estimate import NoEstimate
from grid_model.estimation.snapshot_estimate import Shown, estimate_snapshot
from grid_model.network import Floats
from tests.grid_model.estimation.streets import Street, ten_houses
from tests.grid_model.estimation.test_estimate import settled

P_KW = np.array([1.0, 1.2, 0.9, 1.1, 1.4, 0.8, 1.0, 1.3, 0.9, 1.2])


@pytest.fixture(scope="module")
def houses() -> Street:
    return ten_houses()


def shown(houses: Street, p_kw: Floats, wrong: dict[int, float], **more: Floats) -> Shown:
    says = p_kw.copy()
    says[list(wrong)] = list(wrong.values())
    return Shown(says, says / 5, inside=houses.substation(houses.state(p_kw)), **more)


def test_a_wrong_meter_does_not_spoil_what_is_expected_of_the_missing_ones(houses: Street) -> None:
    inside = shown(houses, P_KW, {})
    clean = settled(estimate_snapshot(houses.estimator, houses.network, inside))
    assert not clean.suspects
    said = shown(houses, P_KW, {4: 40.0, 7: np.nan})
    found = settled(estimate_snapshot(houses.estimator, houses.network, said))
    assert [suspect.place for suspect in found.suspects] == [4]
    assert found.p.value[4] == pytest.approx(1.4, abs=0.5)
    assert found.p.value[7] == pytest.approx(1.3, abs=0.5)
    assert found.p.sd[7] < 1.0  # as narrow as houses are alike, once the wrong one is out
    assert found.consistency.consistent


def test_no_more_are_left_out_than_asked_for(houses: Street) -> None:
    said = shown(houses, P_KW * 4, {1: -4.8, 3: -4.4, 8: -3.6})
    for most in (0, 1, 2, 5):
        found = settled(estimate_snapshot(houses.estimator, houses.network, said, most_suspects=most))
        assert len(found.suspects) == min(most, 3)


def test_an_old_reading_is_less_sure_than_a_fresh_one(houses: Street) -> None:
    age_s = np.zeros(10)
    age_s[[2, 5]] = 900.0
    found = settled(estimate_snapshot(houses.estimator, houses.network, shown(houses, P_KW, {}, age_s=age_s)))
    assert np.all(found.p.sd[[2, 5]] > 3 * found.p.sd[[1, 3]])


def test_cars_take_no_reactive_power_and_nobody_is_blamed_for_it(houses: Street) -> None:
    truth = np.stack([P_KW, P_KW / 5], axis=1)
    truth[[0, 2, 3, 5, 7], 0] += 11.0
    state = np.append(truth.ravel(), 1.0)
    says = truth.copy()
    says[[3, 6, 9]] = np.nan
    said = Shown(says[:, 0], says[:, 1], inside=houses.substation(state))
    found = settled(estimate_snapshot(houses.estimator, houses.network, said))
    assert not found.suspects
    assert found.consistency.consistent
    assert np.all(np.abs(found.p.value - truth[:, 0]) <= 3 * found.p.sd)
    assert np.all(np.abs(found.q.value - truth[:, 1]) <= 3 * found.q.sd)


def test_when_too_many_contradict_each_other_no_number_is_given(houses: Street) -> None:
    wrong = {place: -4 * P_KW[place] for place in (1, 3, 6, 8)}
    found = estimate_snapshot(houses.estimator, houses.network, shown(houses, P_KW * 4, wrong))
    assert isinstance(found, NoEstimate)
    assert "4 of 10 meters contradict the others" in found.reason
