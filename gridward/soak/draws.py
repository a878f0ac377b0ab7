"""When each kill of a soak strikes: drawn beforehand, from nothing but the seed and the number of the life.

What a run hits depends on the machine; what it tries does not. So the shares of what is tried are here, and
are tested here, and the same seed tries the same again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHORTEST_S, LONGEST_S, LONGEST_POSTGRES_S = 0.0003, 0.8, 1.6
"""between the writer's first step and the kill: half of the draws evenly over the time, half over its
logarithm, or nearly none would hit opening and replaying"""
AIMED_SHARE = 0.25
"""of the kills wait for one of these phases; most of what is drawn over time would miss them"""
AIMED_AT = ("booking again", "settling", "sealing", "closing", "checkpointing")
AIMED_AT_POSTGRES = AIMED_AT[:-1]
"""the server makes its checkpoints by itself"""
AIM_S = 0.002
"""at most between the phase's beginning and the kill"""
SHORT_SHARE, SHORT_TICKS, LONG_TICKS = 0.2, 8, 1000
"""a share of the lives ends by itself after a few ticks, so that kills hit the closing too"""


@dataclass(frozen=True)
class Kill:
    """One life, and when it is to end."""

    aimed: str | None
    """the phase that is waited for; None strikes by time alone"""
    after_s: float
    """from when the phase was seen; without one, from the writer's first word"""
    ticks: int
    """after which the writer ends by itself"""


def draw(seed: int, life: int, aimed_at: Sequence[str] = AIMED_AT, longest_s: float = LONGEST_S) -> Kill:
    """The kill of this life, the first being 1."""
    rng = np.random.default_rng((seed, life))
    aimed = str(rng.choice(aimed_at)) if rng.random() < AIMED_SHARE else None
    short = aimed == "closing" or rng.random() < SHORT_SHARE
    return Kill(
        aimed=aimed,
        after_s=_instant_s(rng, longest_s) if aimed is None else AIM_S * float(rng.random()),
        ticks=int(rng.integers(1, SHORT_TICKS + 1)) if short else LONG_TICKS,
    )


def _instant_s(rng: np.random.Generator, longest_s: float) -> float:
    share, evenly = float(rng.random()), rng.random() < 0.5
    if evenly:
        return SHORTEST_S + (longest_s - SHORTEST_S) * share
    return float(SHORTEST_S * (longest_s / SHORTEST_S) ** share)
