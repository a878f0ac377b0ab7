"""[2] The best known injections of all service points of a feeder at one time, each marked."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats


class Quality(IntEnum):
    """How a value of a snapshot is known."""

    MEASURED = 0
    STALE = 1
    ESTIMATED = 2


@dataclass(frozen=True)
class Snapshot:
    """Injections in the order of `Network.service_points`; consumption positive."""

    p_kw: Floats
    """(n_sp,)"""
    q_kvar: Floats
    """(n_sp,)"""
    quality: NDArray[np.uint8]
    """(n_sp,) a Quality each"""

    def share(self, quality: Quality) -> float:
        """The share of service points of this quality, 0 to 1."""
        return float(np.mean(self.quality == quality)) if self.quality.size else 0.0
