"""The input of a check per phase: who hangs on which phase, and readings and devices put there.

All that phases do not change is `input.py`. Collects everything that is wrong before it gives up. Knows
no load flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from grid_model.allocation import FlexibleDevice
from grid_model.connection import connection_limits_kw
from grid_model.errors import Finding, NetworkRejected
from grid_model.network import Floats, Network
from grid_model.snapshot import Quality, Snapshot
from grid_model.three_phase.allocation import PhaseDevice
from grid_model.three_phase.assignment import on_phases
from grid_model.three_phase.network import ThreePhaseNetwork, load_three_phase_network
from grid_model.three_phase.phases import PHASES, Bools, connected_phases
from gridward.check.input import InputRejected, Placing, check_alone
from gridward.check.phases_capping import capped
from gridward.check.tables import (
    ByPhase,
    Cells,
    DeviceRow,
    OnPhases,
    PhaseReadingRow,
    PhaseRow,
    read_customers,
    read_devices,
    read_phase_readings,
    read_phases,
)

_EXAMPLES = 5


@dataclass(frozen=True)
class PhaseCheckInput:
    """One snapshot of one network whose customers hang on phases, and what could be limited there."""

    network: ThreePhaseNetwork
    p_kw: Floats
    """(n_sp, 3)"""
    q_kvar: Floats
    measured_v_pu: Floats
    """(n_sp,) NaN where not measured"""
    devices: tuple[PhaseDevice, ...]
    """Those of critical customers are marked critical."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PhaseFiles:
    """What a check per phase reads."""

    readings: Path
    phases: Path | None
    """None: the network itself says who is on which phase"""
    devices: Path | None
    customers: Path | None


def read_phase_input(
    source: str, files: PhaseFiles, *, max_age: timedelta, typical_zero_sequence: bool
) -> PhaseCheckInput:
    """Read and check all input. Raises InputRejected with every finding of network and files."""
    findings: list[Finding] = []
    phase_rows = read_phases(files.phases, findings) if files.phases else []
    reading_rows = read_phase_readings(files.readings, findings)
    device_rows = read_devices(files.devices, findings) if files.devices else []
    customer_rows = read_customers(files.customers, findings) if files.customers else []
    check_alone([row.reading for row in reading_rows], device_rows, max_age)
    try:
        loaded = load_three_phase_network(source, typical_zero_sequence=typical_zero_sequence)
    except NetworkRejected as rejected:
        raise InputRejected([*map(_with_option, rejected.findings), *findings]) from rejected
    totals = _totals(loaded)
    placing = Placing(totals)
    network = on_phases(loaded, _assigned(loaded, placing, phase_rows))
    if files.phases:
        placing.warnings += _not_assigned(loaded, network, phase_rows)
    snapshot, v_pu = placing.snapshot([row.reading for row in reading_rows])
    spreading = _Spreading(network, snapshot, connection_limits_kw(totals) / len(PHASES))
    p_kw, q_kvar = spreading.powers(reading_rows)
    flexible = placing.devices(device_rows, snapshot, placing.protected(customer_rows))
    devices = _on_their_phases(network, flexible, device_rows)
    believed = capped(devices, p_kw, placing.warnings)
    if findings:
        raise InputRejected(findings)
    warnings = (*map(str, network.warnings), *placing.warnings)
    return PhaseCheckInput(network, p_kw, q_kvar, v_pu, believed, warnings)


def _with_option(finding: Finding) -> Finding:
    """Says which option it is that allows typical values."""
    if "allow typical values" not in finding.expected:
        return finding
    return replace(finding, repair="--typical-zero-sequence allows them")


def _totals(network: ThreePhaseNetwork) -> Network:
    """The same network with one total for each customer, as most meters tell it."""
    return Network(
        source=network.source,
        net=network.net,
        buses=network.buses,
        lines=network.lines,
        transformers=network.transformers,
        service_points=network.service_points,
        load_ids=network.load_ids,
        service_point_bus=network.service_point_bus,
        default_p_kw=network.default_p_kw.sum(axis=1),
        default_q_kvar=network.default_q_kvar.sum(axis=1),
        ambiguous_names=network.ambiguous_names,
    )


def _assigned(
    network: ThreePhaseNetwork, placing: Placing, rows: Sequence[PhaseRow]
) -> Mapping[int, OnPhases]:
    """The phases of each customer that the file names, by position; what is wrong is noted."""
    assigned: dict[int, OnPhases] = {}
    seen: dict[int, int] = {}
    for row in rows:
        place = placing.place(row.cells, row.service_point)
        if place is None:
            continue
        if seen.setdefault(place, row.cells.row) != row.cells.row:
            earlier = f"{row.service_point!r} is already in row {seen[place]}; expected each only once"
            row.cells.error("service_point", earlier)
        elif network.delta[place]:
            row.cells.error("phase", f"{row.service_point!r} is in delta, which has no phase of its own")
        elif row.phases is not None:
            assigned[place] = row.phases
    return assigned


def _not_assigned(
    loaded: ThreePhaseNetwork, network: ThreePhaseNetwork, rows: Sequence[PhaseRow]
) -> list[str]:
    """Balanced customers that the file forgets: a household is hardly on all three phases."""
    index = loaded.service_point_index()
    told = {index.get(row.service_point) for row in rows}
    forgotten = [
        network.service_points[place]
        for place, load_id in enumerate(network.load_ids)
        if load_id.startswith("load:") and place not in told
    ]
    if not forgotten:
        return []
    more = f" and {len(forgotten) - _EXAMPLES} more" if len(forgotten) > _EXAMPLES else ""
    names = ", ".join(forgotten[:_EXAMPLES]) + more
    return [f"{len(forgotten)} service points have no phase, taken as even on all three: {names}"]


class _Spreading:
    """Puts totals on phases, and parts where a meter tells them."""

    def __init__(self, network: ThreePhaseNetwork, snapshot: Snapshot, most: Floats) -> None:
        self._network, self._snapshot, self._most = network, snapshot, most
        self._index = network.service_point_index()
        self._measured = (snapshot.quality == Quality.MEASURED)[:, None]

    def powers(self, rows: Sequence[PhaseReadingRow]) -> tuple[Floats, Floats]:
        """(n_sp, 3) kW and kvar: told parts as they are, totals even on the customer's phases, what nobody
        measured as the network has it."""
        network, snapshot = self._network, self._snapshot
        p_kw = self._spread(snapshot.p_kw, network.default_p_kw)
        q_kvar = self._spread(snapshot.q_kvar, network.default_q_kvar)
        for row in rows:
            place = self._index.get(row.reading.service_point)
            if place is None:
                continue
            if row.p_kw is not None:
                p_kw[place] = self._told(row, "p", "kw", row.p_kw, place)
            if row.q_kvar is not None:
                q_kvar[place] = self._told(row, "q", "kvar", row.q_kvar, place)
            elif row.p_kw is not None:  # one power factor on all phases
                taken = np.abs(p_kw[place])
                q_kvar[place] = snapshot.q_kvar[place] * taken / taken.sum() if taken.any() else q_kvar[place]
            self._within(row.reading.cells, "p", "kW", p_kw[place], place)
            self._within(row.reading.cells, "q", "kvar", q_kvar[place], place)
        return p_kw, q_kvar

    def _spread(self, total: Floats, default: Floats) -> Floats:
        connected = self._network.connected.astype(np.float64)
        known = self._measured | (default == 0).all(axis=1)[:, None]
        pattern = np.where(known, connected, np.abs(default))
        return np.asarray(total[:, None] * pattern / pattern.sum(axis=1, keepdims=True))

    def _told(self, row: PhaseReadingRow, quantity: str, unit: str, parts: ByPhase, place: int) -> Floats:
        """(3,) of a meter that tells its phases: each that is connected, and no other."""
        cells, network = row.reading.cells, self._network
        for part, (phase, value) in enumerate(zip(PHASES, parts, strict=True)):
            column = f"{quantity}_{phase}_{unit}"
            if network.connected[place, part] and value is None:
                cells.error(column, "is empty; expected a number on each phase of the customer, or a total")
            elif value and not network.connected[place, part]:
                on = phase_text(network, network.connected[place], place)
                cells.error(column, f"is {value:g}; expected 0 or nothing, the customer is on {on}")
        return np.where(network.connected[place], [value or 0.0 for value in parts], 0.0)

    def _within(self, cells: Cells, quantity: str, unit: str, parts: Floats, place: int) -> None:
        most = float(self._most[place])
        if np.abs(parts).max() > most:
            worst = float(parts[np.argmax(np.abs(parts))])
            cells.error(
                f"{quantity}_{unit.lower()}",
                f"is {worst:g} on one phase; expected at most {most:.0f} {unit}, which is all that a phase "
                "of its bus can carry",
            )


def phase_text(network: ThreePhaseNetwork, on: Bools, place: int) -> str:
    """`a`, `bc`, `abc`; in delta `ab, bc`."""
    parts = [network.phase_name(place, int(part)) for part in np.flatnonzero(on)]
    return (", " if network.delta[place] else "").join(parts)


def _on_their_phases(
    network: ThreePhaseNetwork, devices: Sequence[FlexibleDevice], rows: Sequence[DeviceRow]
) -> list[tuple[PhaseDevice, Cells]]:
    """Each device on the phases its file names, or even on those of its customer."""
    by_name = {row.device: row for row in rows}
    placed = []
    for device in devices:
        row = by_name[device.device]
        on = _device_phases(network, row, device.service_point)
        a, b, c = (float(part) for part in on / on.sum())
        placed.append((PhaseDevice(device, (a, b, c)), row.cells))
    return placed


def _device_phases(network: ThreePhaseNetwork, row: DeviceRow, place: int) -> Bools:
    connected: Bools = network.connected[place]
    if not row.phase:
        return connected
    found = connected_phases(row.phase)
    if found is None or network.delta[place] or (np.array(found) & ~connected).any():
        on = phase_text(network, connected, place)
        row.cells.error(
            "phase", f"is {row.phase!r}; expected some of its service point's own, {on}, or nothing"
        )
        return connected
    return np.array(found)
