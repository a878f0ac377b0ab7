"""`gridward bench`: what the fast load flow gains, measured on this machine, side by side in one run.

Shows numbers and never judges them: a busy machine makes all columns slower, the ratio less so.
"""

import argparse
import contextlib
import copy
import logging
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network
from grid_model.referee import Referee, disagreement

NETWORKS = (
    "simbench:1-LV-rural1--0-sw",
    "simbench:1-LV-rural2--0-sw",
    "simbench:1-LV-rural3--0-sw",
    "simbench:1-LV-semiurb4--0-sw",
    "simbench:1-LV-urban6--0-sw",
    "pandapower:create_kerber_vorstadtnetz_kabel_1",
)
_QUICK = 2
"""Networks in a quick run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One network's figures, microseconds per load flow."""

    network: str
    buses: int
    runpp_us: float
    single_us: float
    batch_us: float
    largest_difference_pu: float

    @property
    def ratio(self) -> float:
        """How many factored load flows fit into one `runpp`."""
        return self.runpp_us / self.single_us


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward bench`."""
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} networks and fewer repetitions")
    parser.add_argument("--seed", type=int, default=1, help="of the random injections (default 1)")


def run(args: argparse.Namespace) -> int:
    """Print one line per network as it is measured."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}")
    print(
        f"{'network':<46} {'buses':>5} {'runpp us':>9} {'single us':>9} {'ratio':>6} {'batch us':>8} "
        f"{'max |dV| pu':>11}"
    )
    for source in NETWORKS[:_QUICK] if args.quick else NETWORKS:
        row = measure(source, rng=np.random.default_rng(args.seed), quick=args.quick)
        print(
            f"{row.network:<46} {row.buses:>5} {row.runpp_us:>9.0f} {row.single_us:>9.1f} {row.ratio:>6.0f} "
            f"{row.batch_us:>8.1f} {row.largest_difference_pu:>11.1e}",
            flush=True,
        )
    print("runpp: pandapower; single: one factored load flow; batch: of 1,000, each. Best of several.")
    return 0


def measure(source: str, *, rng: np.random.Generator, quick: bool) -> Row:
    """Figures of one network under random injections between nothing and 120 % of its own loads."""
    with contextlib.redirect_stdout(sys.stderr):
        network = load_network(source)
    load_flow, referee = FactoredLoadFlow(network), Referee(network)
    snapshots = 200 if quick else 1000
    scale = rng.uniform(0.0, 1.2, (snapshots, len(network.service_points)))
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    singles = 100 if quick else 500
    return Row(
        network=source,
        buses=len(network.buses.ids),
        runpp_us=_runpp_us(network),
        single_us=_best(lambda: _each(load_flow.solve, p_kw[:singles], q_kvar[:singles]), 5) / singles,
        batch_us=_best(lambda: load_flow.solve_batch(p_kw, q_kvar), 5) / snapshots,
        largest_difference_pu=_difference(load_flow, referee, p_kw[:5], q_kvar[:5]),
    )


def _runpp_us(network: Network) -> float:
    """pandapower itself with its defaults, on a copy: nobody else may look into the network."""
    from pandapower import runpp  # noqa: PLC0415  takes seconds to import

    net = copy.deepcopy(network.net)
    return _best(lambda: runpp(net, numba=False), 15)


def _each(solve: Callable[[Floats, Floats], object], p_kw: Floats, q_kvar: Floats) -> None:
    for p, q in zip(p_kw, q_kvar, strict=True):
        solve(p, q)


def _best(work: Callable[[], object], times: int) -> float:
    """Microseconds of the fastest of several runs: what the work costs when nobody else wants the machine."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return min(durations) * 1e6


def _difference(load_flow: FactoredLoadFlow, referee: Referee, p_kw: Floats, q_kvar: Floats) -> float:
    found = [
        disagreement(load_flow.solve(p, q), referee.solve(p, q)) for p, q in zip(p_kw, q_kvar, strict=True)
    ]
    return max((difference.v_pu for difference in found if difference is not None), default=np.nan)
