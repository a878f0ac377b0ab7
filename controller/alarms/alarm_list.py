"""The alarms as they are shown: the list, its counts and the summary. Pure."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from controller.alarms.alarm_book import WINDOW, AlarmBook, AlarmRecord
from controller.alarms.annunciation import is_out_of_service, is_suppressed, standing_kinds
from controller.alarms.flood import causes, groups
from controller.alarms.kinds import PRIORITIES, RANK, Priority
from controller.alarms.states import AlarmState, shown_state

COVERED = frozenset({"shelved", "suppressed", "out_of_service"})


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


class AlarmSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen on every page."""

    counts: tuple[PriorityCount, ...]
    """the most urgent first"""
    newest: AlarmView | None
    """of those that are not acknowledged: the most urgent, and of these the newest"""
    shelved: int
    flood: FloodView


class AlarmCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The summary without any alarm in it: what may be told to everybody who looks."""

    counts: tuple[PriorityCount, ...]
    shelved: int
    flood: FloodView


class AlarmList(msgspec.Struct, frozen=True, kw_only=True):
    """All alarms that are not normal: the most urgent first, of these those that nobody has acknowledged,
    of these the newest.
    """

    items: tuple[AlarmView, ...]
    next: str | None
    summary: AlarmSummary


def alarm_views(
    book: AlarmBook,
    *,
    out_of_service: Collection[str],
    now: datetime,
    feeders: Collection[str] | None = None,
    beside: Iterable[AlarmRecord] = (),
) -> tuple[AlarmView, ...]:
    """In the order of the list. `feeders`: what somebody may see; None: all. `beside`: alarms that the
    journal cannot tell.
    """
    records = [
        one
        for one in (*beside, *book.alarms.values())
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


def summary(book: AlarmBook, views: Iterable[AlarmView], now: datetime) -> AlarmSummary:
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
    flood = book.is_flood(now)
    return AlarmSummary(
        counts=counts,
        newest=min(waiting, key=lambda one: (RANK[one.priority], -one.raised_at.timestamp()), default=None),
        shelved=sum(one.state == "shelved" for one in views),
        flood=FloodView(
            active=flood,
            since=book.flood_since if flood else None,
            in_ten_minutes=book.raised_within(now),
            grouped=sum(one.grouped_under is not None for one in views),
        ),
    )


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
