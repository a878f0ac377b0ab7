"""Planted bugs in settling and crediting."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import structs

from controller.bookkeeping import Bookkeeper
from controller.books import Books
from controller.entries import LedgerPosted, RequestSettled
from controller.proving.settling import Settling
from controller.proving.verification import sample_window
from controller.rewards import ledger
from controller.stores import batch
from simulations.faults.planted.planting import BUSY, Set, bug

WHILE = timedelta(minutes=30)


@bug(**BUSY)
def settled_twice(put: Set) -> None:
    """What was settled is written once more, and the books say nothing to it."""
    settled, write = Books._settled, Settling._write

    async def twice(self: Settling, told: Any) -> None:
        await write(self, told)
        again = [entry for _, entries in told for entry in entries if isinstance(entry, RequestSettled)]
        await self._keeper.write(again)

    def once(self: Books, entry: RequestSettled) -> None:
        record = self.requests.get(entry.request)
        if record is not None and record.settled is None:
            settled(self, entry)

    put(Settling, "_write", twice)
    put(Books, "_settled", once)


@bug(**BUSY)
def credited_twice(put: Set) -> None:
    """A credit is booked once more, under another key."""
    write = Settling._write

    async def twice(self: Settling, told: Any) -> None:
        await write(self, told)
        posted = [entry for _, entries in told for entry in entries if isinstance(entry, LedgerPosted)]
        await self._keeper.write([structs.replace(entry, key=f"{entry.key}-again") for entry in posted])

    put(Settling, "_write", twice)
    put(Bookkeeper, "fits", lambda *_: None)


@bug(**BUSY)
def credit_out_of_nothing(put: Set) -> None:
    """A customer is credited, and no account pays."""
    put(ledger, "faults", lambda *_: [])
    _in_settling(
        put, lambda e: structs.replace(e, postings=tuple(p for p in e.postings if p[2] > 0)), LedgerPosted
    )


@bug(**BUSY)
def asked_is_credited(put: Set) -> None:
    """What was asked for is credited, whatever the meter shows."""
    _in_settling(put, lambda e: structs.replace(e, reduced_kwh=e.asked_kwh + 1.0), RequestSettled)


@bug(**BUSY)
def rounded_up(put: Set) -> None:
    """Points are rounded up."""
    earned = ledger.earned
    put(ledger, "earned", lambda *args: earned(*args) + 1)


@bug(**BUSY)
def ledger_loses_a_line(put: Set) -> None:
    """The ledger's table lacks what the journal says."""
    post = batch._post

    def short(made: Any, posted: LedgerPosted) -> None:
        post(made, posted)
        made.postings.pop()

    put(batch, "_post", short)


@bug(**BUSY, device_mood=0.15)
def credit_for_nobody(put: Set) -> None:
    """Who never took part is credited like the others."""
    one = Settling._one

    def as_if(self: Settling, control: Any, record: Any, *rest: Any) -> Any:
        if record.active_at is None and record.sent_at is not None and record.resource == "device":
            start, end = record.planned.start, max(record.end, record.planned.start + WHILE)
            record = replace(record, active_at=start, ended_at=end, state="ended", answer="accepted")
        now = rest[-1]
        window = sample_window(record)
        readings = None if window is None else self._readings(control, window)
        return one(self, control, record, readings, None, now)

    put(Settling, "_one", as_if)


def _in_settling(put: Set, change: Callable[[Any], Any], kind: type) -> None:
    """Change what a settlement writes."""
    write = Settling._write

    async def changed(self: Settling, told: Any) -> None:
        await write(
            self,
            [(r, tuple(change(e) if isinstance(e, kind) else e for e in entries)) for r, entries in told],
        )

    put(Settling, "_write", changed)
    put(Bookkeeper, "fits", lambda *_: None)
