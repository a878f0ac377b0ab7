"""Check, locate and allocate on 100 customers, stage by stage; and checks of 10,000 feeders [3, 4, 5].

The feeder is SimBench's `1-LV-rural3` with an 11 kW charger at every second customer, which overloads it. For
the many feeders 20 different ones stand in, each with its own load flow, limits and injections: 10,000 would
only need more memory, not more time.
"""

import contextlib
import sys
from dataclasses import dataclass

import numpy as np

from grid_model.allocation import FlexibleDevice, allocate
from grid_model.load_flow import FactoredLoadFlow
from grid_model.location import locate
from grid_model.network import Floats, Network, load_network
from grid_model.violations import Limits, find_violations
from gridward.bench.stopwatch import best_us

_SOURCE = "simbench:1-LV-rural3--0-sw"
_CUSTOMERS = 100
_CHARGER_KW, _FLOOR_KW = 11.0, 4.2
_FEEDERS, _DIFFERENT = 10_000, 20


@dataclass(frozen=True)
class Evening:
    """A feeder under load."""

    network: Network
    load_flow: FactoredLoadFlow
    p_kw: Floats
    q_kvar: Floats
    devices: tuple[FlexibleDevice, ...]
    flexible_kw: Floats


def print_figures(seed: int, quick: bool) -> None:
    """Print the stages in milliseconds, without and with the compiled load flow, then the many feeders."""
    with contextlib.redirect_stdout(sys.stderr):
        network = _of_100_customers()
    print(f"{_SOURCE}, {len(network.service_points)} customers; milliseconds of one core, least of several")
    print(
        f"{'':<10}{'check':>8}{'locate':>8}{'allocate':>9}{'all':>8}{'violations':>11}{'rounds':>7}{'cleared':>8}"
    )
    for compiled in (False, True):
        evening = _evening(network, np.random.default_rng(seed), compiled=compiled)
        _print_stages("compiled" if compiled else "numpy", evening, 3 if quick else 15)
    _print_many(network, seed, quick)


def _of_100_customers() -> Network:
    """The network with the last loads taken out, so that 100 are left."""
    from grid_model.network import network_of  # noqa: PLC0415

    net = load_network(_SOURCE).net
    net.load.loc[net.load.index[_CUSTOMERS:], "in_service"] = False
    return network_of(net, _SOURCE)


def _evening(network: Network, rng: np.random.Generator, *, compiled: bool) -> Evening:
    n = len(network.service_points)
    chargers = np.sort(rng.choice(n, n // 2, replace=False))
    p_kw = rng.uniform(0.3, 2.0, n)
    p_kw[chargers] += _CHARGER_KW
    flexible_kw = np.zeros(n)
    flexible_kw[chargers] = _CHARGER_KW - _FLOOR_KW
    devices = tuple(FlexibleDevice(f"ev {at}", int(at), _CHARGER_KW, _FLOOR_KW) for at in chargers)
    load_flow = FactoredLoadFlow(network, compiled=compiled)
    return Evening(network, load_flow, p_kw, 0.1 * p_kw, devices, flexible_kw)


def _print_stages(name: str, evening: Evening, times: int) -> None:
    e, limits = evening, Limits()
    violations = find_violations(e.network, e.load_flow.solve(e.p_kw, e.q_kvar), limits)
    allocation = allocate(e.network, e.load_flow, e.p_kw, e.q_kvar, e.devices, limits)
    stages = (
        lambda: find_violations(e.network, e.load_flow.solve(e.p_kw, e.q_kvar), limits),
        lambda: locate(e.network, e.load_flow, e.p_kw, e.q_kvar, violations, e.flexible_kw),
        lambda: allocate(e.network, e.load_flow, e.p_kw, e.q_kvar, e.devices, limits),
    )
    check, locating, allocating = (best_us(stage, times) / 1000 for stage in stages)
    print(
        f"{name:<10}{check:>8.3f}{locating:>8.2f}{allocating:>9.2f}{check + locating + allocating:>8.2f}"
        f"{len(violations):>11}{allocation.rounds:>7}{'yes' if allocation.cleared else 'no':>8}",
        flush=True,
    )


def _print_many(network: Network, seed: int, quick: bool) -> None:
    rounds = (1000 if quick else _FEEDERS) // _DIFFERENT
    for compiled in (False, True):
        evenings = [
            _evening(network, np.random.default_rng([seed, number]), compiled=compiled)
            for number in range(_DIFFERENT)
        ]
        seconds = best_us(lambda: _check_all(evenings, rounds), 1) / 1e6  # noqa: B023  called at once
        print(
            f"{rounds * _DIFFERENT:,} checks of feeders of {len(network.service_points)} customers, "
            f"{'compiled' if compiled else 'numpy'}: {seconds:.2f} s of one core",
            flush=True,
        )


def _check_all(evenings: list[Evening], rounds: int) -> None:
    limits = Limits()
    for _ in range(rounds):
        for evening in evenings:
            find_violations(evening.network, evening.load_flow.solve(evening.p_kw, evening.q_kvar), limits)
