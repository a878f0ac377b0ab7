"""The network between controllers and devices, whose every message the test may hold, lose, double or repeat.

It keeps all that ever passed: the log that the judge reads, and what an attacker could send once more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devices.errors import Unreachable
from devices.messages import Answer, CustomerNotice, DeviceStatus, Inbound, LimitCommand, ReadingBatch
from tests.controller.lifecycle.street import Street

Lane = Literal["commands", "answers", "statuses", "readings"]
LANES: tuple[Lane, ...] = ("commands", "answers", "statuses", "readings")
Weather = Literal["fine", "held", "lost", "doubled", "cut"]
"""cut: the sender learns that nobody took it (commands only; else as lost)"""
WEATHERS: tuple[Weather, ...] = ("fine", "held", "lost", "doubled", "cut")
KEPT = 60


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """A command as it left a controller."""

    at: datetime
    sender: int
    command: LimitCommand
    durable: int
    """the journal's newest entry then"""


class Wire:
    """Carries everything. `hears` are the intakes of the controllers that live."""

    def __init__(self, street: Street, now: Callable[[], datetime]) -> None:
        self.street, self.now = street, now
        self.weather: dict[Lane, Weather] = dict.fromkeys(LANES, "fine")
        self.waiting: dict[Lane, list[OnTheWire | Inbound]] = {lane: [] for lane in LANES}
        self.past: dict[Lane, list[OnTheWire | Inbound]] = {lane: [] for lane in LANES}
        self.hears: list[Callable[[Inbound], None]] = []
        self.log: list[OnTheWire] = []
        self.notices: list[CustomerNotice] = []
        self.arrived: Callable[[OnTheWire, Callable[[], list[Answer]]], object] = lambda _, act: act()
        """the judge stands here: it sees each command, lets it act, and hears what is said to it"""
        self.durable: Callable[[], int] = lambda: 0

    def send(self, sender: int, command: LimitCommand) -> None:
        """A controller hands a command over; raises Unreachable where the link is cut."""
        if self.weather["commands"] == "cut":
            raise Unreachable("the link is cut")
        passed = OnTheWire(self.now(), sender, command, self.durable())
        self.log.append(passed)
        self._take("commands", passed)

    def notify(self, notice: CustomerNotice) -> None:
        if self.weather["commands"] == "cut":
            raise Unreachable("the link is cut")
        self.notices.append(notice)

    def say(self, message: Inbound) -> None:
        """The field says something."""
        self._take(_lane(message), message)

    def let_through(self, lane: Lane, order: list[int], *, keep: bool = False) -> None:
        """Deliver what waits, in this order, some of it twice perhaps; what is not named is lost, or waits on
        with `keep`.
        """
        waiting, chosen = self.waiting[lane], [self.waiting[lane][n] for n in order]
        self.waiting[lane] = [m for m in waiting if not any(m is c for c in chosen)] if keep else []
        for message in chosen:
            self._deliver(message)

    def repeat(self, lane: Lane, number: int) -> None:
        """Something from the past comes once more."""
        if self.past[lane]:
            self._deliver(self.past[lane][number % len(self.past[lane])])

    def _take(self, lane: Lane, message: OnTheWire | Inbound) -> None:
        self.past[lane] = [*self.past[lane][-KEPT:], message]
        match self.weather[lane]:
            case "fine":
                self._deliver(message)
            case "doubled":
                self._deliver(message)
                self._deliver(message)
            case "held":
                self.waiting[lane] = [*self.waiting[lane][-KEPT:], message]
            case _:
                pass

    def _deliver(self, message: OnTheWire | Inbound) -> None:
        if isinstance(message, OnTheWire):
            self.arrived(message, lambda: self._reach(message.command))
            return
        for hear in self.hears:
            hear(message)

    def _reach(self, command: LimitCommand) -> list[Answer]:
        answers = self.street.chargers[command.device].receive(command, self.now())
        for answer in answers:
            self.say(answer)
        return answers


def _lane(message: Inbound) -> Lane:
    match message:
        case Answer():
            return "answers"
        case DeviceStatus():
            return "statuses"
        case ReadingBatch():
            return "readings"
        case _:
            raise AssertionError(f"nobody says {message}")
