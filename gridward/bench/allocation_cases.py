"""Random evenings and noons on published networks, for the figures of the allocation."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grid_model.allocation import FlexibleDevice
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network, load_network
from grid_model.violations import Limits, find_violations

NETWORKS = (
    "simbench:1-LV-rural1--0-sw",
    "simbench:1-LV-rural2--0-sw",
    "simbench:1-LV-rural3--0-sw",
    "simbench:1-LV-semiurb4--0-sw",
    "simbench:1-LV-semiurb5--0-sw",
    "simbench:1-LV-urban6--0-sw",
)
QUICK = ("simbench:1-LV-rural2--0-sw", "simbench:1-LV-semiurb4--0-sw")
_TRIES = 200
CHARGER_KW, FLOOR_KW = 11.0, 4.2

Kind = Literal["chargers", "feed-in"]


@dataclass(frozen=True)
class Case:
    """One overloaded snapshot, and what can be moved."""

    name: str
    kind: Kind
    network: Network
    load_flow: FactoredLoadFlow
    p_kw: Floats
    q_kvar: Floats
    devices: tuple[FlexibleDevice, ...]


def loaded(source: str) -> tuple[Network, FactoredLoadFlow]:
    """A network, with what libraries print out of the way."""
    with contextlib.redirect_stdout(sys.stderr):
        network = load_network(source, metered_generation=True)
    return network, FactoredLoadFlow(network)


def cases(
    network: Network, load_flow: FactoredLoadFlow, kind: Kind, rng: np.random.Generator, count: int
) -> Iterator[Case]:
    """Up to `count` snapshots with a violation."""
    found = 0
    for _ in range(_TRIES):
        case = _drawn(network, load_flow, kind, rng)
        result = load_flow.solve(case.p_kw, case.q_kvar)
        if not result.converged or not find_violations(network, result, Limits()):
            continue
        yield case
        found += 1
        if found == count:
            return


def _drawn(network: Network, load_flow: FactoredLoadFlow, kind: Kind, rng: np.random.Generator) -> Case:
    n_sp = len(network.service_points)
    level = rng.uniform(0.05, 0.4) if kind == "chargers" else rng.uniform(0.05, 0.2)
    scale = level * rng.lognormal(0.0, 0.4, n_sp)
    p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
    chosen = rng.permutation(n_sp)[: max(2, int(n_sp * rng.uniform(0.2, 0.8)))]
    devices = tuple(charger(int(p)) if kind == "chargers" else _inverter(int(p), rng) for p in chosen)
    for device in devices:
        p_kw[device.service_point] += device.p_kw
    return Case(network.source, kind, network, load_flow, p_kw, q_kvar, devices)


def charger(point: int) -> FlexibleDevice:
    """At full power, guaranteed its floor."""
    return FlexibleDevice(f"ev{point}", point, CHARGER_KW, FLOOR_KW)


def _inverter(point: int, rng: np.random.Generator) -> FlexibleDevice:
    """Feeds in, and may be held back to 30 % of that."""
    p_kw = -float(rng.uniform(6.0, 25.0))
    return FlexibleDevice(f"pv{point}", point, p_kw, p_kw, max_kw=0.3 * p_kw)
