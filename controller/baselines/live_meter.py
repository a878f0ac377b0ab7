"""The baseline of one request from the newest samples, frozen before anybody is told: step [7]. Pure.

Method: the first half of "meter before / meter after", one of the five families of performance evaluation in
the wholesale demand-response standard NAESB WEQ-015: demand during a prescribed time before deployment is
compared with demand during it. Here that time is 15 minutes for a person; for a device, which
was chosen for what it takes at this moment, it is the reading of this moment (`planning.device_baseline_kw`).
It needs no history of the customer, and using more once the request is known cannot raise it. Its weakness:
it knows nothing of what would have changed by itself later, such as a car that is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WINDOW = timedelta(minutes=15)


class MeterSample(Protocol):
    """What the meters of one feeder showed at one time; `controller.stores.port.FeederSample` is one."""

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def p_kw(self) -> NDArray[np.float32]:
        """(n_sp,) NaN where no fresh reading was there."""
        ...


@dataclass(frozen=True, slots=True)
class Baseline:
    """What would have been used."""

    p_kw: float
    samples: int
    """that it is the mean of"""


def meter_before(samples: Sequence[MeterSample], position: int, at: datetime) -> Baseline | None:
    """The mean of the fresh samples in [at - 15 min, at), of as many as there are; None when there is none.

    `samples` in any order; `position` is the service point's place in `p_kw`.
    """
    measured = [float(s.p_kw[position]) for s in samples if at - WINDOW <= s.at < at]
    fresh = [p_kw for p_kw in measured if np.isfinite(p_kw)]
    if not fresh:
        return None
    return Baseline(p_kw=float(np.mean(fresh)), samples=len(fresh))
