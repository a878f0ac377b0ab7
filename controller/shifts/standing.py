"""What stands at one time and whoever takes over has to know, the most pressing first. Pure.

It is told of the present shift, and goes into the journal with each hand-over, bounded: there it stays what
the next shift was told.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from controller.alarms.alarm_book import AlarmRecord
from controller.alarms.kinds import RANK
from controller.books import Books
from controller.entries import OperatorActed, ShiftMatter
from controller.operators import Orders
from controller.shifts.shift_log import ShiftLog

MOST_HANDED = 200
"""matters in one hand-over; how many there are besides is told"""
MOST_DISPUTES = 50
_ORDER = (
    "emergency_stop", "event", "event_short", "automatic_off", "alarm", "hands_off", "limit", "excluded",
    "left_alone", "shelved", "order", "dispute",
)  # fmt: skip


def standing(books: Books, orders: Orders, feeders: Iterable[str], now: datetime) -> tuple[ShiftMatter, ...]:
    """All of it."""
    excluded: defaultdict[str, list[OperatorActed]] = defaultdict(list)
    for act in books.all_exclusions():
        excluded[act.feeder].append(act)
    found = [
        matter for feeder in feeders for matter in _of_feeder(books, orders, feeder, excluded.get(feeder, ()))
    ]
    found += _alarms(books, now)
    found += _orders(books)
    found += _disputes(books)
    found.sort(key=_pressing)
    return tuple(found)


def seen_of(log: ShiftLog, stands: Iterable[ShiftMatter]) -> str:
    """A word that is another one once something is to be known that was not there: another matter, or a note.
    An alarm that comes and goes is the same matter, however often it does.
    """
    known = sorted((one.kind, one.feeder or "", one.what, one.who or "") for one in stands)
    told = msgspec.json.encode((log.shift, log.next_note, known))
    return hashlib.sha256(told).hexdigest()[:32]


def _pressing(matter: ShiftMatter) -> tuple[int, int]:
    rank = len(RANK) if matter.priority is None else RANK[matter.priority]  # type: ignore[index]
    return _ORDER.index(matter.kind), rank


def _of_feeder(
    books: Books, orders: Orders, feeder: str, excluded: Iterable[OperatorActed]
) -> Iterator[ShiftMatter]:
    stopped = books.order_book.stopped(feeder)
    if stopped is not None:
        yield ShiftMatter(
            kind="emergency_stop",
            feeder=feeder,
            what="",
            since=stopped.at,
            who=stopped.who,
            why=stopped.why,
        )
    event = books.open_event(feeder)
    if event is not None:
        opened, short = event.opened, event.short
        yield ShiftMatter(kind="event", feeder=feeder, what=event.event, since=opened.at, why=opened.element)
        if short is not None:
            yield ShiftMatter(
                kind="event_short", feeder=feeder, what=short.element, since=short.at, why=event.event
            )
    off = books.by_hand(feeder)
    if off is not None:
        yield _ordered("automatic_off", off)
    if feeder in orders.hands_off:
        yield ShiftMatter(kind="hands_off", feeder=feeder, what="")
    yield from _limits(books, feeder)
    for act in excluded:
        yield _ordered("excluded", act)
    released = sorted(orders.released.get(feeder, ()))
    if released:
        yield ShiftMatter(kind="left_alone", feeder=feeder, what=_and_more(released))


def _ordered(kind: str, act: OperatorActed) -> ShiftMatter:
    return ShiftMatter(
        kind=kind, feeder=act.feeder, what=act.target or "", since=act.at, who=act.who, why=act.why
    )


def _limits(books: Books, feeder: str) -> Iterator[ShiftMatter]:
    """Limits that an operator ordered, one matter for each order."""
    by_order: dict[str, list[str]] = {}
    latest: dict[str, ShiftMatter] = {}
    for record in books.open_requests(feeder):
        ordered = record.ordered
        if ordered is not None and not record.releasing:
            targets = by_order.setdefault(ordered.order, [])
            targets.append(record.planned.target)
            latest[ordered.order] = ShiftMatter(
                kind="limit",
                feeder=feeder,
                what=_and_more(targets),
                since=record.planned.at,
                until=ordered.until,
                who=ordered.by,
            )
    yield from latest.values()


def _and_more(targets: Sequence[str]) -> str:
    return f"{targets[0]} (+{len(targets) - 1})" if len(targets) > 1 else targets[0]


def _alarms(books: Books, now: datetime) -> Iterator[ShiftMatter]:
    for record in books.alarm_book.alarms.values():
        if record.is_shelved(now):
            yield _shelved(record)
        elif record.core != "normal":
            raised = record.raised
            yield ShiftMatter(
                kind="alarm",
                feeder=raised.feeder,
                what=f"{raised.kind} {raised.subject}".strip(),
                since=record.since,
                why=raised.text,
                priority=raised.priority,
            )


def _shelved(record: AlarmRecord) -> ShiftMatter:
    shelved, raised = record.shelved, record.raised
    assert shelved is not None
    return ShiftMatter(
        kind="shelved",
        feeder=raised.feeder,
        what=f"{raised.kind} {raised.subject}".strip(),
        since=shelved.at,
        until=shelved.until,
        who=shelved.who,
        why=shelved.why,
        priority=raised.priority,
    )


def _orders(books: Books) -> Iterator[ShiftMatter]:
    """Orders that wait for somebody to confirm them."""
    for record in books.order_book.open_drafts():
        drafted = record.drafted
        yield ShiftMatter(
            kind="order",
            feeder=drafted.feeder,
            what=f"{drafted.action} {drafted.target or ', '.join(drafted.targets[:3])}".strip(),
            since=drafted.at,
            until=drafted.expires_at,
            who=drafted.who,
            why=drafted.why,
        )


def _disputes(books: Books) -> Iterator[ShiftMatter]:
    for dispute in books.open_disputes()[:MOST_DISPUTES]:
        yield ShiftMatter(
            kind="dispute",
            feeder=None,
            what=dispute.dispute,
            since=dispute.at,
            who=dispute.who,
            why=dispute.reason,
        )
