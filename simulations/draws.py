"""One seed, many independent streams: what is drawn for cars does not move when people are added.

Each subject has its own stream, and each person and device a sub-stream, so that a draw depends on who draws
and how often, never on who else drew before. That is why the run with and the run without control meet the
same evening.
"""

from typing import Literal

import numpy as np

from grid_model.network import Floats

Subject = Literal[
    "assignment",
    "ev",
    "heat_pump",
    "households",
    "behaviour",
    "reaction",
    "person",
    "guard",
    "clouds",
    "pv",
    "battery",
    "air_conditioner",
    "meters",
    "link",
    "feeder",
    "faults",
]
_STREAMS: dict[str, int] = {
    "assignment": 0,
    "ev": 1,
    "heat_pump": 2,
    "households": 3,
    "behaviour": 4,
    "reaction": 5,
    "person": 6,
    "guard": 7,
    "clouds": 8,
    "pv": 9,
    "battery": 10,
    "air_conditioner": 11,
    "meters": 12,
    "link": 13,
    "feeder": 14,
    "faults": 15,
}


def stream(seed: int, subject: Subject, member: int = 0) -> np.random.Generator:
    """The generator of one subject (and one member of it) under this seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS[subject], member)))


def triangular(rng: np.random.Generator, least: float, usual: float, most: float, count: int) -> Floats:
    """(count,) sizes between least and most; all the same where both are."""
    if least == most:
        return np.full(count, least)
    return rng.triangular(least, usual, most, count)
