"""Bugs that are planted in the system on purpose, one at a time: what the judge must find, or its green means
nothing.

Each is a mutation that somebody could make by mistake, in the place where production code keeps a promise.
None of it is in production code: a bug is put in while a run lasts, and taken out again. With each stands
what its seeds are like: the faults in whose presence it shows.

One module for each subject; importing it adds its bugs to the list.
"""

from simulations.faults.planted import (  # noqa: F401  each adds its own
    asking,
    commands,
    data,
    feeding_in,
    lasting,
    money,
    record,
    room,
    silence,
    switched_off,
)
from simulations.faults.planted.planting import BUGS, Bug, named, planted

__all__ = ["BUGS", "Bug", "named", "planted"]
