"""What can happen in the field between two steps, and what the field says: closed unions of frozen values."""

from dataclasses import dataclass
from datetime import datetime

from devices.messages import Answer, DeviceStatus, LimitCommand


@dataclass(frozen=True, slots=True)
class CommandActs:
    """A device has thought about a command and acts on it now."""

    device: int
    command: LimitCommand


@dataclass(frozen=True, slots=True)
class LimitBoundary:
    """A held limit begins or ends now."""

    device: int


@dataclass(frozen=True, slots=True)
class SilenceTurns:
    """Hearing nothing may change what a device may take, now."""

    device: int


@dataclass(frozen=True, slots=True)
class LinkDrops:
    """A device loses contact."""

    device: int


@dataclass(frozen=True, slots=True)
class LinkReturns:
    """A device is back."""

    device: int


@dataclass(frozen=True, slots=True)
class PersonActs:
    """Somebody switches things off, or on again."""

    service_point: int
    cutting: bool


Occurrence = CommandActs | LimitBoundary | SilenceTurns | LinkDrops | LinkReturns | PersonActs


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence and its time."""

    at: datetime
    what: Occurrence


@dataclass(frozen=True, slots=True)
class Vanished:
    """A device's connection broke without a word: the broker will say that it is gone."""

    device: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A device connected again and says how it is."""

    status: DeviceStatus


Said = Answer | DeviceStatus | Vanished | Returned
"""All that the field says by itself between two steps."""
