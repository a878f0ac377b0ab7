"""The site that belongs to an emulated field: files as an engineer would write them, for `gridward run`."""

import csv
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from gridward.hardware import NO_HARDWARE, Hardware
from simulations.field import FieldModel
from simulations.setups import Setup

RTU_PERIOD_STEPS = 0.2
"""The RTU is asked more often than meters report, so that both speak of the same moment."""
CUSTOMER_COLUMNS = ("customer", "service_point", "meter", "critical", "notices", "language")
DEVICE_COLUMNS = (
    *("device", "service_point", "kind", "p_kw", "min_kw", "critical"),
    *("on_contact_loss", "failsafe_kw", "failsafe_s", "nominal_kw"),
)


@dataclass(frozen=True)
class FieldSite:
    """Where the field listens, and where the daemon shall."""

    broker_host: str
    broker_port: int
    rtu_host: str
    rtu_port: int
    rtu_profile: str
    console_port: int
    hardware: Hardware = NO_HARDWARE
    """the part of it that is real"""


def write_site(folder: Path, setup: Setup, where: FieldSite) -> Path:
    """Write site.toml, customers.csv, devices.csv and an operator's token; returns the path of site.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    registry = setup.population.known
    _write_rows(
        folder / "customers.csv",
        CUSTOMER_COLUMNS,
        (asdict(customer) | {"notices": customer.takes_notices} for customer in registry.customers),
    )
    _write_rows(
        folder / "devices.csv",
        DEVICE_COLUMNS,
        (asdict(device) | {"p_kw": device.rated_kw} for device in registry.devices),
    )
    token = folder / "operator.token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_urlsafe(24), encoding="ascii")
    site = folder / "site.toml"
    site.write_text(tomli_w.dumps(_settings(setup, where)), encoding="utf-8")
    return site


def write_journal(path: Path, model: FieldModel) -> None:
    """What every emulated device noted, for a judge who does not trust the daemon."""
    path.write_bytes(msgspec.json.encode(model.devices.journal))


def _settings(setup: Setup, where: FieldSite) -> dict[str, Any]:
    scenario = setup.scenario
    step_s = float(scenario.time.step_s)
    rtu = {"host": where.rtu_host, "port": where.rtu_port, "profile": where.rtu_profile}
    feeder = {
        "id": scenario.network.feeder,
        "network": scenario.network.source,
        "customers": "customers.csv",
        "devices": "devices.csv",
        "rtu": rtu | {"period_s": step_s * RTU_PERIOD_STEPS},
        **_tables({"charger": where.hardware.charger, "modbus": where.hardware.modbus}),
    }
    control = _without_none(msgspec.to_builtins(scenario.control, builtin_types=(date,)))
    del control["policy"]  # whoever simulates it: what reads a site is the daemon
    return {
        "name": scenario.title or scenario.network.source,
        "secret_file": "site.secret",
        "broker": {"host": where.broker_host, "port": where.broker_port},
        "api": {
            "port": where.console_port,
            "operator_token_file": "operator.token",
            "accounts": "accounts.sqlite3",
            "public_url": f"http://127.0.0.1:{where.console_port}",
        },
        "store": {"path": "gridward.sqlite3"},
        "journal": {"signing_key_file": "journal.key"},
        "contacts": {"path": "contacts.sqlite3"},
        "feeder": [feeder],
        **_tables({"ocpp": where.hardware.ocpp, "modbus": where.hardware.modbus_security}),
        **control,
    }


def _tables(named: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a site file has them; those that are empty are left out."""
    told = _without_none(msgspec.to_builtins(named, enc_hook=str))
    return {name: table for name, table in told.items() if table}


def _without_none(value: Any) -> Any:
    """TOML has no word for absent; tables may stand in tables and in arrays."""
    if isinstance(value, Mapping):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tuple(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {k: str(v).lower() if isinstance(v, bool) else v for k, v in row.items()} for row in rows
        )
