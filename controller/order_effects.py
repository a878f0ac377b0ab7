"""What an order would do, shown to whoever is about to give it: frozen values that `what_if.py` makes.

The API's JSON is these dataclasses as they stand. Power is in kW, loadings in percent, voltages in pu; what
is not known is None.
"""

from dataclasses import dataclass
from datetime import datetime

from devices.messages import Direction

MOST_TARGETS = 200
"""in one order"""
MOST_ORDERS = 20
"""looked at together"""


class NotNow(Exception):
    """No answer now: nothing was read yet, too many ask, or it took too long."""


@dataclass(frozen=True, slots=True)
class ProposedOrder:
    """An order as somebody thinks of giving it."""

    action: str
    """one of `entries.OperatorAction`"""
    target: str | None = None
    """a device, a customer (who stands for their devices) or a request"""
    targets: tuple[str, ...] = ()
    """several of them instead, for `limit`: at most `MOST_TARGETS`"""
    limit_kw: float | None = None
    """for `limit`: what each device may take, or feed in, at most"""
    until: datetime | None = None
    """for `limit`: its end; None: as long as the site's requests last"""
    direction: Direction = "consumption"
    """for `limit`: what it bounds"""

    @property
    def named(self) -> tuple[str, ...]:
        """All that it names, once each."""
        return tuple(dict.fromkeys((*(() if self.target is None else (self.target,)), *self.targets)))


@dataclass(frozen=True, slots=True)
class ElementEffect:
    """A line or transformer before and after."""

    id: str
    before_percent: float | None
    after_percent: float | None
    limit_percent: float


@dataclass(frozen=True, slots=True)
class VoltageEffect:
    """A bus before and after."""

    id: str
    before_v_pu: float | None
    after_v_pu: float | None
    min_v_pu: float
    max_v_pu: float


@dataclass(frozen=True, slots=True)
class ForeseenViolation:
    """An element outside its limit."""

    id: str
    kind: str
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """The feeder in one state."""

    converged: bool
    """False: no load flow exists, and nothing is known"""
    highest_loading_percent: float | None
    highest_loaded: str | None
    lowest_v_pu: float | None
    highest_v_pu: float | None
    substation_p_kw: float | None
    violations: tuple[ForeseenViolation, ...]


@dataclass(frozen=True, slots=True)
class DeviceEffect:
    """A device that would take, or feed in, less or more."""

    device: str
    kind: str
    """the device's, or `person` for a customer who was asked by notice"""
    service_point: str
    customer: str | None
    direction: Direction
    """what is bounded at it; its limit and its floor are of that, and 0 or more"""
    before_kw: float
    """what it takes now; below 0 where it feeds in"""
    after_kw: float
    """what it is expected to take then; below 0 where it feeds in"""
    limit_kw: float | None
    """None: it is limited no more"""
    floor_kw: float
    is_at_floor: bool
    """less was ordered than its guaranteed minimum: the minimum counts"""
    until: datetime | None
    """the end that it is told"""
    curtailed_kw: float
    """below 0 where it takes more, or feeds in less"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A device that the order names and does not reach, and why."""

    device: str
    reason: str
    """one word of `ordered_limits.REASONS`"""
    text: str


@dataclass(frozen=True, slots=True)
class EventEffect:
    """What becomes of the running event."""

    event: str
    element: str
    """that led to it"""
    limit: float
    value_before: float | None
    value_after: float | None
    is_cleared: bool
    """nothing is outside its limits any more"""
    would_wind_down: bool
    """all is below the closing threshold: it closes once that lasts and nobody is limited"""


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to know before the order is given."""

    code: str
    """one word of `what_if.CAUTIONS`"""
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """(n,) each, in the order of the network's lists; None where nothing is known."""

    line_loading_percent: tuple[float | None, ...]
    transformer_loading_percent: tuple[float | None, ...]
    v_pu: tuple[float | None, ...]
    service_point_kw: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The effect of orders on one feeder, by load flow on its latest snapshot."""

    feeder: str
    at: datetime
    """of the snapshot"""
    is_data_good: bool
    """the daemon itself would act on these data"""
    before: Outlook
    after: Outlook
    elements: tuple[ElementEffect, ...]
    """that the orders change or that stand near their limits, the highest first"""
    voltages: tuple[VoltageEffect, ...]
    devices: tuple[DeviceEffect, ...]
    left_out: tuple[LeftOut, ...]
    event: EventEffect | None
    curtailed_kw: float
    """taken less in all, as meters count: below 0 where more comes back, or less is fed in"""
    less_fed_in_kw: float
    """of that what is fed in less; below 0 where more is fed in"""
    customers: tuple[str, ...]
    """who are affected"""
    critical_customers: tuple[str, ...]
    """among those whom the orders name: never limited"""
    reach_kw: float
    """what the limits take from their devices"""
    reach_percent: float
    """of the feeder's controllable power"""
    cautions: tuple[Caution, ...]
    columns_after: Columns | None
