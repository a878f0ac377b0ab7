"""Rounds, edges, small cuts and attempts share one budget of work; what is found by then is honest."""

import numpy as np
import pandapower as pp
import pytest

from grid_model.allocation import Allocation, FlexibleDevice, Reserve, Rules, allocate, search
from grid_model.allocation.work import BUDGET, Work
from grid_model.linear_programme import Solver
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network
from grid_model.violations import Limits, find_violations
from tests.grid_model.small_networks import loaded, street

STEPPED = 31


@pytest.fixture(scope="module")
def block() -> tuple[Network, FactoredLoadFlow]:
    net = street(4)
    for number in range(4, STEPPED):
        pp.create_load(net, 2 + number % 4, p_mw=0.0, name=f"flat {number}")
    network = loaded(net)
    return network, FactoredLoadFlow(network)


def _allocated(of: tuple[Network, FactoredLoadFlow], seed: int, base_kw: float = 1.0) -> Allocation:
    """All-or-nothing devices that do not all keep their word, with a reserve that may be out of reach."""
    network, load_flow = of
    rng = np.random.default_rng(seed)
    power = rng.uniform(1.0, 5.0, STEPPED)
    devices = [
        FlexibleDevice(
            f"d{n}",
            n,
            float(power[n]),
            0.0,
            weight=float(rng.uniform(1.0, 1.3)),
            steps_kw=(0.0,),
            comply=float(rng.uniform(0.6, 1.0)),
        )
        for n in range(STEPPED)
    ]
    p_kw = power + base_kw
    rules = Rules(spread=0.005, least_cut_kw=0.3, reserve=Reserve(draws=100))
    found = allocate(network, load_flow, p_kw, np.zeros(STEPPED), devices, Limits(), rules)
    cut = np.zeros(STEPPED)
    for curtailment in found.curtailments:
        cut[int(curtailment.device[1:])] = curtailment.curtailed_kw
        assert curtailment.limit_kw == 0.0
    left = find_violations(network, load_flow.solve(p_kw - cut, np.zeros(STEPPED)), Limits())
    assert [v.element for v in found.remaining] == [v.element for v in left]
    assert found.cleared == (not left)
    return found


def _programmes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The work that each programme took."""
    took, run = list[int](), Solver.run

    def counted(self: Solver, *args: object, **named: object) -> object:
        before = self.work
        answer = run(self, *args, **named)  # type: ignore[arg-type]
        took.append(self.work - before)
        return answer

    monkeypatch.setattr(Solver, "run", counted)
    return took


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("base_kw", [0.3, 1.0, 3.0])
def test_the_work_of_one_allocation_is_bounded(
    block: tuple[Network, FactoredLoadFlow], monkeypatch: pytest.MonkeyPatch, seed: int, base_kw: float
) -> None:
    took = _programmes(monkeypatch)
    _allocated(block, seed, base_kw)
    assert took
    assert sum(took) <= BUDGET + 3 * max(took)


@pytest.mark.parametrize("budget", [1, 60, 150])
def test_the_best_so_far_is_told_when_the_budget_is_used_up(
    block: tuple[Network, FactoredLoadFlow], monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    monkeypatch.setattr(search, "Work", lambda: Work(budget))
    took = _programmes(monkeypatch)
    first = _allocated(block, seed=1)
    assert sum(took) <= budget + 3 * max(took)
    again = _allocated(block, seed=1)
    assert first.curtailments == again.curtailments, "it is counted, not timed"
