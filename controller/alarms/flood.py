"""Which alarms another one explains, and what is put together in a flood. Pure.

Named in any case: the alarm that came first and, by the table of kinds, explains this one (a broker that is
gone explains silent devices). Put together only in a flood (`AlarmBook.is_flood`), where an operator cannot
read them all: what is explained under its cause, and alarms of one family on one feeder under the worst and
oldest of them. What is critical or high always stands for itself.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from controller.alarms.alarm_book import AlarmRecord
from controller.alarms.kinds import NEVER_GROUPED, RANK, kind_of

SLACK = timedelta(seconds=120)
"""A cause may be told so much later than what comes of it: delays differ by kind."""
_DEEPEST = 4


def causes(records: Iterable[AlarmRecord]) -> dict[str, str]:
    """Alarm → the alarm that explains it directly; those that nothing explains are not in it."""
    by_kind: dict[str, list[AlarmRecord]] = {}
    records = tuple(records)
    for one in records:
        if one.stands:
            by_kind.setdefault(one.raised.kind, []).append(one)
    found: dict[str, str] = {}
    for one in records:
        first = min(
            (
                cause
                for kind in kind_of(one.raised.kind).explained_by
                for cause in by_kind.get(kind, ())
                if cause.raised.feeder in (None, one.raised.feeder) and cause.since <= one.since + SLACK
            ),
            key=lambda cause: (cause.since, cause.raised.alarm),
            default=None,
        )
        if first is not None:
            found[one.raised.alarm] = first.raised.alarm
    return found


def groups(records: Iterable[AlarmRecord], explained: Mapping[str, str]) -> dict[str, str]:
    """Alarm → the alarm under which it is put in a flood; heads are not in it."""
    records = tuple(records)
    by_id = {one.raised.alarm: one for one in records}
    heads: dict[tuple[str | None, str], AlarmRecord] = {}
    for one in sorted(records, key=_first):
        heads.setdefault(_family(one), one)
    found: dict[str, str] = {}
    for one in records:
        if one.raised.priority in NEVER_GROUPED:
            continue
        head = _root(one.raised.alarm, explained, by_id)
        if head == one.raised.alarm:
            head = heads[_family(one)].raised.alarm
        if head != one.raised.alarm:
            found[one.raised.alarm] = head
    return {alarm: found.get(head, head) for alarm, head in found.items()}


def _root(alarm: str, explained: Mapping[str, str], by_id: Mapping[str, AlarmRecord]) -> str:
    for _ in range(_DEEPEST):
        cause = explained.get(alarm)
        if cause is None or cause not in by_id:
            break
        alarm = cause
    return alarm


def _family(one: AlarmRecord) -> tuple[str | None, str]:
    return one.raised.feeder, kind_of(one.raised.kind).one_of


def _first(one: AlarmRecord) -> tuple[int, float, str]:
    return RANK[one.raised.priority], one.since.timestamp(), one.raised.alarm
