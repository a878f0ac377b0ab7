"""The emergency stop as journal entries, and how long its staggered form may take. Pure.

The automatic goes out on each feeder, until a person hands it back there. `at_once` frees everybody in the
same commit. `staggered` leaves the freeing of devices to `release.py`: load flow first, at the pace of every
release, nobody held for a least time; from `all_back_s` after the stop on also without proof, so that all are
free at the latest after twice that; where our own passes fail then, `overdue` frees them all the same. Three
are not staggered. People who were asked are told at once that it is over: they answer slowly anyway. Nobody
knows of a command that did not go out yet: it must not go out later. And what was given up is held by its
device all the same where the command arrived: the load flow does not know of it, so it cannot wait for that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from controller import settings
from controller.books import Books
from controller.entries import EmergencyStopped, Entry, OperatorActed, OperatorAction, OrderClosed
from controller.operators import free, may_be_held
from controller.orders.endings import STOPPED, closed
from controller.reach import all_back_s
from controller.requests import TOLD_AHEAD, RequestRecord

Manner = Literal["staggered", "at_once"]


def stop_entries(
    books: Books, epoch: int, *, feeders: Iterable[str], manner: Manner, who: str, why: str, now: datetime
) -> tuple[EmergencyStopped, tuple[Entry, ...]]:
    """The stop, and all that it does, itself first."""
    stop = EmergencyStopped(
        at=now,
        stop=f"S-{now:%Y%m%dT%H%M%S.%fZ}",
        who=who,
        why=why,
        manner=manner,
        feeders=tuple(feeders),
    )
    entries: list[Entry] = [stop, *_void(books, stop)]
    for feeder in stop.feeders:
        entries.append(_act(stop, feeder, "automatic_off"))
        if manner == "at_once":
            entries.append(_act(stop, feeder, "release_all"))
        freed = [
            record
            for record in books.unsettled(feeder)
            if may_be_held(record, now) and (manner == "at_once" or _cannot_wait(record))
        ]
        entries += free(freed, epoch, now, "overridden", f"emergency stop by {who}")
    return stop, tuple(entries)


def _void(books: Books, stop: EmergencyStopped) -> Iterable[OrderClosed]:
    """Nothing that was drafted before a stop is carried out after it."""
    return (
        closed(record, "void", stop.who, STOPPED, stop.at)
        for record in books.order_book.open_drafts()
        if record.drafted.feeder in stop.feeders
    )


def _act(stop: EmergencyStopped, feeder: str, action: OperatorAction) -> OperatorActed:
    return OperatorActed(
        at=stop.at, who=stop.who, why=stop.why, action=action, feeder=feeder, target=None, draft=stop.stop
    )


def _cannot_wait(record: RequestRecord) -> bool:
    """Whether a staggered stop frees it at once all the same."""
    is_unsent = record.sent_sequence < record.sequence and not record.releasing
    return record.resource == "person" or is_unsent or not record.is_open


def overdue(
    books: Books, epoch: int, *, feeder: str, site: settings.Site, now: datetime
) -> tuple[Entry, ...]:
    """Frees whom a stop should let go from now on, where the passes that would do it fail."""
    stop = books.order_book.stopped(feeder)
    if stop is None or not lets_go(stop, site, now):
        return ()
    held = [record for record in books.unsettled(feeder) if may_be_held(record, now)]
    return free(held, epoch, now, "overridden", f"emergency stop by {stop.who}")


def lets_go(stop: EmergencyStopped, site: settings.Site, now: datetime) -> bool:
    """Whether a staggered stop frees devices without proof by now: also one of a clock that was ahead."""
    return now >= stop.at + timedelta(seconds=all_back_s(site)) or stop.at > now + TOLD_AHEAD


def all_free_by(stop: EmergencyStopped, site: settings.Site) -> datetime:
    """When a staggered stop has freed everybody."""
    return stop.at + timedelta(seconds=2 * all_back_s(site))
