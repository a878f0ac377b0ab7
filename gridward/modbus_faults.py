"""What is wrong with the rows of a site's Modbus units: by themselves, with their devices, among each other.

One finding each, named by row and key. Nothing is connected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.failsafes import MAY_ROUND_UP_KW, SHORTEST_TIMEOUT_S, failsafe_s
from controller.feeder_control import FeederControl
from controller.settings import FeederModbus, Modbus, Site
from customers.registry import Device
from devices.errors import CommandRejected, ProfileRejected
from devices.messages import SUBSTATION
from devices.modbus.dialogue import HasFailsafe, Unit
from devices.modbus.failsafe_unit import FailsafeUnit
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.settings import PLAIN_PORT, TLS_PORT, FieldUnit, check_units

TLS_FILES = ("ca_file", "certificate_file", "key_file")


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of the settings, and where it stands there."""

    place: str
    feeder: str
    settings: FeederModbus


def contradictions(units: list[FieldUnit]) -> list[str]:
    """What the driver would not start with, though every row is right by itself."""
    try:
        check_units(units)
    except ProfileRejected as error:
        return [f"feeder.modbus: {finding}" for finding in str(error).splitlines()]
    return []


def port_of(settings: FeederModbus) -> int:
    """The row's own, or the usual one."""
    if settings.port is not None:
        return settings.port
    return PLAIN_PORT if settings.plain else TLS_PORT


def who_faults(row: Row, control: FeederControl, device: Device | None) -> Iterator[str]:
    """Is it something, and is that there?"""
    settings, registry = row.settings, control.registry
    if settings.substation and settings.meter is not None:
        yield f"{row.place}.meter: expected none beside substation"
    if not settings.substation and settings.meter is None and settings.device is None:
        yield f"{row.place}: expected substation = true, meter or device"
    if settings.meter is not None and settings.meter not in registry.by_meter:
        yield f"{row.place}.meter: expected a meter of feeder {row.feeder!r}, got {settings.meter!r}"
    if settings.device is not None and device is None:
        yield f"{row.place}.device: expected a device of feeder {row.feeder!r}, got {settings.device!r}"


def fit_faults(row: Row, speech: Unit, device: Device | None) -> Iterator[str]:
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


def _failsafe_faults(row: Row, speech: FailsafeUnit, device: Device) -> Iterator[str]:
    """A unit shows the step that it knows. One that is far above what was declared would never be confirmed,
    and the device never be asked for anything.
    """
    assert device.failsafe_kw is not None, "the registry lets no guard pass without it"
    try:
        shown_kw = speech.armed_kw(device.failsafe_kw, failsafe_s(device))
    except CommandRejected as error:
        yield f"{row.place}.profile: the failsafe of {device.device!r} cannot be told to it: {error}"
        return
    if speech.heartbeat_timeout_s < SHORTEST_TIMEOUT_S:
        yield (
            f"{row.place}.profile: its heartbeat is within {speech.heartbeat_timeout_s} s, expected at least"
            f" {SHORTEST_TIMEOUT_S:g}, or {device.device!r} goes to its failsafe while the daemon lives"
        )
    if shown_kw > device.failsafe_kw + MAY_ROUND_UP_KW:
        yield (
            f"{row.place}.profile: its next step is {shown_kw:g} kW, expected that as failsafe_kw of"
            f" {device.device!r}, got {device.failsafe_kw:g}"
        )


def double_faults(rows: list[Row], site: Site) -> Iterator[str]:
    """What is there twice, and links that are described in two ways."""
    first: dict[tuple[object, ...], str] = {}
    for row in rows:
        settings = row.settings
        link = "", settings.host, port_of(settings), settings.unit
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


def _links_in_two_ways(rows: list[Row]) -> Iterator[str]:
    links: dict[tuple[str, int], Row] = {}
    for row in rows:
        settings = row.settings
        other = links.setdefault((settings.host, port_of(settings)), row)
        for key in ("plain", "server_name"):
            if getattr(other.settings, key) != getattr(settings, key):
                yield f"{row.place}.{key}: expected as in {other.place}, with which it shares a connection"


def tls_faults(modbus: Modbus, rows: list[Row]) -> Iterator[str]:
    """Files that are missing, and rows that need them."""
    given: Mapping[str, bool] = {name: getattr(modbus, name) is not None for name in TLS_FILES}
    missing = [name for name, there in given.items() if not there]
    for name, there in given.items():
        if there and missing:
            yield f"modbus.{name}: expected {' and '.join(missing)} beside it"
    for name in TLS_FILES:
        path = getattr(modbus, name)
        if path is not None and not path.is_file():
            yield f"modbus.{name}: expected a file at {path}"
    for row in rows:
        if not row.settings.plain and missing:
            expected = (
                f"expected true in a closed network, or {', '.join(f'modbus.{name}' for name in missing)}"
            )
            yield f"{row.place}.plain: {expected}"
