"""First come, first served: who began to take power last is the first to wait."""

import numpy as np

from grid_model.network import Floats
from simulations.policies.in_turn import first_that_suffice
from simulations.policies.port import Feeder, Look


class FirstCome:
    """Those who have been there longest keep what they have."""

    def limits(self, feeder: Feeder, look: Look, aim: float) -> Floats:
        """The latest at their floor, as many as it takes."""
        return first_that_suffice(feeder, look, np.argsort(look.asking_s, kind="stable"), aim)
