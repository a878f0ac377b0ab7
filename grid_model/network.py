"""A pandapower network as fixed tables: buses, branches, service points [before 2].

Loads networks, checks them, and holds everything else in this room to plain arrays: pandapower's frames are
touched here, in `network_*.py`, `connection.py`, `layout.py`, `topology.py` and `referee.py` only. Element
ids are `bus:7`, `line:3`, `trafo:0`, `trafo3w:0`: the kind and the frame's index.
"""

import json
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Finding, NetworkRejected
from grid_model.network_checks import check_net
from grid_model.network_sources import read_net

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BEHIND_METERS = ("sgen", "asymmetric_sgen", "storage")
"""Tables of what a meter's reading contains already."""


@dataclass(frozen=True)
class Buses:
    """All buses, in the order of every `(n_bus,)` array of this room."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    vn_kv: Floats
    min_v_pu: Floats
    """The bus's own limits; NaN where the network says nothing."""
    max_v_pu: Floats
    xy: Floats
    """(n_bus, 2) longitude and latitude, or metres, or NaN where the network has no coordinates."""


@dataclass(frozen=True)
class Branches:
    """All lines, or all transformers, in the order of every `(n_line,)` or `(n_trafo,)` array of this
    room. Three-winding transformers (`trafo3w:0`) follow those with two."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    from_bus: Ints
    """Position in `Buses`; the high-voltage side of a transformer."""
    to_bus: Ints
    """the low-voltage side of a transformer"""
    max_loading_percent: Floats
    """The element's own limit; 100 where the network says nothing."""


@dataclass(frozen=True)
class Network:
    """A network that passed its checks."""

    source: str
    net: Any
    """The pandapower network. Only the modules named on top may look inside; none changes it after
    loading."""
    buses: Buses
    lines: Branches
    transformers: Branches
    service_points: tuple[str, ...]
    """(n_sp,) unique names: that of the load element, or `load:INDEX` where it has none of its own."""
    load_ids: tuple[str, ...]
    """(n_sp,) `load:INDEX` of each service point."""
    service_point_bus: Ints
    """(n_sp,) position in `Buses`."""
    default_p_kw: Floats
    """(n_sp,) what the network itself says of each load."""
    default_q_kvar: Floats
    warnings: tuple[Finding, ...] = ()
    ambiguous_names: frozenset[str] = frozenset()
    """Names that several loads share, so that none of them can be meant."""

    def service_point_index(self) -> dict[str, int]:
        """Every accepted spelling of a service point (its name, and `load:INDEX`) and its position."""
        by_id = {load_id: position for position, load_id in enumerate(self.load_ids)}
        return by_id | {name: position for position, name in enumerate(self.service_points)}


def load_network(source: str, *, metered_generation: bool = False) -> Network:
    """Load and check a network: a file or folder that `network_sources` reads, `simbench:CODE` or
    `pandapower:FUNCTION`.

    With `metered_generation` the readings of a service point are net of what is generated or stored behind
    its meter, so the network's own static generators and storages are switched off; without, they inject what
    the network says. Raises NetworkRejected with all findings at once.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandas and pandapower tell their own developers
        return network_of(read_net(source), source, metered_generation=metered_generation)


def network_of(net: Any, source: str, *, metered_generation: bool = False) -> Network:
    """As `load_network`, of a pandapower network in memory, which belongs to the Network from then on."""
    findings = check_net(net)
    if any(finding.severity == "error" for finding in findings):
        raise NetworkRejected(source, findings)
    if metered_generation:
        findings += _switch_off_generation(net)
    return _tables(source, net, findings)


def _switch_off_generation(net: Any) -> tuple[Finding, ...]:
    """Switch off what readings already contain; tell of generators that no reading can contain."""
    metered = set(net.load.bus[net.load.in_service.astype(bool)])
    unmetered = [
        f"{table}:{index}"
        for table in BEHIND_METERS
        for index in net[table].index[net[table].in_service.astype(bool) & ~net[table].bus.isin(metered)]
    ]
    for table in BEHIND_METERS:
        net[table]["in_service"] = False
    if not unmetered:
        return ()
    names = ", ".join(unmetered[:5])
    expected = f"switched off as metered, but no service point is on their bus: {names}"
    return (Finding("warning", f"{len(unmetered)} generators", expected),)


def _tables(source: str, net: Any, findings: tuple[Finding, ...]) -> Network:
    position = {index: place for place, index in enumerate(net.bus.index)}
    loads = net.load[net.load.in_service.astype(bool)]
    load_ids = tuple(f"load:{index}" for index in loads.index)
    return Network(
        source=source,
        net=net,
        buses=Buses(
            ids=_ids(net, "bus"),
            names=_names(net, "bus"),
            vn_kv=_column(net.bus, "vn_kv"),
            min_v_pu=_column(net.bus, "min_vm_pu"),
            max_v_pu=_column(net.bus, "max_vm_pu"),
            xy=_coordinates(net.bus),
        ),
        lines=_branches(net, "line", ("from_bus", "to_bus"), position),
        transformers=_joined(
            _branches(net, "trafo", ("hv_bus", "lv_bus"), position),
            _branches(net, "trafo3w", ("hv_bus", "lv_bus"), position),
        ),
        service_points=_service_point_names(loads, load_ids),
        load_ids=load_ids,
        service_point_bus=np.array([position[bus] for bus in loads.bus], dtype=np.int64),
        default_p_kw=_column(loads, "p_mw") * _column(loads, "scaling") * 1000,
        default_q_kvar=_column(loads, "q_mvar") * _column(loads, "scaling") * 1000,
        warnings=findings,
        ambiguous_names=frozenset(
            name for name, uses in Counter(loads.name).items() if isinstance(name, str) and name and uses > 1
        ),
    )


def _ids(net: Any, table: str) -> tuple[str, ...]:
    return tuple(f"{table}:{index}" for index in net[table].index)


def _names(net: Any, table: str) -> tuple[str, ...]:
    """Names for people; an element without one is called by its id."""
    return tuple(
        name if isinstance(name, str) and name else element
        for name, element in zip(net[table].name, _ids(net, table), strict=True)
    )


def _column(frame: Any, name: str) -> Floats:
    """A column as floats; NaN where the network says nothing."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    return np.array(frame[name], dtype=np.float64)


def _branches(net: Any, table: str, ends: tuple[str, str], position: dict[int, int]) -> Branches:
    limit = _column(net[table], "max_loading_percent")
    near, far = (np.array([position[bus] for bus in net[table][end]], dtype=np.int64) for end in ends)
    return Branches(
        ids=_ids(net, table),
        names=_names(net, table),
        from_bus=near,
        to_bus=far,
        max_loading_percent=np.where(limit > 0, limit, 100.0),
    )


def _joined(one: Branches, other: Branches) -> Branches:
    return Branches(
        ids=one.ids + other.ids,
        names=one.names + other.names,
        from_bus=np.concatenate([one.from_bus, other.from_bus]),
        to_bus=np.concatenate([one.to_bus, other.to_bus]),
        max_loading_percent=np.concatenate([one.max_loading_percent, other.max_loading_percent]),
    )


def _service_point_names(loads: Any, load_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The load's own name where it is the only one of that name, else its id."""
    names = [
        str(name) if isinstance(name, str) and name else load
        for name, load in zip(loads.name, load_ids, strict=True)
    ]
    uses = Counter(names)
    return tuple(
        name if uses[name] == 1 and not (name.startswith("load:") and name != load) else load
        for name, load in zip(names, load_ids, strict=True)
    )


def _coordinates(bus: Any) -> Floats:
    xy = np.full((len(bus), 2), np.nan)
    for place, geo in enumerate(bus.get("geo", ())):
        try:
            xy[place] = json.loads(geo)["coordinates"][:2]
        except (TypeError, ValueError, KeyError):
            continue  # no coordinates, or none that can be drawn
    return xy
