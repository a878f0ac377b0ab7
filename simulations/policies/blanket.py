"""Blanket limit: while anything would be over its limit, every device goes to its guaranteed minimum."""

import numpy as np

from grid_model.network import Floats
from simulations.policies.port import Feeder, Look, worst_share


class Blanket:
    """Asks nobody who causes it."""

    def limits(self, feeder: Feeder, look: Look, aim: float) -> Floats:
        """All to their floor, or all free."""
        free = np.full(len(look.free_kw), np.inf)
        if worst_share(feeder, look, free) <= aim:
            return free
        return np.where(look.open_to, feeder.floor_kw, np.inf)
