"""[5] Who is to take less, or feed in less, or move otherwise, and how much: the least that clears.

devices      what may be moved, and how far                 columns     the same as columns of a programme
rules        what may be chosen                             search      the successive linear programme
spreading    many give a little instead of one all          reserve     more is asked for than is needed
missing      what it takes when nothing clears              plan        all of it: `allocate`
fairness     who was cut before is spared now               restoring   the way back, without a new overload
"""

from grid_model.allocation.devices import FlexibleDevice
from grid_model.allocation.fairness import fairness_weights, gini
from grid_model.allocation.outcome import Allocation, Curtailment, Missing
from grid_model.allocation.plan import allocate
from grid_model.allocation.restoring import Held, Pace, Rebound, Restoration, RestoreStep, restore
from grid_model.allocation.rules import SPREAD, Reserve, Rules

__all__ = [
    "SPREAD",
    "Allocation",
    "Curtailment",
    "FlexibleDevice",
    "Held",
    "Missing",
    "Pace",
    "Rebound",
    "Reserve",
    "Restoration",
    "RestoreStep",
    "Rules",
    "allocate",
    "fairness_weights",
    "gini",
    "restore",
]
