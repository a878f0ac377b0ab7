"""[4] One customer and one overloaded element, in numbers that add up and in words for the phone.

    "You are on this cable. At 18:40 it carried 112 %, 90 kW for 34 customers. Your home took 14 of its 90
    kW."

The power into the element at its sending end is the sum of the customers' own powers that go over it, of what
flows there without them (generators that no meter reads, charging), and of losses (`attribution.py`). The
time is the caller's: this room has no clock."""

import math
from dataclasses import dataclass

import numpy as np

from grid_model.adjoint import Adjoint
from grid_model.admittance import Complexes
from grid_model.attribution import Attribution, OutputsAt, attribute_outputs
from grid_model.errors import Diverged, UnknownElement
from grid_model.load_flow import Factored, FactoredLoadFlow
from grid_model.network import Branches, Floats, Network
from grid_model.operating_point import bus_demand_conj, voltages_along
from grid_model.outputs import Place, PowerOutput, current_into, magnitude, place_of
from grid_model.supply_path import PathStep, supply_path

_BEHIND = 0.1
"""Who gets less of its power over an element than this is not behind it."""


@dataclass(frozen=True, slots=True)
class PathElement:
    """One element on a service point's way to the external grid."""

    element: str
    name: str
    through: float
    """how much of each kW of the service point comes over it: 1 in a radial network"""
    flow_kw: float
    """at its end on the grid's side; negative when power flows back"""
    loading_percent: float


@dataclass(frozen=True, slots=True)
class FlowExplanation:
    """A service point and a line or transformer: flow_kw = own + others_taking + others_feeding +
    without_load + losses, all in kW and counted in the direction of the flow."""

    service_point: str
    element: str
    name: str
    loading_percent: float
    current_a: float
    """at the more loaded end"""
    flow_kw: float
    """into the element at its sending end, so never negative"""
    backwards: bool
    """whether the power flows from the customers to the grid"""
    p_kw: float
    """what the service point takes; negative when it feeds in"""
    own_kw: float
    """its part of `flow_kw`: `p_kw` where all of it comes over the element; negative when it relieves"""
    own_losses_kw: float
    """what its power adds to the losses within `losses_kw`"""
    own_current_a: float
    """its part of `current_a`, losses included"""
    others_pushing_kw: float
    others_relieving_kw: float
    """0 or less"""
    without_load_kw: float
    losses_kw: float
    """negative where losses eat up power before it gets to the element"""
    customers_behind: int
    """service points that get their power over it, this one included"""
    path: tuple[PathElement, ...]
    """from the service point to the external grid"""

    @property
    def on_path(self) -> bool:
        """Whether the service point's power comes over the element."""
        return any(step.element == self.element for step in self.path)


@dataclass(frozen=True, slots=True)
class VoltageExplanation:
    """A service point and the voltage of a bus: v_pu = without_load_pu + own_pu + others_pu."""

    service_point: str
    element: str
    name: str
    v_pu: float
    v_v: float
    """from phase to neutral"""
    without_load_pu: float
    p_kw: float
    own_pu: float
    """negative where it lowers the voltage"""
    others_pu: float
    path: tuple[PathElement, ...]


Explanation = FlowExplanation | VoltageExplanation


def explain(  # noqa: PLR0917  a snapshot, a customer, an element
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    service_point: str,
    element: str,
    *,
    slack_scale: float = 1.0,
) -> Explanation:
    """What one customer has to do with one element, at this snapshot; `p_kw`, `q_kvar` are (n_sp,).

    Raises UnknownElement for a service point or element that is not there, Diverged when the snapshot has no
    solution by the factored form, which the parts need.
    """
    point, place = network.service_point_index().get(service_point), place_of(network, element)
    if point is None:
        raise UnknownElement(f"the network has no service point {service_point!r}")
    factored = load_flow.factored
    ends = None if factored is None else voltages_along(factored, p_kw, q_kvar, np.arange(2.0), slack_scale)
    if factored is None or ends is None:
        raise Diverged("the factored load flow does not hold here, so no parts can be told")
    case = _Case(network, factored, p_kw, q_kvar, slack_scale, idle_v=ends[0], v=ends[1])
    if place.kind == "bus":
        return case.voltage(point, element, place)
    return case.flow(point, element, place)


@dataclass(frozen=True)
class _Case:
    """One snapshot, solved, and the same network without load."""

    network: Network
    factored: Factored
    p_kw: Floats
    q_kvar: Floats
    slack_scale: float
    idle_v: Complexes
    v: Complexes

    def voltage(self, point: int, element: str, place: Place) -> VoltageExplanation:
        parts = self._attribute(lambda a, v: [magnitude(a, v, place)])
        own, every = float(parts.parts[0, point]), float(parts.parts[0].sum())
        v_pu = float(np.abs(self.v[self.factored.admittance.bus[place.position]]))
        return VoltageExplanation(
            service_point=self.network.service_points[point],
            element=element,
            name=self.network.buses.names[place.position],
            v_pu=v_pu,
            v_v=v_pu * float(self.network.buses.vn_kv[place.position]) * 1000 / math.sqrt(3),
            without_load_pu=v_pu - every,
            p_kw=float(self.p_kw[point]),
            own_pu=own,
            others_pu=every - own,
            path=self._path(point),
        )

    def flow(self, point: int, element: str, place: Place) -> FlowExplanation:
        a = self.factored.admittance
        table = self._table(place)
        ends = a.ends.rows(place.kind, place.position)
        if not len(ends):
            raise UnknownElement(f"{element} is out of service: nothing flows there")
        sides = [PowerOutput(a.ends, int(end), a.base_kva) for end in ends]
        sending = max(sides, key=lambda side: side.value(self.v))
        parts = self._attribute(lambda a, v: [sending, magnitude(a, v, place)])
        through = self._through(sending)
        direct = parts.direct[0]
        others = np.delete(direct, point)
        loading, current_a = float(parts.value[1]), self._current_a(place)
        return FlowExplanation(
            service_point=self.network.service_points[point],
            element=element,
            name=table.names[place.position],
            loading_percent=loading,
            current_a=current_a,
            flow_kw=float(parts.value[0]),
            backwards=float(through.sum()) < 0,
            p_kw=float(self.p_kw[point]),
            own_kw=float(direct[point]),
            own_losses_kw=float(parts.losses[0, point]),
            own_current_a=float(parts.parts[1, point]) / loading * current_a if loading > 0 else 0.0,
            others_pushing_kw=float(others[others > 0].sum()),
            others_relieving_kw=float(others[others < 0].sum()),
            without_load_kw=float(parts.without_load[0]),
            losses_kw=float(parts.losses[0].sum() + parts.rest[0]),
            customers_behind=int(np.count_nonzero(np.abs(through) > _BEHIND)),
            path=self._path(point),
        )

    def _attribute(self, outputs_at: OutputsAt) -> Attribution:
        found = attribute_outputs(
            self.factored, self.p_kw, self.q_kvar, outputs_at, slack_scale=self.slack_scale
        )
        if found is None:
            raise Diverged("the load flow does not converge on the way from no load, so no parts can be told")
        return found

    def _through(self, output: PowerOutput) -> Floats:
        """(n_sp,) how much of one kW taken at each service point goes into the branch at this end."""
        a, idle = self.factored.admittance, np.zeros(len(self.p_kw))
        gradient = output.gradient(self.idle_v)[None, :]
        found = Adjoint(a).sensitivities(self.idle_v, bus_demand_conj(a, idle, idle), gradient)
        return np.asarray(found.per_kw[0, a.service_point])

    def _current_a(self, place: Place) -> float:
        """At the end with the largest share of its rating."""
        a = self.factored.admittance
        ends = a.ends.rows(place.kind, place.position)
        drawn = np.abs([current_into(a.ends, self.v, int(end)) for end in ends])
        worst = int(np.argmax(drawn * a.ends.percent[ends]))
        kv = self.network.buses.vn_kv[np.flatnonzero(a.bus == a.ends.near[ends[worst]])[0]]
        return float(drawn[worst]) * a.base_kva / (math.sqrt(3) * float(kv))

    def _table(self, place: Place) -> Branches:
        return self.network.lines if place.kind == "line" else self.network.transformers

    def _path(self, point: int) -> tuple[PathElement, ...]:
        return tuple(self._element(step) for step in supply_path(self.network, self.factored, point))

    def _element(self, step: PathStep) -> PathElement:
        a = self.factored.admittance
        table = self._table(step.place)
        return PathElement(
            element=table.ids[step.place.position],
            name=table.names[step.place.position],
            through=step.through,
            flow_kw=PowerOutput(a.ends, step.end, a.base_kva).value(self.v),
            loading_percent=magnitude(a, self.v, step.place).value(self.v),
        )
