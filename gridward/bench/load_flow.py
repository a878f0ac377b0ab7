"""One load flow, and one of a batch of 1,000, beside pandapower's `runpp` and power-grid-model [3].

The bare solve is one `splu(Y).solve(b)`: what the arithmetic alone costs per step of the fixed point.
power-grid-model solves by its iterative current method on one thread; it is not required, and its columns
stay empty without it.
"""

import contextlib
import copy
import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network
from grid_model.referee import disagreement
from gridward.bench.stopwatch import best_us

NETWORKS = (
    "pandapower:create_kerber_landnetz_kabel_1",
    "simbench:1-LV-rural1--0-sw",
    "simbench:1-LV-semiurb4--0-sw",
    "simbench:1-LV-urban6--0-sw",
    "simbench:1-LV-rural2--0-sw",
    "simbench:1-LV-rural3--0-sw",
    "pandapower:create_kerber_vorstadtnetz_kabel_1",
)
_QUICK = 1
"""Networks in a quick run."""
_MANY, _SINGLES = 1000, 50
"""Snapshots in a batch, and of those that are solved one by one."""
_ROUNDS = 15
"""Rounds over all competitors, so that a busy moment of the machine hits all of them."""


@dataclass(slots=True)
class Figures:
    """One network's figures: microseconds per load flow, the least of all rounds, by competitor."""

    source: str
    buses: int
    us: dict[str, float] = field(default_factory=dict)
    off_pu: float = np.nan
    """the largest difference of a voltage from `runpp`"""
    off_percent: float = np.nan
    """the same of a loading"""
    pgm_off_pu: float = np.nan
    ready_s: float = np.nan
    """until the compiled load flow stands"""

    def times(self, slow: str, fast: str) -> float:
        """How many of `fast` fit into one of `slow`."""
        return self.us.get(slow, np.nan) / self.us.get(fast, np.nan)


def print_figures(seed: int, quick: bool) -> None:
    """Print one line per network as it is measured, single snapshots and batches."""
    print_head(_MANY)
    slowest_s = 0.0
    for source in NETWORKS[:_QUICK] if quick else NETWORKS:
        with contextlib.redirect_stdout(sys.stderr):
            network = load_network(source)
        row = measure(network, seed, many=_MANY, rounds=2 if quick else _ROUNDS)
        slowest_s = max(slowest_s, row.ready_s)
        print_row(row)
    print(LEGEND)
    print(
        f"A compiled load flow stood after {slowest_s:.2f} s at most; numba keeps what it compiled on disk."
    )


LEGEND = """\
runpp: pandapower, numba=True. pgm: power-grid-model, iterative current, one thread. bare: one splu solve, by
the steps it takes. numpy, comp.: Gridward without and with numba. off: the largest difference from runpp
in pu and in percent of loading; of pgm from Gridward in pu. Processor time, least of several rounds."""


def print_head(many: int) -> None:
    """Print how long numba takes to load here, and the heads of the columns."""
    start = time.perf_counter()
    if importlib.util.find_spec("numba") is not None:
        importlib.import_module("grid_model.sweep_kernels")
        print(f"numba and the compiled functions are loaded in {time.perf_counter() - start:.1f} s")
    else:
        print("numba is not installed: nothing is compiled")
    print(f"{'':<31}|{'one snapshot, us each':^51}|{f'of a batch of {many:,}, us each':^40}|")
    print(
        f"{'network':<26}{'buses':>5}|{'runpp':>7}{'pgm':>6}{'bare':>6}{'numpy':>6}{'comp.':>6}"
        f"{'runpp/c':>7}{'pgm/c':>6}{'c/bare':>7}|{'pgm':>7}{'numpy':>7}{'comp.':>7}{'runpp/c':>11}{'pgm/c':>8}|"
        f"{'off pu':>7}{'off %':>7}{'pgm':>7}"
    )


def print_row(row: Figures) -> None:
    """Print one network's figures."""
    name = row.source.split(":")[-1].removeprefix("create_")
    us = [row.us.get(competitor, np.nan) for competitor in _COMPETITORS]
    print(
        f"{name[:25]:<26}{row.buses:>5}|"
        + "{:>7.0f}{:>6.0f}{:>6.0f}{:>6.0f}{:>6.1f}".format(*us[:5])
        + f"{row.times('runpp', 'compiled'):>6.0f}x{row.times('pgm', 'compiled'):>5.1f}x"
        + f"{row.times('compiled', 'bare'):>6.2f}x|"
        + "{:>7.1f}{:>7.1f}{:>7.2f}".format(*us[5:])
        + f"{row.times('runpp', 'compiled batch'):>10.0f}x{row.times('pgm batch', 'compiled batch'):>7.1f}x|"
        + f"{row.off_pu:>7.0e}{row.off_percent:>7.0e}{row.pgm_off_pu:>7.0e}",
        flush=True,
    )


_COMPETITORS = ("runpp", "pgm", "bare", "numpy", "compiled", "pgm batch", "numpy batch", "compiled batch")


def measure(network: Network, seed: int, *, many: int, rounds: int) -> Figures:
    """Figures of one network under random injections between nothing and 120 % of its own loads."""
    row = Figures(network.source, len(network.buses.ids))
    scale = np.random.default_rng(seed).uniform(0.0, 1.2, (many, len(network.service_points)))
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    plain, start = FactoredLoadFlow(network), time.perf_counter()
    compiled = FactoredLoadFlow(network, compiled=True)
    row.ready_s = time.perf_counter() - start
    works = _own(plain, compiled, p_kw, q_kvar)
    works["runpp"] = (_runpp(network), 1)
    if (other := _power_grid_model(network)) is not None:
        works |= _of_others(other, p_kw, q_kvar)
        v_pu = other.v_pu(other.solve_batch(other.changed(p_kw[:3], q_kvar[:3])))
        row.pgm_off_pu = float(np.nanmax(np.abs(v_pu - compiled.solve_batch(p_kw[:3], q_kvar[:3]).v_pu)))
    for _ in range(rounds):
        for name, (work, load_flows) in works.items():
            row.us[name] = min(row.us.get(name, np.inf), best_us(work, 2) / load_flows)
    for p, q in zip(p_kw[:3], q_kvar[:3], strict=True):
        difference = disagreement(compiled.solve(p, q), plain.referee.solve(p, q))
        assert difference is not None, "these injections have a solution"
        row.off_pu = float(np.fmax(row.off_pu, difference.v_pu))
        row.off_percent = float(np.fmax(row.off_percent, difference.loading_percent))
    return row


Work = tuple[Callable[[], object], int]
"""Something to measure, and how many load flows that is."""


def _own(
    plain: FactoredLoadFlow, compiled: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats
) -> dict[str, Work]:
    p, q = list(p_kw[:_SINGLES]), list(q_kvar[:_SINGLES])
    return {
        "numpy": (lambda: _each(plain.solve, p, q), len(p)),
        "compiled": (lambda: _each(compiled.solve, p, q), len(p)),
        "numpy batch": (lambda: plain.solve_batch(p_kw, q_kvar), len(p_kw)),
        "compiled batch": (lambda: compiled.solve_batch(p_kw, q_kvar), len(p_kw)),
        "bare": (_bare(plain, p[0], q[0]), _SINGLES),
    }


def _of_others(other: Any, p_kw: Floats, q_kvar: Floats) -> dict[str, Work]:
    ones = [other.changed(p, q) for p, q in zip(p_kw[:_SINGLES], q_kvar[:_SINGLES], strict=True)]
    batch = other.changed(p_kw, q_kvar)
    return {
        "pgm": (lambda: [other.solve(one) for one in ones], len(ones)),
        "pgm batch": (lambda: other.solve_batch(batch), len(p_kw)),
    }


def _power_grid_model(network: Network) -> Any:
    """The network in power-grid-model, or None where that is not installed."""
    if importlib.util.find_spec("power_grid_model") is None:
        return None
    from gridward.bench.power_grid_model_net import PowerGridModelNet  # noqa: PLC0415

    return PowerGridModelNet(network)


def _runpp(network: Network) -> Callable[[], object]:
    """pandapower itself with its defaults, on a copy: nobody else may look into the network."""
    from pandapower import runpp  # noqa: PLC0415  takes seconds to import

    net = copy.deepcopy(network.net)
    runpp(net, numba=True)
    return lambda: runpp(net, numba=True)


def _bare(load_flow: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats) -> Callable[[], object]:
    """As many bare solves as the fixed point takes steps, once for each single snapshot."""
    factored = load_flow.factored
    assert factored is not None
    steps = load_flow.solve(p_kw, q_kvar).iterations
    right, solve = (
        np.ones(factored.admittance.n_free, dtype=np.complex128),
        factored.fixed_point.factors.solve,
    )
    return lambda: [solve(right) for _ in range(_SINGLES * steps)]


def _each(solve: Callable[[Floats, Floats], object], p_kw: list[Floats], q_kvar: list[Floats]) -> None:
    for p, q in zip(p_kw, q_kvar, strict=True):
        solve(p, q)
