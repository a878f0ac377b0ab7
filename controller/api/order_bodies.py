"""What is posted to the order desk over the API, and what it answers with."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from controller.api.posted import Words
from controller.entries import OperatorAction
from controller.order_effects import MOST_TARGETS, WhatIf
from controller.orders.endings import EndCode
from controller.orders.order_errors import RefusalCode
from devices.messages import Direction

MOST_ORDER_BYTES = 64 * 1024
"""200 targets with long names"""
Kilowatts = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Targets = Annotated[tuple[Words, ...], msgspec.Meta(max_length=MOST_TARGETS)]


class DraftBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order, as it is drafted."""

    action: OperatorAction
    why: Words
    who: Words | None = None
    """needed with the operator token, which names nobody"""
    target: Words | None = None
    """a device, a customer (who stands for their devices too) or a request"""
    targets: Targets = ()
    """several of them, for `limit`"""
    limit_kw: Kilowatts | None = None
    """for `limit`: what each device may take, or feed in, at most; no device goes below its floor"""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """for `limit`: its end; without it as long as the site's requests last"""
    direction: Direction = "consumption"
    """for `limit`: what it bounds; `production`: what inverters feed in"""


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who agrees to a draft."""

    who: Words | None = None
    """needed with the operator token"""
    seen: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    """`effect_number` of the effect that was looked at: a newer one answers 409"""


class WithdrawBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who ends a draft, and why."""

    why: Words
    who: Words | None = None
    """needed with the operator token"""


class StopBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The emergency stop: no automatic, and everybody is freed."""

    scope: Literal["site", "feeders"]
    manner: Literal["staggered", "at_once"]
    """staggered: load flow first, at the pace of every release; at_once: all in this moment"""
    why: Words
    who: Words | None = None
    """needed with the operator token"""
    feeders: Annotated[tuple[Words, ...], msgspec.Meta(max_length=1000)] = ()
    """with the scope `feeders`: which, at least one"""


class StopAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The stop as it was journaled."""

    order: str
    at: datetime
    who: str
    why: str
    manner: Literal["staggered", "at_once"]
    feeders: tuple[str, ...]
    durable: bool
    """False: the journal could not be written; the stop holds all the same, and is written as soon as it can
    be"""


class OrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it stands."""

    order: str
    kind: Literal["draft", "act", "stop"]
    """act: ordered in one step"""
    feeders: tuple[str, ...]
    action: str
    """of `OperatorAction`, or more_reach (the automatic beyond its limits on reach), or emergency_stop"""
    target: str | None = None
    targets: tuple[str, ...] = ()
    """numbered, without names, for who may not see customers"""
    limit_kw: float | None = None
    until: datetime | None = None
    direction: Direction | None = None
    """of a limit: what it bounds; null means what is taken"""
    at: datetime
    who: str
    why: str
    state: Literal["open", "carried_out", "withdrawn", "expired", "void", "failed"]
    needed: int = 1
    """so many different persons must agree"""
    agreed: tuple[str, ...] = ()
    """persons who did; first who drafted it, where an account proves them. While it is open without those who
    turned out not to be allowed to any more
    """
    confirmed: tuple[str, ...] = ()
    """who confirmed it"""
    expires_at: datetime | None = None
    may_confirm: bool = False
    """whoever asks may, now"""
    cannot_because: str | None = None
    """why they may not, where it is open"""
    cannot_code: RefusalCode | None = None
    """the same for programs"""
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    """why it is over without having been carried out"""
    reason_code: EndCode | None = None
    """the same for programs; null where a person said why in their own words"""
    reach_percent: float | None = None
    """of the feeder's controllable power, as foreseen when it was drafted"""
    before_percent: float | None = None
    after_percent: float | None = None
    """highest loading as foreseen then"""
    effect_number: int = 0
    effect: WhatIf | None = None
    """as foreseen last; without `columns_after`, which POST .../what-if has. None in lists"""
    warnings: tuple[str, ...] = ()
    requests: dict[str, int] = msgspec.field(default_factory=dict)
    """of a limit that was carried out: its requests by their state now"""
    left_out: tuple[tuple[str, str], ...] = ()
    """of a limit that was carried out: (device, reason)"""
    manner: Literal["staggered", "at_once"] | None = None
    """of an emergency stop"""
    held: tuple[str, ...] = ()
    """feeders on which an emergency stop still holds"""


class StoppedFeeder(msgspec.Struct, frozen=True, kw_only=True):
    """A feeder on which an emergency stop holds, however long ago it came."""

    feeder: str
    order: str
    at: datetime
    who: str
    why: str
    manner: Literal["staggered", "at_once"]


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """Open drafts, then the latest orders, the newest first."""

    items: tuple[OrderBody, ...]
    next: str | None
    """to be shown as `after`; null: there are no more"""
    waiting_for_me: int
    """open drafts that whoever asks may confirm"""
    stopped: tuple[StoppedFeeder, ...] = ()
    """every emergency stop that holds, of the feeders of whoever asks; on every page"""


EXAMPLE_DRAFT: dict[str, Any] = {
    "action": "limit",
    "targets": ["EV-017", "EV-018"],
    "limit_kw": 4.2,
    "until": "2026-01-12T19:00:00Z",
    "why": "cable 3 is being repaired",
}
EXAMPLE_STOP: dict[str, Any] = {"scope": "site", "manner": "staggered", "why": "fire at the substation"}
