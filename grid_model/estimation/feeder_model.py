"""[2] One operating point of a feeder, and the derivatives of what is measured or asked there.

The only module of this package that looks into the factored load flow. It turns outputs (a voltage, a
current, a power into a branch, a loading) into values and rows of derivatives by the state
x = (P₁, Q₁, P₂, Q₂, …, s), all exact: by the demand through the adjoint (`grid_model.adjoint`), by the
slack's factor s because V(s, D) = s V(1, D/s²), so that ∂g/∂s = (Re(conj(c)·V) − 2 ∂g/∂P·P − 2 ∂g/∂Q·Q) / s.
The gradients c = ∂g/∂Re V + j ∂g/∂Im V are, with I = y_near V_near + y_far V_far and S = V_near conj(I):

    |V|:  c = V/|V|             |I|:  c_near = I/|I| conj(y_near),   c_far = I/|I| conj(y_far)
    P:    c_near = I + V_near conj(y_near),   c_far = V_near conj(y_far)
    Q:    c_near = j (I − V_near conj(y_near)),   c_far = −j V_near conj(y_far)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grid_model.adjoint import Adjoint, BusSensitivities
from grid_model.admittance import Complexes
from grid_model.load_flow import Factored
from grid_model.network import Floats, Ints, Network
from grid_model.operating_point import bus_demand_conj

_CURRENT, _POWER, _REACTIVE = 0, 1, 2


@dataclass(frozen=True)
class Outputs:
    """Which values are asked: voltages of buses, then quantities at branch ends. Rows in this order."""

    bus: Ints
    """(n_v,) internal positions"""
    end: Ints
    """(n_e,) rows of `BranchEnds`"""
    kind: Ints
    """(n_e,) current, power or reactive power"""
    unit: Floats
    """(n_e,) what 1 pu is in the unit that is asked"""

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.bus) + len(self.end)


@dataclass(frozen=True)
class Point:
    """A solved load flow."""

    v: Complexes
    """(n + 1,) of the internal buses, NaN last"""
    state: Floats
    """(2 n_sp + 1,)"""


class FeederModel:
    """One topology, laid out for operating points. Immutable after building."""

    def __init__(self, network: Network, factored: Factored) -> None:
        self._factored = factored
        a = self._a = factored.admittance
        self._adjoint = Adjoint(a)
        self._base_a = a.base_kva / (np.sqrt(3) * network.buses.vn_kv)  # (n_bus,) of 1 pu current
        self._network = network
        self._bus_row = {name: row for row, name in enumerate(network.buses.ids)}
        self._line_place = {name: row for row, name in enumerate(network.lines.ids)}
        self._trafo_place = {name: row for row, name in enumerate(network.transformers.ids)}

    def solve(self, state: Floats) -> Point | None:
        """The load flow at a state; None where it does not converge."""
        if not np.isfinite(state).all():
            return None
        demand_conj = self._factored.demand(state[:-1:2], state[1:-1:2])
        solved = self._factored.fixed_point.solve(demand_conj, float(state[-1]))
        return Point(solved.v, state) if solved.converged else None

    def bus_of(self, element: str) -> int | None:
        """The internal position of a bus; None where it is not supplied. Raises KeyError for a wrong id."""
        internal = int(self._a.bus[self._bus_row[element]])
        return internal if internal < len(self._a.fixed_demand) else None

    def end_of(self, element: str, side: str) -> tuple[int, float] | None:
        """The row of a branch's end and what 1 pu of current is there in A; None where it is out of service.
        A transformer's `to` is its low-voltage side, with three windings the lowest. Raises KeyError for a
        wrong id."""
        is_line = element in self._line_place
        place = self._line_place[element] if is_line else self._trafo_place[element]
        rows = self._a.ends.rows("line" if is_line else "trafo", place)
        if not len(rows):
            return None
        branches = self._network.lines if is_line else self._network.transformers
        bus = (branches.from_bus if side == "from" else branches.to_bus)[place]
        return int(rows[0 if side == "from" else -1]), float(self._base_a[bus])

    def power_unit(self) -> float:
        """kW of 1 pu."""
        return self._a.base_kva

    def loadings(self, point: Point) -> Outputs:
        """The loading in percent of every branch in service at its most loaded end: lines, transformers with
        two windings, transformers with three."""
        ends = self._a.ends
        percent = np.abs(self._currents(point, np.arange(len(ends.percent)))) * ends.percent
        fullest, first = [], 0
        for count, sides in ((len(ends.line), 2), (len(ends.trafo), 2), (len(ends.trafo3w), 3)):
            side = percent[first : first + sides * count].reshape(sides, count).argmax(axis=0)
            fullest.append(first + side * count + np.arange(count))
            first += sides * count
        rows, nothing = np.concatenate(fullest), np.zeros(0, dtype=np.int64)
        return Outputs(nothing, rows, np.full(len(rows), _CURRENT), ends.percent[rows])

    def all_voltages(self) -> tuple[Outputs, NDArray[np.bool_]]:
        """Every supplied bus, and which of the network's buses (n_bus,) those are."""
        supplied = self._a.bus < len(self._a.fixed_demand)
        nothing = np.zeros(0, dtype=np.int64)
        return Outputs(self._a.bus[supplied], nothing, nothing, np.zeros(0)), supplied

    def branch_places(self) -> tuple[Ints, Ints]:
        """The places in `Network.lines` and `Network.transformers` of the rows of `loadings`."""
        return self._a.ends.line, np.concatenate([self._a.ends.trafo, self._a.ends.trafo3w])

    def _currents(self, point: Point, end: Ints) -> Complexes:
        ends = self._a.ends
        return np.asarray(
            ends.y_near[end] * point.v[ends.near[end]] + ends.y_far[end] * point.v[ends.far[end]]
        )

    def values(self, point: Point, outputs: Outputs) -> Floats:
        """(m,) the outputs at the point."""
        current = self._currents(point, outputs.end)
        power = point.v[self._a.ends.near[outputs.end]] * current.conj()
        picked = np.choose(outputs.kind, [np.abs(current), power.real, power.imag])
        return np.concatenate([np.abs(point.v[outputs.bus]), picked * outputs.unit])

    def derivatives(self, point: Point, *asked: Outputs) -> Floats:
        """(m, 2 n_sp + 1) of all outputs by the state, one factorisation for all."""
        gradients = np.concatenate([self._gradients(point, outputs) for outputs in asked])
        demand_conj = bus_demand_conj(self._a, point.state[:-1:2], point.state[1:-1:2])
        found = self._adjoint.sensitivities(point.v, demand_conj, gradients)
        rows = np.empty((len(gradients), len(point.state)))
        rows[:, :-1:2] = found.per_kw[:, self._a.service_point]
        rows[:, 1:-1:2] = found.per_kvar[:, self._a.service_point]
        rows[:, -1] = self._by_slack(point, gradients, found, demand_conj)
        return rows

    def _by_slack(
        self, point: Point, gradients: Complexes, found: BusSensitivities, demand_conj: Complexes
    ) -> Floats:
        """(m,) by the factor s on the external grids' voltage: at the scaled voltages V = s U the equations
        are those of U under the demand D/s², and a voltage-dependent demand moves with |V| = s |U|."""
        n, s, base = self._a.n_free, point.state[-1], self._a.base_kva
        p, q = demand_conj.real * base, -demand_conj.imag * base
        p_change, q_change = -2.0 * p, -2.0 * q
        if self._a.dependence is not None:
            vm, shares = np.abs(point.v[:n]), self._a.dependence.at(slice(0, n))
            (p_factor, q_factor), (p_slope, q_slope) = shares.factors(vm), shares.slopes(vm)
            p_change, q_change = (
                p_change + p * vm * p_slope / p_factor,
                q_change + q * vm * q_slope / q_factor,
            )
        scaled = (gradients[:, :-1].conj() @ point.v[:-1]).real
        by_demand = found.per_kw[:, :n] @ p_change + found.per_kvar[:, :n] @ q_change
        return np.asarray((scaled + by_demand) / s)

    def _gradients(self, point: Point, outputs: Outputs) -> Complexes:
        """(m, n + 1) ∂g/∂Re V + j ∂g/∂Im V."""
        ends, v = self._a.ends, point.v
        gradients = np.zeros((outputs.size, len(v)), dtype=np.complex128)
        n_v = len(outputs.bus)
        gradients[np.arange(n_v), outputs.bus] = v[outputs.bus] / np.abs(v[outputs.bus])
        near, far = ends.near[outputs.end], ends.far[outputs.end]
        y_near, y_far = ends.y_near[outputs.end].conj(), ends.y_far[outputs.end].conj()
        current, v_near = self._currents(point, outputs.end), v[near]
        size = np.abs(current)
        # An idle branch has no direction of its own: what comes will flow along the voltage.
        direction = np.where(size > 0, current, v_near) / np.where(size > 0, size, np.abs(v_near))
        at_near = np.choose(
            outputs.kind, [direction * y_near, current + v_near * y_near, 1j * (current - v_near * y_near)]
        )
        at_far = np.choose(outputs.kind, [direction * y_far, v_near * y_far, -1j * v_near * y_far])
        rows = n_v + np.arange(len(outputs.end))
        gradients[rows, near] += at_near * outputs.unit
        gradients[rows, far] += at_far * outputs.unit
        return gradients


def voltages(buses: list[int]) -> Outputs:
    """Outputs of bus voltages only, by internal position."""
    nothing = np.zeros(0, dtype=np.int64)
    return Outputs(np.array(buses, dtype=np.int64), nothing, nothing, np.zeros(0))


def kind_of(quantity: str) -> int:
    """The number of a branch quantity in `Outputs.kind`."""
    return {"i_a": _CURRENT, "p_kw": _POWER, "q_kvar": _REACTIVE}[quantity]
