"""What stands at one time and whoever takes over has to know, the most pressing first. Pure.

It is told of the present shift, and goes into the journal with each hand-over, bounded: there it stays what
the next shift was told. Whoever looked has a word for what they saw (`seen_of`), and what stands later was
seen by them as far as it is in there: what went away since is nothing new.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
MOST_NAMED = 1_000
"""things that stand, each by itself in a word of what was seen; of more the rest is named as a whole"""
_NAME_CHARACTERS = 8
MOST_SEEN_CHARACTERS = (MOST_NAMED + 1) * _NAME_CHARACTERS + 64
"""of the longest word of what was seen"""
_ORDER = (
    "emergency_stop", "event", "event_short", "automatic_off", "alarm", "hands_off", "limit", "excluded",
    "left_alone", "shelved", "order", "dispute",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """One matter that stands."""

    matter: ShiftMatter
    parts: tuple[str, ...] = ()
    """what it is made of, where some of it may go away or come by itself"""

    @property
    def names(self) -> tuple[str, ...]:
        """Of what there is to know of it. An end that moved makes it another one; the time it began does not:
        an alarm that comes and goes is the same matter, however often it does.
        """
        one = self.matter
        return tuple(
            _name(one.kind, one.feeder, part, one.who, one.until) for part in self.parts or (one.what,)
        )


def standing(books: Books, orders: Orders, feeders: Iterable[str], now: datetime) -> tuple[Standing, ...]:
    """All of it."""
    excluded: defaultdict[str, list[OperatorActed]] = defaultdict(list)
    for act in books.all_exclusions():
        excluded[act.feeder].append(act)
    found = [one for feeder in feeders for one in _of_feeder(books, orders, feeder, excluded.get(feeder, ()))]
    found += map(Standing, _alarms(books, now))
    found += map(Standing, _orders(books))
    found += map(Standing, _disputes(books))
    found.sort(key=_pressing)
    return tuple(found)


def seen_of(log: ShiftLog, stands: Iterable[Standing]) -> str:
    """A word for all that is to be known: of the shift, what was written in it, and what stands."""
    names = _names(stands)
    named, rest = names[:MOST_NAMED], names[MOST_NAMED:]
    return f"{log.shift}.{log.next_note}.{''.join(named)}.{_whole(rest)}"


def has_seen(seen: str, log: ShiftLog, stands: Iterable[Standing]) -> bool:
    """Whether whoever was told `seen` knows all that stands now and all that was written. Some may have gone
    away since; only of a list so long that its end is named as a whole that end has to be as it was.
    """
    shift_and_note, _, known = seen.rpartition(".")[0].rpartition(".")
    if shift_and_note != f"{log.shift}.{log.next_note}":
        return False
    named = {known[at : at + _NAME_CHARACTERS] for at in range(0, len(known), _NAME_CHARACTERS)}
    unknown = [name for name in _names(stands) if name not in named]
    return not unknown or _whole(unknown) == seen.rpartition(".")[2]


def _names(stands: Iterable[Standing]) -> list[str]:
    """Of all of it, each once, the most pressing first."""
    return list(dict.fromkeys(name for one in stands for name in one.names))


def _name(*told: object) -> str:
    return urlsafe_b64encode(hashlib.blake2b(msgspec.json.encode(told), digest_size=6).digest()).decode()


def _whole(names: Sequence[str]) -> str:
    """Of many names one, whatever their order; nothing of none."""
    return _name(*sorted(names)) if names else ""


def _pressing(one: Standing) -> tuple[int, int]:
    matter = one.matter
    rank = len(RANK) if matter.priority is None else RANK[matter.priority]  # type: ignore[index]
    return _ORDER.index(matter.kind), rank


def _of_feeder(
    books: Books, orders: Orders, feeder: str, excluded: Iterable[OperatorActed]
) -> Iterator[Standing]:
    yield from map(Standing, _switched(books, orders, feeder))
    yield from _limits(books, feeder)
    for act in excluded:
        yield Standing(_ordered("excluded", act))
    released = tuple(sorted(orders.released.get(feeder, ())))
    if released:
        yield Standing(ShiftMatter(kind="left_alone", feeder=feeder, what=_and_more(released)), released)


def _switched(books: Books, orders: Orders, feeder: str) -> Iterator[ShiftMatter]:
    """What holds for the whole feeder."""
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


def _ordered(kind: str, act: OperatorActed) -> ShiftMatter:
    return ShiftMatter(
        kind=kind, feeder=act.feeder, what=act.target or "", since=act.at, who=act.who, why=act.why
    )


def _limits(books: Books, feeder: str) -> Iterator[Standing]:
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
    for order, matter in latest.items():
        yield Standing(matter, tuple(f"{order} {target}" for target in by_order[order]))


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
