"""Where other programs may draw each bus: on the map, by the network's coordinates, and in a diagram, by its
tree. The console has its own places (`one_line.py`).

Both are in drawing units, at most 1000 x 640, y downwards, and the same for the same network. Pure arrays.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Network

WIDTH, HEIGHT = 1000.0, 640.0
APART = 9.0
"""Buses at one spot, as both sides of a transformer often are, are moved this far from it."""


@dataclass(frozen=True, slots=True)
class Map:
    """Places by coordinates."""

    xy: Floats
    """(n_bus, 2)"""
    turned: bool
    """A network that is taller than wide lies on its side: north is then to the left, else up."""


def map_positions(network: Network) -> Map | None:
    """Places from the network's coordinates, or None when some are missing or all are one spot."""
    xy = np.array(network.buses.xy, dtype=np.float64)
    if xy.shape != (len(network.buses.ids), 2) or not np.isfinite(xy).all():
        return None
    looks_geographic = bool((np.abs(xy[:, 0]) <= 180).all() and (np.abs(xy[:, 1]) <= 90).all())
    if looks_geographic:
        # Equirectangular: over the few kilometres of a feeder its error is far below a pixel.
        xy[:, 0] *= np.cos(np.radians(xy[:, 1].mean()))
    xy[:, 1] *= -1
    span = np.ptp(xy, axis=0)
    if not span.any():
        return None
    turned = bool(span[1] > span[0])
    if turned:
        xy, span = np.column_stack((xy[:, 1], -xy[:, 0])), span[::-1]
    scale = min(extent / reach for extent, reach in zip((WIDTH, HEIGHT), span, strict=True) if reach > 0)
    return Map(_spread((xy - xy.min(axis=0)) * scale), turned)


def _spread(xy: Floats) -> Floats:
    """Buses at the same spot on a small circle around it, in their order."""
    at_spot: dict[tuple[int, int], list[int]] = defaultdict(list)
    for bus, (x, y) in enumerate(xy):
        at_spot[round(x), round(y)].append(bus)
    for buses in at_spot.values():
        if len(buses) > 1:
            angles = np.linspace(0, 2 * np.pi, len(buses), endpoint=False) - np.pi / 2
            xy[buses] = xy[buses].mean(axis=0) + APART * np.column_stack((np.cos(angles), np.sin(angles)))
    return xy


def diagram_positions(network: Network) -> Floats:
    """(n_bus, 2): the breadth-first tree from the supply, depth to the right, each leaf on its own row.

    Buses that no branch reaches are roots of their own, below. A branch that closes a ring does not count.
    """
    n_bus = len(network.buses.ids)
    children, roots, depth = _tree(network)
    row = np.zeros(n_bus)
    next_row = 0
    for root in roots:
        for bus in _leaves_first(root, children):
            below = children[bus]
            if below:
                row[bus] = (row[below[0]] + row[below[-1]]) / 2
            else:
                row[bus] = next_row
                next_row += 1
    return np.column_stack((_stretched(depth, WIDTH), _stretched(row, HEIGHT)))


def _stretched(values: Floats, extent: float) -> Floats:
    top = values.max(initial=0.0)
    return values * (extent / top) if top else values + extent / 2


def _tree(network: Network) -> tuple[list[list[int]], list[int], Floats]:
    """Children of each bus, the roots, and each bus's depth."""
    n_bus = len(network.buses.ids)
    neighbours: list[set[int]] = [set() for _ in range(n_bus)]
    for branches in (network.lines, network.transformers):
        for one, other in zip(branches.from_bus.tolist(), branches.to_bus.tolist(), strict=True):
            neighbours[one].add(other)
            neighbours[other].add(one)
    supply = network.transformers.from_bus.tolist() or [0]
    children: list[list[int]] = [[] for _ in range(n_bus)]
    depth = np.full(n_bus, -1.0)
    roots = []
    for start in [*supply, *range(n_bus)]:
        if n_bus and depth[start] < 0:
            roots.append(start)
            _walk(start, neighbours, children, depth)
    return children, roots, depth


def _walk(start: int, neighbours: Sequence[set[int]], children: list[list[int]], depth: Floats) -> None:
    depth[start] = 0
    waiting = deque([start])
    while waiting:
        bus = waiting.popleft()
        for other in sorted(neighbours[bus]):
            if depth[other] < 0:
                depth[other] = depth[bus] + 1
                children[bus].append(other)
                waiting.append(other)


def _leaves_first(root: int, children: Sequence[list[int]]) -> list[int]:
    """All buses below the root, every child before its parent, siblings in their order."""
    order, stack = [], [root]
    while stack:
        bus = stack.pop()
        order.append(bus)
        stack.extend(children[bus])
    return order[::-1]
