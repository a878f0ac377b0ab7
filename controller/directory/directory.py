"""What the desks of customers and devices share: where the field is looked up, and the index of all.

Part of the shell.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from controller import settings
from controller.bookkeeping import Bookkeeper
from controller.books import Books
from controller.cycle import Decisions
from controller.directory.device_page import Field
from controller.directory.pauses import Pauses
from controller.directory.supply_index import SupplyIndex
from controller.directory.text_index import Place
from controller.directory.wires import wires
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from controller.in_turn import InTurn
from controller.shared_work import SharedWork
from devices.ports import Clock

WITHIN_S = 15.0
"""so long whoever asks waits for all that their answer takes: less than a page of the console waits for it"""
Feeders = AbstractSet[str] | None
"""those that whoever asks may know of; None: all"""


class UnknownSupply(LookupError):
    """There is no such customer or device on the feeders in question."""


class WrongCursor(ValueError):
    """`after` is not what an earlier page gave."""


@dataclass
class Directory:
    """Of one site."""

    site: settings.Site
    controls: Mapping[str, FeederControl]
    keeper: Bookkeeper
    latest: Callable[[str], Decisions | None]
    """what a feeder's latest cycle decided"""
    connected: Callable[[str], bool | None]
    """whether a link is there, by its name; None: there is none of this name"""
    clock: Clock
    """the site's"""
    wire_clock: Clock
    """real time, for deadlines"""
    ready: Callable[[], Awaitable[None]]
    """waits until the journal is read"""
    wired: Field = field(init=False)
    searching: InTurn = field(default_factory=InTurn, init=False)
    """of numbers; a thread at a time, as the others"""
    reading: InTurn = field(default_factory=InTurn, init=False)
    """of the contacts, whose file may hang"""
    building: InTurn = field(default_factory=InTurn, init=False)
    """of what takes seconds: the index, and the health of all devices"""
    pauses: Pauses = field(default_factory=Pauses, init=False)
    """in `building`"""
    _index: SupplyIndex | None = field(default=None, init=False)
    _indexing: SharedWork[SupplyIndex] = field(init=False)

    def __post_init__(self) -> None:
        self.wired = Field(self.state_of, wires(self.site.feeder), self.connected)
        self._indexing = SharedWork(self._indexed, "index of customers and devices")

    @property
    def books(self) -> Books:
        """Read only."""
        return self.keeper.books

    def state_of(self, feeder: str) -> FeederState | None:
        """What a feeder's devices last said."""
        decided = self.latest(feeder)
        return None if decided is None else decided.memory.state

    async def index(self) -> SupplyIndex:
        """All customers and devices; laid out once, at `warm` or when it is first asked for."""
        await self.ready()
        return await self._indexing.result() if self._index is None else self._index

    def deadline(self) -> AbstractAsyncContextManager[object]:
        """Of one answer. Raises TimeoutError within; what was begun goes on for the next who asks."""
        return self.wire_clock.timeout(WITHIN_S)

    def warm(self) -> None:
        """Begin what the first who asks would have to wait for."""
        if self._index is None:
            self._indexing.begin()

    async def stop(self) -> None:
        """Give up what is under way."""
        self.pauses.stop()
        await self._indexing.stop()

    async def _indexed(self) -> SupplyIndex:
        self._index = await self.building.do(SupplyIndex, self.controls, self.pauses)
        return self._index


def place_of(after: str | None) -> Place | None:
    """Where a page ended. Raises WrongCursor."""
    if after is None:
        return None
    tier, _, line = after.partition(".")
    if len(after) > 20 or not (after.isascii() and tier.isdigit() and line.isdigit()):
        raise WrongCursor("after: expected the `next` of an earlier page")
    return Place(int(tier), int(line))


def page_of(found: Iterable[Place], limit: int) -> tuple[Sequence[Place], str | None]:
    """The first `limit`, and where to go on when there are more."""
    places = list(found)
    if len(places) <= limit:
        return places, None
    last = places[limit - 1]
    return places[:limit], f"{last.tier}.{last.line}"
