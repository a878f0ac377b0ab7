"""The one-line diagram: which place each bus has in a tree that is drawn from the supply to the right.

x is the number of branches from the supply, y the row; both whole numbers. From each bus the longest way
goes on in its own row, all others hang below it, short ones first, each as high as the rows above allow at
the depths that it needs. Branches therefore never cross when a side branch leaves its bus a little to the
right of it. Linear in the number of buses: a subtree's outline is handed on along its longest way, and each
other way costs no more than its own length (as contours do in Reingold and Tilford, "Tidier drawings of
trees", IEEE TSE 7(2), 1981). Pure; the same network gives the same drawing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Ints, Network
from grid_model.network_drawing import Wiring

_NONE = -1


@dataclass(frozen=True)
class OneLine:
    """Where buses are drawn, and which branches are the tree; all others are drawn across."""

    depth: Ints
    """(n_bus,)"""
    row: Ints
    """(n_bus,)"""
    parent: Ints
    """(n_bus,) the bus that feeds it, -1 for the roots; buses that closed switches make one share a place
    and a parent"""
    line_in_tree: NDArray[np.bool_]
    """(n_line,)"""
    transformer_in_tree: NDArray[np.bool_]
    link_in_tree: NDArray[np.bool_]
    """(n_link,) a closed switch between buses that are drawn as one is in the tree as well"""


def one_line(network: Network, wiring: Wiring) -> OneLine:
    """The diagram of a network. Buses that nothing reaches are roots of their own, below all others."""
    n_bus = len(network.buses.ids)
    spot = _spots(n_bus, wiring)
    edges = _edges(network, wiring, spot)
    tree = _Tree(n_bus, edges)
    tree.grow(list(dict.fromkeys(spot[wiring.supply].tolist())))
    for lone in np.flatnonzero(spot == np.arange(n_bus)).tolist():
        tree.grow([lone])
    row = _rows(tree)
    used = np.zeros(len(edges), dtype=bool)
    used[[edge for edge in tree.edge if edge != _NONE]] = True
    n_line, n_trafo = len(network.lines.ids), len(network.transformers.ids)
    links = wiring.links
    as_one = links.closed & links.switch
    return OneLine(
        depth=np.array(tree.depth, dtype=np.int64)[spot],
        row=np.array(row, dtype=np.int64)[spot],
        parent=np.array(tree.parent, dtype=np.int64)[spot],
        line_in_tree=used[:n_line],
        transformer_in_tree=used[n_line : n_line + n_trafo],
        link_in_tree=used[n_line + n_trafo :] | as_one,
    )


def _spots(n_bus: int, wiring: Wiring) -> Ints:
    """(n_bus,) the first of the buses that closed switches make one."""
    spot = list(range(n_bus))

    def first(bus: int) -> int:
        while spot[bus] != bus:
            spot[bus] = spot[spot[bus]]
            bus = spot[bus]
        return bus

    links = wiring.links
    joined = links.closed & links.switch
    for one, other in zip(links.from_bus[joined].tolist(), links.to_bus[joined].tolist(), strict=True):
        low, high = sorted((first(one), first(other)))
        spot[high] = low
    return np.array([first(bus) for bus in range(n_bus)], dtype=np.int64)


def _edges(network: Network, wiring: Wiring, spot: Ints) -> list[tuple[int, int]]:
    """All branches as pairs of spots: lines, transformers, links; a pair of one spot where it is open."""
    groups = (
        (network.lines.from_bus, network.lines.to_bus, wiring.line_closed),
        (network.transformers.from_bus, network.transformers.to_bus, wiring.transformer_closed),
        (wiring.links.from_bus, wiring.links.to_bus, wiring.links.closed),
    )
    near = np.concatenate([spot[one] for one, _, _ in groups]).astype(np.int64)
    far = np.concatenate([spot[other] for _, other, _ in groups]).astype(np.int64)
    closed = np.concatenate([flags for _, _, flags in groups])
    return list(zip(near.tolist(), np.where(closed, far, near).tolist(), strict=True))


class _Tree:
    """The breadth-first tree over spots."""

    def __init__(self, n: int, edges: Sequence[tuple[int, int]]) -> None:
        self.parent = [_NONE] * n
        self.edge = [_NONE] * n
        self.depth = [_NONE] * n
        self.order: list[int] = []
        """parents before children"""
        self.roots: list[int] = []
        self._around: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        for number, (one, other) in enumerate(edges):
            if one != other:
                self._around[one].append((other, number))
                self._around[other].append((one, number))

    def grow(self, roots: Iterable[int]) -> None:
        """Take in all that these reach, each from the nearest; roots that were reached already are none."""
        new = [root for root in roots if self.depth[root] == _NONE]
        for root in new:
            self.depth[root] = 0
        self.roots += new
        waiting = deque(new)
        while waiting:
            spot = waiting.popleft()
            self.order.append(spot)
            for other, number in self._around[spot]:
                if self.depth[other] == _NONE:
                    self.depth[other] = self.depth[spot] + 1
                    self.parent[other], self.edge[other] = spot, number
                    waiting.append(other)


def _rows(tree: _Tree) -> list[int]:
    """(n,) the row of each spot; 0 for those that are no spot of their own."""
    children: list[list[int]] = [[] for _ in tree.parent]
    for spot in tree.order:
        if tree.parent[spot] != _NONE:
            children[tree.parent[spot]].append(spot)
    below, outline = _packed(tree, children)
    row = [0] * len(tree.parent)
    next_row = 0
    for root in tree.roots:
        row[root] = next_row
        next_row += max(outline[root]) + 1
    for spot in tree.order:
        if tree.parent[spot] != _NONE:
            row[spot] = row[tree.parent[spot]] + below[spot]
    return row


def _packed(tree: _Tree, children: list[list[int]]) -> tuple[list[int], dict[int, list[int]]]:
    """How many rows each spot is below its parent, and the lowest row at each depth below each root.

    An outline lists the lowest row of a subtree by depth, the deepest first and its root last, relative to
    the root's own row; its highest row is 0 at every depth, because the longest way stays in it.
    """
    below = [0] * len(tree.parent)
    outlines: dict[int, list[int]] = {}
    for spot in reversed(tree.order):
        if not children[spot]:
            outlines[spot] = [0]
            continue
        longest = max(children[spot], key=lambda child: len(outlines[child]))
        outline = outlines.pop(longest)
        others = [child for child in children[spot] if child != longest]
        for child in sorted(others, key=lambda child: len(outlines[child])):
            inner = outlines.pop(child)
            deep = len(inner)
            below[child] = max(outline[-deep:]) + 1
            outline[-deep:] = [below[child] + lowest for lowest in inner]
        outline.append(0)
        outlines[spot] = outline
    return below, outlines
