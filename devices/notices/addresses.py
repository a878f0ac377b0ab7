"""What a way needs to know of the person behind a customer id, and who is asked for it. Pure.

Where addresses are kept is the subject of whoever implements `AddressBook`; nothing of them shows when a
value is printed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from devices.notices.words import Taken, WordKey

Standing = Literal["agreed", "not_held", "no_consent", "opted_out", "ended"]
"""not_held: nothing is held of them, so that only an app can reach them"""
Address = Literal["email", "phone", "push"]


@dataclass(frozen=True, slots=True)
class Asking:
    """One look into the address book, for one word."""

    customer: str
    word: WordKey
    at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How one customer is reached at the time of asking."""

    customer: str
    standing: Standing
    language: str = "en"
    name: str = field(default="", repr=False)
    address: Mapping[Address, str] = field(default_factory=dict, repr=False)
    prefers: tuple[str, ...] = ()
    """names of ways, the liked one first; empty: as the site has it"""
    opt_out_link: str = field(default="", repr=False)
    taken: tuple[Taken, ...] = ()
    """what ways took for them lately, at least within a day"""


@dataclass(frozen=True, slots=True)
class TakenFor:
    """A word that a way took, and for whom."""

    customer: str
    taken: Taken


class AddressBook(Protocol):
    """Both calls block. Both raise `devices.errors.Unreachable` when it cannot be used now."""

    def reach(self, askings: Sequence[Asking]) -> Sequence[Reach]:
        """One answer to each asking, in the same order. Each is noted for the customer to see."""
        ...

    def note(self, taken: Sequence[TakenFor]) -> None:
        """Keep, over a restart as well, what ways took."""
        ...
