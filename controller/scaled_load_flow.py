"""[3, 5] A load flow on the external voltage that the check found, for those who know no `slack_scale`.

Allocation solves and linearises; only the solving is on the measured voltage here. The linear part stays that
of the nominal one, which allocation makes up for: it looks with the load flow after each step.
"""

from grid_model.batch_result import BatchResult
from grid_model.load_flow import Factored, FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats


class ScaledLoadFlow(FactoredLoadFlow):
    """Another load flow with its external grids' voltage multiplied once for all."""

    def __init__(self, of: FactoredLoadFlow, slack_scale: float) -> None:
        # Nothing is built anew: everything is asked of the other one.
        self._of, self._slack_scale = of, slack_scale
        self.referee, self.unfit_reason = of.referee, of.unfit_reason

    @property
    def factored(self) -> Factored | None:
        """The factored form of the other one."""
        return self._of.factored

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> LoadFlowResult:
        """As `FactoredLoadFlow.solve`; `slack_scale` comes on top."""
        return self._of.solve(p_kw, q_kvar, slack_scale=slack_scale * self._slack_scale)

    def solve_batch(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> BatchResult:
        """As `FactoredLoadFlow.solve_batch`; `slack_scale` comes on top."""
        return self._of.solve_batch(p_kw, q_kvar, slack_scale=slack_scale * self._slack_scale)


def on_voltage(load_flow: FactoredLoadFlow, slack_scale: float) -> FactoredLoadFlow:
    """The load flow at this external voltage."""
    return load_flow if slack_scale == 1.0 else ScaledLoadFlow(load_flow, slack_scale)
