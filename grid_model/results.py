"""What a load flow answers, whichever way it was computed [3]."""

from dataclasses import dataclass

import numpy as np

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
    """Of all lines and transformers."""
    supply_kw: float
    """What the external grids deliver."""


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
