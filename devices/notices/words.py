"""What came of a word to a person, in fixed words: nothing here may hold a name or an address. Pure.

A report says which way took which word, or why it did not; the journal keeps it for ever. An error of this
room says the same to whoever sent the word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice, NoticeKind

Refusal = Literal[
    "no_address", "no_consent", "opted_out", "ended", "rate_limited", "too_long", "refused", "no_way"
]
"""no_address: nothing is held that this way needs · no_consent: they never agreed to be written to ·
opted_out: they took that back · ended: their supply is over · rate_limited: they had enough words ·
too_long: more parts of an SMS than allowed · refused: the far side will not have it, today or tomorrow ·
no_way: no way is meant for them"""
Delay = Literal["unreachable", "timeout", "busy", "fault", "contacts_unavailable"]
"""unreachable: not there, or "not now" · timeout: no answer in time, it may still have arrived · busy: too
many are under way · fault: one of the program itself · contacts_unavailable: nobody knows the address
now"""
Result = Literal["taken"] | Refusal | Delay
_WEIGHT: tuple[Refusal, ...] = (
    "opted_out", "ended", "rate_limited", "no_consent", "refused", "too_long", "no_address", "no_way",
)  # fmt: skip
REFUSALS: frozenset[str] = frozenset(Refusal.__args__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class WordKey:
    """Which word it is: the same again is not told twice."""

    request: str
    sequence: int
    kind: NoticeKind


def key_of(notice: CustomerNotice) -> WordKey:
    """The word that a notice is."""
    return WordKey(notice.request, notice.sequence, notice.kind)


def weightiest(refusals: Iterable[Refusal]) -> Refusal:
    """Of several reasons the one that says most about the person; "no_way" without any."""
    return min(refusals, key=_WEIGHT.index, default="no_way")


@dataclass(frozen=True, slots=True)
class Taken:
    """One way took one word."""

    way: str
    word: WordKey
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What came of one try of one word by one way."""

    at: datetime
    word: WordKey
    way: str
    """by its name in the settings"""
    result: Result


@runtime_checkable
class ReportsDeliveries(Protocol):
    """A NoticeChannel that tells what came of each word."""

    def reports(self) -> Sequence[DeliveryReport]:
        """What came about since the last call, oldest first; each is told once."""
        ...


class WordRefused(CommandRejected):
    """No way will take the word, ever."""

    def __init__(self, word: Refusal) -> None:
        super().__init__(word)
        self.word: Refusal = word


class WordDelayed(Unreachable):
    """No way took the word now."""

    def __init__(self, word: Delay) -> None:
        super().__init__(word)
        self.word: Delay = word
