"""What the desks of customers and devices share: where the field is looked up, and the index of all.

Part of the shell.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from controller import settings
from controller.bookkeeping import Bookkeeper, Offload
from controller.books import Books
from controller.cycle import Decisions
from controller.directory.device_page import Field
from controller.directory.supply_index import SupplyIndex
from controller.directory.text_index import Place
from controller.directory.wires import wires
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from devices.ports import Clock

AT_ONCE = 2
"""searches"""
WITHIN_S = 20.0
"""so long a search may wait and take"""
_P = ParamSpec("_P")
_T = TypeVar("_T")
Feeders = AbstractSet[str] | None
"""those that whoever asks may know of; None: all"""


async def in_a_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """An `Offload` that waits for nobody's slow work but that of other searches."""
    return await asyncio.to_thread(function, *args, **kwargs)


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
    offload: Offload = in_a_thread
    wired: Field = field(init=False)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)
    _index: SupplyIndex | None = field(default=None, init=False)
    _indexing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self.wired = Field(self.state_of, wires(self.site.feeder), self.connected)

    @property
    def books(self) -> Books:
        """Read only."""
        return self.keeper.books

    def state_of(self, feeder: str) -> FeederState | None:
        """What a feeder's devices last said."""
        decided = self.latest(feeder)
        return None if decided is None else decided.memory.state

    async def index(self) -> SupplyIndex:
        """All customers and devices; laid out when it is first asked for."""
        await self.ready()
        async with self.wire_clock.timeout(WITHIN_S), self._indexing:
            if self._index is None:
                self._index = await self.offload(SupplyIndex, self.controls)
            return self._index

    async def search(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a search in another thread. Raises TimeoutError."""
        async with self.wire_clock.timeout(WITHIN_S), self._slots:
            return await self.offload(function, *args, **kwargs)


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
