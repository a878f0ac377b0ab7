"""The health of all devices as one array, for counting and for finding who needs somebody. Part of the shell.

Going through a million devices takes some seconds, so it is done in another thread, only when somebody
looks, and at most once in `FRESH_S`. Whoever looks waits for a newer board only as long as it takes on most
sites; then the old one is what they get, with its time, and the newer one comes for the next who looks. The
rows that are shown are looked up anew: the board decides who is on a page and in which order, not what stands
there.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from controller.books import Books
from controller.directory.device_health import HEALTHS, RANK, Outlook
from controller.directory.device_page import StateOf
from controller.directory.pauses import Pauses
from controller.directory.text_index import Span
from controller.feeder_control import FeederControl
from controller.in_turn import InTurn
from controller.shared_work import SharedWork
from devices.ports import Clock

FRESH_S = 10.0
PATIENCE_S = 1.0
"""so long whoever looks waits for a newer board while there is an old one"""
_WINDOW = 1 << 16
"""devices that are gone through at once, so that no other thread waits long"""
Ranks = NDArray[np.uint8]


@dataclass(frozen=True)
class Board:
    """All devices at one time."""

    at: datetime
    ranks: Ranks
    """(n_device,) places in `HEALTHS`"""

    def counts(self, within: Sequence[Span]) -> dict[str, int]:
        """How many of each health."""
        counted = np.zeros(len(HEALTHS), dtype=np.int64)
        for first, end in within:
            counted += np.bincount(self.ranks[first:end], minlength=len(HEALTHS))
        return dict(zip(HEALTHS, counted.tolist(), strict=True))

    def worst_first(
        self, within: Sequence[Span], only: frozenset[int], after: tuple[int, int]
    ) -> Iterator[int]:
        """Devices of these ranks behind (rank, device), by rank and then by number; lazily."""
        for rank in sorted(only):
            if rank < after[0]:
                continue
            for first, end in within:
                start = max(first, after[1] + 1) if rank == after[0] else first
                for at in range(start, end, _WINDOW):
                    window = self.ranks[at : min(at + _WINDOW, end)]
                    yield from (at + np.flatnonzero(window == rank)).tolist()


class HealthBoard:
    """The latest board. All calls are on the loop's thread."""

    def __init__(
        self,
        controls: Mapping[str, FeederControl],
        books: Books,
        state_of: StateOf,
        clock: Clock,
        *,
        wire_clock: Clock,
        building: InTurn,
        pauses: Pauses,
    ) -> None:
        """`wire_clock`: real time, for patience."""
        self._controls, self._books, self._state_of = tuple(controls.values()), books, state_of
        self._clock, self._wire_clock = clock, wire_clock
        self._building, self._pauses = building, pauses
        self._renewing = SharedWork(self._renewed, "health of all devices")
        self._board: Board | None = None
        self._made_s = 0.0

    async def board(self) -> Board:
        """At most `FRESH_S` old, or as old as it is while a newer one takes long or cannot be had."""
        old = self._board
        if old is None:
            return await self._renewing.result()
        if self._clock.monotonic() - self._made_s < FRESH_S:
            return old
        with contextlib.suppress(Exception):  # one that fails is in the log
            async with self._wire_clock.timeout(PATIENCE_S):
                return await self._renewing.result()
        return old

    async def stop(self) -> None:
        """Give up what is under way."""
        await self._renewing.stop()

    async def _renewed(self) -> Board:
        board = await self._building.do(self._made, self._clock.now())
        self._board, self._made_s = board, self._clock.monotonic()
        return board

    def _made(self, now: datetime) -> Board:
        """Reads what the loop's thread replaces and never changes. Raises Stopped."""
        count = sum(len(control.registry.devices) for control in self._controls)
        return Board(now, np.fromiter(self._pauses.within(self._ranks(now)), dtype=np.uint8, count=count))

    def _ranks(self, now: datetime) -> Iterator[int]:
        for control in self._controls:
            outlook, state = Outlook(control, self._books, now), self._state_of(control.feeder)
            devices = {} if state is None else state.devices
            for device in control.registry.devices:
                yield RANK[outlook.seen(device, devices.get(device.device)).health]
