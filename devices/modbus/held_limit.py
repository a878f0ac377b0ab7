"""What limit one unit has from us, and when something is to be done about it [6]. Pure: times are given.

A unit knows no starts, and not always ends as far away as ours, so the driver writes a limit when it starts,
and again while the unit holds only part of its time. It outlives connections.

Start and end are taken from the command once, when it is accepted, and kept as seconds of the monotonic
clock: a time of day that is set anew moves neither a renewal nor an end.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from devices.messages import Answer, AnswerKind, LimitCommand
from devices.modbus.dialogue import UnitState

Due = Literal["write", "end"]
AT_ONCE_S = 1.0
"""Times closer than this are the same: units count in seconds."""
MARGIN_S = 3.0
"""The last writing goes out so much before the time at which it would hold until the end."""
PARTS = 3
"""A limit is written so often in the time for which the unit holds it: two writings may be lost."""
SAME_KW = 0.001


@dataclass(frozen=True, slots=True)
class Claim:
    """A command that the unit took, or that waits for its start here. Times are monotonic, in seconds."""

    command: LimitCommand
    start_s: float
    end_s: float
    write_at_s: float | None
    """when it is to be written (again)"""
    tried: bool = False
    """the unit may hold it: it was written, or its writing was begun and no answer came"""
    written: bool = False
    """the unit has said that it holds it"""
    said_kw: float | None = None
    """what the unit last said it holds, within the window"""
    overstayed: bool = False
    """it was held past its end; that is counted once"""

    def in_window(self, now_s: float) -> bool:
        """Whether it is to be in force now."""
        return self.start_s <= now_s < self.end_s

    def left_s(self, now_s: float) -> float:
        """How long it is still to be held."""
        return self.end_s - now_s


class HeldLimit:
    """Of one device. All calls are on the loop's thread; `now_s` is monotonic."""

    def __init__(self, end_grace_s: float) -> None:
        self.claim: Claim | None = None
        self._free_kw: float | None = None
        """what it said it holds when it held nothing of ours"""
        self._free_from_s = -math.inf
        """until then it may hold something of ours, though we know of nothing"""
        self._grace_s = end_grace_s

    def accept(
        self, command: LimitCommand, now: datetime, now_s: float, held_s: float | None
    ) -> Answer | None:
        """The unit holds this for `held_s`; None: it waits for its start here. The end of another request's
        limit whose place it took.
        """
        before = self.claim
        start_s = now_s + (command.start - now).total_seconds()
        end_s = now_s + (command.end - now).total_seconds()
        if held_s is None:
            self.claim = Claim(command, start_s, end_s, start_s)
        else:
            again_s = _again_at_s(end_s, now_s, held_s)
            self.claim = Claim(command, start_s, end_s, again_s, tried=True, written=True)
        if before is None or before.command.request == command.request:
            return None
        return answer_to(before.command, "ended", "replaced")

    def trying(self) -> None:
        """The claim's limit goes out now: from here on the unit may hold it, whatever is heard of it."""
        if self.claim is not None:
            self.claim = replace(self.claim, tried=True)

    def written(self, now_s: float, held_s: float) -> None:
        """The claim's limit went out once more."""
        if self.claim is not None:
            again_s = _again_at_s(self.claim.end_s, now_s, held_s)
            self.claim = replace(self.claim, write_at_s=again_s, tried=True, written=True)

    def write_again(self, now_s: float) -> None:
        """The unit may have lost it: it was not there, or another command ended half-way."""
        if self.claim is not None and (self.claim.written or self.claim.start_s <= now_s):
            self.claim = replace(self.claim, write_at_s=now_s)

    def half_written(self, command: LimitCommand, now: datetime, now_s: float) -> None:
        """No answer came to a command that may hold: what was held is made whole, and what the unit says it
        holds is not what it always has.
        """
        self.write_again(now_s)
        end_s = now_s + (command.end - now).total_seconds()
        self._free_from_s = max(self._free_from_s, end_s + self._grace_s)

    def write_failed(self, now_s: float) -> None:
        """It was not taken now; what the unit holds ends by itself. Tried again soon while it matters."""
        if self.claim is not None:
            self.claim = replace(self.claim, write_at_s=now_s + MARGIN_S)

    def let_go(self, request: str) -> bool:
        """The unit holds this request's limit no more; whether it did."""
        held = self.claim is not None and self.claim.command.request == request
        if held:
            self.claim = None
        return held

    def said(self, state: UnitState, now_s: float) -> None:
        """The unit has said what it holds."""
        if not state.says_limit:
            return
        if self.claim is None and now_s >= self._free_from_s:
            self._free_kw = state.limit_kw
        elif self.claim is not None and self.claim.written and self.claim.in_window(now_s):
            self.claim = replace(self.claim, said_kw=state.limit_kw)

    def due(self, now_s: float) -> Due | None:
        """What is to be done now."""
        claim = self.claim
        if claim is None:
            return None
        if now_s >= claim.end_s:
            return "end" if now_s >= claim.end_s + self._grace_s else None
        return "write" if claim.write_at_s is not None and claim.write_at_s <= now_s else None

    def next_at_s(self, now_s: float) -> float | None:
        """When something is to be done next."""
        claim = self.claim
        if claim is None:
            return None
        if claim.write_at_s is not None and now_s < claim.end_s:
            return min(claim.write_at_s, claim.end_s + self._grace_s)
        return claim.end_s + self._grace_s

    def overstays(self, state: UnitState) -> bool:
        """Whether what it holds after the end is still our limit, and not what it always has."""
        claim, held_kw = self.claim, state.limit_kw
        if claim is None or not claim.tried or held_kw is None:
            return False
        always = self._free_kw is not None and abs(self._free_kw - held_kw) <= SAME_KW
        ours = claim.command.limit_kw if claim.said_kw is None else claim.said_kw
        return abs(held_kw - ours) <= SAME_KW and not always

    def overstayed(self) -> bool:
        """Note that it is held past its end; whether that is news."""
        news = self.claim is not None and not self.claim.overstayed
        if self.claim is not None:
            self.claim = replace(self.claim, overstayed=True)
        return news

    def request_shown(self, state: UnitState, now_s: float) -> str | None:
        """Whose limit it is that the unit says it holds."""
        claim = self.claim
        if claim is None or state.limit_kw is None or not claim.written or not claim.in_window(now_s):
            return None
        return claim.command.request


def answer_to(command: LimitCommand, kind: AnswerKind, reason: str | None) -> Answer:
    """A device's answer to this command."""
    return Answer(command.feeder, command.device, command.request, kind, reason)


def _again_at_s(end_s: float, now_s: float, held_s: float) -> float | None:
    """When to write once more: well before the unit forgets, and so that the last writing holds to the end
    and not beyond it.
    """
    short_s = end_s - now_s - held_s
    if short_s <= AT_ONCE_S:
        return None
    return now_s + max(AT_ONCE_S, min(held_s / PARTS, short_s - MARGIN_S))
