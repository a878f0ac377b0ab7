"""What operators were told that it needs them, and what they did about it."""

from datetime import datetime
from typing import Literal

import msgspec

from controller.entries.journal_entry import JournalEntry


class AlarmNamed(msgspec.Struct, frozen=True, array_like=True):
    """Which alarm is meant."""

    alarm: str
    """its id: the same for the same kind, feeder and subject"""
    kind: str
    feeder: str | None
    """None: of the whole site"""
    subject: str
    """an element, a link, a device; empty where the feeder itself is meant"""


class AlarmRaised(JournalEntry, frozen=True, kw_only=True, tag="alarm_raised"):
    """Operators are told that something needs them; again when it became worse or has more to tell."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    priority: Literal["critical", "high", "medium", "low"]
    text: str
    value: float | None = None
    limit: float | None = None
    """loading in percent, voltage in pu, or a count, by kind"""


class AlarmReturned(JournalEntry, frozen=True, kw_only=True, tag="alarm_returned"):
    """What an alarm was about is over."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str


class AlarmAcknowledged(JournalEntry, frozen=True, kw_only=True, tag="alarm_acknowledged"):
    """Somebody has seen these alarms and answers for them."""

    alarms: tuple[AlarmNamed, ...]
    who: str
    why: str = ""
    """a remark; acknowledging needs no reason"""


class AlarmShelved(JournalEntry, frozen=True, kw_only=True, tag="alarm_shelved"):
    """Somebody took an alarm out of sight until a time."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    until: datetime
    who: str
    why: str


class AlarmUnshelved(JournalEntry, frozen=True, kw_only=True, tag="alarm_unshelved"):
    """A shelved alarm is in sight again: somebody took it back, or its time is over."""

    alarm: str
    kind: str
    feeder: str | None
    subject: str
    cause: Literal["operator", "expired"]
    who: str
    """empty when its time is over"""
    why: str = ""
