"""Builds the driver of all Modbus units of a site, from its settings, registries and profiles.

A feeder's `[feeder.rtu]` is one more unit of the same driver. All that is wrong is told at once, named as
`gridward config check` names it.
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from controller.errors import ConfigRejected
from controller.failsafes import failsafe_s
from controller.feeder_control import FeederControl
from controller.settings import Feeder, FeederModbus, Modbus, Site
from customers.registry import Device
from devices.errors import CommandRejected, DeviceError, ProfileRejected
from devices.messages import SUBSTATION
from devices.modbus.dialogue import HasFailsafe, Unit
from devices.modbus.driver import ModbusField
from devices.modbus.failsafe_unit import FailsafeUnit, mapped_unit
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.register_map import load_profile
from devices.modbus.settings import (
    PLAIN_PORT,
    TLS_PORT,
    FieldSettings,
    FieldUnit,
    LinkPlace,
    check_units,
    client_tls_context,
)
from devices.modbus.sunspec.unit import SunSpecSettings, SunSpecUnit
from devices.ports import Clock

SUNSPEC = "sunspec"
FAILSAFE_STEP_KW = 0.7
"""What a failsafe may be shown above its declared one: a whole ampere on three phases of 230 V is 0.69 kW."""
_TLS_FILES = ("ca_file", "certificate_file", "key_file")


@dataclass(frozen=True, slots=True)
class _Row:
    """One unit of the settings, and where it stands there."""

    place: str
    feeder: str
    settings: FeederModbus


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
    findings = [*_double(rows, site), *_tls_faults(site.modbus, rows)]
    tls = None if findings else _tls(site.modbus, findings)
    units: list[FieldUnit] = []
    for row in rows:
        unit = _unit(row, controls[row.feeder], tls, findings)
        if unit is not None:
            units.append(unit)
    if not findings:
        findings += _contradictions(units)
    if findings:
        raise ConfigRejected(findings)
    return tuple(units)


def _contradictions(units: list[FieldUnit]) -> list[str]:
    """What the driver would not start with, though every row is right by itself."""
    try:
        check_units(units)
    except ProfileRejected as error:
        return [f"feeder.modbus: {finding}" for finding in str(error).splitlines()]
    return []


def _rows(site: Site) -> Iterator[_Row]:
    for number, feeder in enumerate(site.feeder, start=1):
        if feeder.rtu is not None:
            yield _Row(f"feeder[{number}].rtu", feeder.id, _as_row(feeder))
        for place, row in enumerate(feeder.modbus, start=1):
            yield _Row(f"feeder[{number}].modbus[{place}]", feeder.id, row)


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
    row: _Row, control: FeederControl, tls: ssl.SSLContext | None, findings: list[str]
) -> FieldUnit | None:
    """What the row says, or None with what is wrong added to the findings."""
    settings, registry = row.settings, control.registry
    device = None if settings.device is None else registry.device.get(settings.device)
    faults = list(_who_faults(row, control, device))
    try:
        speech = _speech(settings, device)
        faults += _fit_faults(row, speech, device)
    except (DeviceError, OSError) as error:
        faults.append(f"{row.place}.profile: {error}")
    findings += faults
    if faults:
        return None
    link = LinkPlace(settings.host, _port(settings), None if settings.plain else tls, settings.server_name)
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


def _port(settings: FeederModbus) -> int:
    if settings.port is not None:
        return settings.port
    return PLAIN_PORT if settings.plain else TLS_PORT


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


def _who_faults(row: _Row, control: FeederControl, device: Device | None) -> Iterator[str]:
    settings, registry = row.settings, control.registry
    if settings.substation and settings.meter is not None:
        yield f"{row.place}.meter: expected none beside substation"
    if not settings.substation and settings.meter is None and settings.device is None:
        yield f"{row.place}: expected substation = true, meter or device"
    if settings.meter is not None and settings.meter not in registry.by_meter:
        yield f"{row.place}.meter: expected a meter of feeder {row.feeder!r}, got {settings.meter!r}"
    if settings.device is not None and device is None:
        yield f"{row.place}.device: expected a device of feeder {row.feeder!r}, got {settings.device!r}"


def _fit_faults(row: _Row, speech: Unit, device: Device | None) -> Iterator[str]:
    """Do profile and device fit each other?"""
    settings = row.settings
    if device is None:
        return
    if device.on_contact_loss == "guard" and not isinstance(speech, HasFailsafe):
        yield (
            f"{row.place}.profile: expected one with a [failsafe], because {device.device!r} has"
            f" on_contact_loss guard; got {settings.profile}"
        )
    if not isinstance(speech, MappedUnit):
        return
    if device.on_contact_loss == "guard" and isinstance(speech, FailsafeUnit):
        yield from _failsafe_faults(row, speech, device)
    limit = speech.profile.limit
    if limit is None:
        yield f"{row.place}.profile: expected a [limit] for {device.device!r} in it; got {settings.profile}"
    elif limit.sg_ready is not None and limit.sg_ready.guaranteed_kw < device.min_kw:
        yield (
            f"{row.place}.profile: its limit leaves {limit.sg_ready.guaranteed_kw:g} kW, expected no less"
            f" than the floor of {device.device!r}, {device.min_kw:g}: in a copy of the map put"
            " guaranteed_kw to what the maker says that it may still take"
        )


def _failsafe_faults(row: _Row, speech: FailsafeUnit, device: Device) -> Iterator[str]:
    """A unit shows the step that it knows. One that is far above what was declared would never be confirmed,
    and the device never be asked for anything.
    """
    assert device.failsafe_kw is not None, "the registry lets no guard pass without it"
    try:
        shown_kw = speech.armed_kw(device.failsafe_kw, failsafe_s(device))
    except CommandRejected as error:
        yield f"{row.place}.profile: the failsafe of {device.device!r} cannot be told to it: {error}"
        return
    if shown_kw > device.failsafe_kw + FAILSAFE_STEP_KW:
        yield (
            f"{row.place}.profile: its next step is {shown_kw:g} kW, expected that as failsafe_kw of"
            f" {device.device!r}, got {device.failsafe_kw:g}"
        )


def _double(rows: list[_Row], site: Site) -> Iterator[str]:
    first: dict[tuple[object, ...], str] = {}
    for row in rows:
        settings = row.settings
        link = "", settings.host, _port(settings), settings.unit
        meter = SUBSTATION if settings.substation else settings.meter
        for key, what in (
            (link, "unit"),
            (("meter", row.feeder, meter), "substation" if settings.substation else "meter"),
            (("device", row.feeder, settings.device), "device"),
        ):
            other = first.setdefault(key, row.place)
            if other != row.place and key[-1] is not None:
                yield f"{row.place}.{what}: expected each once, it is {other} already"
    chargers = {(feeder.id, charger.device) for feeder in site.feeder for charger in feeder.charger}
    for row in rows:
        if (row.feeder, row.settings.device) in chargers:
            yield f"{row.place}.device: {row.settings.device!r} is a [[feeder.charger]] already"
    yield from _links_in_two_ways(rows)


def _links_in_two_ways(rows: list[_Row]) -> Iterator[str]:
    links: dict[tuple[str, int], _Row] = {}
    for row in rows:
        settings = row.settings
        other = links.setdefault((settings.host, _port(settings)), row)
        for key in ("plain", "server_name"):
            if getattr(other.settings, key) != getattr(settings, key):
                yield f"{row.place}.{key}: expected as in {other.place}, with which it shares a connection"


def _tls_faults(modbus: Modbus, rows: list[_Row]) -> Iterator[str]:
    given: Mapping[str, bool] = {name: getattr(modbus, name) is not None for name in _TLS_FILES}
    missing = [name for name, there in given.items() if not there]
    for name, there in given.items():
        if there and missing:
            yield f"modbus.{name}: expected {' and '.join(missing)} beside it"
    for name in _TLS_FILES:
        path = getattr(modbus, name)
        if path is not None and not path.is_file():
            yield f"modbus.{name}: expected a file at {path}"
    for row in rows:
        if not row.settings.plain and missing:
            expected = (
                f"expected true in a closed network, or {', '.join(f'modbus.{name}' for name in missing)}"
            )
            yield f"{row.place}.plain: {expected}"


def _tls(modbus: Modbus, findings: list[str]) -> ssl.SSLContext | None:
    if modbus.ca_file is None or modbus.certificate_file is None or modbus.key_file is None:
        return None
    try:
        return client_tls_context(modbus.ca_file, modbus.certificate_file, modbus.key_file)
    except OSError as error:
        findings.append(f"modbus.certificate_file: expected PEM files that fit each other: {error}")
        return None
