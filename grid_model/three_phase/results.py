"""What an unbalanced load flow answers [3]."""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats
from grid_model.three_phase.network import ThreePhaseNetwork


@dataclass(frozen=True)
class ThreePhaseResult:
    """One solved snapshot. When `converged` is false every number is NaN: nobody can use it by mistake.

    The last axis of two-dimensional arrays is a, b, c.
    """

    converged: bool
    iterations: int
    v_pu: Floats
    """(n_bus, 3) phase to neutral; NaN where a bus is not supplied"""
    unbalance_percent: Floats
    """(n_bus,) negative over positive sequence of the voltage (IEC 61000-3-13, EN 50160)"""
    line_loading_percent: Floats
    """(n_line, 3) of the line's rating; 0 where out of service"""
    neutral_loading_percent: Floats
    """(n_line,) |Ia + Ib + Ic| of the rating of the line's phases: right for a neutral of their section"""
    transformer_loading_percent: Floats
    """(n_trafo, 3)"""
    transformer_p_kw: Floats
    """(n_trafo, 3) into the transformer at its high-voltage side; a negative sum flows back"""
    losses_kw: float
    """Of all lines and transformers, all phases and the return path."""


def not_converged(network: ThreePhaseNetwork, iterations: int) -> ThreePhaseResult:
    """The result that nobody can use: every number is NaN."""
    n_bus, n_line, n_trafo = (len(part.ids) for part in (network.buses, network.lines, network.transformers))
    return ThreePhaseResult(
        converged=False,
        iterations=iterations,
        v_pu=np.full((n_bus, 3), np.nan),
        unbalance_percent=np.full(n_bus, np.nan),
        line_loading_percent=np.full((n_line, 3), np.nan),
        neutral_loading_percent=np.full(n_line, np.nan),
        transformer_loading_percent=np.full((n_trafo, 3), np.nan),
        transformer_p_kw=np.full((n_trafo, 3), np.nan),
        losses_kw=np.nan,
    )
