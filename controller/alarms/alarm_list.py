"""The alarms as they are shown: the list, its counts and the summary. Pure."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from controller.alarms.alarm_book import WINDOW, AlarmBook, AlarmRecord
from controller.alarms.annunciation import is_out_of_service, is_suppressed, standing_kinds
from controller.alarms.flood import causes, groups
from controller.alarms.kinds import PRIORITIES, RANK, Priority, kind_of
from controller.alarms.states import AlarmState, shown_state

COVERED = frozenset({"shelved", "suppressed", "out_of_service"})
MOST_WAITING = 200


class ShelvedView(msgspec.Struct, frozen=True, kw_only=True):
    """Who took it out of sight, until when, and why."""

    at: datetime
    until: datetime
    who: str
    why: str


class AlarmView(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm."""

    alarm: str
    kind: str
    priority: Priority
    state: AlarmState
    feeder: str | None
    """None: of the whole site"""
    subject: str
    """an element, a link; empty where the feeder or the site itself is meant"""
    text: str
    value: float | None
    limit: float | None
    """loading in percent, voltage in pu, or a count, by kind"""
    since: datetime
    raised_at: datetime
    """the latest time; later than `since` where it became worse or has more to tell"""
    occurrence: int
    """to be shown when it is acknowledged"""
    stands: bool
    """False: it has returned, and nobody acknowledged it"""
    returned_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    shelved: ShelvedView | None
    cause: str | None
    """the alarm that explains it"""
    grouped_under: str | None
    """in a flood: the alarm under which it is put"""
    chattering: bool
    """raised three times within ten minutes, lately"""


class PriorityCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many alarms of one priority there are; without those under a cover."""

    priority: Priority
    unacknowledged: int
    """also those that have returned"""
    acknowledged: int


class FloodView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether more comes than an operator can take in."""

    active: bool
    since: datetime | None
    in_ten_minutes: int
    grouped: int


class WaitingAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """One that nobody has acknowledged; raised again, it is another occurrence."""

    alarm: str
    occurrence: int
    priority: Priority


class AlarmSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen on every page."""

    counts: tuple[PriorityCount, ...]
    """the most urgent first"""
    newest: AlarmView | None
    """of those that are not acknowledged: the most urgent, and of these the newest"""
    waiting: tuple[WaitingAlarm, ...]
    """all that are not acknowledged and not of low priority, which make no sound: the most urgent first, of
    these the newest, at most 200"""
    shelved: int
    flood: FloodView
    frozen_since: datetime | None
    """since when the journal cannot be written: what is of low priority is as of then, and nothing can be
    acknowledged or shelved"""


class AlarmCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The summary without any alarm in it: what may be told to everybody who looks."""

    counts: tuple[PriorityCount, ...]
    shelved: int
    flood: FloodView


class OutOfService(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say is not to be raised."""

    kind: str
    feeder: str | None
    """None: on any feeder"""
    priority: Priority
    stands: bool
    """whether what it is about was there in the latest cycle"""


class AlarmList(msgspec.Struct, frozen=True, kw_only=True):
    """All alarms that are not normal: the most urgent first, of these those that nobody has acknowledged,
    of these the newest.
    """

    items: tuple[AlarmView, ...]
    next: str | None
    summary: AlarmSummary
    out_of_service: tuple[OutOfService, ...]
    longest_shelf_s: float
    """for so long an alarm may be shelved at once"""


def alarm_views(
    book: AlarmBook,
    *,
    out_of_service: Collection[str],
    now: datetime,
    feeders: Collection[str] | None = None,
) -> tuple[AlarmView, ...]:
    """In the order of the list. `feeders`: what somebody may see; None: all."""
    records = [
        one
        for one in book.alarms.values()
        if feeders is None or one.raised.feeder is None or one.raised.feeder in feeders
    ]
    explained = causes(records)
    stand = standing_kinds(book)
    states = {one.raised.alarm: _state(one, stand, out_of_service, now) for one in records}
    uncovered = [one for one in records if states[one.raised.alarm] not in COVERED]
    together = groups(uncovered, explained) if book.is_flood(now) else {}
    views = [
        _view(
            one,
            states[one.raised.alarm],
            cause=explained.get(one.raised.alarm),
            grouped_under=together.get(one.raised.alarm),
            chattering=_chatters(book, one.raised.alarm, now),
        )
        for one in records
    ]
    return tuple(sorted(views, key=_order))


def out_of_service(
    names: Iterable[str],
    stand: Collection[tuple[str, str | None]],
    feeders: Collection[str] | None = None,
) -> tuple[OutOfService, ...]:
    """`names`: KIND, or KIND/FEEDER. `stand`: kind and feeder of all that stands."""
    seen = {one for one in stand if feeders is None or one[1] is None or one[1] in feeders}
    found = []
    for name in names:
        kind, _, feeder = name.partition("/")
        if feeder and feeders is not None and feeder not in feeders:
            continue
        stands = (kind, feeder) in seen if feeder else any(one == kind for one, _ in seen)
        priority = kind_of(kind).priority
        found.append(OutOfService(kind=kind, feeder=feeder or None, priority=priority, stands=stands))
    return tuple(found)


def summary(
    book: AlarmBook, views: Iterable[AlarmView], now: datetime, frozen_since: datetime | None = None
) -> AlarmSummary:
    """Of these views."""
    views = tuple(views)
    open_ones = [one for one in views if one.state not in COVERED]
    waiting = [one for one in open_ones if one.state != "acknowledged"]
    counts = tuple(
        PriorityCount(
            priority=priority,
            unacknowledged=sum(one.priority == priority for one in waiting),
            acknowledged=sum(one.priority == priority and one.state == "acknowledged" for one in open_ones),
        )
        for priority in PRIORITIES
    )
    urgent = sorted((one for one in waiting if one.priority != "low"), key=_urgency)
    flood = book.is_flood(now)
    return AlarmSummary(
        counts=counts,
        newest=min(waiting, key=_urgency, default=None),
        waiting=tuple(
            WaitingAlarm(alarm=one.alarm, occurrence=one.occurrence, priority=one.priority)
            for one in urgent[:MOST_WAITING]
        ),
        shelved=sum(one.state == "shelved" for one in views),
        flood=FloodView(
            active=flood,
            since=book.flood_since if flood else None,
            in_ten_minutes=book.raised_within(now),
            grouped=sum(one.grouped_under is not None for one in views),
        ),
        frozen_since=frozen_since,
    )


def _urgency(one: AlarmView) -> tuple[int, float]:
    return RANK[one.priority], -one.raised_at.timestamp()


def _state(
    one: AlarmRecord,
    stand: Collection[tuple[str, str | None]],
    out_of_service: Collection[str],
    now: datetime,
) -> AlarmState:
    raised = one.raised
    return shown_state(
        one.core,
        shelved=one.is_shelved(now),
        suppressed=is_suppressed(raised.kind, raised.feeder, stand),
        out_of_service=is_out_of_service(raised.kind, raised.feeder, out_of_service),
    )


def _chatters(book: AlarmBook, alarm: str, now: datetime) -> bool:
    at = book.chattered.get(alarm)
    return at is not None and now - at < 6 * WINDOW


def _view(
    one: AlarmRecord, state: AlarmState, *, cause: str | None, grouped_under: str | None, chattering: bool
) -> AlarmView:
    raised, shelf = one.raised, one.shelved
    return AlarmView(
        alarm=raised.alarm,
        kind=raised.kind,
        priority=raised.priority,
        state=state,
        feeder=raised.feeder,
        subject=raised.subject,
        text=raised.text,
        value=raised.value,
        limit=raised.limit,
        since=one.since,
        raised_at=raised.at,
        occurrence=one.occurrence,
        stands=one.stands,
        returned_at=None if one.stands else one.returned_at,
        acknowledged_at=one.acknowledged_at,
        acknowledged_by=one.acknowledged_by,
        shelved=None
        if shelf is None or state != "shelved"
        else ShelvedView(at=shelf.at, until=shelf.until, who=shelf.who, why=shelf.why),
        cause=cause,
        grouped_under=grouped_under,
        chattering=chattering,
    )


def _order(one: AlarmView) -> tuple[int, bool, float, str]:
    return (
        RANK[one.priority],
        one.state in ("acknowledged", *COVERED),
        -one.raised_at.timestamp(),
        one.alarm,
    )
