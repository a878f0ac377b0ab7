"""The `[[feeder.charger]]` rows of a site, and at which key of them a fault of the OCPP driver belongs.

The driver names chargers and devices, because it knows no settings file; `gridward config check` names keys.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.settings import FeederCharger, Site

TLS_KEYS = "ocpp.certificate_file, ocpp.key_file"
_CHARGER = re.compile(r"charger '(?P<charger>[^']*)'(?:, device '(?P<device>[^']*)')?: (?P<fault>.*)")
_TWICE = re.compile(r"device '(?P<device>[^']*)' of feeder '(?P<feeder>[^']*)' is there")
_WORDS = (
    ("password", "password_file"),
    ("its id", "charge_point"),
    ("connector", "connector"),
    ("purpose", "purpose"),
)
"""what faults of a whole charger speak of, and the key for it"""


@dataclass(frozen=True)
class ChargerRow:
    """One row of the settings."""

    place: str
    """as findings name it: `feeder[1].charger[2]`"""
    feeder: str
    settings: FeederCharger


def charger_rows(site: Site) -> Iterator[ChargerRow]:
    """All of a site."""
    for number, feeder in enumerate(site.feeder, start=1):
        for place, row in enumerate(feeder.charger, start=1):
            yield ChargerRow(f"feeder[{number}].charger[{place}]", feeder.id, row)


def placed_fault(fault: str, rows: Sequence[ChargerRow]) -> str:
    """A line of the driver's ProfileRejected with its key before it."""
    if found := _CHARGER.match(fault):
        return f"{_row_key(found, rows)}: {fault}"
    if found := _TWICE.match(fault):
        meant = [r for r in rows if (r.feeder, r.settings.device) == (found["feeder"], found["device"])]
        return f"{meant[-1].place}.device: {fault}" if meant else f"feeder: {fault}"
    if fault.endswith("needs tls"):
        return f"{TLS_KEYS}: {fault}"
    if fault.startswith("path"):
        return f"ocpp.path: {fault}"
    return f"ocpp.{'client_ca_file' if 'tls context' in fault else 'security_profile'}: {fault}"


def key_of(finding: str) -> str:
    """What stands before the fault."""
    return finding.partition(": ")[0]


def _row_key(found: re.Match[str], rows: Sequence[ChargerRow]) -> str:
    charger, device, fault = found["charger"], found["device"], found["fault"]
    row = next(
        (
            row
            for row in rows
            if row.settings.charge_point == charger and device in (None, row.settings.device)
        ),
        None,
    )
    if row is None:
        return "feeder"
    first = fault.partition(" ")[0]
    if first in FeederCharger.__struct_fields__:
        return f"{row.place}.{first}"
    key = next((key for word, key in _WORDS if word in fault), None)
    return row.place if key is None else f"{row.place}.{key}"
