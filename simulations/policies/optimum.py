"""The optimum with perfect knowledge: at each step the least curtailment that clears every limit.

It knows what no controller knows: what each device would take in the coming step, and who would refuse. It
commands nobody: its limits hold at once, exactly and only as long as they are needed, and nobody is told. It
looks at one step at a time: what a delayed car makes of later steps is not weighed against it. What is found
by the linear programme (`grid_model.allocation`, no margin, all alike) is looked at with the exact load flow;
where the limits cannot be kept it is as near to them as can be. Floors and critical customers hold.

Two weaker ones tell what foresight alone is worth. `late` knows as much, but a step later: its limits are
right for the step that has just been seen, as those of any controller are at best. `margin` is late as well,
and aims at the daemon's `target_share` of each limit.
"""

from dataclasses import dataclass

import numpy as np

from customers.registry import Registry
from grid_model.allocation import FlexibleDevice, allocate
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats
from grid_model.violations import find_violations
from simulations.policies.port import Feeder, Flags

_REFEREED = 12
"""steps of a run that pandapower's runpp solves too: it takes a thousand times as long"""


@dataclass(frozen=True)
class Best:
    """The least curtailment at one step."""

    limit_kw: Floats
    """(n_device,) inf where a device stays free"""
    result: LoadFlowResult
    cleared: bool


class Optimum:
    """Solves steps, and keeps count of how far `runpp` was from its load flow."""

    def __init__(self, feeder: Feeder, registry: Registry) -> None:
        self._feeder = feeder
        self._names = [device.device for device in registry.devices]
        self._position = {name: n for n, name in enumerate(self._names)}
        self._refereed = 0
        self.referee_difference_percent = 0.0
        """largest difference of any loading by `runpp`, over the steps that it solved too"""

    def best(
        self,
        p_kw: Floats,
        q_kvar: Floats,
        wanted_kw: Floats,
        *,
        margin: bool = False,
        online: Flags | None = None,
    ) -> Best:
        """The least curtailment where the service points would take `p_kw` (n_sp,), the devices among it
        `wanted_kw` (n_device,); down to `target_share` of each limit with a `margin`; with the devices
        that are `online` (n_device,) alone, or else with all. Raises Diverged where
        the load flow has no solution without any cut.
        """
        feeder = self._feeder
        limit_kw = np.full(len(wanted_kw), np.inf)
        network, limits = feeder.network, feeder.limits
        if find_violations(network, feeder.load_flow.solve(p_kw, q_kvar), limits) and margin:
            network, limits = feeder.target_network, feeder.target_limits
        found = allocate(network, feeder.load_flow, p_kw, q_kvar, self._flexible(wanted_kw, online), limits)
        for cut in found.curtailments:
            limit_kw[self._position[cut.device]] = abs(cut.limit_kw)
        after_kw = self.with_more(p_kw, self._under(limit_kw, wanted_kw) - wanted_kw)
        result = feeder.load_flow.solve(after_kw, q_kvar)
        if found.curtailments:
            self._referee(after_kw, q_kvar, result)
        return Best(limit_kw, result, not find_violations(feeder.network, result, feeder.limits))

    def with_more(self, p_kw: Floats, more_kw: Floats) -> Floats:
        """(n_sp,) `p_kw` with the devices taking `more_kw` (n_device,) more."""
        return p_kw + np.bincount(self._feeder.place, more_kw, len(p_kw))

    def _flexible(self, wanted_kw: Floats, online: Flags | None) -> list[FlexibleDevice]:
        feeder = self._feeder
        moves_kw = np.where(feeder.feeds_in, -wanted_kw, wanted_kw)
        gives = feeder.may_be_limited & ~feeder.refuses & (moves_kw > feeder.floor_kw)
        if online is not None:
            gives &= online
        return [self._flexible_one(int(n), float(wanted_kw[n])) for n in np.flatnonzero(gives)]

    def _flexible_one(self, n: int, wanted_kw: float) -> FlexibleDevice:
        """From what it wants down to its floor, in its direction."""
        name, place, floor_kw = self._names[n], int(self._feeder.place[n]), float(self._feeder.floor_kw[n])
        if self._feeder.feeds_in[n]:
            return FlexibleDevice(name, place, wanted_kw, wanted_kw, max_kw=-floor_kw)
        return FlexibleDevice(name, place, wanted_kw, floor_kw)

    def _under(self, limit_kw: Floats, wanted_kw: Floats) -> Floats:
        """(n_device,) what is taken of it under these limits."""
        fed_in_kw = np.maximum(wanted_kw, -limit_kw)
        return np.where(self._feeder.feeds_in, fed_in_kw, np.minimum(wanted_kw, limit_kw))

    def _referee(self, p_kw: Floats, q_kvar: Floats, result: LoadFlowResult) -> None:
        if self._refereed >= _REFEREED:
            return
        self._refereed += 1
        exact = self._feeder.load_flow.by_runpp(p_kw, q_kvar, 1.0)
        differences = np.concatenate(
            [
                np.abs(exact.line_loading_percent - result.line_loading_percent),
                np.abs(exact.transformer_loading_percent - result.transformer_loading_percent),
            ]
        )
        self.referee_difference_percent = max(
            self.referee_difference_percent, float(np.nanmax(differences, initial=0.0))
        )
