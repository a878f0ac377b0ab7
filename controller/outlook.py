"""Two load flows of one feeder side by side: what an order would change, in the words of `order_effects`.
Pure.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from controller.feeder_control import FeederControl
from controller.order_effects import Columns, ElementEffect, ForeseenViolation, Outlook, VoltageEffect
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats
from grid_model.violations import find_violations

MOST_SHOWN = 50
"""elements, and as many buses"""
CHANGED_PERCENT = 0.1
CHANGED_PU = 1e-4
NEAR = 0.8
"""of its limit: shown although nothing changes"""


def outlook(control: FeederControl, result: LoadFlowResult) -> Outlook:
    """One state in figures."""
    ids = (*control.network.lines.ids, *control.network.transformers.ids)
    loading = _loading(result)
    known = np.isfinite(loading)
    highest = int(np.nanargmax(loading)) if known.any() else None
    voltages = result.v_pu[np.isfinite(result.v_pu)]
    violations = find_violations(control.network, result, control.limits) if result.converged else ()
    return Outlook(
        converged=result.converged,
        highest_loading_percent=None if highest is None else float(loading[highest]),
        highest_loaded=None if highest is None else ids[highest],
        lowest_v_pu=float(voltages.min()) if voltages.size else None,
        highest_v_pu=float(voltages.max()) if voltages.size else None,
        substation_p_kw=_known(control.substation_p_kw(result)),
        violations=tuple(ForeseenViolation(v.element, v.kind, v.value, v.limit) for v in violations),
    )


def element_effects(
    control: FeederControl, before: LoadFlowResult, after: LoadFlowResult
) -> tuple[ElementEffect, ...]:
    """Lines and transformers that change or are near their limits, the nearest first."""
    network, limits = control.network, control.element_limits
    ids = (*network.lines.ids, *network.transformers.ids)
    limit = np.concatenate((limits.line_percent, limits.transformer_percent))
    was, becomes = _loading(before), _loading(after)
    nearest = np.fmax(was, becomes) / limit
    matter = (np.abs(becomes - was) >= CHANGED_PERCENT) | (nearest >= NEAR) | np.isnan(was + becomes)
    return tuple(
        ElementEffect(ids[place], _known(was[place]), _known(becomes[place]), float(limit[place]))
        for place in _first(nearest, matter)
    )


def voltage_effects(
    control: FeederControl, before: LoadFlowResult, after: LoadFlowResult
) -> tuple[VoltageEffect, ...]:
    """Buses whose voltage changes or is near its limits, the nearest first."""
    limits, was, becomes = control.element_limits, before.v_pu, after.v_pu
    low, high = np.maximum(1 - limits.min_v_pu, 1e-3), np.maximum(limits.max_v_pu - 1, 1e-3)
    nearest = np.fmax.reduce([(1 - was) / low, (was - 1) / high, (1 - becomes) / low, (becomes - 1) / high])
    matter = (np.abs(becomes - was) >= CHANGED_PU) | (nearest >= NEAR)
    return tuple(
        VoltageEffect(
            control.network.buses.ids[place],
            _known(was[place]),
            _known(becomes[place]),
            float(limits.min_v_pu[place]),
            float(limits.max_v_pu[place]),
        )
        for place in _first(nearest, matter)
    )


def value_of(control: FeederControl, result: LoadFlowResult, element: str) -> float | None:
    """Where an element stands: loading in percent, or voltage in pu; None for one that is not there."""
    kind, place = control.element_place.get(element, ("none", 0))
    match kind:
        case "line":
            return _known(result.line_loading_percent[place])
        case "trafo":
            return _known(result.transformer_loading_percent[place])
        case "bus":
            return _known(result.v_pu[place])
        case _:
            return None


def columns(result: LoadFlowResult, p_kw: Floats) -> Columns:
    """All of it, in the network's order."""
    return Columns(
        line_loading_percent=_all(result.line_loading_percent),
        transformer_loading_percent=_all(result.transformer_loading_percent),
        v_pu=_all(result.v_pu),
        service_point_kw=_all(p_kw),
    )


def _loading(result: LoadFlowResult) -> Floats:
    return np.concatenate((result.line_loading_percent, result.transformer_loading_percent))


def _first(nearest: Floats, matter: NDArray[np.bool_]) -> list[int]:
    """Positions of those that matter, the highest first, at most `MOST_SHOWN`."""
    places = np.flatnonzero(matter)
    order = np.argsort(-np.nan_to_num(nearest[places], nan=-np.inf), kind="stable")
    return [int(place) for place in places[order][:MOST_SHOWN]]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _all(values: Iterable[float]) -> tuple[float | None, ...]:
    return tuple(_known(float(value)) for value in values)
