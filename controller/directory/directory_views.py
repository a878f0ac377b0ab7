"""What is shown of customers and devices: frozen values, as the API has them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from controller.directory.device_health import Health
from controller.directory.wires import Protocol
from customers.address_book import Standing as ConsentWord
from devices.messages import Direction

Matched = Literal["id", "name", "address", "phone", "email"]
Quality = Literal["measured", "stale", "estimated"]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer at one service point."""

    customer: str
    feeder: str
    service_point: str
    meter: str
    critical: bool
    takes_notices: bool
    devices: int
    open_requests: int
    matched: Matched
    """by what the search found it; `id` also where nothing was sought"""
    name: str | None = None
    """only where the search found it by personal data"""


@dataclass(frozen=True, slots=True)
class CustomersPage:
    """Some of those that were found."""

    items: tuple[CustomerRow, ...]
    next: str | None
    """for `after`; null at the end"""
    personal: bool
    """names, addresses and phone numbers were searched as well"""


@dataclass(frozen=True, slots=True)
class FailsafeRow:
    """What a device of guard mode is to do in silence: declared, told, shown."""

    declared_kw: float | None
    shown_kw: float | None
    shown_s: int | None
    told_at: datetime | None
    confirmed: bool
    state: str | None
    """its own word for where it stands between us and silence"""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as it is: asked, acknowledged and observed told apart."""

    device: str
    feeder: str
    service_point: str
    customer: str | None
    kind: str
    rated_kw: float
    min_kw: float
    protected: bool
    """never limited"""
    health: Health
    online: bool | None
    """by its own word; null: it never spoke"""
    heard_at: datetime | None
    p_kw: float | None
    asked_kw: float | None
    """the limit of the open request"""
    asked_until: datetime | None
    request: str | None
    """the request and `shown_request` are null for who may not see customers"""
    request_state: str | None
    shown_kw: float | None
    """the limit that it says it holds"""
    shown_request: str | None
    on_contact_loss: Literal["event", "guard"]
    failsafe: FailsafeRow | None
    """null in event mode"""
    requests: int
    """of those whose detail is kept"""
    refused: int
    unanswered: int
    does_as_asked_percent: float
    """how likely it is, by its settled requests"""
    protocol: Protocol
    address: str | None
    link: str
    link_connected: bool | None
    """null: nobody watches that link by itself"""


@dataclass(frozen=True, slots=True)
class DevicesPage:
    """Some devices, those that need somebody first, or as a search found them."""

    items: tuple[DeviceRow, ...]
    next: str | None
    counts: dict[str, int]
    """of all devices in question by health, without regard to `q` and `health`"""
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request, open or over."""

    request: str
    event: str
    resource: Literal["device", "person"]
    target: str
    state: str
    limit_kw: float
    p_before_kw: float
    planned_at: datetime
    sent_at: datetime | None
    active_at: datetime | None
    ended_at: datetime | None
    end: datetime
    answer: str | None
    reason: str | None
    programme: str | None
    reduced_kwh: float | None
    points: int | None
    minor_units: int | None
    outcome: str | None
    consent: str | None
    direction: Direction = "consumption"
    """what is bounded; with `production` every kW of the request is of what is fed in"""


@dataclass(frozen=True, slots=True)
class WordRow:
    """One word to or from a customer."""

    at: datetime
    request: str
    what: Literal["asked", "delivered", "not_delivered", "answered", "message"]
    kind: str
    """notice, follow_up, thanks, explanation, taken_back; of an answer: opted_in, opted_out"""
    via: str | None
    """channel or way of the answer"""
    result: str | None


@dataclass(frozen=True, slots=True)
class ApplianceRow:
    """What a customer owns, as sales lists tell."""

    kind: str
    rated_kw: float
    confidence: float


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """A programme that a customer is or was in."""

    programme: str
    names: dict[str, str]
    from_day: date
    until_day: date | None
    holds: bool
    """today"""


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """One service point of a customer."""

    feeder: str
    service_point: str
    meter: str
    critical: bool
    protected_by: tuple[str, ...]
    """tags that forbid to limit or ask them"""
    tags: tuple[str, ...]
    language: str
    takes_notices: bool
    p_kw: float | None
    quality: Quality | None
    excluded: str | None
    """why an operator keeps them out of requests; null: nobody does"""
    devices: tuple[DeviceRow, ...]
    appliances: tuple[ApplianceRow, ...]
    programmes: tuple[EnrolmentRow, ...]


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """Whether a customer may be written to."""

    standing: ConsentWord
    consented_on: date | None
    withdrawn_on: date | None
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class PendingRow:
    """Points that are held for an item until it is handed over."""

    redemption: str
    item: str
    points: int
    since: datetime
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class RewardsRow:
    """What a customer holds by the ledger."""

    balances: dict[str, int]
    """by unit: points, or a currency's minor unit; no zeros"""
    tier: str | None
    earned_points: int
    """in this calendar month and the twelve before"""
    expiring_points: int | None
    expiring_on: str | None
    pending: tuple[PendingRow, ...]


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """All that is known of a customer but who they are."""

    customer: str
    supplies: tuple[SupplyRow, ...]
    consent: ConsentRow | None
    """null: the contacts cannot be read, or the site keeps none"""
    rewards: RewardsRow
    requests: tuple[RequestRow, ...]
    """those whose detail is kept, open ones first, then the latest; at most 100"""
    opted_out: tuple[RequestRow, ...]
    """those that they said no to"""
    words: tuple[WordRow, ...]
    """the latest first, at most 100"""


@dataclass(frozen=True, slots=True)
class DevicePage:
    """A device and what was asked of it."""

    device: DeviceRow
    requests: tuple[RequestRow, ...]
    """those whose detail is kept, the latest first, at most 100"""
    excluded: str | None


@dataclass(frozen=True, slots=True)
class AccessRow:
    """Who looked at a customer's personal data."""

    at: datetime
    who: str
    action: str
    why: str


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Who a customer is. The look at it is among `accesses` already."""

    customer: str
    name: str
    email: str | None
    phone: str | None
    postal: str | None
    language: str
    channels: tuple[str, ...]
    accesses: tuple[AccessRow, ...]
    """the latest first, at most 50"""
