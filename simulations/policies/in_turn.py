"""Rules that limit one device after another to its floor, in some order, until the load flow fits."""

import numpy as np

from grid_model.network import Floats, Ints
from simulations.policies.port import Feeder, Look, worst_share


def first_that_suffice(feeder: Feeder, look: Look, order: Ints, aim: float) -> Floats:
    """(n_device,) the devices first in `order` at their floor, no more of them than it takes; all of them
    where even that does not suffice.
    """
    gives = look.open_to & (look.free_kw > feeder.floor_kw)
    order = order[gives[order]]
    fewest, most = 0, len(order)
    while fewest < most:
        middle = (fewest + most) // 2
        if worst_share(feeder, look, _limited(feeder, order[:middle])) <= aim:
            most = middle
        else:
            fewest = middle + 1
    return _limited(feeder, order[:most])


def _limited(feeder: Feeder, devices: Ints) -> Floats:
    limit_kw = np.full(len(feeder.floor_kw), np.inf)
    limit_kw[devices] = feeder.floor_kw[devices]
    return limit_kw
