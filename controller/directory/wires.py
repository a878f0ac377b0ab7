"""Which wire each device hangs on, by the site's settings. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from controller import settings

Protocol = Literal["mqtt", "modbus", "sunspec", "ocpp", "openadr"]


@dataclass(frozen=True, slots=True)
class Wire:
    """How a device is reached."""

    protocol: Protocol
    address: str | None
    """of the unit, the charge point or the VEN; None on the broker, where the device's name is its address"""
    link: str
    """the daemon's name for the link that carries it"""


BROKER = Wire("mqtt", None, "broker")


def wires(feeders: Iterable[settings.Feeder]) -> dict[tuple[str, str], Wire]:
    """(feeder, device) → its wire, for all that are not reached over the broker."""
    found: dict[tuple[str, str], Wire] = {}
    for feeder in feeders:
        for unit in feeder.modbus:
            if unit.device is not None:
                protocol: Protocol = "sunspec" if unit.profile == "sunspec" else "modbus"
                place = unit.host if unit.port is None else f"{unit.host}:{unit.port}"
                found[feeder.id, unit.device] = Wire(protocol, f"{place} unit {unit.unit}", "modbus")
        for charger in feeder.charger:
            found[feeder.id, charger.device] = Wire("ocpp", charger.charge_point, "chargers")
        for ven in feeder.ven:
            address = ven.ven if ven.resource is None else f"{ven.ven} / {ven.resource}"
            found[feeder.id, ven.device] = Wire("openadr", address, f"openadr {ven.vtn or 'own'}")
    return found
