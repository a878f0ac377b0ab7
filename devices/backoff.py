"""How long to wait before the next attempt to reach a far side that is gone.

Exponential with full jitter: a wait drawn evenly from nothing up to the growing bound, so that a thousand
clients of one broker do not come back in step (Brooker, "Exponential Backoff And Jitter", AWS Architecture
Blog, 2015).
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Backoff:
    """Counts failures in a row and draws the waits."""

    rng: np.random.Generator
    first_s: float = 0.5
    longest_s: float = 30.0
    failures: int = field(default=0, init=False)

    def next_wait_s(self) -> float:
        """One more failure: how long to wait now."""
        # 2**20 times the first wait is beyond every sensible longest one
        bound = min(self.longest_s, self.first_s * 2.0 ** min(self.failures, 20))
        self.failures += 1
        return float(self.rng.uniform(0.0, bound))

    def reset(self) -> None:
        """It worked: the next failure is a first one."""
        self.failures = 0
