"""A whole primary substation, of more than 1,000 and of more than 10,000 buses, beside the same others [3].

No published network of that size loads in reasonable time, so one is made of a published one: as many copies
of Kerber's suburban low-voltage network as it takes, each below its own transformer on a medium-voltage ring
that is open in the middle.
"""

import contextlib
import sys
from typing import Any

import pandas as pd

from grid_model.network import Network, network_of
from gridward.bench.load_flow import LEGEND, measure, print_head, print_row

_PART = "create_kerber_vorstadtnetz_kabel_1"
_SIZES = (4, 35)
"""Copies: 1,172 and 10,255 low-voltage buses."""
_MANY = 100
_ROUNDS = 5
_OFFSET = 1000
"""Between the indices of two copies."""


def print_figures(seed: int, quick: bool) -> None:
    """Print one line per size as it is measured."""
    print_head(_MANY)
    for copies in _SIZES[:1] if quick else _SIZES:
        with contextlib.redirect_stdout(sys.stderr):
            network = substation(copies)
        print_row(measure(network, seed, many=_MANY, rounds=2 if quick else _ROUNDS))
    print(LEGEND)


def substation(copies: int) -> Network:
    """Copies of one low-voltage network below a medium-voltage ring."""
    import pandapower as pp  # noqa: PLC0415  takes seconds to import
    from pandapower import networks  # noqa: PLC0415

    part = getattr(networks, _PART)()
    net = pp.create_empty_network(name=f"{copies} low-voltage networks")
    grid, medium = int(part.ext_grid.bus.iloc[0]), float(part.bus.vn_kv.max())
    for table in ("bus", "line", "trafo", "load"):
        net[table] = pd.concat([_moved(part, table, number * _OFFSET) for number in range(copies)])
    busbar = pp.create_bus(net, medium, index=copies * _OFFSET, name="busbar")
    pp.create_ext_grid(net, busbar)
    before, middle = busbar, copies // 2
    for number in range(copies):
        station = grid + number * _OFFSET
        start = busbar if number == middle else before
        pp.create_line(net, start, station, 0.3, "NA2XS2Y 1x240 RM/25 6/10 kV")
        before = station
    return network_of(net, f"{copies} low-voltage networks")


def _moved(part: Any, table: str, offset: int) -> Any:
    """A copy of one table whose buses are `offset` further, as is everything's index."""
    moved = part[table].copy()
    moved.index = moved.index + offset
    for column in ("bus", "from_bus", "to_bus", "hv_bus", "lv_bus"):
        if column in moved:
            moved[column] = moved[column] + offset
    return moved.drop(columns=["name"]).assign(name=None)
