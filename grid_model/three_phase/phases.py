"""Phases and sequences: Fortescue's transformation, and where a demand is connected.

Order of phases: a, b, c; of sequences: zero, positive, negative, as pandapower.
Source: C. L. Fortescue, "Method of symmetrical co-ordinates applied to the solution of polyphase networks",
Trans. AIEE 37, 1918.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Complexes = NDArray[np.complex128]
Bools = NDArray[np.bool_]

Phase = Literal["a", "b", "c"]
PHASES: tuple[Phase, ...] = ("a", "b", "c")
BETWEEN: tuple[str, ...] = ("ab", "bc", "ca")
"""Where the three parts of a demand in delta are connected."""

_TURN = np.exp(2j * np.pi / 3)
TO_PHASES: Complexes = np.array([[1, 1, 1], [1, _TURN**2, _TURN], [1, _TURN, _TURN**2]])
"""A in V_abc = A V_012; its inverse is conj(A) / 3."""
NEUTRAL_ROW: Complexes = np.array([3, 0, 0], dtype=np.complex128)
"""The return current of three phases, from their sequences: Ia + Ib + Ic = 3 I0."""

_DIFFERENCE = np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1]])
CONNECTIONS: Complexes = np.concatenate([TO_PHASES, _DIFFERENCE @ TO_PHASES])
"""(6, 3) voltage across a demand, from the sequences of its bus: a, b, c to neutral, then ab, bc, ca.

The current through it enters the sequences by conj(row) / 3."""


def to_phases(sequences: Complexes) -> Complexes:
    """(..., 3, n) of phases from (..., 3, n) of sequences."""
    return np.asarray(TO_PHASES @ sequences)


def connected_phases(text: str) -> tuple[bool, bool, bool] | None:
    """Which phases `a`, `B`, `ab`, `abc` name; None for what names none, or one twice."""
    letters = text.strip().lower()
    if not letters or len(set(letters)) != len(letters) or not set(letters) <= set(PHASES):
        return None
    a, b, c = (phase in letters for phase in PHASES)
    return a, b, c
