"""How a device is, in one word, by its own word and by what was asked of it. Pure.

Of several faults the one that weighs most is told; `HEALTHS` has them in that order. What nobody heard is not
taken for good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from controller.books import Books
from controller.bounds import turned
from controller.failsafes import MAY_ROUND_UP_KW, is_confirmed, is_there
from controller.feeder_control import FeederControl
from controller.feeder_state import DeviceState
from controller.requests import RequestRecord
from customers.registry import Device

Health = Literal[
    "offline", "never_heard", "silent", "disobeys", "at_failsafe", "unconfirmed", "unreliable", "good"
]
"""
offline: its own word, or the broker's for it · never_heard: not since the controller started · silent: its
last word is old · disobeys: takes or shows more than was asked · at_failsafe: hears no heartbeat ·
unconfirmed: its failsafe is not proven, so it is asked for nothing · unreliable: seldom does what it is asked
"""
HEALTHS: tuple[Health, ...] = get_args(Health)
RANK = {health: rank for rank, health in enumerate(HEALTHS)}
GRACE = timedelta(seconds=60)
"""So long after the latest sending a device has to show that it obeys."""
RELIABLE = 0.5
"""the least probability that a device does what it is asked which is not told"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one device now."""

    shown: DeviceState | None
    asked: RequestRecord | None
    """the open request that limits it"""
    health: Health


@dataclass(frozen=True, slots=True)
class Outlook:
    """From where a feeder's devices are looked at."""

    control: FeederControl
    books: Books
    now: datetime

    def seen(self, device: Device, shown: DeviceState | None) -> Seen:
        """A device with its health."""
        asked = self.books.held_by(self.control.feeder, device.device)
        return Seen(shown, asked, self._health(device, shown, asked))

    def _health(  # noqa: PLR0911  one return for each word
        self, device: Device, shown: DeviceState | None, asked: RequestRecord | None
    ) -> Health:
        if shown is None:
            return "never_heard"
        if not shown.online:
            return "offline"
        if not is_there(self.control, shown, self.now):
            return "silent"
        if asked is not None and _disobeys(shown, asked, self.now):
            return "disobeys"
        if device.on_contact_loss == "guard" and not self.control.registry.is_protected(device):
            if shown.guard in ("init", "failsafe"):
                return "at_failsafe"
            if not is_confirmed(device, shown):
                return "unconfirmed"
        if self.books.compliance(self.control.feeder, device.device) < RELIABLE:
            return "unreliable"
        return "good"


def _disobeys(shown: DeviceState, asked: RequestRecord, now: datetime) -> bool:
    if asked.state != "active" or asked.sent_at is None or now - asked.sent_at < GRACE:
        return False
    most_kw = asked.limit_kw + MAY_ROUND_UP_KW
    direction = asked.planned.direction
    limit_kw, request = shown.shows(direction)
    shows_more = request == asked.request and limit_kw is not None and limit_kw > most_kw
    return shows_more or (shown.p_kw is not None and turned(direction, shown.p_kw) > most_kw)
