"""What the daemon needs from the field: one Protocol per ability. A driver has those it truly can."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from devices.messages import CustomerNotice, Failsafe, Heartbeat, Inbound, LimitCommand


class Clock(Protocol):
    """Time as it is given to everybody: no module reads the wall clock or sleeps by itself."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait this long by this clock."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError inside the block after this long by this clock."""
        ...


Deliver = Callable[[Inbound], None]
"""Takes one message at once, on the loop's thread; never blocks or raises. What it queues, it bounds."""


class TelemetrySource(Protocol):
    """Brings readings, status and answers in."""

    async def run(self, deliver: Deliver) -> None:
        """Deliver until cancelled. Lost links come back by themselves, with back-off and jitter."""
        ...


class CommandChannel(Protocol):
    """Carries limits to devices."""

    async def send(self, command: LimitCommand) -> None:
        """Hand the command over to the field.

        Returning means that the next hop took it, not that the device obeys: that is told by its Answer and
        its meter. Raises `devices.errors.Unreachable` (may be retried) or `devices.errors.CommandRejected`
        (may not).
        """
        ...


@runtime_checkable
class FailsafeChannel(Protocol):
    """Tells devices of guard mode what to do when contact is lost."""

    async def arm(self, failsafe: Failsafe) -> None:
        """Hand it over as `CommandChannel.send` does a limit; that the device has it is told by its status
        alone, which reads it back.
        """
        ...


@runtime_checkable
class HeartbeatChannel(Protocol):
    """Tells the field that the controller lives."""

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Say so to all devices at once; never kept for those who are not there, because an old heartbeat is
        a lie. Raises `devices.errors.Unreachable`.
        """
        ...


class NoticeChannel(Protocol):
    """Carries requests to people, and further words about them."""

    async def notify(self, notice: CustomerNotice) -> None:
        """As `CommandChannel.send`."""
        ...


class LinkHealth(Protocol):
    """Tells whether the far side is there."""

    @property
    def connected(self) -> bool:
        """True while the far side answers."""
        ...
