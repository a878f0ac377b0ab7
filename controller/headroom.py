"""[3] What may still come before the next commands take effect, as room that is left below each limit. Pure.

Between two looks cars plug in. A feeder that stands at 97 % with 4 % of what may come within the lead is as
good as over its limit: `Headroom` draws every line's and transformer's limit in by what it may rise (the
trend of its loading without control, and its width, `grid_model/forecast/trend.py`). What exceeds a drawn-in
limit presses like a violation: an event may open early (`events.py`), cuts leave that room (`planning.py`),
and nobody is released into it (`release.py`). Voltages are left as they are.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from statistics import NormalDist

import numpy as np

from controller.feeder_control import ElementLimits, FeederControl
from grid_model.forecast.trend import Trend, observe, rise
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.violations import Limits, Violation, find_violations

_MOST_SHARE = 0.25
"""Of its limit no element is drawn in by more: a wild trend must not empty a feeder."""


@dataclass(frozen=True)
class Headroom:
    """Each element's rise within the lead, in percent of its rating."""

    control: FeederControl
    line_rise: Floats
    """(n_line,)"""
    transformer_rise: Floats
    """(n_trafo,)"""

    @cached_property
    def room(self) -> "Headroom":
        """The part of it that is kept free: an event may open because of all of it."""
        share = self.control.site.look_ahead.room_share
        return replace(self, line_rise=share * self.line_rise, transformer_rise=share * self.transformer_rise)

    @cached_property
    def limits(self) -> ElementLimits:
        """The limits in force, drawn in by the room."""
        allowed, room = self.control.element_limits, self.room
        return replace(
            allowed,
            line_percent=_drawn_in(allowed.line_percent, room.line_rise),
            transformer_percent=_drawn_in(allowed.transformer_percent, room.transformer_rise),
        )

    @cached_property
    def target(self) -> tuple[Network, Limits]:
        """What cuts aim at: the usual target, and the drawn-in limits with the same distance below them."""
        rules = self.control.site.requests
        reserve = 1 - max(rules.act_above_share - rules.target_share, 0.0)
        network = self.control.target_network
        return _capped(
            network, self.limits.line_percent * reserve, self.limits.transformer_percent * reserve
        ), self.control.target_limits

    def expected(self, result: LoadFlowResult) -> tuple[Violation, ...]:
        """What is expected over its limit within the lead, the worst first: value as expected, true limit."""
        if not result.converged:
            return ()
        allowed = self.control.element_limits
        network = _capped(self.control.network, allowed.line_percent, allowed.transformer_percent)
        risen = replace(
            result,
            line_loading_percent=result.line_loading_percent + self.line_rise,
            transformer_loading_percent=result.transformer_loading_percent + self.transformer_rise,
        )
        return find_violations(network, risen, self.control.limits)


def watch(
    control: FeederControl, trend: Trend | None, without_control: LoadFlowResult, now: datetime
) -> Trend | None:
    """Take in the loadings as they would be without control; what did not converge breaks the trend."""
    if not without_control.converged:
        return None
    ahead = control.site.look_ahead
    lead_s = max(ahead.lead_s, control.site.cycle.period_s)
    loadings = (without_control.line_loading_percent, without_control.transformer_loading_percent)
    return observe(trend or Trend(lead_s), now.timestamp(), np.concatenate(loadings))


def headroom(control: FeederControl, trend: Trend | None) -> Headroom | None:
    """The room to leave now; None when nobody acts early, or nothing is known yet."""
    ahead = control.site.look_ahead
    if not ahead.act_early or trend is None:
        return None
    risen = rise(trend, NormalDist().inv_cdf(1 - ahead.act_probability))
    if risen is None:
        return None
    n_line, allowed = len(control.network.lines.ids), control.element_limits
    return Headroom(
        control,
        np.minimum(risen[:n_line], _MOST_SHARE * allowed.line_percent),
        np.minimum(risen[n_line:], _MOST_SHARE * allowed.transformer_percent),
    )


def _drawn_in(limit: Floats, by: Floats) -> Floats:
    return np.asarray(limit - by)


def _capped(network: Network, line_percent: Floats, transformer_percent: Floats) -> Network:
    """The network with its elements' own loading limits at most these."""
    lines, transformers = network.lines, network.transformers
    return replace(
        network,
        lines=replace(lines, max_loading_percent=np.minimum(lines.max_loading_percent, line_percent)),
        transformers=replace(
            transformers,
            max_loading_percent=np.minimum(transformers.max_loading_percent, transformer_percent),
        ),
    )
