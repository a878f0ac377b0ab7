"""[5] At which devices less would relieve what is outside its limits. Pure.

A transformer that carries too much to the houses is relieved where less is taken, one that carries too much
back where less is fed in; so it is with every line, and with voltages that are too low or too high. What one
kW does is told by the load flow's derivatives at the snapshot of now, element by element, of all that cuts
are to bring below their targets.

Where no device feeds in, or nobody may be asked to feed in less, everybody else is a candidate, as the
allocation alone decides then.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.bounds import direction_of
from controller.situation import Situation
from customers.registry import Device
from grid_model.errors import Diverged
from grid_model.sensitivities import sensitivities
from grid_model.violations import Violation, find_violations

_LEAST_SHARE = 1e-3
"""Of the most that a kW does to the element anywhere: less is the echo of losses, and no relief."""

Flags = NDArray[np.bool_]


def relieves(situation: Situation, device: Device) -> bool:
    """Whether the device is one that may be asked for less in its direction now."""
    control = situation.control
    if not control.asks_feed_in:
        return direction_of(device.kind) == "consumption"
    less_taken, less_fed_in = situation.once(_relieving)
    flags = less_fed_in if direction_of(device.kind) == "production" else less_taken
    return bool(flags[control.device_position[device.device]])


def _relieving(situation: Situation) -> tuple[Flags, Flags]:
    """(n_sp,) where less taken, and where less fed in, relieves something."""
    n_sp = len(situation.control.network.service_points)
    everywhere, nowhere = np.ones(n_sp, dtype=np.bool_), np.zeros(n_sp, dtype=np.bool_)
    pressing = _beyond_target(situation)
    if not pressing:
        return everywhere, nowhere
    known, check = situation.check.snapshot, situation.check
    try:
        per_kw = sensitivities(
            situation.control.network,
            situation.control.load_flow,
            known.p_kw,
            known.q_kvar,
            [violation.element for violation in pressing],
            slack_scale=check.slack_scale,
        ).per_kw
    except Diverged:  # nothing is asked on a guess (C19)
        return everywhere, nowhere
    too_low = np.array([[violation.kind == "undervoltage"] for violation in pressing])
    worse = np.where(too_low, -per_kw, per_kw)  # by each kW more that is taken
    least = _LEAST_SHARE * np.abs(worse).max(axis=1, keepdims=True)
    return (worse > least).any(axis=0), (worse < -least).any(axis=0)


def _beyond_target(situation: Situation) -> Sequence[Violation]:
    """What cuts have to bring down, or up; nothing where no load flow exists."""
    result, headroom, control = situation.check.result, situation.headroom, situation.control
    if not result.converged:
        return ()
    network, limits = (control.target_network, control.target_limits) if headroom is None else headroom.target
    return find_violations(network, result, limits)
