"""[5] The derivatives that every round of the search needs anew, with what all rounds share laid out once."""

from collections.abc import Sequence

import numpy as np

from grid_model.adjoint import Adjoint
from grid_model.admittance import Complexes
from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.operating_point import bus_demand_conj
from grid_model.outputs import Place, magnitude, place_of
from grid_model.sensitivities import Sensitivities, at_service_points, perturbed


class Derivatives:
    """Sensitivities of one topology at many operating points, as `sensitivities.sensitivities` has them."""

    def __init__(self, network: Network, load_flow: FactoredLoadFlow) -> None:
        self._network, self._load_flow = network, load_flow
        self._places: dict[str, Place] = {}
        factored = load_flow.factored
        self._adjoint = None if factored is None else Adjoint(factored.admittance)

    def at(self, p_kw: Floats, q_kvar: Floats, elements: Sequence[str]) -> Sensitivities:
        """Of `elements` by the demand of each service point, (n_element, n_sp).

        Raises Diverged where there is no solution, or where it is on the edge of none.
        """
        places = [self._place(element) for element in elements]
        factored = self._load_flow.factored
        v = None if factored is None else factored.voltages(p_kw, q_kvar)
        if factored is None or self._adjoint is None or v is None:
            return perturbed(self._load_flow, p_kw, q_kvar, places, 1.0)
        a = factored.admittance
        gradients = np.zeros((len(places), len(v)), dtype=np.complex128)
        buses = [row for row, place in enumerate(places) if place.kind == "bus"]
        gradients[buses] = _of_voltages(v, a.bus[[places[row].position for row in buses]])
        for row, place in enumerate(places):
            if place.kind != "bus":
                gradients[row] = magnitude(a, v, place).gradient(v)
        try:
            found = self._adjoint.sensitivities(v, bus_demand_conj(a, p_kw, q_kvar), gradients)
        except RuntimeError as error:  # of splu, where the Jacobian is singular
            raise Diverged("the load flow cannot be linearised here") from error
        return at_service_points(a, found)

    def _place(self, element: str) -> Place:
        if element not in self._places:
            self._places[element] = place_of(self._network, element)
        return self._places[element]


def _of_voltages(v: Complexes, internal: np.ndarray) -> Complexes:
    """(n_bus, n + 1) gradients of |V| at these internal buses; 0 for the last, which is not supplied."""
    gradients = np.zeros((len(internal), len(v)), dtype=np.complex128)
    supplied = np.flatnonzero(internal < len(v) - 1)
    at = internal[supplied]
    gradients[supplied, at] = v[at] / np.abs(v[at])
    return gradients
