"""Writes to the journal, seals it, and keeps the books, the orders and the sentences in line with what is
durable. Part of the shell.

Entries are applied to the books only after the store has them. One exception: what a person ordered to the
safe side while the store is down counts at once, is kept here (bounded by what a person can order), and is
written first when the store is back.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

import structlog

from controller.auditing.sealing import OutsideCopy, Sealer
from controller.books import Books
from controller.entries import ControllerStarted, Entry, RequestChanged, RequestSettled
from controller.errors import Replaced
from controller.live import CHANGED_SENTENCES, CHANGES, TOLD_SENTENCES, Live
from controller.metrics import Metrics
from controller.narration.telling import tell
from controller.operators import FREEING, Orders
from controller.requests import RequestRecord
from controller.stores.port import FeederSample, Numbered, Store, StoreUnavailable
from devices.ports import Clock

_P = ParamSpec("_P")
_T = TypeVar("_T")
log = structlog.get_logger()


class Offload(Protocol):
    """Runs a blocking function where it does not hold up the loop: a worker thread, or (in simulations) right
    here.
    """

    def __call__(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Awaitable[_T]:
        """The function's result."""
        ...


def _tell_unseen(unit: asyncio.Task[None]) -> None:
    if not unit.cancelled() and (error := unit.exception()) is not None:
        log.error("write_failed_unseen", reason=f"{type(error).__name__}: {error}")


class Bookkeeper:
    """The one writer of the journal."""

    def __init__(
        self,
        store: Store,
        offload: Offload,
        metrics: Metrics,
        live: Live,
        sealer: Sealer | None = None,
        *,
        background: Offload | None = None,
        wire_clock: Clock | None = None,
    ) -> None:
        """`background`: a thread of its own for the copies of checkpoints, whose place may hang.
        `wire_clock`: how long commits really take; without it nobody asks.
        """
        self._wire_clock = wire_clock
        self.latest_commit_s: float | None = None
        self._store, self._offload = store, offload
        self._metrics, self._live, self._sealer = metrics, live, sealer
        self._background = background or offload
        self._copying: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.books = Books()
        self.orders = Orders()
        self.epoch = 0
        self.store_fault: str | None = None
        """why the latest commit failed; None while the store works"""
        self._unwritten: list[Entry] = []
        self._freeing: dict[str, None] = {}
        self._changes: deque[Numbered] = deque(maxlen=CHANGED_SENTENCES)
        """what changed before our start, until it is told"""

    async def take_over(self, holder: str, version: str, feeders: Sequence[str], now: datetime) -> None:
        """Become the one controller and read the journal.

        Raises StoreUnavailable, BooksBroken, RecordBroken.
        """
        self.epoch = await self._offload(self._store.take_over, holder)
        await self._offload(self._replay)
        self._live.remember_changes(tell(numbered, self.books) for numbered in self._changes)
        self._changes.clear()
        for numbered in await self._offload(self._latest):
            self._live.tell(tell(numbered, self.books))
        await self.write(
            (ControllerStarted(at=now, epoch=self.epoch, version=version, feeders=tuple(feeders)),)
        )

    def _replay(self) -> None:
        for numbered in self._store.replay():
            if self._sealer is not None:
                self._sealer.replayed(numbered)
            self.books.apply(numbered)
            self._follow(numbered.entry)
            if numbered.entry.__struct_config__.tag in CHANGES:
                self._changes.append(numbered)
        if self._sealer is not None:
            self._sealer.started()

    def _latest(self) -> list[Numbered]:
        return list(self._store.replay(after=max(self.books.seq - TOLD_SENTENCES, 0)))

    async def write(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> None:
        """Make durable, then apply; seal when that is due. Raises StoreUnavailable or BooksBroken, having
        written and applied nothing. Cancelled once it has its turn, it is done all the same: what may be
        durable must be in the books before anybody else writes.
        """
        await self._turn.acquire()  # so that a checkpoint seals exactly what stands before it
        unit = asyncio.create_task(self._written_and_sealed(entries, samples), name="journal write")
        unit.add_done_callback(lambda _: self._turn.release())
        try:
            await asyncio.shield(unit)
        except asyncio.CancelledError:
            unit.add_done_callback(_tell_unseen)
            raise

    async def try_write(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> bool:
        """Whether they are written: False while the store is out of order. Raises BooksBroken."""
        try:
            await self.write(entries, samples)
        except StoreUnavailable:
            return False
        return True

    async def write_or_apply(self, entries: Sequence[Entry]) -> None:
        """Write what must not wait for the journal: while the store is out of order it counts all the same.
        Raises BooksBroken.
        """
        if not await self.try_write(entries):
            self.apply_unwritten(entries)

    async def _written_and_sealed(self, entries: Sequence[Entry], samples: Sequence[FeederSample]) -> None:
        await self._write(entries, samples)
        await self._seal_if_due([one.at for one in (*entries, *samples)])

    async def _write(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> None:
        waiting = len(self._unwritten)
        if not waiting and not entries and not samples:
            return
        self.fits(entries)  # a journal that cannot be replayed is lost for ever
        everything = (*self._unwritten, *entries)
        began_s = self._now_s()
        try:
            numbers = await self._offload(self._store.commit, everything, samples)
        except StoreUnavailable as error:
            self._fails(str(error))
            raise
        self._committed(began_s)
        self._works()
        del self._unwritten[:waiting]
        for place, (number, entry) in enumerate(zip(numbers, everything, strict=True)):
            if number <= self.books.seq:
                continue  # a credit that was booked before
            if self._sealer is not None:
                self._sealer.wrote(number, entry)
            if place < waiting:
                self.books.seq = number
            else:
                self.books.apply(Numbered(number, entry))
                self._follow(entry)
            self._told(Numbered(number, entry))

    def _now_s(self) -> float:
        return 0.0 if self._wire_clock is None else self._wire_clock.monotonic()

    def _committed(self, began_s: float) -> None:
        if self._wire_clock is not None:
            self.latest_commit_s = self._wire_clock.monotonic() - began_s
            self._metrics.journal.commit_seconds.observe(self.latest_commit_s)

    async def _seal_if_due(self, times: Sequence[datetime]) -> None:
        """What cannot be sealed now is sealed after a later commit, with all that came until then."""
        sealer = self._sealer
        if sealer is None or not times or self._unwritten or not sealer.is_due(now := max(times)):
            return
        entry, note = sealer.checkpoint(now)
        try:
            await self._write((entry,))
        except StoreUnavailable:
            return
        self._metrics.journal.sealed.set(entry.size)
        if sealer.outside is not None:
            sealer.outside.take(note)
            if self._copying is None or self._copying.done():
                self._copying = asyncio.create_task(self._copy(sealer.outside), name="checkpoint copies")

    async def _copy(self, outside: OutsideCopy) -> None:
        """Beside everything else: a place that hangs or is full holds up nobody."""
        try:
            while outside.is_behind:
                await self._background(outside.save)
        except OSError as error:
            self._metrics.journal.checkpoint_failures.inc()
            log.warning("checkpoint_not_copied", reason=str(error))

    def fits(self, entries: Sequence[Entry]) -> None:
        """Try entries on a copy of the books, before they are made durable for ever.

        Raises BooksBroken when they contradict the books: a fault of ours that must not reach the journal.
        """
        if entries:
            copy = self.books.fork()
            copy.apply_all(entries)
            copy.order_book.check_whole(entries)

    def apply_unwritten(self, entries: Sequence[Entry]) -> None:
        """Let a person's order count although the store is down; it is written first when that is back."""
        for entry in entries:
            self.books.apply(entry)
            self._follow(entry)
        self._unwritten += entries

    async def check_epoch(self) -> None:
        """Raises Replaced when another controller has taken over.

        A store that cannot be read proves nothing.
        """
        try:
            in_force = await self._offload(self._store.epoch)
        except StoreUnavailable as error:
            self._fails(str(error))
            return
        if in_force != self.epoch:
            raise Replaced(f"epoch {in_force} is in force, ours is {self.epoch}")

    def is_automatic(self, feeder: str) -> bool:
        """Whether no operator keeps the automatic out."""
        return self.orders.leave_automatic(feeder, self.books)

    def freeing(self, feeder: str, open_for: Callable[[RequestRecord], bool]) -> dict[str, RequestRecord]:
        """Requests of a feeder whose release is still to be told, by `open_for`; others are forgotten."""
        found: dict[str, RequestRecord] = {}
        for request in tuple(self._freeing):
            record = self.books.requests.get(request)
            if record is None or (record.planned.feeder == feeder and not open_for(record)):
                del self._freeing[request]
            elif record.planned.feeder == feeder:
                found[request] = record
        return found

    def _follow(self, entry: Entry) -> None:
        self.orders = self.orders.after(entry)
        if isinstance(entry, RequestChanged) and entry.reason in FREEING:
            self._freeing[entry.request] = None

    def _told(self, numbered: Numbered) -> None:
        entry = numbered.entry
        feeder = None
        if isinstance(entry, RequestSettled) and entry.request in self.books.requests:
            feeder = self.books.requests[entry.request].planned.feeder
        self._metrics.journaled(entry, feeder)
        self._live.tell(tell(numbered, self.books))

    def _fails(self, reason: str) -> None:
        self._metrics.journal.store_failures.inc()
        if self.store_fault is None:
            log.error("store_unavailable", reason=reason)
        self.store_fault = reason

    def _works(self) -> None:
        if self.store_fault is not None:
            log.info("store_available_again")
        self.store_fault = None
