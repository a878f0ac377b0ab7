"""What limit one unit has from us, and when something is to be done about it [6]. Pure: times are given.

A unit knows no starts, and not always ends as far away as ours, so the driver writes a limit when it starts,
and again while the unit holds only part of its time. It outlives connections.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
    """A command that the unit took, or that waits for its start here."""

    command: LimitCommand
    write_at: datetime | None
    """when it is to be written (again)"""
    written: bool = False
    said_kw: float | None = None
    """what the unit last said it holds, within the window"""

    def in_window(self, now: datetime) -> bool:
        """Whether it is to be in force now."""
        return self.command.start <= now < self.command.end


class HeldLimit:
    """Of one device. All calls are on the loop's thread."""

    def __init__(self, end_grace_s: float) -> None:
        self.claim: Claim | None = None
        self._free_kw: float | None = None
        """what it said it holds when it held nothing of ours"""
        self._grace = timedelta(seconds=end_grace_s)

    def accept(self, command: LimitCommand, now: datetime, held_s: float | None) -> Answer | None:
        """The unit holds this for `held_s`; None: it waits for its start here. The end of another request's
        limit whose place it took.
        """
        before = self.claim
        if held_s is None:
            self.claim = Claim(command, command.start)
        else:
            self.claim = Claim(command, self._again_at(command, now, held_s), written=True)
        if before is None or before.command.request == command.request:
            return None
        return answer_to(before.command, "ended", "replaced")

    def written(self, now: datetime, held_s: float) -> None:
        """The claim's limit went out once more."""
        if self.claim is not None:
            again = self._again_at(self.claim.command, now, held_s)
            self.claim = replace(self.claim, write_at=again, written=True)

    def write_again(self, now: datetime) -> None:
        """The unit may have lost it: a connection was lost, or another command was refused half-way."""
        if self.claim is not None and (self.claim.written or self.claim.command.start <= now):
            self.claim = replace(self.claim, write_at=now)

    def write_failed(self, now: datetime) -> None:
        """It was not taken now; what the unit holds ends by itself. Tried again soon while it matters."""
        if self.claim is not None:
            self.claim = replace(self.claim, write_at=now + timedelta(seconds=MARGIN_S))

    def let_go(self, request: str) -> bool:
        """The unit holds this request's limit no more; whether it did."""
        held = self.claim is not None and self.claim.command.request == request
        if held:
            self.claim = None
        return held

    def said(self, state: UnitState, now: datetime) -> None:
        """The unit has said what it holds."""
        if not state.says_limit:
            return
        if self.claim is None:
            self._free_kw = state.limit_kw
        elif self.claim.written and self.claim.in_window(now):
            self.claim = replace(self.claim, said_kw=state.limit_kw)

    def due(self, now: datetime) -> Due | None:
        """What is to be done now."""
        claim = self.claim
        if claim is None:
            return None
        if now >= claim.command.end:
            return "end" if now >= claim.command.end + self._grace else None
        return "write" if claim.write_at is not None and claim.write_at <= now else None

    def next_at(self, now: datetime) -> datetime | None:
        """When something is to be done next."""
        claim = self.claim
        if claim is None:
            return None
        if claim.write_at is not None and now < claim.command.end:
            return min(claim.write_at, claim.command.end + self._grace)
        return claim.command.end + self._grace

    def overstays(self, state: UnitState) -> bool:
        """Whether what it holds after the end is still our limit, and not what it always has."""
        claim, held_kw = self.claim, state.limit_kw
        if claim is None or not claim.written or held_kw is None:
            return False
        always = self._free_kw is not None and abs(self._free_kw - held_kw) <= SAME_KW
        ours = claim.command.limit_kw if claim.said_kw is None else claim.said_kw
        return abs(held_kw - ours) <= SAME_KW and not always

    def request_shown(self, state: UnitState, now: datetime) -> str | None:
        """Whose limit it is that the unit says it holds."""
        claim = self.claim
        if claim is None or state.limit_kw is None or not claim.written or not claim.in_window(now):
            return None
        return claim.command.request

    def _again_at(self, command: LimitCommand, now: datetime, held_s: float) -> datetime | None:
        """When to write once more: well before the unit forgets, and so that the last writing holds to the
        end and not beyond it.
        """
        left_s = (command.end - now).total_seconds()
        short_s = left_s - held_s
        if short_s <= AT_ONCE_S:
            return None
        pause_s = max(AT_ONCE_S, min(held_s / PARTS, short_s - MARGIN_S))
        return now + timedelta(seconds=pause_s)


def answer_to(command: LimitCommand, kind: AnswerKind, reason: str | None) -> Answer:
    """A device's answer to this command."""
    return Answer(command.feeder, command.device, command.request, kind, reason)
