"""[5] Which elements the allocation must keep an eye on: those outside their limits, and those near them.

A cut at one place can push another over: less consumption raises voltages, and lets more of a neighbour's
generation flow back. An element once watched stays watched.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import LoadFlowResult
from grid_model.network import Branches, Floats, Network
from grid_model.violations import VOLTAGE_BAND_PU, Limits, loading_limits, voltage_limits

_NEAR_LOADING = 0.7
"""Of the limit."""
_NEAR_PU = 0.03
NEGLIGIBLE = 1e-9
"""An excess that is only the last bits of a float."""


@dataclass(frozen=True, slots=True)
class Row:
    """One constraint: direction · value ≤ direction · limit."""

    element: str
    direction: int
    """1: the value must not rise above the limit; -1: not fall below"""
    value: float
    limit: float
    scale: float
    """What counts as one unit of excess: the limit of a loading, a tenth of nominal voltage."""


class Watch:
    """Collects elements over the rounds of one allocation."""

    def __init__(self, network: Network, limits: Limits) -> None:
        self._network = network
        self._line_limit = loading_limits(network.lines, limits)
        self._trafo_limit = loading_limits(network.transformers, limits)
        self._lowest, self._highest = voltage_limits(network, limits)
        self._seen: set[tuple[str, int]] = set()

    def rows(self, result: LoadFlowResult) -> list[Row]:
        """The constraints at the operating point of `result`; adds what has come near its limit."""
        net = self._network
        return [
            *self._loadings(net.lines, result.line_loading_percent, self._line_limit),
            *self._loadings(net.transformers, result.transformer_loading_percent, self._trafo_limit),
            *self._voltages(result.v_pu, self._lowest, -1),
            *self._voltages(result.v_pu, self._highest, 1),
        ]

    def holds(self, result: LoadFlowResult) -> bool:
        """Whether everything is within its limits; faster than listing what is not."""
        if not result.converged:
            return False
        v_pu = result.v_pu
        outside = (
            (result.line_loading_percent > self._line_limit + NEGLIGIBLE).any()
            or (result.transformer_loading_percent > self._trafo_limit + NEGLIGIBLE).any()
            or (v_pu < self._lowest - NEGLIGIBLE).any()  # false where not supplied
            or (v_pu > self._highest + NEGLIGIBLE).any()
        )
        return not outside

    def _loadings(self, branches: Branches, loading: Floats, limit: Floats) -> list[Row]:
        self._seen |= {(branches.ids[place], 1) for place in np.flatnonzero(loading > _NEAR_LOADING * limit)}
        return [
            Row(element, 1, float(loading[place]), float(limit[place]), float(limit[place]))
            for place, element in enumerate(branches.ids)
            if (element, 1) in self._seen
        ]

    def _voltages(self, v_pu: Floats, limit: Floats, direction: int) -> list[Row]:
        ids = self._network.buses.ids
        near = direction * (limit - v_pu) < _NEAR_PU  # false where not supplied
        self._seen |= {(ids[place], direction) for place in np.flatnonzero(near)}
        return [
            Row(element, direction, float(v_pu[place]), float(limit[place]), VOLTAGE_BAND_PU)
            for place, element in enumerate(ids)
            if (element, direction) in self._seen
        ]
