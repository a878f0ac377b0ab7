"""The emergency stop as journal entries, and how long its staggered form may take. Pure.

The automatic goes out on each feeder, until a person hands it back there. `at_once` frees everybody in the
same commit. `staggered` leaves the freeing of devices to `release.py`: load flow first, at the pace of every
release, nobody held for a least time; from `all_back_s` after the stop on also without proof, so that all are
free at the latest after twice that. People who were asked are told at once that it is over: they answer
slowly anyway.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from controller import settings
from controller.books import Books
from controller.entries import EmergencyStopped, Entry, OperatorActed, OperatorAction, OrderClosed
from controller.operators import free
from controller.reach import all_back_s
from controller.requests import RequestRecord

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
            if may_be_held(record, now) and (manner == "at_once" or record.resource == "person")
        ]
        entries += free(freed, epoch, now, "overridden", f"emergency stop by {who}")
    return stop, tuple(entries)


def _void(books: Books, stop: EmergencyStopped) -> Iterable[OrderClosed]:
    """Nothing that was drafted before a stop is carried out after it."""
    return (
        OrderClosed(
            at=stop.at,
            draft=record.draft,
            feeder=record.drafted.feeder,
            outcome="void",
            who=stop.who,
            why="emergency stop",
        )
        for record in books.order_book.open_drafts()
        if record.drafted.feeder in stop.feeders
    )


def _act(stop: EmergencyStopped, feeder: str, action: OperatorAction) -> OperatorActed:
    return OperatorActed(
        at=stop.at, who=stop.who, why=stop.why, action=action, feeder=feeder, target=None, draft=stop.stop
    )


def may_be_held(record: RequestRecord, now: datetime) -> bool:
    """Also what was given up: its command may still be on its way, and the device would hold it."""
    return record.is_open or (record.state in ("unanswered", "failed") and now < record.end)


def lets_go_from(stop: EmergencyStopped, site: settings.Site) -> datetime:
    """From when on a staggered stop frees devices without proof."""
    return stop.at + timedelta(seconds=all_back_s(site))


def all_free_by(stop: EmergencyStopped, site: settings.Site) -> datetime:
    """When a staggered stop has freed everybody."""
    return stop.at + timedelta(seconds=2 * all_back_s(site))
