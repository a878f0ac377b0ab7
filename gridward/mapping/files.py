"""The history of `gridward mapping` from CSV files: meters, substation, groups and phases.

All findings at once, each with file, row and what was expected. Knows no load flow but for the ways of
supply.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from grid_model.connection import connection_limits_kw
from grid_model.errors import Finding, NetworkRejected
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.observations import FlowMeter
from grid_model.mapping.sections import Sections
from grid_model.network import Ints, Network, load_network
from gridward.check.input import InputRejected
from gridward.check.placing import Placing
from gridward.check.tables import Cells, read_phases, table_rows
from gridward.mapping.history import LEAST_SNAPSHOTS, NOWHERE, Groups, History
from gridward.mapping.series import Series, columns_of, read_series

READINGS = "at,service_point,p_kw[,q_kvar,v_pu]"
SUBSTATION = "at,p_kw[,q_kvar,v_pu,element]"
"""Columns, as `--help` shows them."""


@dataclass(frozen=True, slots=True)
class MappingFiles:
    """Where the input is."""

    readings: Path
    substation: Path | None = None
    groups: Path | None = None
    phases: Path | None = None


@dataclass(frozen=True)
class _Places:
    """Where the plan has customers and instruments."""

    network: Network
    placing: Placing
    recorded: dict[str, list[int]]
    """group to service points, of --groups"""


def read_history(source: str, files: MappingFiles) -> History:
    """Read and check all input. Raises InputRejected with every finding of network and files."""
    try:
        network = load_network(source, metered_generation=True)
    except NetworkRejected as rejected:
        raise InputRejected(rejected.findings) from rejected
    findings: list[Finding] = []
    placing = Placing(network)
    places = _Places(network, placing, _recorded(files.groups, placing, findings))
    meters = _meter_series(files.readings, places, findings)
    substation = _substation_series(files.substation, places, findings) if files.substation else {}
    phase = _phase(files.phases, placing, len(network.service_points), findings) if files.phases else None
    if not findings:
        _expect_enough(files, meters, substation, findings)
    if findings:
        raise InputRejected(findings)
    return _history(places, meters, substation, phase)


def _meter_series(path: Path, places: _Places, findings: list[Finding]) -> Series:
    most = connection_limits_kw(places.network)

    def key(cells: Cells) -> int | None:
        return places.placing.place(cells, cells.text("service_point"))

    series = read_series(path, ("at", "service_point", "p_kw"), findings, key, "service_point")
    for rows in series.values():
        for row in rows.values():
            bound = float(most[int(row.key)])
            if row.p is not None and abs(row.p) > bound:
                expected = f"is {row.p:g}; expected at most {bound:.0f} kW, all that its bus can carry"
                row.cells.error("p_kw", f"{expected}: were W written as kW?")
    return series


def _substation_series(path: Path, places: _Places, findings: list[Finding]) -> Series:
    network = places.network
    known = {id_: id_ for id_ in (*network.transformers.ids, *_outgoing(network))}
    for table in (network.transformers, network.lines):
        for id_, name in zip(table.ids, table.names, strict=True):
            if id_ in known and name:
                known.setdefault(name, id_)
    known |= {group: group for group in places.recorded}

    def key(cells: Cells) -> str | None:
        text = cells.values.get("element", "")
        if not text and len(network.transformers.ids) == 1:
            return network.transformers.ids[0]
        if text not in known:
            some = ", ".join([*network.transformers.ids[:1], *list(_outgoing(network))[:2], *places.recorded])
            cells.error(
                "element", f"is {text!r}; expected a transformer, outgoing line or group, such as {some}"
            )
        return known.get(text)

    return read_series(path, ("at", "p_kw"), findings, key, "element")


def _outgoing(network: Network) -> dict[str, FlowMeter]:
    """The lines that begin at a transformer's low-voltage bus, measured there."""
    busbars = set(network.transformers.to_bus.tolist())
    ends = zip(network.lines.ids, network.lines.from_bus.tolist(), network.lines.to_bus.tolist(), strict=True)
    return {
        line: FlowMeter(line, "from" if near in busbars else "to")
        for line, near, far in ends
        if (near in busbars) != (far in busbars)
    }


def _recorded(path: Path | None, placing: Placing, findings: list[Finding]) -> dict[str, list[int]]:
    """`service_point,group`: the plan."""
    found: dict[str, list[int]] = {}
    seen: dict[int, int] = {}
    for cells in table_rows(path, ("service_point", "group"), findings) if path else ():
        place, group = placing.place(cells, cells.text("service_point")), cells.text("group")
        if place is None or not group:
            continue
        if seen.setdefault(place, cells.row) != cells.row:
            cells.error("service_point", f"is already in row {seen[place]}; expected each only once")
        found.setdefault(group, []).append(place)
    return found


def _phase(path: Path, placing: Placing, n_sp: int, findings: list[Finding]) -> Ints:
    """(n_sp,) of single-phase customers."""
    phase = np.full(n_sp, NOWHERE)
    for row in read_phases(path, findings):
        place = placing.place(row.cells, row.service_point)
        if place is not None and row.phases is not None and sum(row.phases) == 1:
            phase[place] = row.phases.index(True)
    return phase


def _expect_enough(files: MappingFiles, meters: Series, substation: Series, findings: list[Finding]) -> None:
    if len(meters) < LEAST_SNAPSHOTS:
        expected = f"has readings of {len(meters)} times; expected at least {LEAST_SNAPSHOTS}"
        findings.append(Finding("error", f"{files.readings.name}, at", expected))
        return
    common = len(meters.keys() & substation.keys())
    if files.substation and common < LEAST_SNAPSHOTS:
        expected = (
            f"has {common} times in common with {files.readings.name}; "
            f"expected at least {LEAST_SNAPSHOTS}: both files read at the same times"
        )
        findings.append(Finding("error", f"{files.substation.name}, at", expected))


def _history(places: _Places, meters: Series, substation: Series, phase: Ints | None) -> History:
    network = places.network
    times = sorted(meters.keys() & substation.keys() if substation else meters)
    points = range(len(network.service_points))
    p, q, v = columns_of(meters, times, points)
    elements = sorted({str(key) for rows in substation.values() for key in rows})
    outgoing = _outgoing(network)
    flows = [name for name in elements if name not in places.recorded]
    flow_meters = tuple(outgoing.get(name, FlowMeter(name, "to")) for name in flows)
    # Towards the customers is positive in the file, from `from` to `to` in the model.
    turned = np.array(
        [
            -1.0 if name in outgoing and meter.end == "to" else 1.0
            for name, meter in zip(flows, flow_meters, strict=True)
        ]
    )
    flow_p, flow_q, _ = columns_of(substation, times, flows)
    first = network.transformers.ids[:1]
    busbar = columns_of(substation, times, first)[2][:, 0] if first else np.full(len(times), np.nan)
    return History(
        network=network,
        at=tuple(times),
        p_kw=p,
        q_kvar=q,
        v_pu=v,
        flow_meters=flow_meters,
        flow_p_kw=flow_p * turned,
        flow_q_kvar=flow_q * turned,
        busbar_v_pu=busbar,
        groups=_groups(places, substation, times, flows),
        phase=phase,
        notes=tuple(str(finding) for finding in network.warnings),
    )


def _groups(
    places: _Places, substation: Series, times: Sequence[datetime], flows: Sequence[str]
) -> Groups | None:
    """Those of --groups that are measured; without any, the measured outgoing lines, or the transformer."""
    network = places.network
    recorded = np.full(len(network.service_points), NOWHERE)
    measured = {key for rows in substation.values() for key in rows}
    names = [group for group in places.recorded if group in measured]
    if names:
        for group, name in enumerate(names):
            recorded[places.recorded[name]] = group
    else:
        outgoing = _outgoing(network)
        names = [name for name in flows if name in outgoing] or list(flows)
        if names:
            recorded = _behind(network, names)
    return Groups(tuple(names), columns_of(substation, times, names)[0], recorded) if names else None


def _behind(network: Network, names: Sequence[str]) -> Ints:
    """(n_sp,) over which of these lines or transformers each service point is supplied."""
    found = np.full(len(network.service_points), NOWHERE)
    factored = FactoredLoadFlow(network).factored
    if factored is None:
        return found
    sections = Sections(network, factored.admittance)
    ids = {"line": network.lines.ids, "trafo": network.transformers.ids}
    for point, bus in enumerate(factored.admittance.service_point):
        way = {ids[place.kind][place.position] for place in sections.way(int(bus)) if place.kind in ids}
        for group, name in enumerate(names):
            if name in way:
                found[point] = group
    return found
