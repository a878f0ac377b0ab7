"""The fixed point itself: it solves the load-flow equations, dense or sparse, or says that it did not."""

import numpy as np
import pytest

from grid_model import fixed_point as module
from grid_model.admittance import Admittance, Complexes, build
from grid_model.fixed_point import FixedPoint
from grid_model.layout import Unfit
from tests.grid_model.small_networks import loaded, street


def admittance_of(houses: int) -> Admittance:
    built = build(loaded(street(houses)))
    assert not isinstance(built, Unfit)
    return built


def mismatch(admittance: Admittance, v: Complexes, taking: object, demand_conj: Complexes) -> float:
    """The largest current that is missing at a free bus."""
    left = admittance.y_bus @ v[:-1]
    left[taking] += demand_conj / v[taking].conj()
    return float(np.abs(left[: admittance.n_free]).max())


@pytest.mark.parametrize("dense_entries", [0, 10**9])
@pytest.mark.parametrize("houses", [3, 80])
def test_it_solves_the_equations(monkeypatch: pytest.MonkeyPatch, houses: int, dense_entries: int) -> None:
    monkeypatch.setattr(module, "_DENSE_ENTRIES", dense_entries)
    admittance = admittance_of(houses)
    taking = np.unique(admittance.service_point)
    rng = np.random.default_rng(houses)
    power = rng.uniform(-1.0, 2.0, (40, len(taking))) - 1j * rng.uniform(0.0, 0.5, (40, len(taking)))
    demand_conj = power * 60.0 / houses**2 / admittance.base_kva
    fixed_point = FixedPoint(admittance, taking)
    many = fixed_point.solve(demand_conj)
    assert many.converged.all()
    for place in (0, 39):
        one = fixed_point.solve(demand_conj[place])
        assert one.converged
        assert mismatch(admittance, one.v, taking, demand_conj[place]) < 1e-7
        np.testing.assert_allclose(many.v[place, :-1], one.v[:-1], atol=1e-11)
        assert np.isnan(one.v[-1])


def test_the_grids_voltage_scales_all() -> None:
    admittance = admittance_of(3)
    fixed_point = FixedPoint(admittance, np.unique(admittance.service_point))
    nothing = np.zeros(3, dtype=np.complex128)
    high, low = fixed_point.solve(nothing), fixed_point.solve(nothing, 0.95)
    np.testing.assert_allclose(low.v[:-1], 0.95 * high.v[:-1], rtol=1e-14)


@pytest.mark.parametrize("wrong", [1e3, np.nan, np.inf])
def test_it_says_so_when_there_is_no_solution(wrong: float) -> None:
    admittance = admittance_of(3)
    fixed_point = FixedPoint(admittance, np.unique(admittance.service_point))
    demand_conj = np.zeros((2, 3), dtype=np.complex128)
    demand_conj[1, 2] = wrong
    assert fixed_point.solve(demand_conj).converged.tolist() == [True, False]
    assert not fixed_point.solve(demand_conj[1]).converged
