"""HARDWARE.toml: which devices and meters of an emulated field are real, and how the daemon reaches them.

Its rows are those of a site (`[[charger]]` as `[[feeder.charger]]`, `[[modbus]]` as `[[feeder.modbus]]`),
plus the names of what speaks MQTT by itself. The names are the field's own: `customers.csv` and `devices.csv`
that `gridward field` writes list them.
"""

from collections.abc import Container, Iterator
from pathlib import Path

import msgspec

from controller.errors import ConfigRejected
from controller.settings import FeederCharger, FeederModbus, Modbus, Ocpp
from controller.settings_file import load_tables
from customers.registry import Registry
from simulations.real_parts import RealParts


class Hardware(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of HARDWARE.toml, all paths absolute."""

    charger: tuple[FeederCharger, ...] = ()
    """real chargers that speak OCPP"""
    modbus: tuple[FeederModbus, ...] = ()
    """real meters and devices that are polled over Modbus TCP"""
    mqtt_devices: tuple[str, ...] = ()
    """real devices that speak MQTT to the field's broker"""
    mqtt_meters: tuple[str, ...] = ()
    """real meters that do"""
    ocpp: Ocpp = Ocpp()
    modbus_security: Modbus = Modbus()
    """the site's `[modbus]`: certificates for units that are not plain"""

    @property
    def parts(self) -> RealParts:
        """What is not simulated."""
        rows: tuple[FeederCharger | FeederModbus, ...] = (*self.charger, *self.modbus)
        devices = {row.device for row in rows if row.device is not None}
        meters = {row.meter for row in rows if row.meter is not None}
        return RealParts(frozenset(devices | {*self.mqtt_devices}), frozenset(meters | {*self.mqtt_meters}))


NO_HARDWARE = Hardware()


def load_hardware(path: Path) -> Hardware:
    """Read it. Raises ConfigRejected with all findings by file, line and key."""
    return load_tables(path, Hardware)


def check_hardware(path: Path, hardware: Hardware, registry: Registry) -> None:
    """Whether all it names are of the field and make sense there. Raises ConfigRejected with all findings."""
    findings = [f"{path}: {fault}" for fault in _faults(hardware, registry)]
    if findings:
        raise ConfigRejected(findings)


def _faults(hardware: Hardware, registry: Registry) -> Iterator[str]:
    parts = hardware.parts
    if not parts.devices and not parts.meters:
        yield "expected at least one device or meter that is real"
    if any(row.substation for row in hardware.modbus):
        yield "modbus.substation: the substation shows the simulated field: expected a meter or device"
    for word, names in (("device", _named(hardware, "device")), ("meter", _named(hardware, "meter"))):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"expected each {word} once, {name!r} is named {names.count(name)} times"
    meters = {customer.meter: customer for customer in registry.customers}
    yield from (
        f"expected devices of the field, {name!r} is none" for name in _not_in(parts.devices, registry.device)
    )
    yield from (f"expected meters of the field, {name!r} is none" for name in _not_in(parts.meters, meters))
    for name in sorted(parts.meters & meters.keys()):
        behind = [d.device for d in registry.devices if d.service_point == meters[name].service_point]
        if simulated := [device for device in behind if device not in parts.devices]:
            yield (
                f"meter {name!r} is real, and {', '.join(simulated)} behind it simulated, which it would not "
                "see: expected all behind a real meter to be real"
            )


def _named(hardware: Hardware, word: str) -> list[str]:
    """All devices, or all meters, as often as they are named."""
    rows: tuple[FeederCharger | FeederModbus, ...] = (*hardware.charger, *hardware.modbus)
    named = [name for row in rows if (name := getattr(row, word, None)) is not None]
    return [*named, *getattr(hardware, f"mqtt_{word}s")]


def _not_in(names: frozenset[str], known: Container[str]) -> list[str]:
    return sorted(name for name in names if name not in known)
