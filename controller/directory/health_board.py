"""The health of all devices as one array, for counting and for finding who needs somebody. Part of the shell.

Going through a million devices takes some seconds, so it is done in another thread, only when somebody
looks, and at most once in `FRESH_S`. The rows that are shown are looked up anew: the board decides who is on
a page and in which order, not what stands there.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from controller.bookkeeping import Offload
from controller.books import Books
from controller.directory.device_health import HEALTHS, RANK, Outlook
from controller.directory.device_page import StateOf
from controller.directory.text_index import Span
from controller.feeder_control import FeederControl
from devices.ports import Clock

FRESH_S = 10.0
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
                yield from (start + np.flatnonzero(self.ranks[start:end] == rank)).tolist()


class HealthBoard:
    """The latest board. All calls are on the loop's thread."""

    def __init__(
        self,
        controls: Mapping[str, FeederControl],
        books: Books,
        state_of: StateOf,
        clock: Clock,
        offload: Offload,
    ) -> None:
        self._controls, self._books, self._state_of = tuple(controls.values()), books, state_of
        self._clock, self._offload = clock, offload
        self._one = asyncio.Lock()
        self._board: Board | None = None
        self._made_s = 0.0

    async def board(self) -> Board:
        """At most `FRESH_S` old."""
        async with self._one:
            if self._board is None or self._clock.monotonic() - self._made_s >= FRESH_S:
                self._board = await self._offload(self._made, self._clock.now())
                self._made_s = self._clock.monotonic()
            return self._board

    def _made(self, now: datetime) -> Board:
        """Reads what the loop's thread replaces and never changes."""
        ranks = np.empty(sum(len(control.registry.devices) for control in self._controls), dtype=np.uint8)
        at = 0
        for control in self._controls:
            outlook, state = Outlook(control, self._books, now), self._state_of(control.feeder)
            devices = {} if state is None else state.devices
            for device in control.registry.devices:
                ranks[at] = RANK[outlook.seen(device, devices.get(device.device)).health]
                at += 1
        return Board(now, ranks)
