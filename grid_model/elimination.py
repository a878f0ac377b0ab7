"""[3] The admittance matrix, factored bus by bus along the tree of the network: what a sweep needs.

Eliminating a bus that has one neighbour left makes no new entries, so the factors of a radial network are a
sweep from the leaves to the grid and one back (Y = LU without fill-in; Tinney and Walker, "Direct solutions
of sparse network equations by optimally ordered triangular factorization", Proc. IEEE 55(11), 1967). Meshes
get what fill-in the order of least degree leaves. No pivoting: the diagonal of an admittance matrix
dominates; where it does not, factors are NaN or inexact, and whoever uses them tries them with `solve`.

Rows are scaled by their diagonal, so that with c = U_d⁻¹ L⁻¹ r the two sweeps are
    c_i = r_i / d_i − Σ_{j<i} low_ij c_j        V_i = c_i − Σ_{j>i} up_ij V_j
and the held voltages stand among the V_j: no source term is left.
"""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.admittance import Complexes
from grid_model.network import Ints


@dataclass(frozen=True)
class Elimination:
    """The factors in the order of elimination. Positions count eliminated buses first, then the held ones."""

    order: Ints
    """(n_free,) which internal bus is at each position"""
    diagonal: Complexes
    """(n_free,)"""
    low_start: Ints
    """(n_free + 1,) where each position's entries in `low` begin"""
    low: Ints
    low_factor: Complexes
    up_start: Ints
    up: Ints
    up_factor: Complexes


def eliminate(y_bus: Any, n_free: int) -> Elimination:
    """Factor the first `n_free` rows of the (n, n) sparse admittance matrix.

    Where a pivot is zero, or missing, everything that depends on it is NaN.
    """
    order = _order(y_bus, n_free)
    rows = _rows_in_order(y_bus, order)
    low: list[dict[int, complex]] = [{} for _ in order]
    up: list[dict[int, complex]] = [{} for _ in order]
    diagonal = np.empty(n_free, dtype=np.complex128)
    with np.errstate(all="ignore"):
        for position, row in enumerate(rows):
            diagonal[position] = pivot = row.pop(position, 0.0) or np.nan
            up[position] = {other: value / pivot for other, value in row.items()}
            for below in row:
                if below < n_free:
                    factor = rows[below].pop(position)
                    low[below][position] = factor
                    for other, value in up[position].items():
                        rows[below][other] = rows[below].get(other, 0.0) - factor * value
        low = [
            {other: value / pivot for other, value in row.items()}
            for row, pivot in zip(low, diagonal, strict=True)
        ]
    return Elimination(np.array(order, dtype=np.int64), diagonal, *_flat(low), *_flat(up))


def solve(factors: Elimination, right: Complexes, v_held: Complexes) -> Complexes:
    """(n,) V by position so that the free rows of Y V are `right` (n_free,), by position, with the held
    voltages `v_held` last."""
    n_free = len(factors.order)
    v = np.concatenate([right / factors.diagonal, v_held])
    for position in range(n_free):
        entries = slice(factors.low_start[position], factors.low_start[position + 1])
        v[position] -= factors.low_factor[entries] @ v[factors.low[entries]]
    for position in range(n_free - 1, -1, -1):
        entries = slice(factors.up_start[position], factors.up_start[position + 1])
        v[position] -= factors.up_factor[entries] @ v[factors.up[entries]]
    return v


def _flat(rows: list[dict[int, complex]]) -> tuple[Ints, Ints, Complexes]:
    start = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    columns = np.array([column for row in rows for column in row], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values()], dtype=np.complex128)
    return start, columns, values


def _neighbours(y_bus: Any) -> list[set[int]]:
    entries = y_bus.tocoo()
    neighbours: list[set[int]] = [set() for _ in range(y_bus.shape[0])]
    for one, other in zip(entries.row.tolist(), entries.col.tolist(), strict=True):
        if one != other:
            neighbours[one].add(other)
            neighbours[other].add(one)
    return neighbours


def _order(y_bus: Any, n_free: int) -> list[int]:
    """Free buses by least degree, then child after child as the sweep meets them: near in memory."""
    neighbours = _neighbours(y_bus)
    waiting = [(len(neighbours[bus]), bus) for bus in range(n_free)]
    heapq.heapify(waiting)
    gone = [False] * len(neighbours)
    eliminated: list[int] = []
    while waiting:
        degree, bus = heapq.heappop(waiting)
        if gone[bus] or degree != len(neighbours[bus]):
            continue  # an entry that a later one replaced
        gone[bus] = True
        eliminated.append(bus)
        for other in neighbours[bus]:
            left = neighbours[other]
            left |= neighbours[bus]
            left -= {bus, other}
            if other < n_free:
                heapq.heappush(waiting, (len(left), other))
    return _child_after_child(eliminated, neighbours)


def _child_after_child(eliminated: list[int], above: list[set[int]]) -> list[int]:
    """The same elimination, every subtree in one piece; `above` is what each bus still saw when it went."""
    at = {bus: position for position, bus in enumerate(eliminated)}
    children: list[list[int]] = [[] for _ in above]
    roots: list[int] = []
    for bus in eliminated:
        later = [at[other] for other in above[bus] if other in at]
        (children[eliminated[min(later)]] if later else roots).append(bus)
    order: list[int] = []
    while roots:  # parents first, backwards
        bus = roots.pop()
        order.append(bus)
        roots.extend(children[bus])
    return order[::-1]


def _rows_in_order(y_bus: Any, order: list[int]) -> list[dict[int, complex]]:
    """Each free bus's row of the matrix, positions as keys; entries whose mirror is there are there too."""
    n = y_bus.shape[0]
    position = np.arange(n)
    position[order] = np.arange(len(order))
    entries = y_bus.tocoo()
    rows: list[dict[int, complex]] = [{} for _ in range(n)]
    for one, other, value in zip(
        position[entries.row].tolist(), position[entries.col].tolist(), entries.data.tolist(), strict=True
    ):
        rows[one][other] = rows[one].get(other, 0.0) + value
        rows[other].setdefault(one, 0.0)
    return rows[: len(order)]
