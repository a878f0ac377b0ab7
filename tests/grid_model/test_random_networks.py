"""Any network, any injections, any switching: the same as plain `runpp`. Many more in `agreement.py`."""

import pytest

from grid_model.load_flow import FactoredLoadFlow
from grid_model.referee import disagreement
from tests.grid_model.agreement import Trial


@pytest.mark.parametrize("seed", range(7))
def test_equals_runpp(seed: int) -> None:
    trial = Trial(seed)
    assert trial.faults() == []
    compiled = FactoredLoadFlow(trial.network, compiled=True).solve(trial.p_kw, trial.q_kvar)
    difference = disagreement(compiled, trial.result())
    assert difference is not None
    assert difference.v_pu < 1e-9


@pytest.mark.parametrize("seed", range(100, 104))
def test_equals_runpp_with_generators(seed: int) -> None:
    assert Trial(seed, generators=True).faults() == []


@pytest.mark.parametrize(("seed", "generators"), [(200, False), (201, False), (203, True)])
def test_equals_runpp_however_it_is_switched(seed: int, generators: bool) -> None:
    trial = Trial(seed, generators=generators)
    for _ in range(4):
        trial.switch()
        assert trial.faults() == []
    by_referee = trial.load_flow.referee.solve(trial.p_kw, trial.q_kvar)
    difference = disagreement(trial.result(), by_referee)
    assert difference is None or difference.v_pu < 1e-8
