"""What a load flow answers, whichever way it was computed [3]."""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Network

NEAR_COLLAPSE = 0.5
"""Of the collapse index: about 90 % of the load at which the voltage collapses. Ordinary networks stay below
0.2, also at 150 % of their loads."""


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
    """(n_trafo,) of the most loaded side; three-winding transformers follow those with two"""
    transformer_p_kw: Floats
    """(n_trafo,) into the transformer at its high-voltage side; negative when power flows back"""
    losses_kw: float
    """Of all lines and transformers."""
    supply_kw: float
    """What the external grids deliver."""
    collapse_index: float = np.nan
    """0 without load, 1 where the voltage collapses (`collapse.py`); NaN where nobody computed it"""

    @property
    def near_collapse(self) -> bool:
        """Whether little more load would let the voltage collapse: the numbers are right, and must alarm."""
        return self.collapse_index >= NEAR_COLLAPSE


def not_converged(network: Network, iterations: int) -> LoadFlowResult:
    """The result that nobody can use: every number is NaN."""
    n_trafo = len(network.transformers.ids)
    return LoadFlowResult(
        converged=False,
        iterations=iterations,
        v_pu=np.full(len(network.buses.ids), np.nan),
        line_loading_percent=np.full(len(network.lines.ids), np.nan),
        transformer_loading_percent=np.full(n_trafo, np.nan),
        transformer_p_kw=np.full(n_trafo, np.nan),
        losses_kw=np.nan,
        supply_kw=np.nan,
    )
