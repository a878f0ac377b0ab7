"""Feeders with a wrong plan, for the location figures and tests: SimBench households, instruments with
errors.

Each house takes its SimBench profile on a day of its own within four weeks (in SimBench all houses of one
profile are the same) times a scatter of its own. Truth is a load flow of what is really taken where; what is
seen of it has the errors that `Accuracy` states, noise and lasting ones."""

import contextlib
import sys
from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.any_bus import AnyBus
from grid_model.mapping.observations import Accuracy, FlowMeter, Observations, instruments, modelled
from grid_model.network import Floats, Ints, Network, load_network

_PER_DAY = 96
_DAYS = 42
_OWN_DAYS = 28
_SCATTER = 0.25


@dataclass(frozen=True)
class Feeder:
    """A network with six winter weeks of its households."""

    network: Network
    load_flow: FactoredLoadFlow
    any_bus: AnyBus
    p_kw: Floats
    """(n_quarter, n_sp)"""
    q_kvar: Floats
    flow_meters: tuple[FlowMeter, ...]
    """the substation's low-voltage side and its outgoing cables"""

    def name_of(self, bus: int) -> str:
        """The name of an internal bus that a customer may be on."""
        return self.any_bus.names[int(np.flatnonzero(self.any_bus.candidates == bus)[0])]


def feeder_of(source: str, *, outgoing: bool = True) -> Feeder:
    """The feeder of a network; `outgoing` whether its outgoing cables are measured too."""
    with contextlib.redirect_stdout(sys.stderr):
        network = load_network(source, metered_generation=True)
    p_kw, q_kvar = _households(network)
    load_flow = FactoredLoadFlow(network)
    meters = [FlowMeter(element, "to") for element in network.transformers.ids]
    if outgoing:
        busbars = set(network.transformers.to_bus.tolist())
        ends = zip(network.lines.ids, network.lines.from_bus, network.lines.to_bus, strict=True)
        meters += [
            FlowMeter(line, "from" if int(near) in busbars else "to")
            for line, near, far in ends
            if (int(near) in busbars) != (int(far) in busbars)
        ]
    return Feeder(network, load_flow, AnyBus(network, load_flow), p_kw, q_kvar, tuple(meters))


def _households(network: Network) -> tuple[Floats, Floats]:
    """(n_quarter, n_sp) P and Q of the first weeks of the SimBench year, each load by its own profile."""
    table, loads = network.net.profiles["load"].iloc[: _DAYS * _PER_DAY], network.net.load
    rows = [int(load_id.removeprefix("load:")) for load_id in network.load_ids]
    columns = loads.profile.loc[rows]
    return (
        table[columns + "_pload"].to_numpy(dtype=np.float64) * network.default_p_kw,
        table[columns + "_qload"].to_numpy(dtype=np.float64) * network.default_q_kvar,
    )


def household_series(feeder: Feeder, n_snapshot: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """(n_snapshot, n_sp) P and Q: consecutive quarter-hours from a random one on, each house on its own
    day."""
    n_sp = len(feeder.network.service_points)
    start = rng.integers(0, _PER_DAY)
    day = rng.integers(0, _OWN_DAYS, n_sp)
    rows = (start + np.arange(n_snapshot)[:, None] + _PER_DAY * day) % len(feeder.p_kw)
    scatter = rng.lognormal(-(_SCATTER**2) / 2, _SCATTER, (n_snapshot, n_sp))
    columns = np.arange(n_sp)
    return feeder.p_kw[rows, columns] * scatter, feeder.q_kvar[rows, columns] * scatter


@dataclass(frozen=True)
class Missing:
    """Power that no meter reads, on a bus."""

    bus: int
    """internal"""
    p_kw: Floats
    """(n_snapshot,)"""
    q_kvar: Floats


def observe(
    feeder: Feeder,
    p_kw: Floats,
    q_kvar: Floats,
    accuracy: Accuracy,
    rng: np.random.Generator,
    *,
    missing: Missing | None = None,
    service_point: Ints | None = None,
) -> Observations:
    """What the instruments say when `p_kw`, `q_kvar` (n_snapshot, n_sp) are taken, and `missing` beside it.

    `service_point` (n_sp,) are the internal buses where the customers really are, as in the network when
    None."""
    a, n_snapshot = feeder.any_bus.admittance, len(p_kw)
    real = a.service_point if service_point is None else service_point
    demand_conj = np.tile(np.conj(a.fixed_demand[: a.n_free]), (n_snapshot, 1))
    for point, bus in enumerate(real):
        demand_conj[:, bus] += (p_kw[:, point] - 1j * q_kvar[:, point]) / a.base_kva
    if missing is not None:
        demand_conj[:, missing.bus] += (missing.p_kw - 1j * missing.q_kvar) / a.base_kva
    slack = 1 + np.cumsum(rng.normal(0, 0.001, n_snapshot))
    v = feeder.any_bus.solve(demand_conj, slack)
    n_flow = len(feeder.flow_meters)
    nothing = np.zeros((n_snapshot, n_flow))
    blank = Observations(p_kw, q_kvar, np.zeros_like(p_kw), feeder.flow_meters, nothing, nothing)
    flows = modelled(a, instruments(feeder.network, a, blank), v)[:, : 2 * n_flow]

    def wrong(values: Floats, noise: float, lasting: float, floor: float) -> Floats:
        gain = 1 + rng.normal(0, lasting, values.shape[1]) + rng.normal(0, noise, values.shape)
        return values * gain + floor * rng.normal(0, 1, values.shape) * (noise > 0)

    seen = wrong(flows, accuracy.flow_noise, accuracy.flow_lasting, accuracy.flow_floor_kw)
    v_pu = np.abs(v[:, real])
    off = rng.normal(0, accuracy.v_lasting_pu, v_pu.shape[1]) + rng.normal(0, accuracy.v_noise_pu, v_pu.shape)
    off_slack = rng.normal(0, accuracy.slack_lasting_pu) + rng.normal(0, accuracy.slack_pu, n_snapshot)
    meter = accuracy.meter_noise, accuracy.meter_lasting, accuracy.meter_floor_kw
    return Observations(
        p_kw=wrong(p_kw, *meter),
        q_kvar=wrong(q_kvar, *meter),
        v_pu=v_pu + off,
        flow_meters=feeder.flow_meters,
        flow_p_kw=seen[:, :n_flow],
        flow_q_kvar=seen[:, n_flow:],
        slack_scale=slack + off_slack,
    )


def missing_at_random(feeder: Feeder, n_snapshot: int, rng: np.random.Generator, mean_kw: float) -> Missing:
    """A load with a household's course, of this power on average, on any bus."""
    other = int(rng.integers(0, feeder.p_kw.shape[1]))
    start = int(rng.integers(0, len(feeder.p_kw) - n_snapshot))
    course = np.abs(feeder.p_kw[start : start + n_snapshot, other]) + 1e-3
    p_kw = course * mean_kw / course.mean()
    bus = int(rng.choice(feeder.any_bus.candidates))
    return Missing(bus, p_kw, p_kw * rng.uniform(0.0, 0.4))


def phase_voltages(
    feeder: Feeder, p_kw: Floats, phase: Ints, accuracy: Accuracy, rng: np.random.Generator
) -> Floats:
    """(n_snapshot, n_sp) voltages of single-phase meters: a linear model of what loads on one phase do to
    their own phase and, through the neutral, to the two others.

    A load on one phase drops three times as much on that phase as a balanced one (a third of the copper), and
    as much again in the neutral, which the other phases see with the opposite sign at half strength."""
    a, n_snapshot = feeder.any_bus.admittance, len(p_kw)
    v = feeder.any_bus.solve(np.conj(a.fixed_demand[None, : a.n_free]), np.ones(1))[0]
    gradients = np.zeros((a.n_free, len(v)), dtype=np.complex128)
    buses = np.arange(a.n_free)
    gradients[buses, buses] = v[buses] / np.abs(v[buses])
    per_kw = feeder.any_bus.sensitivities(v, np.conj(a.fixed_demand[: a.n_free]), list(gradients)).per_kw
    drop = per_kw[np.ix_(a.service_point, a.service_point)]
    same = phase[:, None] == phase[None, :]
    substation = 1 + np.cumsum(rng.normal(0, 0.001, (n_snapshot, 1)), axis=0)
    unequal = np.cumsum(rng.normal(0, 0.0003, (n_snapshot, 3)), axis=0)[:, phase]
    v_pu = substation + unequal + p_kw @ np.where(same, 6.0 * drop, -1.5 * drop).T
    lasting = rng.normal(0, accuracy.v_lasting_pu, len(phase))
    return np.asarray(v_pu + lasting + rng.normal(0, accuracy.v_noise_pu, v_pu.shape))


def wrong_plan(n_sp: int, n_group: int, n_wrong: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(n_sp,) the true group of each customer, and the recorded one, which is wrong for `n_wrong` of them."""
    real = rng.integers(0, n_group, n_sp)
    recorded = real.copy()
    who = rng.choice(n_sp, n_wrong, replace=False)
    recorded[who] = (real[who] + rng.integers(1, n_group, n_wrong)) % n_group
    return real, recorded


def group_powers(
    p_kw: Floats, group: Ints, n_group: int, accuracy: Accuracy, rng: np.random.Generator
) -> Floats:
    """(n_snapshot, n_group) what the substation measures of each group: its members, losses of 3 % at the
    mean, half a kW of street lights and the instrument's errors."""
    sums = np.stack([p_kw[:, group == one].sum(axis=1) for one in range(n_group)], axis=1)
    taken = sums + 0.03 * sums**2 / np.abs(sums).mean() + 0.5
    gain = 1 + rng.normal(0, accuracy.flow_lasting, n_group) + rng.normal(0, accuracy.flow_noise, sums.shape)
    return np.asarray(taken * gain + accuracy.flow_floor_kw * rng.normal(0, 1, sums.shape))
