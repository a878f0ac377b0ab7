"""Everything between controllers and field, and what happens to each message on its way.

Down: commands, failsafes, heartbeats, notices. Up: readings, statuses, answers. A message may be lost, come
twice (also much later: a replay), be delayed so that others overtake it; a direction may be cut; the broker
may be away, which senders and the source of telemetry learn of. The latest status of each device is retained
for whoever connects. Whoever sends learns only that the broker took it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from devices.errors import Unreachable
from devices.messages import CustomerNotice, DeviceStatus, Failsafe, Heartbeat, Inbound, LimitCommand
from simulations.faults.options import Draws

Down = LimitCommand | Failsafe | Heartbeat | CustomerNotice
TRIP_S = (0.03, 0.1)
"""An ordinary way, one direction."""
LATE_PERIODS, AGAIN_PERIODS = 1.5, 3.0
REPLAYED_LATE_SHARE = 0.4


class Listener(Protocol):
    """A controller that is connected."""

    def hear(self, message: Inbound) -> None:
        """Something comes from the field."""
        ...

    def loses_link(self) -> None:
        """The broker is away."""
        ...


class Broker:
    """Carries everything. `arrive` is the field's end."""

    def __init__(self, draws: Draws, period_s: float, arrive: Callable[[Down], None]) -> None:
        self._draws, self._period_s, self._arrive = draws, period_s, arrive
        self.listeners: list[Listener] = []
        self.away = False
        self.cut_up, self.cut_down = False, False
        self._retained: dict[str, DeviceStatus] = {}

    def connect(self, listener: Listener) -> None:
        """Someone listens from now on, and hears what is retained. Raises Unreachable."""
        self.ask()
        self.listeners.append(listener)
        for status in tuple(self._retained.values()):
            self._send(lambda status=status: listener.hear(status), up=True)  # type: ignore[misc]

    def leave(self, listener: Listener) -> None:
        """It listens no more."""
        if listener in self.listeners:
            self.listeners.remove(listener)

    def goes_away(self) -> None:
        """All links are lost, and nobody gets a new one until `away` ends."""
        self.away = True
        for listener in tuple(self.listeners):
            listener.loses_link()

    def ask(self) -> None:
        """Raises Unreachable while it is away."""
        if self.away:
            raise Unreachable("the broker is away")

    def send(self, message: Down) -> None:
        """Take a message to the field. Raises Unreachable."""
        self.ask()
        if self.cut_down or self._draws.strikes("lost_down"):
            return
        self._send(lambda: self._arrive(message), up=False)

    def say(self, message: Inbound) -> None:
        """Take a message from the field."""
        if self.away or self.cut_up or self._draws.strikes("lost_up"):
            return
        if isinstance(message, DeviceStatus):
            self._retained[message.device] = message
        self._send(lambda: self._tell(message), up=True)

    def _tell(self, message: Inbound) -> None:
        if not self.away:
            for listener in tuple(self.listeners):
                listener.hear(message)

    def _send(self, deliver: Callable[[], None], *, up: bool) -> None:
        loop, draws = asyncio.get_running_loop(), self._draws
        least, most = TRIP_S
        loop.call_later(self._way_s(least + (most - least) * draws.of("field").random()), deliver)
        if draws.strikes("doubled"):
            rng = draws.of("doubled")
            late = rng.random() < REPLAYED_LATE_SHARE
            again_s = AGAIN_PERIODS * self._period_s * rng.random() if late else TRIP_S[1]
            loop.call_later(again_s, deliver)

    def _way_s(self, ordinary_s: float) -> float:
        if self._draws.strikes("delayed"):
            return LATE_PERIODS * self._period_s * float(self._draws.of("delayed").random())
        return ordinary_s
