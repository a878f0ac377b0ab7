"""Largest first: who takes most is limited first, whoever causes it."""

import numpy as np

from grid_model.network import Floats
from simulations.policies.in_turn import first_that_suffice
from simulations.policies.port import Feeder, Look


class LargestFirst:
    """Few commands, always to the same people."""

    def limits(self, feeder: Feeder, look: Look, aim: float) -> Floats:
        """The largest at their floor, as many as it takes."""
        return first_that_suffice(feeder, look, np.argsort(-look.free_kw, kind="stable"), aim)
