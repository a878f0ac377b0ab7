"""What a device does when it hears nothing of its controller [6]: the guard beside `limit_holder`. Pure.

A device of *event* mode is never armed: silence changes nothing, each limit runs until its own end. A device
of *guard* mode is armed with a failsafe limit before its first limit. From then on, in the states of EEBus
"limitation of power consumption" (LPC 1.0.0, section 2.3; numbers of its rules in brackets):

    state                  what it may take            left when
    init                   the failsafe limit          a heartbeat comes [901, 904, 905]; no heartbeat for the
                                                       time-out → failsafe
    unlimited_controlled   what it likes               a limit is in force → limited
    limited                the limit                   its end comes
      both                                             no heartbeat for the time-out → failsafe [911, 912]
    failsafe               the failsafe limit, and     heartbeats are back, and a word follows [916], or they
                           what is still held          went on for the time-out and none did [921]; without
                                                       any, after `failsafe_s` → unlimited_autonomous [922]
    unlimited_autonomous   what it likes               a heartbeat comes

Stricter than EEBus in three things, so that no silence reads as "no limit": the time-out of `init` leads to
the failsafe, not into freedom; a limit that is still held in the failsafe stays, where it is the lower one; a
second silence begins a new failsafe. A word is a limit, a release or a failsafe that this device has not
heard before and that is not over: a captured one that is played again lifts nothing.

All times here are `at_s`, seconds that never jump: no clock that is set and no time zone shortens or
lengthens a failsafe. Over a restart a gateway keeps `KeptGuard`; a failsafe that was running goes on with
what was left of it, everything else begins in `init`. An older failsafe, or one of an earlier controller,
has no effect, so the message may lie in a broker for ever.

Heartbeats are not signed: whoever may publish them can keep devices from their failsafe, or drive them into
it by a number that ours never reach, and cannot change a limit. One that is not above the last in (epoch,
sequence) says nothing: a controller that was replaced keeps nobody from the failsafe.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from devices.limit_holder import Kept, LimitHolder
from devices.messages import Answer, Direction, Failsafe, GuardState, Heartbeat, LimitCommand
from devices.signing import verify


@dataclass(frozen=True)
class KeptGuard:
    """What a gateway writes down, so that a restart of its own loses nothing."""

    limits: Kept
    failsafe: Failsafe | None = None
    failsafe_left_s: float | None = None
    """of a failsafe that was running"""
    autonomous: bool = False


_NO_WORD = ("expired", "clock")
"""Refusals of what may have been captured long ago."""


class GuardedDevice:
    """One device: its limits, and what holds when nobody speaks to it."""

    def __init__(self, holder: LimitHolder, key: bytes) -> None:
        self.holder = holder
        self.failsafe: Failsafe | None = None
        """as it is armed; None: event mode"""
        self._key = key
        self._state: GuardState = "unlimited_autonomous"
        self._since_s = 0.0
        """since when it is in this state; of init only"""
        self._hold_until_s = 0.0
        self._beat: Heartbeat | None = None
        self._beat_s: float | None = None
        self._back_s: float | None = None
        """since when heartbeats are back, in the failsafe"""

    # ---- what comes in -------------------------------------------------------------------------------------

    def receive(self, command: LimitCommand, now: datetime, at_s: float) -> Answer | None:
        """A limit, a change of it or a release; see `LimitHolder.receive`."""
        self._pass_time(at_s)
        word = self.holder.is_news(command)
        answer = self.holder.receive(command, now, at_s=at_s)
        if word and answer is not None and answer.reason not in _NO_WORD:
            self._word_comes()
        return answer

    def arm(self, failsafe: Failsafe, at_s: float) -> str | None:
        """Take a failsafe over. Why it is refused, in few words, or None: it holds now, or did already."""
        self._pass_time(at_s)
        if failsafe == self.failsafe:
            return None  # a retained one comes with every connection: no word of now
        fault = self._fault(failsafe)
        if fault is not None:
            return fault
        self.holder.highest_epoch = failsafe.epoch
        before, self.failsafe = self.failsafe, failsafe
        if before is None:
            alive = self._beat_s is not None and at_s - self._beat_s < failsafe.heartbeat_timeout_s
            self._enter("unlimited_controlled" if alive else "init", at_s)
        else:
            self._word_comes()  # a failsafe that runs lasts as long as it was to when it began
        return None

    def hear(self, heartbeat: Heartbeat, at_s: float) -> bool:
        """A heartbeat. False for one that says nothing new: a repeated one, or of an earlier controller."""
        self._pass_time(at_s)
        known, order = self._beat, (heartbeat.epoch, heartbeat.sequence)
        old = known is not None and order <= (known.epoch, known.sequence)
        if old or heartbeat.epoch < self.holder.highest_epoch:
            return False
        self._beat, self._beat_s = heartbeat, at_s
        if self._state == "failsafe":
            self._back_s = at_s if self._back_s is None else self._back_s
        elif self.failsafe is not None:
            self._state = "unlimited_controlled"
        return True

    # ---- what holds ----------------------------------------------------------------------------------------

    def state(self, now: datetime, at_s: float) -> GuardState:
        """Where it stands now."""
        self._pass_time(at_s)
        if self._state in ("init", "failsafe"):
            return self._state
        if self.holder.limit_at(now, at_s=at_s) is not None:
            return "limited"
        return self._state

    def limit_at(self, now: datetime, at_s: float, direction: Direction = "consumption") -> float | None:
        """What it may take (or feed in) now in kW, or None: what it likes. Never below its floor."""
        self._pass_time(at_s)
        held_kw = self.holder.limit_at(now, direction, at_s=at_s)
        if direction == "production" or self.failsafe is None or self._state not in ("init", "failsafe"):
            return held_kw
        failsafe_kw = self.failsafe.failsafe_kw
        return failsafe_kw if held_kw is None else min(held_kw, failsafe_kw)

    def next_turn_s(self, at_s: float) -> float | None:
        """Seconds until silence alone may change what holds; None: never. Limits have their own times."""
        self._pass_time(at_s)
        if self.failsafe is None:
            return None
        timeout_s = self.failsafe.heartbeat_timeout_s
        if self._state in ("init", "unlimited_controlled"):
            return self._silent_since_s() + timeout_s - at_s
        if self._state == "failsafe":
            turn_s = self._hold_until_s if self._back_s is None else self._back_s + timeout_s
            return turn_s - at_s
        return None

    # ---- restarts ------------------------------------------------------------------------------------------

    def kept(self, now: datetime, at_s: float) -> KeptGuard:
        """What must survive a restart."""
        self._pass_time(at_s)
        left_s = self._hold_until_s - at_s
        running = self.failsafe is not None and self._state == "failsafe" and left_s > 0
        return KeptGuard(
            limits=self.holder.kept(now, at_s=at_s),
            failsafe=self.failsafe,
            failsafe_left_s=left_s if running else None,
            autonomous=self._state == "unlimited_autonomous",
        )

    def restore(self, kept: KeptGuard, now: datetime, at_s: float) -> None:
        """Go on after a restart. Whoever was limited by silence stays so for what was left; whoever was let
        go after it stays free, or switching it on and off would hold it for ever."""
        self.holder.restore(kept.limits, now, at_s=at_s)
        self.failsafe = kept.failsafe
        if kept.failsafe is None or kept.autonomous:
            return
        self._enter("init" if kept.failsafe_left_s is None else "failsafe", at_s)
        if kept.failsafe_left_s is not None:
            self._hold_until_s = at_s + min(kept.failsafe_left_s, kept.failsafe.failsafe_s)

    # ---- within --------------------------------------------------------------------------------------------

    def _fault(self, failsafe: Failsafe) -> str | None:
        if failsafe.device != self.holder.device or not verify(failsafe, self._key):
            return "signature"
        if failsafe.epoch < self.holder.highest_epoch:
            return "stale epoch"
        known = self.failsafe
        if known is not None and (failsafe.epoch, failsafe.sequence) <= (known.epoch, known.sequence):
            return "stale sequence"
        if not math.isfinite(failsafe.failsafe_kw) or failsafe.failsafe_kw < 0:
            return "not a limit"
        if failsafe.failsafe_s < 1 or failsafe.heartbeat_timeout_s < 1:
            return "no duration"
        return "below floor" if failsafe.failsafe_kw < self.holder.floor_kw else None

    def _pass_time(self, at_s: float) -> None:
        """Every turn that time alone asks for, at the second at which it was due."""
        if self.failsafe is None:
            return
        timeout_s = self.failsafe.heartbeat_timeout_s
        if self._state in ("init", "unlimited_controlled"):
            silent_at_s = self._silent_since_s() + timeout_s
            if at_s >= silent_at_s:
                self._enter("failsafe", silent_at_s)
        if self._state == "failsafe":
            self._pass_failsafe(at_s, timeout_s)

    def _pass_failsafe(self, at_s: float, timeout_s: float) -> None:
        if self._back_s is not None and self._beat_s is not None:
            lost_at_s, patient_until_s = self._beat_s + timeout_s, self._back_s + timeout_s
            if at_s >= patient_until_s < lost_at_s:
                self._enter("unlimited_controlled", patient_until_s)
                self._pass_time(at_s)  # it may be lost once more since
                return
            if at_s >= lost_at_s:
                self._enter("failsafe", lost_at_s)  # another silence, and another failsafe
        if self._back_s is None and at_s >= self._hold_until_s:
            self._enter("unlimited_autonomous", at_s)

    def _silent_since_s(self) -> float:
        return self._since_s if self._state == "init" or self._beat_s is None else self._beat_s

    def _word_comes(self) -> None:
        """The controller said something to this very device: with heartbeats there, it is in control."""
        if self._state == "failsafe" and self._back_s is not None:
            self._state, self._back_s = "unlimited_controlled", None

    def _enter(self, state: GuardState, at_s: float) -> None:
        running_s = self._hold_until_s if self._state == "failsafe" else 0.0
        self._state, self._since_s, self._back_s = state, at_s, None
        if state == "failsafe" and self.failsafe is not None:
            self._hold_until_s = max(running_s, at_s + self.failsafe.failsafe_s)  # none is shortened
