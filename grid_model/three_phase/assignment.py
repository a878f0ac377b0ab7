"""Puts customers of a loaded network on phases: who assigns them has checked names and rows [before 2]."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grid_model.network import Floats
from grid_model.three_phase.network import ThreePhaseNetwork


def on_phases(network: ThreePhaseNetwork, phases: Mapping[int, tuple[bool, bool, bool]]) -> ThreePhaseNetwork:
    """The same network with these service points (by position) connected to a, b, c as told, in equal parts
    with all they take; the others stay where they are.

    As `load_three_phase_network(..., phases=...)`, without loading it again. Raises ValueError for a customer
    in delta, which has no phase of its own, and for one on no phase.
    """
    connected = network.connected.copy()
    for point, on in phases.items():
        if network.delta[point] or not any(on):
            raise ValueError(f"{network.service_points[point]!r} is in delta, or to be on no phase at all")
        connected[point] = on
    moved = np.array([*phases], dtype=np.int64)
    parts = connected[moved] / connected[moved].sum(axis=1, keepdims=True)
    return replace(
        network,
        connected=connected,
        default_p_kw=_moved(network.default_p_kw, moved, parts),
        default_q_kvar=_moved(network.default_q_kvar, moved, parts),
    )


def _moved(values: Floats, points: np.ndarray, parts: Floats) -> Floats:
    values = values.copy()
    values[points] = values[points].sum(axis=1, keepdims=True) * parts
    return values
