"""Which elements are expected outside their limits: the load flow over what may come."""

import numpy as np
import pytest

from grid_model.batch_result import BatchResult, unsolved
from grid_model.forecast.forecaster import HORIZONS, Forecast
from grid_model.forecast.outlook import Outlook, outlooks
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from grid_model.violations import Limits
from tests.builders import HOUSES, small_load_flow, small_network

STEPS = len(HORIZONS)
_NORMAL = np.array([-1.96, -1.2816, 0.0, 1.2816, 1.96])


def _said(each_kw: Floats, off_kw: float = 0.01) -> Forecast:
    """Every house is expected to take `each_kw` (n_horizon,), off by little."""
    mean = np.repeat(each_kw[:, np.newaxis], HOUSES, axis=1)
    quantiles = mean[:, np.newaxis] + off_kw * _NORMAL[:, np.newaxis]
    total = mean.sum(axis=1)
    of_sum = total[:, np.newaxis] + off_kw * np.sqrt(HOUSES) * _NORMAL
    return Forecast(mean, quantiles, total, of_sum, np.zeros(STEPS))


def _found(
    said: Forecast, limits: Limits | None = None, of: FactoredLoadFlow | None = None
) -> tuple[Outlook, ...]:
    return outlooks(
        small_network(),
        of or small_load_flow(),
        said,
        reactive=lambda p_kw: 0.2 * p_kw,
        limits=limits or Limits(),
        count=40,
        rng=np.random.default_rng(1),
    )


def test_where_nothing_can_break_nothing_is_found() -> None:
    assert _found(_said(np.full(STEPS, 3.0))) == ()


def test_a_certain_overload_is_found_at_its_time_with_its_value() -> None:
    each = np.full(STEPS, 4.0)
    each[4:7] = 14.0
    worst = _found(_said(each))[0]
    assert (worst.element, worst.kind, worst.limit) == ("trafo:0", "transformer_overload", 100.0)
    assert worst.probability.tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert worst.first(0.8) == 4
    p_kw = np.full(HOUSES, 14.0)
    solved = small_load_flow().solve(p_kw, 0.2 * p_kw).transformer_loading_percent[0]
    assert worst.value[4] == pytest.approx(solved, abs=0.3)
    assert np.isnan(worst.value[0])


def test_an_even_chance_is_one() -> None:
    level = np.interp(100.0, *_loading_by_kw())
    worst = _found(_said(np.full(STEPS, level), off_kw=0.5))[0]
    np.testing.assert_allclose(worst.probability, 0.5, atol=0.08)
    assert worst.first(0.8) is None


def _loading_by_kw() -> tuple[list[float], list[float]]:
    each = [float(kw) for kw in range(8, 16)]
    solve = small_load_flow().solve
    rows = [np.full(HOUSES, kw) for kw in each]
    return [float(solve(p, 0.2 * p).transformer_loading_percent[0]) for p in rows], each


def test_feed_in_and_voltages_count_as_well() -> None:
    kinds = {o.kind for o in _found(_said(np.full(STEPS, -14.0)), Limits(100.0, 0.98, 1.02))}
    assert kinds == {"transformer_overload", "overvoltage"}
    kinds = {o.kind for o in _found(_said(np.full(STEPS, 9.0)), Limits(100.0, 1.0, 1.1))}
    assert kinds == {"undervoltage"}


class _NoSolution(FactoredLoadFlow):
    """Nothing converges, without `runpp` being asked about every snapshot."""

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> BatchResult:
        return unsolved(small_network(), len(p_kw))


class _OneInFour(FactoredLoadFlow):
    """Every fourth snapshot has no solution."""

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> BatchResult:
        found = super().solve_batch(p_kw, q_kvar, slack_scale=slack_scale)
        for n in range(0, len(p_kw), 4):
            found.put(n, unsolved(small_network(), 1)[0])
        return found


class _Collapsing(FactoredLoadFlow):
    """No solution above so much for all houses together."""

    most_kw = 3.0 * HOUSES

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> BatchResult:
        found = super().solve_batch(p_kw, q_kvar, slack_scale=slack_scale)
        for n in np.flatnonzero(p_kw.sum(axis=1) > self.most_kw):
            found.put(int(n), unsolved(small_network(), 1)[0])
        return found


def test_a_collapse_is_told_of_the_weakest_element_of_each_kind() -> None:
    found = _found(_said(np.full(STEPS, 14.0)), of=_Collapsing(small_network()))
    assert {o.kind for o in found} == {"transformer_overload", "line_overload", "undervoltage"}
    assert len(found) == 3
    assert all(o.probability.tolist() == [1.0] * STEPS for o in found)
    p_kw = np.full(HOUSES, 2.9)
    solved = small_load_flow().solve(p_kw, 0.2 * p_kw)
    said = {o.kind: o.element for o in found}
    loading = dict(zip(small_network().lines.ids, solved.line_loading_percent, strict=True))
    v_pu = dict(zip(small_network().buses.ids, solved.v_pu, strict=True))
    assert loading[said["line_overload"]] >= 0.99 * max(loading.values())
    assert v_pu[said["undervoltage"]] == pytest.approx(np.nanmin(solved.v_pu), abs=1e-3)


def test_what_has_no_solution_at_all_is_told_as_well() -> None:
    found = _found(_said(np.full(STEPS, 5.0)), of=_NoSolution(small_network()))
    assert sorted(o.kind for o in found) == ["line_overload", "transformer_overload", "undervoltage"]
    assert found[0].probability.min() == 1.0
    assert all(o.value.tolist() == [o.limit] * STEPS for o in found), "nobody knows by how much"


def test_the_value_is_that_of_the_snapshots_with_a_solution() -> None:
    said, limits = _said(np.full(STEPS, 14.0)), Limits()
    some, whole = (_found(said, limits, of(small_network()))[0] for of in (_OneInFour, FactoredLoadFlow))
    assert some.element == whole.element == "trafo:0"
    assert some.probability.min() == 1.0
    np.testing.assert_allclose(some.value, whole.value, atol=0.3)
