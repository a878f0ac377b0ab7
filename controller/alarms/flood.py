"""Which alarms another one explains, and what is put together in a flood. Pure.

Named in any case: the alarm that came first and, by the table of kinds, explains this one (a broker that is
gone explains silent devices). Put together only in a flood (`AlarmBook.is_flood`), where an operator cannot
read them all: what is explained under its cause, and alarms of one family on one feeder under the worst and
oldest of them. What is critical or high always stands for itself.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from controller.alarms.alarm_book import AlarmRecord
from controller.alarms.kinds import DATA_KINDS, NEVER_GROUPED, RANK, kind_of

SLACK = timedelta(seconds=120)
"""A cause may be told so much later than what comes of it: delays differ by kind."""
WITHIN = timedelta(minutes=10)
"""A cause is at most so much older than what comes of it."""
_DEEPEST = 4
_DEVICES, _NOBODY = "\0devices", "\0nobody"
"""reaches of links: devices of all feeders but no readings; a feeder that nobody named"""


def causes(records: Iterable[AlarmRecord]) -> dict[str, str]:
    """Alarm → the alarm that explains it directly; those that nothing explains are not in it."""
    records = tuple(records)
    by_reach: dict[tuple[str, str | None], list[tuple[datetime, str]]] = {}
    for one in records:
        if one.stands:
            by_reach.setdefault((one.raised.kind, _reach(one)), []).append((one.since, one.raised.alarm))
    for standing in by_reach.values():
        standing.sort()
    found: dict[str, str] = {}
    for one in records:
        kind = kind_of(one.raised.kind)
        reaches = {None, one.raised.feeder} | (set() if kind.kind in DATA_KINDS else {_DEVICES})
        first = min(
            (
                cause
                for by in kind.explained_by
                for reach in reaches
                if (cause := _first_near(by_reach.get((by, reach), ()), one.since)) is not None
            ),
            default=None,
        )
        if first is not None:
            found[one.raised.alarm] = first[1]
    return found


def _reach(cause: AlarmRecord) -> str | None:
    """The feeder of which it can explain something; None: of all."""
    raised = cause.raised
    if raised.kind == "link_down" and raised.feeder is None:
        if raised.subject.startswith("openadr"):
            return _DEVICES
        if raised.subject.startswith("rtu "):
            return _NOBODY
    return raised.feeder


def _first_near(standing: Sequence[tuple[datetime, str]], since: datetime) -> tuple[datetime, str] | None:
    place = bisect_left(standing, (since - WITHIN, ""))
    if place < len(standing) and standing[place][0] <= since + SLACK:
        return standing[place]
    return None


def groups(records: Iterable[AlarmRecord], explained: Mapping[str, str]) -> dict[str, str]:
    """Alarm → the alarm under which it is put in a flood; heads are not in it. What waits for somebody is put
    under nothing that does not stand and wait itself.
    """
    records = tuple(records)
    by_id = {one.raised.alarm: one for one in records}
    heads: dict[tuple[str, str], AlarmRecord] = {}
    for one in sorted(records, key=_first):
        if one.raised.feeder is not None:
            heads.setdefault((one.raised.feeder, kind_of(one.raised.kind).one_of), one)
    found: dict[str, str] = {}
    for one in records:
        if one.raised.priority in NEVER_GROUPED:
            continue
        family = heads.get((one.raised.feeder or "", kind_of(one.raised.kind).one_of))
        for head in (by_id[_root(one.raised.alarm, explained, by_id)], family):
            if head is not None and head is not one and _may_stand_for(head, one):
                found[one.raised.alarm] = head.raised.alarm
                break
    return {alarm: found.get(head, head) for alarm, head in found.items()}


def _may_stand_for(head: AlarmRecord, one: AlarmRecord) -> bool:
    return head.core == "unacknowledged" or (head.stands and one.core == "acknowledged")


def _root(alarm: str, explained: Mapping[str, str], by_id: Mapping[str, AlarmRecord]) -> str:
    for _ in range(_DEEPEST):
        cause = explained.get(alarm)
        if cause is None or cause not in by_id:
            break
        alarm = cause
    return alarm


def _first(one: AlarmRecord) -> tuple[bool, int, float, str]:
    raised = one.raised
    return one.core != "unacknowledged", RANK[raised.priority], one.since.timestamp(), raised.alarm
