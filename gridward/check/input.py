"""The input of `gridward check`: readings, devices and customers, placed on the network.

Collects everything that is wrong before it gives up. Knows no load flow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from grid_model.allocation import FlexibleDevice
from grid_model.errors import Finding, NetworkRejected
from grid_model.estimation.measurements import Measurement
from grid_model.network import Floats, Network, load_network
from grid_model.snapshot import Snapshot
from gridward.check.owned import owned_flexible_kw, read_owned
from gridward.check.placing import Placing
from gridward.check.substation import place_substation, read_substation
from gridward.check.tables import (
    CustomerRow,
    DeviceRow,
    ReadingRow,
    read_customers,
    read_devices,
    read_readings,
)

__all__ = ["CheckFiles", "CheckInput", "InputRejected", "Placing", "check_alone", "read_input"]


class InputRejected(Exception):
    """The input cannot be used; `findings` has all reasons."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class CheckInput:
    """One snapshot of one network, and what could be limited there."""

    network: Network
    snapshot: Snapshot
    measured_v_pu: Floats
    """(n_sp,) NaN where not measured"""
    devices: tuple[FlexibleDevice, ...]
    """Those of critical customers are marked critical."""
    warnings: tuple[str, ...]
    shown_p_kw: Floats
    """(n_sp,) as the meters show it; NaN without a reading"""
    shown_q_kvar: Floats
    age_s: Floats
    """(n_sp,) by how much each reading is older than the newest"""
    substation: tuple[Measurement, ...]
    owned_kw: Floats
    """(n_sp,) what customers without a device could give by what they own"""


@dataclass(frozen=True, slots=True)
class CheckFiles:
    """Where the input is."""

    readings: Path
    devices: Path | None = None
    customers: Path | None = None
    substation: Path | None = None
    appliances: Path | None = None


def read_input(source: str, files: CheckFiles, *, max_age: timedelta) -> CheckInput:
    """Read and check all input. Raises InputRejected with every finding of network and files."""
    findings: list[Finding] = []
    reading_rows = read_readings(files.readings, findings)
    device_rows = read_devices(files.devices, findings) if files.devices else []
    customer_rows = read_customers(files.customers, findings) if files.customers else []
    substation_rows = read_substation(files.substation, findings) if files.substation else []
    ownership = read_owned(files.appliances, findings) if files.appliances else None
    check_alone(reading_rows, device_rows, max_age)
    try:
        network = load_network(source)
    except NetworkRejected as rejected:
        raise InputRejected([*rejected.findings, *findings]) from rejected
    placing = Placing(network)
    snapshot, v_pu = placing.snapshot(reading_rows)
    protected = placing.protected(customer_rows)
    flexible = placing.devices(device_rows, snapshot, protected)
    inside = place_substation(substation_rows, network)
    if findings:
        raise InputRejected(findings)
    owned_kw = np.zeros(len(network.service_points))
    if ownership is not None:
        without = protected | {device.service_point for device in flexible}
        newest = max((row.at for row in reading_rows if row.at is not None), default=None)
        owned_kw = owned_flexible_kw(
            ownership,
            network,
            snapshot,
            without=without,
            customer_of=_customer_of(customer_rows),
            at=newest,
            warnings=placing.warnings,
        )
    return CheckInput(
        network=network,
        snapshot=snapshot,
        measured_v_pu=v_pu,
        devices=flexible,
        warnings=(*(str(finding) for finding in network.warnings), *placing.warnings),
        shown_p_kw=placing.column(reading_rows, lambda row: row.p_kw),
        shown_q_kvar=placing.column(reading_rows, lambda row: row.q_kvar),
        age_s=placing.column(reading_rows, _age(reading_rows)),
        substation=inside,
        owned_kw=owned_kw,
    )


def _customer_of(rows: Sequence[CustomerRow]) -> dict[str, str]:
    """By service point, where the file names them."""
    named = [(row.service_point, row.cells.values.get("customer", "")) for row in rows]
    return {point: customer for point, customer in named if customer}


def _age(rows: Sequence[ReadingRow]) -> Callable[[ReadingRow], float]:
    """Seconds before the newest reading; 0 where no time is told."""
    newest = max((row.at for row in rows if row.at is not None), default=None)

    def age_s(row: ReadingRow) -> float:
        return 0.0 if newest is None or row.at is None else (newest - row.at).total_seconds()

    return age_s


def check_alone(readings: Sequence[ReadingRow], devices: Sequence[DeviceRow], max_age: timedelta) -> None:
    """What rows of one file say about each other."""
    times = [row.at for row in readings if row.at is not None]
    for row in readings:
        if row.at is not None and max(times) - row.at > max_age:
            minutes = max_age.total_seconds() / 60
            row.cells.error(
                "at",
                f"is {row.at.isoformat()}, more than {minutes:g} minutes older than the newest reading "
                f"({max(times).isoformat()}); expected one snapshot, or a larger --max-age",
            )
    first: dict[str, int] = {}
    for device in devices:
        if device.device and first.setdefault(device.device, device.cells.row) != device.cells.row:
            earlier = first[device.device]
            device.cells.error("device", f"{device.device!r} is already in row {earlier}; expected each once")
