"""What it costs to go on with another topology: switched, against the load flow built anew."""

import contextlib
import sys
from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network
from grid_model.referee import disagreement
from grid_model.topology import Change, SetService, SetSwitch, topology_of
from gridward.bench.stopwatch import best_us

NETWORKS = (
    "simbench:1-LV-rural1--0-sw",
    "simbench:1-LV-semiurb4--0-sw",
    "pandapower:create_kerber_vorstadtnetz_kabel_1",
    "pandapower:mv_oberrhein",
    "simbench:1-MVLV-rural-1.108-0-sw",
)
_QUICK = 2
"""Networks in a quick run."""
_TRIED = 3
"""Switchings that are checked against pandapower."""


@dataclass(frozen=True, slots=True)
class Row:
    """One network's figures, microseconds until the first load flow of the new topology is solved."""

    network: str
    buses: int
    rebuilt_us: float
    switched_us: float
    largest_difference_pu: float
    """against `runpp` in the new topology"""

    @property
    def ratio(self) -> float:
        """How many switchings fit into one rebuilding."""
        return self.rebuilt_us / self.switched_us


def print_figures(seed: int, quick: bool) -> None:
    """Print one line per network as it is measured."""
    print(
        f"{'network':<46} {'buses':>5} {'rebuilt us':>10} {'switched us':>11} {'ratio':>6} "
        f"{'max |dV| pu':>11}"
    )
    for source in NETWORKS[:_QUICK] if quick else NETWORKS:
        row = measure(source, np.random.default_rng(seed), quick=quick)
        print(
            f"{row.network:<46} {row.buses:>5} {row.rebuilt_us:>10.0f} {row.switched_us:>11.0f} "
            f"{row.ratio:>6.0f} {row.largest_difference_pu:>11.1e}",
            flush=True,
        )
    print(
        "rebuilt: laid out by pandapower anew; switched: from what is known. Both with one load flow, best."
    )


def measure(source: str, rng: np.random.Generator, *, quick: bool) -> Row:
    """Figures of one network: a random line or switch of it is toggled."""
    with contextlib.redirect_stdout(sys.stderr):
        network = load_network(source)
    load_flow = FactoredLoadFlow(network)
    changes = [_toggled(network, rng) for _ in range(_TRIED)]
    p_kw, q_kvar = network.default_p_kw, network.default_q_kvar
    target = load_flow.switched(changes[0]).network
    return Row(
        network=source,
        buses=len(network.buses.ids),
        rebuilt_us=best_us(lambda: FactoredLoadFlow(target).solve(p_kw, q_kvar), 3 if quick else 8),
        switched_us=best_us(lambda: load_flow.switched(changes[0]).solve(p_kw, q_kvar), 30),
        largest_difference_pu=max(_difference(load_flow.switched(change)) for change in changes),
    )


def _toggled(network: Network, rng: np.random.Generator) -> Change:
    """A switch at a line or between buses, or a line."""
    now = topology_of(network)
    if len(now.closed) and rng.random() < 0.5:
        switch = int(rng.integers(len(now.closed)))
        return SetSwitch(f"switch:{network.net.switch.index[switch]}", not now.closed[switch])
    line = int(rng.integers(len(network.lines.ids)))
    return SetService(network.lines.ids[line], not now.in_service["line"][line])


def _difference(load_flow: FactoredLoadFlow) -> float:
    p_kw, q_kvar = load_flow.network.default_p_kw, load_flow.network.default_q_kvar
    found = disagreement(load_flow.solve(p_kw, q_kvar), load_flow.referee.solve(p_kw, q_kvar))
    return 0.0 if found is None else found.v_pu
