"""Builds the driver of all Modbus units of a site, from its settings, registries and profiles.

A feeder's `[feeder.rtu]` is one more unit of the same driver. All that is wrong is told at once, named as
`gridward config check` names it.
"""

import ssl
from collections.abc import Iterable, Iterator

import numpy as np

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import Feeder, FeederModbus, Modbus, Site
from customers.registry import Device
from devices.errors import DeviceError, ProfileRejected
from devices.messages import SUBSTATION
from devices.modbus.dialogue import Unit
from devices.modbus.driver import ModbusField
from devices.modbus.failsafe_unit import mapped_unit
from devices.modbus.register_map import load_profile
from devices.modbus.settings import (
    FieldSettings,
    FieldUnit,
    LinkPlace,
    client_tls_context,
)
from devices.modbus.sunspec.unit import SunSpecSettings, SunSpecUnit
from devices.ports import Clock
from gridward.modbus_faults import (
    Row,
    contradictions,
    double_faults,
    fit_faults,
    port_of,
    tls_faults,
    who_faults,
)

SUNSPEC = "sunspec"


def modbus_field(
    site: Site, feeders: Iterable[FeederControl], clock: Clock, rng: np.random.Generator, wire_clock: Clock
) -> ModbusField | None:
    """None when there is no unit. Raises ConfigRejected with all findings."""
    units = modbus_units(site, feeders)
    if not units:
        return None
    return ModbusField(units, clock, rng, wire_clock, FieldSettings(deadline_s=site.modbus.deadline_s))


def modbus_units(site: Site, feeders: Iterable[FeederControl]) -> tuple[FieldUnit, ...]:
    """The units of the feeders that are given. Raises ConfigRejected with all findings."""
    controls = {control.feeder: control for control in feeders}
    rows = [row for row in _rows(site) if row.feeder in controls]
    findings = [*double_faults(rows, site), *tls_faults(site.modbus, rows)]
    tls = None if findings else _tls(site.modbus, findings)
    units: list[FieldUnit] = []
    for row in rows:
        unit = _unit(row, controls[row.feeder], tls, findings)
        if unit is not None:
            units.append(unit)
    if not findings:
        findings += contradictions(units)
    if findings:
        raise ConfigRejected(findings)
    return tuple(units)


def _rows(site: Site) -> Iterator[Row]:
    for number, feeder in enumerate(site.feeder, start=1):
        if feeder.rtu is not None:
            yield Row(f"feeder[{number}].rtu", feeder.id, _as_row(feeder))
        for place, row in enumerate(feeder.modbus, start=1):
            yield Row(f"feeder[{number}].modbus[{place}]", feeder.id, row)


def _as_row(feeder: Feeder) -> FeederModbus:
    rtu = feeder.rtu
    assert rtu is not None
    return FeederModbus(
        host=rtu.host,
        port=rtu.port,
        unit=rtu.unit,
        profile=rtu.profile,
        substation=True,
        period_s=rtu.period_s,
        plain=True,
    )


def _unit(
    row: Row, control: FeederControl, tls: ssl.SSLContext | None, findings: list[str]
) -> FieldUnit | None:
    """What the row says, or None with what is wrong added to the findings."""
    settings, registry = row.settings, control.registry
    device = None if settings.device is None else registry.device.get(settings.device)
    faults = list(who_faults(row, control, device))
    try:
        speech = _speech(settings, device)
        faults += fit_faults(row, speech, device)
    except (DeviceError, OSError) as error:
        faults.append(f"{row.place}.profile: {error}")
    findings += faults
    if faults:
        return None
    link = LinkPlace(settings.host, port_of(settings), None if settings.plain else tls, settings.server_name)
    return FieldUnit(
        feeder=row.feeder,
        link=link,
        unit=settings.unit,
        speech=speech,
        meter=SUBSTATION if settings.substation else settings.meter,
        device=settings.device,
        limits="production" if device is not None and device.kind == "pv_inverter" else "consumption",
        floor_kw=4.2 if device is None else device.min_kw,
        period_s=settings.period_s,
    )


def _speech(settings: FeederModbus, device: Device | None) -> Unit:
    """How the unit is spoken to. ProfileRejected, CommandRejected."""
    rated_kw = None if device is None else device.rated_kw
    if settings.profile != SUNSPEC:
        return mapped_unit(load_profile(settings.profile), rated_kw)
    if device is not None and device.kind not in ("pv_inverter", "battery"):
        raise ProfileRejected(
            f"{SUNSPEC}: expected a pv_inverter or battery, {device.device!r} is {device.kind}"
        )
    return SunSpecUnit(
        SunSpecSettings(
            "meter" if device is None else "inverter" if device.kind == "pv_inverter" else "battery",
            instance=settings.instance,
            meter_positive=settings.positive,
            energy=settings.energy,
            longest_hold_s=settings.longest_hold_s,
            rated_kw=rated_kw,
            charge_kw=rated_kw,
        )
    )


def _tls(modbus: Modbus, findings: list[str]) -> ssl.SSLContext | None:
    if modbus.ca_file is None or modbus.certificate_file is None or modbus.key_file is None:
        return None
    try:
        return client_tls_context(modbus.ca_file, modbus.certificate_file, modbus.key_file)
    except OSError as error:
        findings.append(f"modbus.certificate_file: expected PEM files that fit each other: {error}")
        return None
