"""What stands at one time and whoever takes over has to know, the most pressing first. Pure.

It is told of the present shift, and goes into the journal with each hand-over, bounded: there it stays what
the next shift was told. Knows what the books know; what others keep (shelved alarms, orders that wait) is
given.
"""

from collections.abc import Iterable, Iterator

from controller.books import Books
from controller.entries import DataAlarm, OperatorActed, ShiftMatter
from controller.operators import Orders

MOST_HANDED = 200
"""matters in one hand-over; how many there are besides is told"""
MOST_DISPUTES = 50


def standing(
    books: Books, orders: Orders, feeders: Iterable[str], others: Iterable[ShiftMatter] = ()
) -> tuple[ShiftMatter, ...]:
    """All of it. `others`: matters of others, told after what concerns the feeders."""
    of_feeders = [matter for feeder in feeders for matter in _of_feeder(books, orders, feeder)]
    of_feeders.sort(key=lambda matter: _ORDER.index(matter.kind))
    return (*of_feeders, *others, *_disputes(books))


_ORDER = ("event", "event_short", "automatic_off", "alarm", "hands_off", "excluded", "left_alone")


def _of_feeder(books: Books, orders: Orders, feeder: str) -> Iterator[ShiftMatter]:
    event = books.open_event(feeder)
    if event is not None:
        opened = event.opened
        yield ShiftMatter(kind="event", feeder=feeder, what=event.event, since=opened.at, why=opened.element)
        if event.short is not None:
            short = event.short
            yield ShiftMatter(
                kind="event_short", feeder=feeder, what=short.element, since=short.at, why=event.event
            )
    off = books.by_hand(feeder)
    if off is not None:
        yield _ordered("automatic_off", off)
    for alarm in books.alarms(feeder):
        yield _raised(alarm)
    if feeder in orders.hands_off:
        yield ShiftMatter(kind="hands_off", feeder=feeder, what="")
    for act in books.exclusions(feeder):
        yield _ordered("excluded", act)
    for target in sorted(orders.released.get(feeder, ())):
        yield ShiftMatter(kind="left_alone", feeder=feeder, what=target)


def _ordered(kind: str, act: OperatorActed) -> ShiftMatter:
    return ShiftMatter(
        kind=kind, feeder=act.feeder, what=act.target or "", since=act.at, who=act.who, why=act.why
    )


def _raised(alarm: DataAlarm) -> ShiftMatter:
    return ShiftMatter(kind="alarm", feeder=alarm.feeder, what=alarm.kind, since=alarm.at, why=alarm.text)


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
