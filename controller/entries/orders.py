"""What operators ordered: acts, drafts and what became of them, emergency stops, commands that were taken."""

from datetime import datetime
from typing import Literal

from controller.entries.journal_entry import JournalEntry
from devices.messages import Direction

OperatorAction = Literal[
    "automatic_off", "automatic_on", "release_all", "release", "exclude", "include", "limit"
]


class OperatorActed(JournalEntry, frozen=True, kw_only=True, tag="operator_acted"):
    """A person overrode the automatic."""

    who: str
    why: str
    action: OperatorAction
    feeder: str
    target: str | None
    order: str | None = None
    """of a limit: its id, which stands where those of events stand in what it asks for"""
    targets: tuple[str, ...] = ()
    """devices, customers or requests that a limit names"""
    limit_kw: float | None = None
    """as it was ordered; a device is told no less than its floor"""
    until: datetime | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    """(device, reason): named, but not to be limited"""
    draft: str | None = None
    """the draft that it carries out, or the emergency stop that it is a part of"""
    agreed_by: tuple[str, ...] = ()
    """who agreed besides `who`, where that took more than one person"""
    direction: Direction | None = None
    """of a limit: what it bounds; None in entries from before it was told, which bound what is taken"""


DraftedAction = Literal[OperatorAction, "more_reach"]
DraftOutcome = Literal["carried_out", "withdrawn", "expired", "void", "failed"]


class OrderDrafted(JournalEntry, frozen=True, kw_only=True, tag="order_drafted"):
    """Somebody thinks of giving an order; nothing happens before it is confirmed."""

    draft: str
    feeder: str
    action: DraftedAction
    """more_reach: the automatic may command beyond its limits on reach for a while"""
    target: str | None = None
    targets: tuple[str, ...] = ()
    limit_kw: float | None = None
    until: datetime | None = None
    who: str
    why: str
    person: bool
    """`who` is proven by an account; False: a program, the shared token, or the automatic"""
    needed: int
    """so many different persons must agree, `who` counted where proven"""
    expires_at: datetime
    epoch: int
    """of the controller that took it: another one carries nothing of it out"""
    reach_percent: float | None = None
    """of the feeder's controllable power, as foreseen"""
    before_percent: float | None = None
    after_percent: float | None = None
    """highest loading as foreseen"""
    grants_s: float | None = None
    """of `more_reach`: for so long, once it is confirmed"""
    direction: Direction | None = None
    """of a limit, as in `OperatorActed`"""


class OrderAgreed(JournalEntry, frozen=True, kw_only=True, tag="order_agreed"):
    """Somebody confirmed a draft."""

    draft: str
    feeder: str
    who: str
    person: bool


class OrderClosed(JournalEntry, frozen=True, kw_only=True, tag="order_closed"):
    """What became of a draft. One that is carried out stands in one commit with what it does."""

    draft: str
    feeder: str
    outcome: DraftOutcome
    who: str
    why: str


class EmergencyStopped(JournalEntry, frozen=True, kw_only=True, tag="emergency_stopped"):
    """A person stopped everything: no automatic, and everybody is freed. It holds on each feeder until an
    `automatic_on` there.
    """

    stop: str
    who: str
    why: str
    manner: Literal["staggered", "at_once"]
    feeders: tuple[str, ...]


class CommandTaken(JournalEntry, frozen=True, kw_only=True, tag="command_taken"):
    """A command came under an idempotency key: in one commit with what it did, so that it is never done
    twice, also when the answer was lost.
    """

    principal: str
    key: str
    fingerprint: str
    """of the request: another one under the same key is a mistake"""
    did: Literal["draft", "confirm", "withdraw", "act", "stop"]
    about: str
    """the draft, act or stop by its id"""
