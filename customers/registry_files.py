"""Reads customers.csv and devices.csv into a `Registry`; everything that is wrong is told at once.

customers.csv: customer, service_point, meter, critical, notices [, language]
devices.csv:   device, service_point, kind, p_kw (rated), min_kw, critical [, on_contact_loss, failsafe_kw]

An empty `min_kw` means the floor of the device's kind (or what it can take at all, if that is less). Knows
neither the network nor the wire: that a service point exists is checked where both are known.
"""

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from customers.errors import Finding, RegistryRejected
from customers.notices import LANGUAGES
from customers.registry import FLOOR_KW_BY_KIND, ContactLoss, Customer, Device, Registry
from customers.rows import Row

KINDS = ("ev_charger", "heat_pump", "battery", "air_conditioner", "boiler", "pv_inverter")
ON_CONTACT_LOSS: tuple[ContactLoss, ...] = ("event", "guard")
RESERVED_METER = "substation"
"""the name under which a feeder's own RTU reports"""

CUSTOMER_COLUMNS = ("customer", "service_point", "meter", "critical", "notices")
DEVICE_COLUMNS = ("device", "service_point", "kind", "p_kw", "min_kw", "critical")

T = TypeVar("T")


def load_registry(customers: Path, devices: Path) -> Registry:
    """Both files of one feeder. Raises RegistryRejected with all findings of both."""
    findings: list[Finding] = []
    supplied = _read(customers, CUSTOMER_COLUMNS, ("language",), _customer, findings)
    owned = _read(devices, DEVICE_COLUMNS, ("on_contact_loss", "failsafe_kw"), _device, findings)
    for field in ("customer", "service_point", "meter"):
        _find_doubles(supplied, field)
    _find_doubles(owned, "device")
    known = {customer.service_point for _, customer in supplied}
    if not any(finding.file == str(customers) for finding in findings):
        findings.extend(
            Finding(
                row.file,
                row.row,
                "service_point",
                f"expected a customer's service point, {device.service_point!r} is none",
            )
            for row, device in owned
            if device.service_point not in known
        )
    if findings:
        raise RegistryRejected(sorted(findings, key=lambda f: (f.file != str(customers), f.row or 0)))
    return Registry(
        customers=tuple(customer for _, customer in supplied), devices=tuple(device for _, device in owned)
    )


def _customer(row: Row) -> Customer | None:
    customer, meter = row.identifier("customer"), row.identifier("meter")
    service_point = row.text("service_point")
    critical, notices = row.yes_or_no("critical"), row.yes_or_no("notices")
    language = LANGUAGES[0] if row.is_blank("language") else row.one_of("language", LANGUAGES)
    if meter == RESERVED_METER:
        row.fault("meter", f"expected another name, {meter!r} is the feeder's own RTU")
        return None
    if customer is None or meter is None or service_point is None or language is None:
        return None
    if critical is None or notices is None:
        return None
    return Customer(customer, service_point, meter, critical, notices, language)


def _device(row: Row) -> Device | None:
    device, service_point = row.identifier("device"), row.text("service_point")
    kind, rated_kw = row.one_of("kind", KINDS), row.power_kw("p_kw", above_zero=True)
    critical = row.yes_or_no("critical")
    on_contact_loss = (
        "event" if row.is_blank("on_contact_loss") else row.one_of("on_contact_loss", ON_CONTACT_LOSS)
    )
    failsafe_kw = None if row.is_blank("failsafe_kw") else row.power_kw("failsafe_kw")
    if kind is None or rated_kw is None:
        return None
    min_kw = (
        min(FLOOR_KW_BY_KIND.get(kind, 0.0), rated_kw) if row.is_blank("min_kw") else row.power_kw("min_kw")
    )
    if (
        device is None
        or service_point is None
        or min_kw is None
        or critical is None
        or on_contact_loss is None
    ):
        return None
    if min_kw > rated_kw:
        row.fault("min_kw", f"expected at most the rated p_kw of {rated_kw:g} kW, got {min_kw:g}")
        return None
    if failsafe_kw is not None and failsafe_kw < min_kw:
        row.fault(
            "failsafe_kw", f"expected at least the guaranteed min_kw of {min_kw:g} kW, got {failsafe_kw:g}"
        )
        return None
    if on_contact_loss == "guard" and failsafe_kw is None:
        row.fault("failsafe_kw", "expected a power in kW, because on_contact_loss is guard; it is empty")
        return None
    return Device(device, service_point, kind, rated_kw, min_kw, critical, on_contact_loss, failsafe_kw)


def _read(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    make: Callable[[Row], T | None],
    findings: list[Finding],
) -> list[tuple[Row, T]]:
    """The rows that are right, each with its values; findings for all others."""
    made = []
    try:
        for row in _rows(path, required, optional, findings):
            value = make(row)
            if value is not None:
                made.append((row, value))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        findings.append(Finding(str(path), None, None, f"expected a readable CSV file in UTF-8: {error}"))
    return made


def _rows(
    path: Path, required: Sequence[str], optional: Sequence[str], findings: list[Finding]
) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = [name.strip() for name in next(reader, [])]
        wrong = list(_header_faults(header, required, optional))
        if wrong:
            findings.extend(Finding(str(path), 1, field, expected) for field, expected in wrong)
            return
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                expected = f"expected {len(header)} cells, got {len(cells)}"
                findings.append(Finding(str(path), reader.line_num, None, expected))
                continue
            values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            yield Row(str(path), reader.line_num, values, findings)


def _header_faults(
    header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for name in required:
        if name not in header:
            yield name, f"expected this column; the header has {', '.join(header) or 'nothing'}"
    for place, name in enumerate(header):
        if name in header[:place]:
            yield name, "expected this column once"
        elif name not in required and name not in optional:
            near = difflib.get_close_matches(name, (*required, *optional), n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            yield name or "(empty)", f"expected only {', '.join((*required, *optional))}{meant}"


def _find_doubles(rows: Sequence[tuple[Row, T]], field: str) -> None:
    first: dict[str, int] = {}
    for row, value in rows:
        name: str = getattr(value, field)
        if name in first:
            row.fault(field, f"expected each only once, {name!r} is in row {first[name]} already")
        first.setdefault(name, row.row)
