"""Who gives an order, and what an order's journal entries are joined with. Values only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from controller.entries import CommandTaken, Entry, OperatorActed

Warrant = Callable[[datetime, OperatorActed, tuple[Entry, ...]], tuple[OperatorActed, tuple[Entry, ...]]]
"""Asked under the turn, when all that an act does is known and nothing is written: answers with the act and
all that is written in one commit with it. Raises OrderRefused when it must not be done.
"""
Did = Literal["draft", "confirm", "withdraw", "act", "stop"]


@dataclass(frozen=True, slots=True)
class CommandKey:
    """The idempotency key that a command came under."""

    principal: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Giver:
    """Whoever gives, confirms or withdraws an order."""

    who: str
    """as the journal names them"""
    person: bool
    """an account proves it; False: a program, or whoever knows the shared token"""
    command: CommandKey | None = None
    operates: frozenset[str] | None = None
    """the feeders on which they may operate; None: all"""

    def taken(self, did: Did, about: str, now: datetime) -> tuple[CommandTaken, ...]:
        """The entry that keeps the command's key, where it has one."""
        if self.command is None:
            return ()
        one = self.command
        return (
            CommandTaken(
                at=now,
                principal=one.principal,
                key=one.key,
                fingerprint=one.fingerprint,
                did=did,
                about=about,
            ),
        )
