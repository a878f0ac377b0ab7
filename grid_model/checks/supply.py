"""How the network hangs together: references, switches, external grids, and who is not supplied."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import active, fault, filled, has, is_true, some
from grid_model.checks.shape import STANDARD_TABLES, references
from grid_model.errors import Finding

_SWITCHED = {"b": "bus", "l": "line", "t": "trafo", "t3": "trafo3w"}
_ENDS = {
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "trafo3w": ("hv_bus", "mv_bus", "lv_bus"),
}
_SAME_VOLTAGE = 1.25


def dangling(net: Any) -> Iterator[Finding]:
    """Elements whose bus does not exist, and switches of elements that do not exist."""
    buses = net.bus.index
    for table in STANDARD_TABLES:
        for column in references(table):
            if column == "element" or not has(net, table, column):
                continue
            lost = ~net[table][column].isin(buses).to_numpy()
            for index, bus in zip(net[table].index[lost], net[table][column][lost], strict=True):
                yield fault(
                    net,
                    table,
                    index,
                    column,
                    f"{column} is bus {bus}, which does not exist",
                    repair="write the index of a bus, or add the bus",
                )
    yield from _switches(net)


def _switches(net: Any) -> Iterator[Finding]:
    if not has(net, "switch", "bus", "element", "et"):
        return
    for index, bus, element, kind in zip(
        net.switch.index, net.switch["bus"], net.switch["element"], net.switch["et"], strict=True
    ):
        table = _SWITCHED.get(kind) if isinstance(kind, str) else None
        if table is None:
            yield fault(
                net,
                "switch",
                index,
                "et",
                "switches no known kind of element; expected b, l, t or t3",
                repair="write b for a switch between buses, l at a line, t at a transformer",
            )
        elif element not in net[table].index:
            yield fault(
                net,
                "switch",
                index,
                "element",
                f"switches {table} {element}, which does not exist",
                repair="remove the switch, or write the index of its element",
            )
        elif table in _ENDS and has(net, table, *_ENDS[table]):
            ends = [net[table].at[element, end] for end in _ENDS[table]]
            if bus not in ends:
                yield fault(
                    net,
                    "switch",
                    index,
                    "bus",
                    f"is at bus {bus}, but {table} {element} ends at {' and '.join(map(str, ends))}",
                    repair="write the bus at which the element is switched",
                )


def external_grid(net: Any) -> Iterator[Finding]:
    """At least one source holds the voltage."""
    if not any(_sources(net)):
        yield Finding(
            "error",
            "network",
            "has no external grid in service; expected at least one",
            table="ext_grid",
            repair="add one at the high-voltage side of the substation, with pandapower.create_ext_grid",
        )


def _sources(net: Any) -> Iterator[bool]:
    yield bool(active(net, "ext_grid").any())
    if has(net, "gen", "slack"):
        slack = np.array([is_true(cell) for cell in net.gen["slack"]], dtype=bool)
        yield bool((slack & active(net, "gen")).any())


def couplers(net: Any) -> Iterator[Finding]:
    """Closed bus-bus switches that join voltage levels, or close a ring without impedance."""
    if not has(net, "switch", "bus", "element", "et", "closed") or not has(net, "bus", "vn_kv"):
        return
    root: dict[Any, Any] = {}

    def found(bus: Any) -> Any:
        while root.setdefault(bus, bus) != bus:
            bus = root[bus]
        return bus

    closed = np.array([is_true(cell) for cell in net.switch["closed"]], dtype=bool)
    level = net.bus["vn_kv"].to_dict()
    for index in net.switch.index[closed & (net.switch["et"] == "b").to_numpy()]:
        ends = net.switch.at[index, "bus"], net.switch.at[index, "element"]
        low, high = sorted(float(level[bus]) for bus in ends)
        if low > 0 and high / low > _SAME_VOLTAGE:
            yield fault(
                net,
                "switch",
                index,
                "element",
                f"joins buses of {low:g} and {high:g} kV",
                repair="a transformer belongs between them, or vn_kv of one bus is wrong",
            )
        one, other = found(ends[0]), found(ends[1])
        if one == other:
            yield fault(
                net,
                "switch",
                index,
                "closed",
                "closes a ring of bus-bus switches, in which no current can be told from another",
                repair="open it, or leave it: voltages and loadings are right all the same",
                severity="info",
            )
        root[one] = other


def supply(net: Any) -> Iterator[Finding]:
    """Buses that no source reaches: an error where a load hangs on them. Asks for a network without dangling
    references."""
    from pandapower.topology import unsupplied_buses  # noqa: PLC0415

    if not any(_sources(net)):
        return
    dark = set(unsupplied_buses(net)) | set(net.bus.index[~active(net, "bus")])
    loaded = set(net.load["bus"][active(net, "load")]) & dark if filled(net, "load") else set()
    for bus in sorted(loaded):
        loads = net.load.index[active(net, "load") & (net.load["bus"] == bus).to_numpy()]
        yield fault(
            net,
            "bus",
            bus,
            "supply",
            f"carries loads but is not connected to any external grid: {some(net, 'load', loads)}",
            repair="close the switch that feeds it, or take its loads out of service",
        )
    if idle := sorted(dark - loaded):
        names = some(net, "bus", idle)
        yield Finding(
            "warning", f"{len(idle)} buses", f"without loads and not supplied: {names}", table="bus"
        )
