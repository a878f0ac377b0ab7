"""Quiet times: while nothing is near a limit and nobody is asked for anything, the daemon need not look.

A year is mostly quiet, and a look costs ten times what the field itself does. Where a scenario says so
(`time.quiet_below`), the field's own truth decides at each step whether the daemon looks: always while an
event is open, a request unsettled, a device limited or something else under way, while any loading is above
that share of its limit or a voltage close to its band, and in any case every half an hour. What is between
is passed over: no reading reaches the daemon, and it runs no cycle. So a rise from quiet to over the limit
within one step is met at that very step; what differs is that forecasts learn from fewer looks.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from grid_model.network import Floats, Network
from simulations.field import Moment
from simulations.scenario import Scenario
from simulations.substation import Head

LONGEST = timedelta(minutes=30)
"""between two looks"""
_BAND_SHARE = 0.25
"""A voltage is close to its band within this share of the band's half width."""


class QuietTimes:
    """Decides for one feeder, step by step."""

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        under_way: Callable[[], bool],
    ) -> None:
        """`under_way`: whether the controller has an event, a request or a violation open."""
        limits = scenario.control.limits
        self._share = scenario.time.quiet_below
        self._allowed: Floats = np.minimum(
            limits.loading_percent,
            np.concatenate([network.lines.max_loading_percent, network.transformers.max_loading_percent]),
        )
        close = _BAND_SHARE * (limits.max_v_pu - limits.min_v_pu) / 2
        self._band = limits.min_v_pu + close, limits.max_v_pu - close
        self._under_way = under_way
        self._looked_at: datetime | None = None

    def looks(self, moment: Moment, head: Head, something_due: bool) -> bool:
        """Whether the daemon looks at this step; called once for each."""
        look = (
            self._share == 0
            or self._looked_at is None
            or moment.at - self._looked_at >= LONGEST
            or something_due
            or bool(np.isfinite(moment.limit_kw).any())
            or self._under_way()
            or not self._calm(head)
        )
        if look:
            self._looked_at = moment.at
        return look

    def _calm(self, head: Head) -> bool:
        result = head.result
        if not result.converged:
            return False
        loading = np.concatenate([result.line_loading_percent, result.transformer_loading_percent])
        below = loading <= self._share * self._allowed
        low, high = self._band
        within = (result.v_pu >= low) & (result.v_pu <= high)
        return bool((below | np.isnan(loading)).all() and (within | np.isnan(result.v_pu)).all())
