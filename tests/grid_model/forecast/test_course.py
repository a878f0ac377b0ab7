"""How the highest loadings are expected to go on."""

import numpy as np

from grid_model.forecast.course import course
from grid_model.forecast.forecaster import HORIZONS, Forecast
from tests.builders import HOUSES, small_load_flow

STEPS = len(HORIZONS)
_NORMAL = np.array([-1.96, -1.2816, 0.0, 1.2816, 1.96])


def _said(each_kw: float, off_kw: float) -> Forecast:
    mean = np.full((STEPS, HOUSES), each_kw)
    quantiles = mean[:, np.newaxis] + off_kw * _NORMAL[:, np.newaxis]
    total = mean.sum(axis=1)
    return Forecast(mean, quantiles, total, total[:, np.newaxis] + 10 * _NORMAL, np.zeros(STEPS))


def _solved(sum_kw: float) -> tuple[float, float]:
    p_kw = np.full(HOUSES, sum_kw / HOUSES)
    result = small_load_flow().solve(p_kw, 0.2 * p_kw)
    return float(result.transformer_loading_percent.max()), float(result.line_loading_percent.max())


def test_the_middle_is_the_mean_and_the_sides_are_those_of_the_sum() -> None:
    found = course(small_load_flow(), _said(8.0, 1.0), reactive=lambda p_kw: 0.2 * p_kw)
    sums = [8.0 * HOUSES + 10 * off for off in (-1.2816, 0.0, 1.2816)]
    np.testing.assert_allclose(found.transformer_percent[0], [_solved(one)[0] for one in sums])
    np.testing.assert_allclose(found.line_percent[-1], [_solved(one)[1] for one in sums])


def test_feed_in_loads_as_well_and_the_sides_stay_in_order() -> None:
    found = course(small_load_flow(), _said(-8.0, 1.0), reactive=lambda p_kw: 0.0 * p_kw)
    assert (np.diff(found.transformer_percent, axis=1) > 0).all()


def test_what_has_no_solution_is_not_known() -> None:
    found = course(small_load_flow(), _said(8000.0, 1.0), reactive=lambda p_kw: 0.2 * p_kw)
    assert np.isnan(found.transformer_percent).all()
