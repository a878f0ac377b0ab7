"""Who is supplied where: customers, their meters, their devices, who may be asked and how.

Values only; `registry_files.py` reads them from CSV. Knows neither the network nor the wire: that a service
point exists in the network is checked where both are known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from customers.appliances.ownership import Ownership
from customers.programmes import Agreements
from customers.tags import Manner, manner

ContactLoss = Literal["event", "guard"]
"""On lost contact a device is released at its end, or held at its failsafe limit (design, rule 2)."""

FLOOR_KW_BY_KIND: Mapping[str, float] = {"ev_charger": 4.2, "heat_pump": 4.2}
"""Guaranteed minimum where nothing else is configured: §14a EnWG, 4.2 kW per controllable device."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One supplied party at one service point."""

    customer: str
    service_point: str
    """the name of the load element, or `load:INDEX`"""
    meter: str
    """as the meter calls itself in its topic"""
    critical: bool = False
    """Medical or otherwise critical: never limited, never asked. True for every tag that says so."""
    takes_notices: bool = False
    """Agreed to be asked by notice to use less."""
    language: str = "en"
    tags: frozenset[str] = frozenset()
    """what is known of them, in words of `customers.tags.TAGS`"""

    def __post_init__(self) -> None:
        if self.manner.protected:
            object.__setattr__(self, "critical", True)

    @property
    def manner(self) -> Manner:
        """How they are treated."""
        return manner(self.tags)


@dataclass(frozen=True, slots=True)
class Device:
    """What can be limited at a service point."""

    device: str
    service_point: str
    kind: str
    """ev_charger, heat_pump, battery, air_conditioner, boiler, pv_inverter"""
    rated_kw: float
    min_kw: float
    critical: bool = False
    on_contact_loss: ContactLoss = "event"
    failsafe_kw: float | None = None
    """of guard mode: what it may take while it hears nothing of us"""
    failsafe_s: int | None = None
    """how long that holds at least; None: the default of `devices.messages`"""
    nominal_kw: float | None = None
    """the most it may take by contract, where that is less than its rated power: its failsafe is no higher"""


@dataclass(frozen=True)
class Registry:
    """All customers and devices of one feeder."""

    customers: tuple[Customer, ...]
    devices: tuple[Device, ...]
    agreements: Agreements | None = None
    """programmes and who is in which; None where the site's own terms hold for everybody who takes notices"""
    ownership: Ownership | None = None
    """what customers own; None where nobody knows"""
    by_service_point: Mapping[str, Customer] = field(init=False)
    by_meter: Mapping[str, Customer] = field(init=False)
    device: Mapping[str, Device] = field(init=False)
    connected: frozenset[str] = field(init=False)
    """service points with a device"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_service_point", {c.service_point: c for c in self.customers})
        object.__setattr__(self, "by_meter", {c.meter: c for c in self.customers})
        object.__setattr__(self, "device", {d.device: d for d in self.devices})
        object.__setattr__(self, "connected", frozenset(d.service_point for d in self.devices))

    @cached_property
    def devices_at(self) -> Mapping[str, tuple[Device, ...]]:
        """The devices of each service point that has any; laid out when it is first asked for."""
        found: dict[str, list[Device]] = {}
        for device in self.devices:
            found.setdefault(device.service_point, []).append(device)
        return {point: tuple(devices) for point, devices in found.items()}

    def is_protected(self, device: Device) -> bool:
        """Whether the device must never be limited: it or its customer is critical (design, rule 1), or the
        customer is asked by notice only.
        """
        owner = self.by_service_point.get(device.service_point)
        return device.critical or (owner is not None and (owner.critical or owner.manner.only_by_notice))
