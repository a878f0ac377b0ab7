"""[3] Snapshot to voltages and loadings, one or a batch, by a factored admittance matrix.

V = Y⁻¹(conj(S/V) − Y₀V₀), iterated to a fixed point on the matrix that pandapower built (design, section 4).
"""

from dataclasses import dataclass

from grid_model.network import Floats, Network


@dataclass(frozen=True)
class LoadFlowResult:
    """One solved snapshot. When `converged` is false every number is NaN: nobody can use it by mistake."""

    converged: bool
    iterations: int
    v_pu: Floats
    """(n_bus,) NaN where a bus is not supplied"""
    line_loading_percent: Floats
    """(n_line,) of the line's rating; 0 where out of service"""
    transformer_loading_percent: Floats
    """(n_trafo,)"""
    transformer_p_kw: Floats
    """(n_trafo,) into the transformer at its high-voltage side; negative when power flows back"""
    losses_kw: float
    supply_kw: float
    """What the external grids deliver."""


class FactoredLoadFlow:
    """The load flow of one topology: build once, solve often.

    `solve` and `solve_batch` do not change the object: threads may share it.
    """

    def __init__(self, network: Network) -> None:
        raise NotImplementedError

    def solve(self, p_kw: Floats, q_kvar: Floats, *, slack_scale: float = 1.0) -> LoadFlowResult:
        """Solve one snapshot; `p_kw` and `q_kvar` are (n_sp,). `slack_scale` multiplies the external grids' voltage."""
        raise NotImplementedError

    def solve_batch(self, p_kw: Floats, q_kvar: Floats) -> list[LoadFlowResult]:
        """Solve many snapshots of shape (n_snapshot, n_sp) in one go."""
        raise NotImplementedError
