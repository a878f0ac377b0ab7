"""Builds the central system that a site's chargers connect to, from its settings and registries."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import FeederCharger, Ocpp, Site
from customers.charging_station_files import load_stations
from customers.charging_stations import ChargingMap, PlugNow
from customers.registry import Device
from devices.errors import ProfileRejected
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, ChargerDevice, CsmsSettings, gather, server_tls_context
from devices.ports import Clock
from gridward.charger_rows import TLS_KEYS, ChargerRow, charger_rows, key_of, placed_fault


def central_system(
    site: Site, feeders: Iterable[FeederControl], clock: Clock, rng: np.random.Generator, wire_clock: Clock
) -> CentralSystem | None:
    """Of the feeders that are given; None when no feeder of them has a charger. Raises ConfigRejected with
    all findings, each of which begins with its key.
    """
    controls = {control.feeder: control for control in feeders}
    rows = [row for row in charger_rows(site) if row.feeder in controls]
    if not rows:
        return None
    findings: list[str] = []
    chargers = _gathered(rows, controls, findings)
    try:
        tls = _tls(site.ocpp)
    except OSError as error:
        findings.append(f"{TLS_KEYS}: expected PEM files of a certificate and its key: {error}")
        tls = None
    try:
        central = CentralSystem(_settings(site.ocpp, chargers, tls), clock, rng, wire_clock)
    except ProfileRejected as error:
        placed = (placed_fault(line, rows) for line in str(error).splitlines())
        told = [key_of(finding) for finding in findings]
        findings += [finding for finding in placed if key_of(finding) not in told]
    if findings:
        raise ConfigRejected(findings)
    return central


def _settings(ocpp: Ocpp, chargers: tuple[Charger, ...], tls: ssl.SSLContext | None) -> CsmsSettings:
    return CsmsSettings(
        chargers,
        host=ocpp.host,
        port=ocpp.port,
        path=ocpp.path,
        security_profile=ocpp.security_profile,
        tls=tls,
        who_may_charge=None if ocpp.who_may_charge is None else frozenset(ocpp.who_may_charge),
        clock_tolerance_s=ocpp.clock_tolerance_s,
        power_fresh_s=ocpp.power_fresh_s,
    )


def charging_map(site: Site, central: CentralSystem | None) -> ChargingMap | None:
    """The stations of the site, with what its chargers say. Raises RegistryRejected, ConfigRejected."""
    if site.ocpp.stations is None:
        return None

    def plugs_now() -> dict[tuple[str, int], PlugNow]:
        said = {} if central is None else central.plugs()
        return {
            (name, number): PlugNow(plug.occupancy, plug.since, plug.limit_kw)
            for name, plugs in said.items()
            for number, plug in plugs.items()
        }

    return ChargingMap(load_stations(site.ocpp.stations), plugs_now)


def _gathered(
    rows: Sequence[ChargerRow], controls: Mapping[str, FeederControl], findings: list[str]
) -> tuple[Charger, ...]:
    """The chargers of all rows that can be read; what is wrong with the others is added to the findings."""
    placed: list[Charger] = []
    for row in rows:
        settings, control = row.settings, controls[row.feeder]
        device = control.registry.device.get(settings.device)
        if device is None:
            fault = f"no device {settings.device!r} on {control.feeder!r}"
            findings.append(f"{row.place}.device: charger {settings.charge_point!r}: {fault}")
        password = None
        try:
            password = _password(settings.password_file)
        except (OSError, UnicodeDecodeError) as error:
            findings.append(f"{row.place}.password_file: expected a readable file in UTF-8: {error}")
        if device is not None:
            placed.append(_charger(settings, control.feeder, device, password))
    try:
        return gather(placed)
    except ProfileRejected as error:
        findings += [placed_fault(line, rows) for line in str(error).splitlines()]
        return ()


def _charger(row: FeederCharger, feeder: str, device: Device, password: str | None) -> Charger:
    placed = ChargerDevice(
        feeder=feeder,
        device=row.device,
        connector=row.connector,
        floor_kw=device.min_kw,
        phases=row.phases,
        nominal_v=row.nominal_v,
        current_step_a=row.current_step_a,
        rated_kw=device.rated_kw,
        meter=row.meter,
    )
    return Charger(
        charge_point=row.charge_point,
        devices=(placed,),
        password=password,
        certificate_name=row.certificate_name,
        rate_unit=row.rate_unit,
        purpose=row.purpose,
        stack_level=row.stack_level,
        meter_interval_s=row.meter_interval_s,
    )


def _password(file: Path | None) -> str | None:
    return None if file is None else file.read_text(encoding="utf-8").rstrip("\n")


def _tls(ocpp: Ocpp) -> ssl.SSLContext | None:
    if ocpp.certificate_file is None or ocpp.key_file is None:
        return None
    return server_tls_context(ocpp.certificate_file, ocpp.key_file, ocpp.client_ca_file)
