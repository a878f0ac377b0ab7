"""[4] Quantities that are read off the voltages, with their derivatives: loading, power, voltage.

An output g(V) has the complex gradient c = ∂g/∂Re V + j ∂g/∂Im V, so that dg = Re(conj(c) · dV). A current is
linear in the voltages, so its magnitude is too once its direction u is kept: |I| = Re(conj(u) I) at the
operating point, and to first order around it. `DirectedOutput` is that form: the value and derivative of |I|
now, and without the kink that |I| has where a current turns round.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grid_model.admittance import Admittance, BranchEnds, Complexes
from grid_model.errors import UnknownElement
from grid_model.network import Network


@dataclass(frozen=True)
class DirectedOutput:
    """The part of a current along its present direction, in percent of loading."""

    direction: Complexes
    """(n + 1,) the gradient, the same at all voltages"""

    def value(self, v: Complexes) -> float:
        """At the voltages `v` (n + 1,)."""
        return float((np.conj(self.direction[:-1]) * v[:-1]).real.sum())

    def gradient(self, v: Complexes) -> Complexes:
        """(n + 1,)"""
        return self.direction


@dataclass(frozen=True)
class VoltageOutput:
    """The magnitude of a bus's voltage, in pu."""

    bus: int
    """internal, supplied"""

    def value(self, v: Complexes) -> float:
        """At the voltages `v` (n + 1,)."""
        return float(np.abs(v[self.bus]))

    def gradient(self, v: Complexes) -> Complexes:
        """(n + 1,)"""
        gradient = np.zeros(len(v), dtype=np.complex128)
        gradient[self.bus] = v[self.bus] / np.abs(v[self.bus])
        return gradient


@dataclass(frozen=True)
class PowerOutput:
    """Active power into a branch at one of its ends, in kW."""

    ends: BranchEnds
    end: int
    base_kva: float

    def value(self, v: Complexes) -> float:
        """At the voltages `v` (n + 1,)."""
        power = v[self.ends.near[self.end]] * np.conj(current_into(self.ends, v, self.end))
        return float(power.real) * self.base_kva

    def gradient(self, v: Complexes) -> Complexes:
        """(n + 1,) of Re(V conj(I)): I at the near bus, and V conj(y) at both."""
        near, far = self.ends.near[self.end], self.ends.far[self.end]
        gradient = np.zeros(len(v), dtype=np.complex128)
        gradient[near] += current_into(self.ends, v, self.end) + v[near] * np.conj(self.ends.y_near[self.end])
        gradient[far] += v[near] * np.conj(self.ends.y_far[self.end])
        return gradient * self.base_kva


Output = DirectedOutput | VoltageOutput | PowerOutput
Kind = Literal["line", "trafo", "bus"]
"""The table an element is in; three-winding transformers are among the transformers."""


@dataclass(frozen=True, slots=True)
class Place:
    """An element by its kind and its position in the network's table."""

    kind: Kind
    position: int


def place_of(network: Network, element: str) -> Place:
    """Where `element` is; raises UnknownElement for a wrong id."""
    table: tuple[Kind, tuple[str, ...]]
    match element.partition(":")[0]:
        case "line":
            table = "line", network.lines.ids
        case "trafo" | "trafo3w":
            table = "trafo", network.transformers.ids
        case _:
            table = "bus", network.buses.ids
    kind, ids = table
    if element in ids:
        return Place(kind, ids.index(element))
    raise UnknownElement(f"the network has no element {element!r}")


def magnitude(a: Admittance, v: Complexes, place: Place) -> DirectedOutput | VoltageOutput:
    """Loading in percent of a branch, at its most loaded end and along its direction at `v`, or |V| of a bus.

    The gradient is 0 for what is not supplied or carries no current.
    """
    gradient = np.zeros(len(v), dtype=np.complex128)
    if place.kind == "bus":
        internal = int(a.bus[place.position])
        return VoltageOutput(internal) if internal < len(v) - 1 else DirectedOutput(gradient)
    ends = a.ends.rows(place.kind, place.position)
    if not len(ends):
        return DirectedOutput(gradient)
    currents = [current_into(a.ends, v, end) for end in ends]
    loading = [abs(current) * a.ends.percent[end] for current, end in zip(currents, ends, strict=True)]
    worse = int(np.argmax(loading))
    if loading[worse] > 0:  # an idle branch: no derivative there, and no violation either
        end, current = ends[worse], currents[worse]
        along = a.ends.percent[end] * current / abs(current)
        gradient[a.ends.near[end]] += along * np.conj(a.ends.y_near[end])
        gradient[a.ends.far[end]] += along * np.conj(a.ends.y_far[end])
    return DirectedOutput(gradient)


def current_into(ends: BranchEnds, v: Complexes, end: int) -> complex:
    """The current into a branch at one of its ends, in pu, at the voltages `v` (n + 1,)."""
    return complex(ends.y_near[end] * v[ends.near[end]] + ends.y_far[end] * v[ends.far[end]])
