"""[3] One topology as plain arrays, for the compiled sweeps of `sweep_kernels.py`.

Positions count the buses in the order of elimination, then those of the external grids; one more stands for
all that is not supplied.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats

Places = NDArray[np.uint32]


class Tree(NamedTuple):
    """The eliminated network: all of `Elimination` but the order."""

    low_start: Places
    low: Places
    low_factor: Floats
    """(n_low, 2) real and imaginary"""
    up_start: Places
    up: Places
    up_factor: Floats
    takes: NDArray[np.bool_]
    """(n_free,)"""
    scale: Floats
    """(n_free, 2) what a current drawn there is multiplied with, where demand depends on voltage"""
    shares: Floats
    """(n_free, 4) of constant current and impedance in P, then in Q; (0, 4) where all power is constant"""
    without_load: Floats
    """(n + 1, 2) voltages; those of external grids last but one, NaN for what is not supplied last"""


class Demand(NamedTuple):
    """From service points to positions."""

    position: Places
    """(n_sp,)"""
    factor: Floats
    """(n_sp, 2) what conj(P + jQ) in kW is multiplied with"""
    fixed: Floats
    """(n_free, 2) what is taken beside the service points, multiplied alike"""


class Outputs(NamedTuple):
    """Elements of one or several ends, buses, external grids."""

    bus: Places
    """(n_bus,) position of each"""
    end_start: Places
    """(n_element + 1,)"""
    near: Places
    far: Places
    y: Floats
    """(n_end, 4) y_near and y_far"""
    percent_squared: Floats
    """(n_end,)"""
    column: Places
    """(n_element,) of the loadings: lines, then transformers; their number for what has no loading"""
    n_line: int
    n_trafo: int
    held: Places
    """(n_entry,) the external grid's row of each entry of the admittance matrix there"""
    held_other: Places
    held_y: Floats
    n_held: int
    held_p_kw: float
    """what is taken on the grids' own buses beside the service points"""
    base_kva: float
