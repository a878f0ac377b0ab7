"""Pro rata: everybody gives the same share of what they take above their guaranteed minimum."""

import numpy as np

from grid_model.network import Floats
from simulations.policies.port import Feeder, Look, worst_share

_HALVINGS = 10
"""finds the share to a thousandth"""


class ProRata:
    """The smallest common share that suffices, found by halving."""

    def limits(self, feeder: Feeder, look: Look, aim: float) -> Floats:
        """The same share for all; all of it where even that does not suffice."""
        low, high = 0.0, 1.0
        if worst_share(feeder, look, self._at(feeder, look, 0.0)) <= aim:
            return np.full(len(look.free_kw), np.inf)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if worst_share(feeder, look, self._at(feeder, look, middle)) <= aim:
                high = middle
            else:
                low = middle
        return self._at(feeder, look, high)

    def _at(self, feeder: Feeder, look: Look, share: float) -> Floats:
        above_kw = np.maximum(look.free_kw - feeder.floor_kw, 0.0)
        gives = look.open_to & (above_kw > 0) & (share > 0)
        return np.where(gives, feeder.floor_kw + (1 - share) * above_kw, np.inf)
