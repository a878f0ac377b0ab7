"""[2, 3] Whether the voltages at the houses go with the network as it is known. Pure.

The sum at the substation is nearly the same however the network is switched; the voltages along its cables
are not. Many houses lower than the load flow has them hang on more, or longer, cable than it believes, or
their street takes more than its meters show; many that are higher, the reverse. Where feed-in lifts the
voltage above the busbar's, higher still is more feed-in, or more cable. One alone is its meter's or its
connection's matter. Only meters on three phases count, as the mean of them: the model is balanced. And only
under a busbar voltage that is measured, and followed: else all of them are off together.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from controller.feeder_check import Check, busbar_v_pu
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from grid_model.network import Floats

MOST_OFF_PU = 0.03
"""Three times what a house's meter may be off in the balanced model (`HOUSE_VOLTAGE_ACCURACY_PU`)."""
_STILL_OFF_PU = 0.02
"""So near they must come before it is over: cuts make the differences smaller, and releases larger again."""
_FOLLOWED_PU = 2e-3
_LEAST_HOUSES = 3
_LEAST_SHARE = 0.1
"""Of the houses that show a voltage."""
_POSSIBLE_PU = (0.5, 1.5)
_PHASE_BY_LINE = 1 / 3**0.5


@dataclass(frozen=True, slots=True)
class Contradicted:
    """What the voltages say against the network."""

    text: str
    """for people"""
    heavier: bool
    """at some houses the voltage is further from the busbar's than believed: there the network carries more
    than it shows
    """


def off_pu(control: FeederControl, state: FeederState, check: Check, now: datetime) -> Floats | None:
    """(n_sp,) how much higher the voltages are than the load flow has them, NaN where none is shown; None
    where nobody can tell.
    """
    busbar = busbar_v_pu(control, state, check.result, now)
    if busbar is None or abs(busbar[0] - busbar[1]) > _FOLLOWED_PU:
        return None
    off = measured_v_pu(control, state, now) - check.result.v_pu[control.network.service_point_bus]
    return off if np.count_nonzero(np.isfinite(off)) >= _LEAST_HOUSES else None


def contradicted(control: FeederControl, check: Check, off: Floats, raised: bool) -> Contradicted | None:
    """What voltages that are `off` so say; None where they go with the network. `raised`: they did not."""
    most_pu = _STILL_OFF_PU if raised else MOST_OFF_PU
    least = max(_LEAST_HOUSES, _LEAST_SHARE * np.count_nonzero(np.isfinite(off)))
    lower, higher = off < -most_pu, off > most_pu  # false for NaN
    if np.count_nonzero(lower | higher) < least:
        return None
    worst = int(np.nanargmax(np.abs(off)))
    text = (
        f"the voltages at {np.count_nonzero(lower | higher)} houses do not go with the network, most at "
        f"{control.network.service_points[worst]}, {abs(off[worst]):.3f} pu "
        f"{'below' if lower[worst] else 'above'} the load flow"
    )
    v_pu = check.result.v_pu
    lifted = v_pu[control.network.service_point_bus] - v_pu[control.busbar] > _FOLLOWED_PU
    return Contradicted(text, heavier=bool(np.count_nonzero(np.where(lifted, higher, lower)) >= least))


def measured_v_pu(control: FeederControl, state: FeederState, now: datetime) -> Floats:
    """(n_sp,) what fresh meters show; NaN where none does, and for what no bus in service has."""
    network, readings = control.network, state.readings
    nominal_v = network.buses.vn_kv[network.service_point_bus] * 1000 * _PHASE_BY_LINE
    fresh = now.timestamp() - readings.at_s <= control.site.cycle.fresh_s  # false for NaN
    v_pu = np.where(fresh, readings.v_v / nominal_v, np.nan)
    possible = (v_pu >= _POSSIBLE_PU[0]) & (v_pu <= _POSSIBLE_PU[1])
    return np.where(possible, v_pu, np.nan)
