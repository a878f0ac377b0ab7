"""[5] What is known of every watched element as a function of the movements: its tangents so far.

One tangent alone makes the programme jump to and fro between corners: what it has just cut relieves a cable,
so the next tangent sends it to the other one. Loadings are convex in what is cut, nearly: their tangents lie
below them, and all tangents together lead to the point between (cutting planes; J. E. Kelley, J. SIAM 8(4),
1960). What then is left between the highest tangent and the load flow is taken as it was seen at the last
cut, for all of them: this also mends what is not convex.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.allocation.columns import STEP_KW, Columns
from grid_model.network import Floats
from grid_model.watch import Row

Key = tuple[str, int]
"""Element and direction of a row."""


def key_of(row: Row) -> Key:
    """What a row is about, whatever its value."""
    return row.element, row.direction


def room_of(row: Row) -> float:
    """How far the value may still go, in the row's own scale: 1 is a full rating."""
    return row.direction * (row.limit - row.value) / row.scale


@dataclass(frozen=True)
class Tangents:
    """Tangents of one round, all taken at the same movements."""

    keys: tuple[Key, ...]
    x: Floats
    """(n,) the movements, as far as they are expected to be made"""
    matrix: Floats
    """(m, n) what each column does"""
    room: Floats
    """(m,) what is left there"""

    def room_at(self, x: Floats) -> Floats:
        """(m,) what the tangents say is left at `x`."""
        return self.room - self.matrix @ (x - self.x)


@dataclass(frozen=True)
class Planes:
    """All tangents as rows: matrix x ≤ bound."""

    keys: tuple[Key, ...]
    matrix: Floats
    bound: Floats


def planes(rounds: Sequence[Tangents], rows: Sequence[Row], x: Floats) -> Planes:
    """Every tangent, shifted so that the highest of each element passes through what the load flow says in
    `rows` at the movements `x`."""
    lowest: dict[Key, float] = {}
    for tangents in rounds:
        for key, room in zip(tangents.keys, tangents.room_at(x), strict=True):
            lowest[key] = min(float(room), lowest.get(key, np.inf))
    shift = {key_of(row): room_of(row) - lowest[key_of(row)] for row in rows}
    keys = tuple(key for tangents in rounds for key in tangents.keys)
    bound = [tangents.room + tangents.matrix @ tangents.x for tangents in rounds]
    moved = np.array([shift[key] for key in keys])
    return Planes(keys, np.vstack([tangents.matrix for tangents in rounds]), np.concatenate(bound) + moved)


def rounding(columns: Columns, matrix: Floats, x: Floats, margin: float) -> Floats:
    """(m,) what rounding to whole watts may undo around `x`, and `margin` watts of the best column on top."""
    inside = (x > 0) & (x < columns.most) & ~columns.whole
    size = np.where(columns.whole, 0.0, np.abs(matrix))
    undone = size[:, inside].sum(axis=1) + margin * size.max(axis=1, initial=0.0)
    return np.asarray(undone * STEP_KW)
