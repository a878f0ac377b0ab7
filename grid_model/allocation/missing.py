"""[5] When nothing clears it all: how many kW more, and where they would do most.

For each violation that is left, the service points are taken in the order of what one kW there does to it,
each with all that it still takes (or feeds in), until the load flow says that the violation is gone. Only
that violation is looked at: what the same kW do to others is not counted.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from grid_model.allocation.outcome import Missing
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Ints, Network
from grid_model.sensitivities import sensitivities
from grid_model.violations import Violation

_EXACT_KW = 0.001
"""The answer may be more than is needed by twice this, never less."""


def missing(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[Violation],
) -> tuple[Missing, ...]:
    """What would clear each of `violations`; `p_kw`, `q_kvar` (n_sp,) are those after all cuts."""
    if not violations:
        return ()
    elements = [violation.element for violation in violations]
    per_kw = sensitivities(network, load_flow, p_kw, q_kvar, elements).per_kw
    worth = _directions(violations) * per_kw * np.sign(p_kw)  # of each kW nearer to nothing
    return tuple(
        _missing(network, load_flow, p_kw, q_kvar, violation=violation, worth=row)
        for violation, row in zip(violations, worth, strict=True)
    )


def _missing(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    *,
    violation: Violation,
    worth: Floats,
) -> Missing:
    order = np.argsort(-worth, kind="stable")
    order = order[worth[order] > 0]

    def excess(kw: float) -> float:
        after_kw = p_kw - np.sign(p_kw) * _taken(np.abs(p_kw), order, kw)
        return _excess(network, load_flow.solve(after_kw, q_kvar), violation)

    most_kw = float(np.abs(p_kw)[order].sum())
    if not excess(most_kw) <= 0:  # also where it does not converge
        return Missing(violation, None, ())
    kw = min(brentq(excess, 0.0, most_kw, xtol=_EXACT_KW) + _EXACT_KW, most_kw)
    given = _taken(np.abs(p_kw), order, kw)
    at = tuple((network.service_points[place], float(given[place])) for place in order if given[place] > 0)
    return Missing(violation, kw, at)


def _directions(violations: Sequence[Violation]) -> Floats:
    """(m, 1) 1 where the value must not be higher, −1 where not lower."""
    return np.array([[-1.0 if violation.kind == "undervoltage" else 1.0] for violation in violations])


def _taken(most_kw: Floats, order: Ints, kw: float) -> Floats:
    """(n_sp,) `kw` in all, each service point with all that it has before the next one in `order`."""
    taken = np.zeros(len(most_kw))
    before = np.concatenate([[0.0], np.cumsum(most_kw[order])[:-1]]) if len(order) else np.zeros(0)
    taken[order] = np.clip(kw - before, 0.0, most_kw[order])
    return taken


def _excess(network: Network, result: LoadFlowResult, violation: Violation) -> float:
    """How far outside its limit, NaN where the load flow does not converge."""
    if violation.kind == "line_overload":
        value = result.line_loading_percent[network.lines.ids.index(violation.element)]
    elif violation.kind == "transformer_overload":
        value = result.transformer_loading_percent[network.transformers.ids.index(violation.element)]
    else:
        value = result.v_pu[network.buses.ids.index(violation.element)]
    return float(value - violation.limit) * (-1 if violation.kind == "undervoltage" else 1)
