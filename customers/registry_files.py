"""Reads customers.csv and devices.csv into a `Registry`; everything that is wrong is told at once.

customers.csv: customer, service_point, meter, critical, notices [, language, tags]
devices.csv:   device, service_point, kind, p_kw (rated), min_kw, critical
               [, on_contact_loss, failsafe_kw, failsafe_s, nominal_kw]

Where a site has programmes, programmes.toml and enrolments.csv belong to it (`programme_files.py`).
An empty `min_kw` means the floor of the device's kind (or what it can take at all, if that is less). Knows
neither the network nor the wire: that a service point exists is checked where both are known.
"""

from collections.abc import Collection
from pathlib import Path

from customers.appliances.appliance_files import load_appliances
from customers.appliances.ownership import Ownership
from customers.appliances.use_files import load_use
from customers.errors import Finding, RegistryRejected
from customers.notices import LANGUAGES
from customers.programme_files import load_agreements
from customers.registry import FLOOR_KW_BY_KIND, ContactLoss, Customer, Device, Registry
from customers.rows import Row
from customers.tables import find_doubles, read_table
from customers.tags import TAGS

KINDS = ("ev_charger", "heat_pump", "battery", "air_conditioner", "boiler", "pv_inverter")
ON_CONTACT_LOSS: tuple[ContactLoss, ...] = ("event", "guard")
RESERVED_METER = "substation"
"""the name under which a feeder's own RTU reports"""

CUSTOMER_COLUMNS = ("customer", "service_point", "meter", "critical", "notices")
DEVICE_COLUMNS = ("device", "service_point", "kind", "p_kw", "min_kw", "critical")
OPTIONAL_DEVICE_COLUMNS = ("on_contact_loss", "failsafe_kw", "failsafe_s", "nominal_kw")
SHORTEST_FAILSAFE_S, LONGEST_FAILSAFE_S = 60, 86_400
"""EEBus LPC knows 2 h to 24 h; shorter ones are for devices on other wires."""


def load_registry(
    customers: Path,
    devices: Path,
    programmes: Path | None = None,
    enrolments: Path | None = None,
    baselines: Collection[str] = (),
    *,
    appliances: Path | None = None,
    appliance_use: Path | None = None,
) -> Registry:
    """All files of one feeder. Raises RegistryRejected with all findings.

    `programmes` and `enrolments` belong together; `baselines`: names that a programme may settle by.
    `appliance_use` counts with `appliances` only.
    """
    findings: list[Finding] = []
    supplied = read_table(customers, CUSTOMER_COLUMNS, ("language", "tags"), _customer, findings)
    owned = read_table(devices, DEVICE_COLUMNS, OPTIONAL_DEVICE_COLUMNS, _device, findings)
    for field in ("customer", "service_point", "meter"):
        find_doubles(supplied, field)
    find_doubles(owned, "device")
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
    parties = tuple(customer for _, customer in supplied)
    order = [str(path) for path in (customers, devices, programmes, enrolments, appliances, appliance_use)]
    agreements = None
    if programmes is not None and enrolments is not None:
        agreements = load_agreements(programmes, enrolments, parties, findings, baselines)
    ownership = None if appliances is None else _ownership(appliances, appliance_use, findings)
    if findings:
        raise RegistryRejected(sorted(findings, key=lambda f: (order.index(f.file), f.row or 0)))
    return Registry(parties, tuple(device for _, device in owned), agreements, ownership)


def _ownership(appliances: Path, use: Path | None, findings: list[Finding]) -> Ownership | None:
    try:
        return Ownership(load_appliances(appliances), load_use(use))
    except RegistryRejected as error:
        findings += error.findings
        return None


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
    tags = row.words("tags", tuple(TAGS))
    if critical is None or notices is None or tags is None:
        return None
    return Customer(customer, service_point, meter, critical, notices, language, tags)


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
    nominal_kw = None if row.is_blank("nominal_kw") else row.power_kw("nominal_kw", above_zero=True)
    fault = _power_fault(min_kw, rated_kw, nominal_kw, failsafe_kw)
    if fault is None and on_contact_loss == "guard" and failsafe_kw is None:
        fault = "failsafe_kw", "expected a power in kW, because on_contact_loss is guard; it is empty"
    if fault is None and on_contact_loss == "guard" and kind == "pv_inverter":
        why = "because a failsafe bounds what is taken"
        fault = "on_contact_loss", f"expected event for a pv_inverter, {why}; got guard"
    if fault is not None:
        row.fault(*fault)
        return None
    failsafe_s = _failsafe_s(row)
    return Device(
        device,
        service_point,
        kind,
        rated_kw,
        min_kw,
        critical,
        on_contact_loss,
        failsafe_kw,
        failsafe_s,
        nominal_kw,
    )


def _power_fault(
    min_kw: float, rated_kw: float, nominal_kw: float | None, failsafe_kw: float | None
) -> tuple[str, str] | None:
    """The first of a device's powers that does not fit the others, and what was expected of it."""
    if min_kw > rated_kw:
        return "min_kw", f"expected at most the rated p_kw of {rated_kw:g} kW, got {min_kw:g}"
    floor = f"expected at least the guaranteed min_kw of {min_kw:g} kW"
    if nominal_kw is not None and nominal_kw < min_kw:
        return "nominal_kw", f"{floor}, got {nominal_kw:g}"
    if failsafe_kw is None:
        return None
    if failsafe_kw < min_kw:
        return "failsafe_kw", f"{floor}, got {failsafe_kw:g}"
    most_kw, ceiling = rated_kw, "rated p_kw"
    if nominal_kw is not None and nominal_kw < rated_kw:
        most_kw, ceiling = nominal_kw, "nominal_kw"
    if failsafe_kw > most_kw:
        return "failsafe_kw", f"expected at most the {ceiling} of {most_kw:g} kW, got {failsafe_kw:g}"
    return None


def _failsafe_s(row: Row) -> int | None:
    """Whole seconds; None where the default holds. An empty one is never 0."""
    if row.is_blank("failsafe_s"):
        return None
    value = row.text("failsafe_s") or ""
    seconds = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
    if not SHORTEST_FAILSAFE_S <= seconds <= LONGEST_FAILSAFE_S:
        span = f"{SHORTEST_FAILSAFE_S} to {LONGEST_FAILSAFE_S}"
        row.fault("failsafe_s", f"expected whole seconds from {span}, got {value!r}")
        return None
    return seconds
