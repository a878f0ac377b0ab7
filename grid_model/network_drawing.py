"""What a drawing of a network needs beside its tables: lengths, types, bends, switches, and where it is fed.

Reads pandapower's frames once; knows nothing of screens. A network made by hand (`net` is None) has neither
switches nor lengths, and all its branches are closed.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats, Ints, Network

Flags = NDArray[np.bool_]
Path = tuple[tuple[float, float], ...]

_AT_BRANCH = {"l": "line", "t": "trafo", "t3": "trafo3w"}
_ENDS = {"line": ("from_bus", "to_bus"), "trafo": ("hv_bus", "lv_bus"), "trafo3w": ("hv_bus", "lv_bus")}
_LEAST_BENT = 3
"""Points of a line's path from which it is more than the straight line between its ends."""


@dataclass(frozen=True)
class Links:
    """What joins buses and is neither line nor transformer: bus-bus switches, the third winding of a
    transformer, impedances."""

    ids: tuple[str, ...]
    from_bus: Ints
    """position in `Buses`"""
    to_bus: Ints
    closed: NDArray[np.bool_]
    switch: NDArray[np.bool_]
    """whether it is a switch, which has no length at all"""


@dataclass(frozen=True)
class OpenSwitches:
    """Open switches at branches."""

    ids: tuple[str, ...]
    bus: Ints
    """position in `Buses` of the end that is open"""
    element: tuple[str, ...]
    """the branch's id"""


@dataclass(frozen=True)
class Wiring:
    """One network in its present topology."""

    line_length_m: Floats
    """(n_line,) NaN where the network says nothing"""
    line_type: tuple[str, ...]
    """(n_line,) the cable's type; empty where the network says nothing"""
    line_path: tuple[Path, ...]
    """(n_line,) its way on the map, in the coordinates of the buses; empty where it is straight"""
    line_closed: Flags
    """(n_line,) in service and closed at both ends"""
    transformer_kva: Floats
    """(n_trafo,) of all that stand side by side as one"""
    transformer_closed: Flags
    links: Links
    open_switches: OpenSwitches
    supply: Ints
    """positions of the buses that an external grid feeds; of the transformers' upper sides where none is
    told"""


def wiring_of(network: Network) -> Wiring:
    """All of it."""
    if network.net is None:
        return _plain(network)
    net = network.net
    place = {int(index): position for position, index in enumerate(net.bus.index)}
    opened = net.switch[~net.switch.closed.astype(bool)]
    line_closed = _closed(net, "line", opened, "l")
    return Wiring(
        line_length_m=np.array(net.line.length_km, dtype=np.float64) * 1000,
        line_type=_texts(net.line, "std_type"),
        line_path=_paths(net.line),
        line_closed=line_closed,
        transformer_kva=np.concatenate(
            [
                np.array(net.trafo.sn_mva * net.trafo.parallel, dtype=np.float64) * 1000,
                np.array(net.trafo3w.sn_hv_mva, dtype=np.float64) * 1000,
            ]
        ),
        transformer_closed=np.concatenate(
            [_closed(net, "trafo", opened, "t"), _closed(net, "trafo3w", opened, "t3")]
        ),
        links=_links(net, place),
        open_switches=_open_switches(opened, place),
        supply=_supply(net, network, place),
    )


def _plain(network: Network) -> Wiring:
    n_line, n_trafo = len(network.lines.ids), len(network.transformers.ids)
    none, no_flags = np.array([], dtype=np.int64), np.array([], dtype=bool)
    return Wiring(
        line_length_m=np.full(n_line, np.nan),
        line_type=("",) * n_line,
        line_path=((),) * n_line,
        line_closed=np.ones(n_line, dtype=bool),
        transformer_kva=np.full(n_trafo, np.nan),
        transformer_closed=np.ones(n_trafo, dtype=bool),
        links=Links((), none, none, no_flags, no_flags),
        open_switches=OpenSwitches((), none, ()),
        supply=_upper_sides(network),
    )


def _closed(net: Any, table: str, opened: Any, kind: str) -> Flags:
    """In service, without an open switch, and with both ends at buses that are in service."""
    frame = net[table]
    alive = net.bus.in_service.astype(bool)
    closed = np.array(frame.in_service, dtype=bool) & ~frame.index.isin(opened.element[opened.et == kind])
    for end in _ENDS[table]:
        closed &= np.array(alive.reindex(frame[end]), dtype=bool)
    return np.asarray(closed, dtype=bool)


def _texts(frame: Any, column: str) -> tuple[str, ...]:
    if column not in frame:
        return ("",) * len(frame)
    return tuple(text if isinstance(text, str) else "" for text in frame[column])


def _paths(lines: Any) -> tuple[Path, ...]:
    return tuple(_path(geo) for geo in lines.get("geo", [None] * len(lines)))


def _path(geo: object) -> Path:
    try:
        points = json.loads(geo)["coordinates"]  # type: ignore[arg-type]
        path = tuple((float(x), float(y)) for x, y, *_ in points)
    except (TypeError, ValueError, KeyError):
        return ()  # none, or none that can be drawn
    return path if len(path) >= _LEAST_BENT and bool(np.isfinite(path).all()) else ()


def _links(net: Any, place: dict[int, int]) -> Links:
    """Bus-bus switches, then third windings, then impedances, each in its table's order."""
    rows: list[tuple[str, int, int, bool, bool]] = []
    couplers = net.switch[net.switch.et == "b"]
    for index, bus, other, closed in zip(
        couplers.index, couplers.bus, couplers.element, couplers.closed, strict=True
    ):
        rows.append((f"switch:{index}", place[bus], place[other], bool(closed), True))
    for table, ends in (("trafo3w", ("hv_bus", "mv_bus")), ("impedance", ("from_bus", "to_bus"))):
        frame = net[table]
        for index, one, other, alive in zip(
            frame.index, frame[ends[0]], frame[ends[1]], frame.in_service, strict=True
        ):
            name = f"{table}:{index}" if table == "impedance" else f"{table}:{index}:mv"
            rows.append((name, place[one], place[other], bool(alive), False))
    return Links(
        ids=tuple(row[0] for row in rows),
        from_bus=np.array([row[1] for row in rows], dtype=np.int64),
        to_bus=np.array([row[2] for row in rows], dtype=np.int64),
        closed=np.array([row[3] for row in rows], dtype=bool),
        switch=np.array([row[4] for row in rows], dtype=bool),
    )


def _open_switches(opened: Any, place: dict[int, int]) -> OpenSwitches:
    at_branch = opened[opened.et.isin(list(_AT_BRANCH))]
    return OpenSwitches(
        ids=tuple(f"switch:{index}" for index in at_branch.index),
        bus=np.array([place[bus] for bus in at_branch.bus], dtype=np.int64),
        element=tuple(
            f"{_AT_BRANCH[kind]}:{element}"
            for kind, element in zip(at_branch.et, at_branch.element, strict=True)
        ),
    )


def _supply(net: Any, network: Network, place: dict[int, int]) -> Ints:
    grids = net.ext_grid[net.ext_grid.in_service.astype(bool)]
    gens = net.gen[net.gen.in_service.astype(bool)]
    slack = gens.bus[gens.slack.astype(bool)] if "slack" in gens else ()
    found = sorted({place[bus] for bus in (*grids.bus, *slack)})
    return np.array(found, dtype=np.int64) if found else _upper_sides(network)


def _upper_sides(network: Network) -> Ints:
    return np.asarray(np.unique(network.transformers.from_bus), dtype=np.int64)
