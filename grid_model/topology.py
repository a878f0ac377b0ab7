"""[3] Which switch is closed, which branch is in service, where each tap changer stands; and changes of it.

A change is a value; applying one gives a new topology, and a network that says the same to whoever asks
pandapower. Knows nothing of admittances.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import UnknownElement
from grid_model.network import Floats, Network

Flags = NDArray[np.bool_]

_SERVICE_TABLES = ("line", "trafo", "trafo3w")
_TAP_TABLES = ("trafo", "trafo3w")


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """A switch is opened or closed."""

    switch: str
    """`switch:3`"""
    closed: bool


@dataclass(frozen=True, slots=True)
class SetService:
    """A line or transformer is taken out of service or put into it."""

    element: str
    """`line:3`, `trafo:0`, `trafo3w:0`"""
    in_service: bool


@dataclass(frozen=True, slots=True)
class SetTap:
    """A transformer's tap changer is moved."""

    transformer: str
    """`trafo:0`, `trafo3w:0`"""
    position: int


Change = SetSwitch | SetService | SetTap


@dataclass(frozen=True)
class Topology:
    """Arrays in the order of pandapower's tables."""

    closed: Flags
    """(n_switch,)"""
    in_service: dict[str, Flags]
    """of `line`, `trafo` and `trafo3w`"""
    tap: dict[str, Floats]
    """of `trafo` and `trafo3w`; NaN without a tap changer"""

    def changed(self, network: Network, changes: Sequence[Change]) -> "Topology":
        """This topology after `changes`, in their order.

        Raises UnknownElement, with all of them, for ids that the network does not have and for tap positions
        that a transformer does not have.
        """
        wrong = [fault for change in changes if (fault := _fault(network, change))]
        if wrong:
            raise UnknownElement("; ".join(wrong))
        new = Topology(
            self.closed.copy(),
            {table: flags.copy() for table, flags in self.in_service.items()},
            {table: taps.copy() for table, taps in self.tap.items()},
        )
        for change in changes:
            new._apply(network, change)
        return new

    def _apply(self, network: Network, change: Change) -> None:
        match change:
            case SetSwitch(switch, closed):
                self.closed[_row(network, switch)] = closed
            case SetService(element, in_service):
                self.in_service[element.partition(":")[0]][_row(network, element)] = in_service
            case SetTap(transformer, position):
                self.tap[transformer.partition(":")[0]][_row(network, transformer)] = position
            case _:
                assert_never(change)


def topology_of(network: Network) -> Topology:
    """The topology that the network itself says."""
    net = network.net
    return Topology(
        np.array(net.switch.closed, dtype=bool),
        {table: np.array(net[table].in_service, dtype=bool) for table in _SERVICE_TABLES},
        {table: np.array(net[table].tap_pos, dtype=np.float64) for table in _TAP_TABLES},
    )


def with_topology(network: Network, topology: Topology) -> Network:
    """The network in another topology. Shares all tables with `network` that need not be changed, and changes
    none of them."""
    now, net = topology_of(network), copy.copy(network.net)
    if not np.array_equal(now.closed, topology.closed):
        net["switch"] = net.switch.assign(closed=topology.closed)
    for table, flags in topology.in_service.items():
        if not np.array_equal(now.in_service[table], flags):
            net[table] = net[table].assign(in_service=flags)
    for table, taps in topology.tap.items():
        moved = (now.tap[table] != taps) & ~np.isnan(taps)
        if moved.any():
            frame = net[table].copy()
            frame.loc[moved, "tap_pos"] = taps[moved].astype(frame["tap_pos"].dtype)
            net[table] = frame
    return replace(network, net=net)


def _row(network: Network, element: str) -> int:
    """Position in the element's table; -1 when there is no such element."""
    table, _, index = element.partition(":")
    if not index.isdecimal():
        return -1
    return int(network.net[table].index.get_indexer([int(index)])[0])


def _fault(network: Network, change: Change) -> str:
    match change:
        case SetSwitch(element, _):
            tables: tuple[str, ...] = ("switch",)
        case SetService(element, _):
            tables = _SERVICE_TABLES
        case SetTap(element, _):
            tables = _TAP_TABLES
        case _:
            assert_never(change)
    table = element.partition(":")[0]
    if table not in tables or _row(network, element) < 0:
        return f"the network has no {' or '.join(tables)} {element!r}"
    if isinstance(change, SetTap):
        return _tap_fault(network.net[table].iloc[_row(network, element)], change)
    return ""


def _tap_fault(transformer: Any, change: SetTap) -> str:
    low, high = float(transformer.tap_min), float(transformer.tap_max)
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{change.transformer} has no tap changer"
    if not low <= change.position <= high:
        return f"{change.transformer} has no tap position {change.position}; expected {low:.0f} to {high:.0f}"
    return ""
