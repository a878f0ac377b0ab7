"""One device of the simulated field: it holds limits as a real gateway does, and gets into every trouble.

Its own account of when it was limited by what is told to the judge at each change, and nothing else knows it.
Its clock of the day may be wrong; seconds that never jump it counts by itself.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from customers.registry import Device
from devices.failsafe import GuardedDevice, KeptGuard
from devices.limit_holder import LimitHolder
from devices.messages import Answer, DeviceStatus, Direction, Failsafe, Heartbeat, LimitCommand
from simulations.faults.site_settings import FEEDER

Mood = Literal["obeys", "ignores", "partly", "refuses"]
_PARTLY_KW = 1.8


class FieldDevice:
    """`now` is the true time; `at_s` the loop's seconds."""

    def __init__(
        self, device: Device, key: bytes, now: Callable[[], datetime], at_s: Callable[[], float]
    ) -> None:
        self.device, self.name = device, device.device
        self.feeds_in = device.kind == "pv_inverter"
        self._bounded: Direction = "production" if self.feeds_in else "consumption"
        self._key, self._true_now, self._at_s = key, now, at_s
        self._guard = self._new_guard()
        self.online = True
        self.mood: Mood = "obeys"
        self.wants_kw = 0.0
        """what it would take, or feed in"""
        self.clock_off = timedelta(0)
        self.highest_epoch = 0
        """of all commands that ever reached it, kept apart from what the holder believes"""
        self._said: tuple[object, ...] = ()
        self.kept: KeptGuard | None = None
        """while it is gone: what it finds when it comes back"""

    def _new_guard(self) -> GuardedDevice:
        return GuardedDevice(LimitHolder(self.name, self._key, 0.0, [self._bounded]), self._key)

    @property
    def held(self) -> LimitCommand | None:
        """The command that it holds."""
        return self._guard.holder.held_in(self._bounded)

    def now(self) -> datetime:
        """By its own clock."""
        return self._true_now() + self.clock_off

    def limit_kw(self) -> float | None:
        """What it may take, or feed in, by a request or by silence; None: what it likes."""
        return self._guard.limit_at(self.now(), self._at_s(), self._bounded)

    def limit_by_request_kw(self) -> float | None:
        """What it may take, or feed in, by the request that it holds."""
        return self._guard.holder.limit_at(self.now(), self._bounded, at_s=self._at_s())

    def p_kw(self) -> float:
        """What it takes; below 0 where it feeds in."""
        return -self._uses_kw() if self.feeds_in else self._uses_kw()

    def _uses_kw(self) -> float:
        if not self.online and self.kept is not None:
            return 0.0  # it has crashed
        limit = self.limit_kw()
        if limit is None or self.mood == "ignores":
            return self.wants_kw
        return min(self.wants_kw, limit + (_PARTLY_KW if self.mood == "partly" else 0.0))

    def receive(self, command: LimitCommand) -> list[Answer]:
        """What it says to a command, if it hears it."""
        if not self.online:
            return []
        now = self.now()
        if self.mood == "refuses" and command.end > now:
            return [Answer(FEEDER, self.name, command.request, "refused", "owner")]
        answer = self._guard.receive(command, now, self._at_s())
        self.highest_epoch = max(
            self.highest_epoch, command.epoch if answer is None or answer.reason != "signature" else 0
        )
        return [*self.ended(), *([] if answer is None else [answer])]

    def arm(self, failsafe: Failsafe) -> None:
        """What holds in silence."""
        if self.online:
            self._guard.arm(failsafe, self._at_s())

    def hear(self, heartbeat: Heartbeat) -> None:
        """The controller lives."""
        if self.online:
            self._guard.hear(heartbeat, self._at_s())

    def ended(self) -> list[Answer]:
        """Requests that ended by themselves; without contact it tells nobody."""
        said: list[Answer] = []
        now, at_s = self.now(), self._at_s()
        while (answer := self._guard.holder.expired(now, at_s=at_s)) is not None:
            said.append(answer)
        return said if self.online else []

    def taken_back(self) -> list[Answer]:
        """Its owner ends the limit, here and now."""
        held = self.held
        if held is None:
            return []
        self._forget()
        return [Answer(FEEDER, self.name, held.request, "refused", "owner")] if self.online else []

    def crash(self, *, forgets: bool) -> None:
        """It is gone, and takes nothing until it is back. `forgets`: the limit, not which commands it saw."""
        self.online = False
        kept = self._guard.kept(self.now(), self._at_s())
        self.kept = replace(kept, limits=replace(kept.limits, held=())) if forgets else kept

    def come_back(self) -> None:
        """It begins anew with what it kept."""
        if self.kept is not None:
            self._guard = self._new_guard()
            self._guard.restore(self.kept, self.now(), self._at_s())
            self.kept = None
        self.online = True

    def seconds_to_end(self) -> float | None:
        """Until its limit ends, or silence may change something, whatever comes first."""
        held, turn_s = self.held, self._guard.next_turn_s(self._at_s())
        left = None if held is None else (held.end - self.now()).total_seconds()
        found = [max(s, 0.0) for s in (left, turn_s) if s is not None]
        return min(found, default=None)

    def has_news(self) -> bool:
        """Whether its power or limit is not what it said last."""
        return (self.p_kw(), self.limit_kw(), self.held) != self._said

    def status(self) -> DeviceStatus:
        """What it says of itself."""
        self._said = (self.p_kw(), self.limit_kw(), self.held)
        limit_kw, by_request, held = self.limit_kw(), self.limit_by_request_kw(), self.held
        request = (
            held.request if held is not None and by_request is not None and by_request == limit_kw else None
        )
        failsafe = self._guard.failsafe
        return DeviceStatus(
            FEEDER,
            self.name,
            self.now(),
            True,
            round(self.p_kw(), 3),
            None if self.feeds_in else limit_kw,
            None if self.feeds_in else request,
            limit_kw if self.feeds_in else None,
            request if self.feeds_in else None,
            failsafe_kw=None if failsafe is None else failsafe.failsafe_kw,
            failsafe_s=None if failsafe is None else failsafe.failsafe_s,
            heartbeat_timeout_s=None if failsafe is None else failsafe.heartbeat_timeout_s,
            nominal_kw=None if failsafe is None else self.device.rated_kw,
            state=None if failsafe is None else self._guard.state(self.now(), self._at_s()),
        )

    def _forget(self) -> None:
        """Without its limit, as a gateway is whose owner pressed the button."""
        now, at_s = self.now(), self._at_s()
        kept = self._guard.kept(now, at_s)
        self._guard = self._new_guard()
        self._guard.restore(replace(kept, limits=replace(kept.limits, held=())), now, at_s)
