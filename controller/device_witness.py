"""[2, 3] Meters that show less than the devices behind them say they take. Pure.

Many meters that lie together outvote the substation's one reading of the sum, so their number is no proof
(`state_estimate.py`). The devices are witnesses on ways of their own: a house without generation takes at
least what they take. A meter below that is not believed, but only where the substation misses power as well,
at least half of what these meters would hide: a charger that tells too much, or stands in the wrong house of
the file, is no reason to doubt a meter. Two witnesses against one, and each of another kind.

Who was found so is doubted for some checks more: once its car is slowed, the same lie is no longer below it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from grid_model.estimation.bad_data import Suspect
from grid_model.estimation.measurements import SUBSTATION_ACCURACY
from grid_model.network import Floats, Ints

ACCURACY = 0.1
"""Of what devices say: chargers measure by class 2 at best, and round."""
LEAST_KW = 0.5
"""A meter that misses less is not doubted: device and meter are not read at the same instant."""
_CONFIRMED_SHARE = 0.5
"""Of what the meters would hide, the substation must miss so much."""
DOUBTED_CHECKS = 30
DOUBTED_FOR_S = 7200.0
"""So many checks longer than it shows, but no longer where checks are far apart."""


@dataclass(frozen=True)
class Understated:
    """Meters that show too little, and what is known of their houses instead."""

    below: Ints
    """positions of the service points whose meters are below their devices now"""
    places: Ints
    """those, and who was lately"""
    devices_kw: Floats
    """(n_sp,) what the devices there take by their own word; 0 at all others"""


def understated(
    control: FeederControl,
    state: FeederState,
    missing_kw: float,
    now: datetime,
    lately: Collection[int] = (),
) -> Understated | None:
    """The meters that hide what their devices take; None where there are none, or nobody confirms it.

    `missing_kw` is how much more the substation shows than meters and losses, `lately` the positions of those
    that are doubted still.
    """
    sum_kw = 0.0 if state.substation is None else abs(state.substation.p_kw)
    least_kw = max(LEAST_KW, SUBSTATION_ACCURACY * sum_kw)  # less is the error of the sum itself
    if not control.only_taking or (missing_kw < least_kw and not lately):
        return None
    fresh_s = control.site.cycle.fresh_s
    devices_kw = np.zeros(len(control.network.service_points))
    for device, position in control.only_taking:
        p_kw = state.device_p_kw(device, now, fresh_s)
        if p_kw is not None:
            devices_kw[position] += p_kw
    fresh = now.timestamp() - state.readings.at_s <= fresh_s  # false for NaN
    takes_only = control.house.feed_in_kw == 0
    hidden_kw = np.where(fresh & takes_only, devices_kw - state.readings.p_kw, 0.0)
    below = hidden_kw > ACCURACY * devices_kw + LEAST_KW
    if missing_kw < max(least_kw, _CONFIRMED_SHARE * float(hidden_kw[below].sum())):
        below[:] = False
    if np.count_nonzero(below) == 1 and state.readings.p_kw[below][0] < 0:
        below[:] = False  # one that runs backwards: the estimate finds it by itself, and says so
    doubted = below.copy()
    doubted[list(lately)] = True
    if not doubted.any():
        return None
    return Understated(np.flatnonzero(below), np.flatnonzero(doubted), np.where(doubted, devices_kw, 0.0))


def doubted_next(
    doubted: Understated | None, before: Mapping[int, int], period_s: float, lasting: Collection[int] = ()
) -> dict[int, int]:
    """Positions that stay doubted, and for how many checks yet, one each `period_s`; newly only those that
    are `lasting`, for a charger may start between two readings.
    """
    left = {place: checks - 1 for place, checks in before.items() if checks > 1}
    below = [] if doubted is None else doubted.below.tolist()
    checks = max(min(DOUBTED_CHECKS, int(DOUBTED_FOR_S / period_s)), 1)
    return left | {place: checks for place in below if place in before or place in lasting}


def below_devices(control: FeederControl, state: FeederState, doubted: Understated) -> tuple[Suspect, ...]:
    """The doubted meters as what was left out."""
    return tuple(_suspect(control, state, doubted, place) for place in doubted.places.tolist())


def _suspect(control: FeederControl, state: FeederState, doubted: Understated, place: int) -> Suspect:
    shown_kw, devices_kw = float(state.readings.p_kw[place]), float(doubted.devices_kw[place])
    now = f"the devices there take {devices_kw:.3g} kW, and the substation misses it"
    lately = "and lately showed less than the devices there took"
    return Suspect(
        source=control.network.service_points[place],
        place=place,
        what="p_kw",
        value=shown_kw,
        fault="wrong",
        expected=devices_kw,
        expected_sd=np.inf,
        normalised_residual=-np.inf,
        log_odds=np.inf,
        reason=f"reads {shown_kw:.4g} kW, {now if place in doubted.below else lately}",
    )
