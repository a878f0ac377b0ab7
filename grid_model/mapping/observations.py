"""[4] What was measured over a series of snapshots, how exact it is, and the same from a model.

Voltages are those of meters at service points; flows are measured at branch ends, such as the transformer's
low-voltage side and the outgoing cables. NaN is what was not measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from grid_model.admittance import Admittance, Complexes
from grid_model.errors import UnknownElement
from grid_model.network import Floats, Ints, Network
from grid_model.outputs import current_into, place_of


@dataclass(frozen=True, slots=True)
class FlowMeter:
    """Where a flow is measured, positive from the `from` (high-voltage) end to the `to` (low-voltage) end."""

    element: str
    """id of a line or transformer"""
    end: Literal["from", "to"] = "to"


@dataclass(frozen=True)
class Observations:
    """A series of snapshots of one feeder."""

    p_kw: Floats
    """(n_snapshot, n_sp) of the meters, complete: estimated where they are silent"""
    q_kvar: Floats
    v_pu: Floats
    """(n_snapshot, n_sp) NaN where not measured"""
    flow_meters: tuple[FlowMeter, ...] = ()
    flow_p_kw: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(n_snapshot, n_flow)"""
    flow_q_kvar: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(n_snapshot, n_flow)"""
    estimate_sd_kw: Floats | None = None
    """(n_sp,) standard deviations of powers that are estimated, 0 for measured ones; None: all measured"""
    slack_scale: Floats | None = None
    """(n_snapshot,) the external grid's voltage as multiple of its own, from the substation's voltmeter; 1
    where None"""


@dataclass(frozen=True)
class Accuracy:
    """Standard deviations of what instruments say: noise, new each time, and what is wrong for good."""

    meter_noise: float = 0.01
    """of a meter's power, relative"""
    meter_lasting: float = 0.005
    meter_floor_kw: float = 0.02
    flow_noise: float = 0.005
    """of a measured flow, relative"""
    flow_lasting: float = 0.005
    flow_floor_kw: float = 0.1
    v_noise_pu: float = 0.001
    v_lasting_pu: float = 0.002
    slack_pu: float = 0.002
    """of the external grid's voltage, which all voltages share"""
    slack_lasting_pu: float = 0.003


@dataclass(frozen=True)
class Instruments:
    """The measurements in use, in the order of every (m,) array: P of flows, Q of flows, voltages."""

    flow: Ints
    """(n_flow,) positions among the flow meters"""
    end: Ints
    """(n_flow,) rows of `BranchEnds`"""
    sign: Floats
    """(n_flow,) 1 at a `from` end, -1 at a `to` end"""
    with_q: Ints
    """positions among the flows whose reactive power is measured too"""
    voltage: Ints
    """(n_v,) positions of service points"""
    voltage_bus: Ints
    """(n_v,) their internal buses"""

    @property
    def size(self) -> int:
        """m"""
        return len(self.end) + len(self.with_q) + len(self.voltage)


def instruments(network: Network, a: Admittance, seen: Observations) -> Instruments:
    """What was measured in every snapshot of `seen`. Raises UnknownElement for a flow meter on nothing."""
    placed = [_end(network, a, meter) for meter in seen.flow_meters]
    p = np.flatnonzero(np.isfinite(seen.flow_p_kw).all(axis=0)) if placed else np.zeros(0, dtype=np.int64)
    with_q = [row for row, flow in enumerate(p) if np.isfinite(seen.flow_q_kvar[:, flow]).all()]
    voltage = np.flatnonzero(np.isfinite(seen.v_pu).all(axis=0) & (a.service_point < a.n_free))
    return Instruments(
        flow=p,
        end=np.array([placed[flow][0] for flow in p], dtype=np.int64),
        sign=np.array([placed[flow][1] for flow in p], dtype=np.float64),
        with_q=np.array(with_q, dtype=np.int64),
        voltage=voltage,
        voltage_bus=a.service_point[voltage],
    )


def _end(network: Network, a: Admittance, meter: FlowMeter) -> tuple[int, float]:
    place = place_of(network, meter.element)
    rows = a.ends.rows(place.kind, place.position)
    if place.kind == "bus" or not len(rows):
        raise UnknownElement(f"no flow can be measured at {meter.element}: it is no branch in service")
    return (int(rows[0]), 1.0) if meter.end == "from" else (int(rows[-1]), -1.0)


def measured(seen: Observations, used: Instruments) -> Floats:
    """(n_snapshot, m) of the instruments in use."""
    voltages = seen.v_pu[:, used.voltage]
    if not len(used.flow):
        return voltages
    flows = seen.flow_p_kw[:, used.flow], seen.flow_q_kvar[:, used.flow[used.with_q]]
    return np.concatenate([*flows, voltages], axis=1)


def modelled(a: Admittance, used: Instruments, v: Complexes) -> Floats:
    """(n_snapshot, m) at the voltages `v` (n_snapshot, n + 1)."""
    ends = a.ends
    near = v[:, ends.near[used.end]]
    current = ends.y_near[used.end] * near + ends.y_far[used.end] * v[:, ends.far[used.end]]
    power = near * current.conj() * used.sign * a.base_kva
    return np.concatenate([power.real, power.imag[:, used.with_q], np.abs(v[:, used.voltage_bus])], axis=1)


def gradients(a: Admittance, used: Instruments, v: Complexes) -> Sequence[Complexes]:
    """m gradients (n + 1,) at the voltages `v` (n + 1,) of one snapshot; see `outputs.py` for their meaning.

    Of P + jQ = V conj(I): P as there, and Q the same with I → jI and V → −jV.
    """
    ends, rows = a.ends, []
    turned = [(row, 1.0) for row in range(len(used.end))] + [(int(row), -1j) for row in used.with_q]
    for row, turn in turned:
        end, gradient = int(used.end[row]), np.zeros(len(v), dtype=np.complex128)
        near, far, unit = ends.near[end], ends.far[end], used.sign[row] * a.base_kva
        at_near = np.conj(turn) * current_into(ends, v, end) + turn * v[near] * np.conj(ends.y_near[end])
        gradient[near] += at_near * unit
        gradient[far] += turn * v[near] * np.conj(ends.y_far[end]) * unit
        rows.append(gradient)
    for bus in used.voltage_bus:
        gradient = np.zeros(len(v), dtype=np.complex128)
        gradient[bus] = v[bus] / np.abs(v[bus])
        rows.append(gradient)
    return rows
