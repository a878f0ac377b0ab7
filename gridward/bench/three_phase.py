"""What the factored unbalanced load flow gains over pandapower's `runpp_3ph`."""

import contextlib
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.network import Floats
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import ThreePhaseNetwork, load_three_phase_network
from grid_model.three_phase.referee import disagreement_pu
from gridward.bench.stopwatch import best_us

NETWORKS = (
    "pandapower:create_kerber_landnetz_kabel_1",
    "pandapower:create_kerber_dorfnetz",
    "pandapower:ieee_european_lv_asymmetric",
)
_QUICK = 1
"""Networks in a quick run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One network's figures, microseconds per load flow."""

    network: str
    buses: int
    customers: int
    runpp_3ph_us: float
    single_us: float
    batch_us: float
    largest_difference_pu: float


def print_figures(seed: int, quick: bool) -> None:
    """Print one line per network as it is measured."""
    print(
        f"{'network':<42} {'buses':>5} {'cust.':>5} {'runpp_3ph us':>12} {'single us':>9} {'ratio':>6} "
        f"{'batch us':>8} {'ratio':>6} {'max |dV| pu':>11}"
    )
    for source in NETWORKS[:_QUICK] if quick else NETWORKS:
        row = measure(source, rng=np.random.default_rng(seed), quick=quick)
        print(
            f"{row.network:<42} {row.buses:>5} {row.customers:>5} {row.runpp_3ph_us:>12.0f} "
            f"{row.single_us:>9.1f} {row.runpp_3ph_us / row.single_us:>6.0f} {row.batch_us:>8.1f} "
            f"{row.runpp_3ph_us / row.batch_us:>6.0f} {row.largest_difference_pu:>11.1e}",
            flush=True,
        )
    print("runpp_3ph: pandapower with its defaults; single: one factored load flow; batch: of many, each.")
    print(
        "Best of several. Where a network names no phases, each customer is on one, with typical R0 and X0."
    )


def measure(source: str, *, rng: np.random.Generator, quick: bool) -> Row:
    """Figures of one network under random injections, up to twice its own loads."""
    with contextlib.redirect_stdout(sys.stderr):
        network = _on_phases(source)
        load_flow = ThreePhaseLoadFlow(network)
    snapshots = 64 if quick else 512
    scale = rng.uniform(0.0, 2.0, (snapshots, *network.connected.shape))
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    return Row(
        network=source,
        buses=len(network.buses.ids),
        customers=len(network.service_points),
        runpp_3ph_us=_runpp_3ph_us(network, 3 if quick else 5),
        single_us=best_us(lambda: _each(load_flow.solve, p_kw[:50], q_kvar[:50]), 5) / 50,
        batch_us=best_us(lambda: load_flow.solve_batch(p_kw, q_kvar), 5) / snapshots,
        largest_difference_pu=_difference(load_flow, p_kw[:3], q_kvar[:3]),
    )


def _on_phases(source: str) -> ThreePhaseNetwork:
    """The network; customers that it spreads over all phases are put on one each, in turn."""
    network = load_three_phase_network(source, typical_zero_sequence=True)
    even = [name for name, on in zip(network.service_points, network.connected, strict=True) if on.all()]
    if len(even) < len(network.service_points):
        return network
    phases = {name: "abc"[place % 3] for place, name in enumerate(even)}
    return load_three_phase_network(source, typical_zero_sequence=True, phases=phases)


def _runpp_3ph_us(network: ThreePhaseNetwork, times: int) -> float:
    """pandapower itself with its defaults, on a copy: nobody else may look into the network."""
    from pandapower import runpp_3ph  # noqa: PLC0415  takes seconds to import

    net = copy.deepcopy(network.net)
    return best_us(lambda: runpp_3ph(net), times + 1)  # the first compiles


def _each(solve: Callable[[Floats, Floats], Any], p_kw: Floats, q_kvar: Floats) -> None:
    for p, q in zip(p_kw, q_kvar, strict=True):
        solve(p, q)


def _difference(load_flow: ThreePhaseLoadFlow, p_kw: Floats, q_kvar: Floats) -> float:
    found = [
        disagreement_pu(load_flow.solve(p, q), load_flow.referee.solve(p, q))
        for p, q in zip(p_kw, q_kvar, strict=True)
    ]
    return float(np.nanmax(found))
