"""When the simple rules limit and when they let go: the same for all, so that only *who* differs.

Something over its limit at one look is enough to begin. Then the rule's choice is aimed at `target_share` of
each limit and made anew at each step, with everybody counted as free. It is tightened while a loading is
above `act_above_share`, and loosened once a limit has stood for as long as the daemon lets one stand. Those
shares and times are the daemon's own settings. There is no persistence, no looking ahead, no pace at which
devices come back: whoever the rule does not name any more is free, all at once if so.
"""

import numpy as np

from controller.settings import Requests
from grid_model.network import Floats
from simulations.policies.port import Feeder, Look, Rule, worst_share


def stands_for_s(requests: Requests) -> float:
    """So long a limit stands before it is loosened: as `controller.release.held_for_s`."""
    return min(requests.min_between_s, max(requests.duration_s - requests.renew_before_s, 0.0))


def next_limits(rule: Rule, feeder: Feeder, look: Look, held_kw: Floats, unchanged_s: Floats) -> Floats:
    """(n_device,) the limits from now on; inf where a device is free."""
    acting = bool(np.isfinite(held_kw).any())
    now_share = worst_share(feeder, look, look.device_kw)
    if not acting and now_share <= 1:
        return held_kw
    chosen_kw = rule.limits(feeder, look, feeder.requests.target_share)
    may_tighten = not acting or now_share > feeder.requests.act_above_share
    may_loosen = unchanged_s >= stands_for_s(feeder.requests)
    tighter, looser = chosen_kw < held_kw, chosen_kw > held_kw
    moves = (tighter & may_tighten) | (looser & may_loosen)
    return np.where(moves, chosen_kw, held_kw)
