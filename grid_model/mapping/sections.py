"""[4] Sections of a network: what hangs on the same branch, seen from the external grid.

In a meshed network along the ways of least impedance.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from grid_model.admittance import Admittance
from grid_model.network import Network
from grid_model.outputs import Place
from grid_model.supply_path import place_of_end


class Sections:
    """One topology. Immutable after building."""

    def __init__(self, network: Network, a: Admittance) -> None:
        self._network, self._a = network, a
        n = a.y_bus.shape[0]
        passing = np.flatnonzero((a.ends.y_far != 0) & (a.ends.near != a.ends.far))
        near, far = a.ends.near[passing], a.ends.far[passing]
        self._end = {(int(u), int(w)): int(row) for u, w, row in zip(near, far, passing, strict=True)}
        impedance = 1 / np.abs(a.ends.y_far[passing])
        graph = sparse.csr_matrix(
            (
                np.concatenate([impedance, np.full(n - a.n_free, 1e-12)]),
                (
                    np.concatenate([near, np.full(n - a.n_free, n)]),
                    np.concatenate([far, np.arange(a.n_free, n)]),
                ),
            ),
            shape=(n + 1, n + 1),
        )
        _, self._before = dijkstra(graph, indices=n, return_predecessors=True)

    def way(self, bus: int) -> tuple[Place, ...]:
        """Lines and transformers from the external grid to an internal bus, the bus's own last."""
        way: list[Place] = []
        while bus < self._a.n_free and (before := int(self._before[bus])) >= 0:
            place = place_of_end(self._a, self._end[before, bus])
            if place is not None:
                way.append(place)
            bus = before
        return tuple(reversed(way))

    def common(self, buses: tuple[int, ...]) -> str | None:
        """The last line or transformer that all of these internal buses are supplied over; None without
        one."""
        ways = [self.way(bus) for bus in buses]
        last: Place | None = None
        for places in zip(*ways, strict=False):
            if len(set(places)) > 1:
                break
            last = places[0]
        if last is None:
            return None
        ids = self._network.lines.ids if last.kind == "line" else self._network.transformers.ids
        return ids[last.position]
