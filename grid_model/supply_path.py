"""[4] The way from a service point to the external grid: the cables and transformers its power comes over.

One more kW is taken at the service point and followed upstream by the circuit's own laws, at the voltages
without load: each step goes on over the branch that brings most of it. In a radial network that is the only
way there is; in a meshed one it is the main one, and `through` says how much of the kW comes over it. Whether
a neighbour's generator happens to feed the street at the moment makes no difference."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import splu

from grid_model.admittance import Admittance, Complexes
from grid_model.errors import Diverged
from grid_model.load_flow import Factored
from grid_model.network import Floats, Ints, Network
from grid_model.operating_point import voltages_along
from grid_model.outputs import Kind, Place


@dataclass(frozen=True, slots=True)
class PathStep:
    """One branch on the way, seen from the service point."""

    place: Place
    end: int
    """the row in `BranchEnds` of its end on the side of the external grid"""
    through: float
    """how much of one kW of the service point comes over it: 1 in a radial network"""


def supply_path(network: Network, factored: Factored, service_point: int) -> tuple[PathStep, ...]:
    """Lines and transformers from the service point to the external grid, nearest first.

    `service_point` is a position in `Network.service_points`. Switches and other branches without an id of
    their own are passed over in silence. Raises Diverged when the network without load has no solution.
    """
    a = factored.admittance
    idle = np.zeros(len(network.service_points))
    path = voltages_along(factored, idle, idle, np.zeros(1), 1.0)
    if path is None:
        raise Diverged("the load flow without load does not converge, so no way can be followed")
    bus = int(a.service_point[service_point])
    if bus >= a.n_free:
        return ()  # on the external grid's own bus
    return _walk(a, _power_of_one(a, path[0], bus), bus)


def _power_of_one(a: Admittance, v: Complexes, bus: int) -> Floats:
    """(n_end,) power into each branch end when the bus takes one unit more, at the voltages `v`."""
    current = np.zeros(a.n_free, dtype=np.complex128)
    current[bus] = np.conj(1 / v[bus])
    change = np.zeros_like(v)
    change[: a.n_free] = -splu(a.y_bus[: a.n_free, : a.n_free].tocsc()).solve(current)
    ends = a.ends
    drawn = ends.y_near * change[ends.near] + ends.y_far * change[ends.far]
    return np.asarray((v[ends.near] * np.conj(drawn)).real)


def _walk(a: Admittance, power: Floats, bus: int) -> tuple[PathStep, ...]:
    steps: list[PathStep] = []
    visited = {bus}
    while bus < a.n_free:
        feeding = np.flatnonzero(a.ends.far == bus)  # ends beyond the branches that come here
        feeding = feeding[[int(a.ends.near[end]) not in visited for end in feeding]]
        if not len(feeding):
            break  # the circuit's laws do not lead into a dead end; only rounding does
        end = int(feeding[np.argmax(power[feeding])])
        place = place_of_end(a, end)
        if place is not None:
            steps.append(PathStep(place, end, float(power[end])))
        bus = int(a.ends.near[end])
        visited.add(bus)
    return tuple(steps)


def place_of_end(a: Admittance, end: int) -> Place | None:
    """The line or transformer that a row of `BranchEnds` belongs to; None for other branches and for the
    inner ends of three-winding transformers."""
    tables: tuple[tuple[Kind, Ints, int], ...] = (
        ("line", a.ends.line, 2),
        ("trafo", a.ends.trafo, 2),
        ("trafo", a.ends.trafo3w, 3),
    )
    for kind, positions, sides in tables:
        if end < sides * len(positions):
            return Place(kind, int(positions[end % len(positions)]))
        end -= sides * len(positions)
    return None
