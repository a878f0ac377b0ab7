"""What stands now and may need an operator: from the books, the latest views and what the shell sees. Pure.

Level by level, not edge by edge: each round tells all that stands, so nothing is missed over a restart or a
failed write. Whether and when that becomes an alarm is the subject of `annunciation.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2s

from controller.alarms.alarm_book import REFUSED_APART
from controller.alarms.kinds import KINDS, kind_of
from controller.books import Books, EventRecord
from controller.entries import DataAlarm, ViolationAppeared
from controller.narration.network import figure, named
from controller.silence_alarms import FAILSAFE_ALARMS
from controller.views import FeederView

STOPS_NOBODY = frozenset({"near_collapse", "wrong_meter", *FAILSAFE_ALARMS})
"""Data alarms under which the automatic goes on (`data_alarms.py`)."""
UNANSWERED_SHARE = 0.2
UNANSWERED_LEAST = 3
REFUSED_FOR = timedelta(seconds=120)
OFF_FOR = timedelta(hours=1)
FAILED_CYCLES = 3
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that stands now."""

    kind: str
    feeder: str | None
    subject: str
    text: str
    value: float | None = None
    limit: float | None = None

    @property
    def alarm(self) -> str:
        """The id of its alarm: short, fit for an address, the same in every run."""
        kind = kind_of(self.kind)
        one_of = kind.one_of if self.kind in KINDS else self.kind
        subject = "" if kind.one_each else self.subject
        digest = blake2s("\0".join((one_of, self.feeder or "", subject)).encode(), digest_size=6)
        return f"{kind.one_of}-{digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Around:
    """What the journal does not tell."""

    views: Mapping[str, FeederView] = field(default_factory=dict)
    """by feeder"""
    links: Mapping[str, bool] = field(default_factory=dict)
    """by name: whether the far side answers"""
    link_feeders: Mapping[str, str] = field(default_factory=dict)
    """by name: the feeder that a link is there for alone"""
    hands_off: frozenset[str] = frozenset()
    """feeders that an operator's order takes from the automatic for the running event"""
    late_s: float | None = None
    """by how much the latest cycle took longer than it may"""
    failed_cycles: int = 0
    """in a row, up to now"""
    severe_percent: float = 120.0
    unwritable: bool = False
    """the journal cannot be written: it tells no limits that are broken since, and nothing is sent"""
    unwritten: Mapping[str, tuple[DataAlarm, ...]] = field(default_factory=dict)
    """by feeder: what the latest cycle would write of its data; only where that cannot be written"""


def standing(books: Books, feeders: tuple[str, ...], around: Around, now: datetime) -> tuple[Condition, ...]:
    """All of it."""
    return (
        *_of_site(around),
        *_stops(books, feeders),
        *_refused(books, now),
        *(one for feeder in feeders for one in _of_feeder(books, feeder, around, now)),
    )


def _of_site(around: Around) -> Iterator[Condition]:
    for link, answers in around.links.items():
        if not answers:
            yield Condition("link_down", around.link_feeders.get(link), link, f"The link {link} is down")
    if around.failed_cycles >= FAILED_CYCLES:
        text = f"{around.failed_cycles} cycles in a row failed: no feeder is looked after"
        yield Condition("controller_fault", None, "", text)
    if around.late_s is not None:
        text = f"A cycle takes {around.late_s:.1f} s longer than it may"
        yield Condition("cycle_late", None, "", text, round(around.late_s, 1))


def _stops(books: Books, feeders: tuple[str, ...]) -> Iterator[Condition]:
    """One for each emergency stop, however many feeders it holds."""
    held: dict[str, list[str]] = {}
    stops = {}
    for feeder in feeders:
        stop = books.order_book.stopped(feeder)
        if stop is not None:
            stops[stop.stop] = stop
            held.setdefault(stop.stop, []).append(feeder)
    for name, stop in stops.items():
        where = held[name][0] if len(held[name]) == 1 else f"{len(held[name])} feeders"
        text = f"The emergency stop by {stop.who} holds on {where} since {stop.at:%Y-%m-%d %H:%M} UTC"
        whose = stop.feeders[0] if len(stop.feeders) == 1 else None
        told = f"{text} ({stop.why})"[:LONGEST_TEXT]
        yield Condition("emergency_stop", whose, name, told, float(len(held[name])))


def _refused(books: Books, now: datetime) -> Iterator[Condition]:
    """Input that goes on being refused: one bad message is none of an operator's business."""
    for (feeder, reason), run in books.alarm_book.refused_runs.items():
        if run.last_at - run.first_at >= REFUSED_FOR and now - run.last_at <= REFUSED_APART:
            where = "" if feeder is None else f" of {feeder}"
            text = f"Input{where} is refused again and again: {reason} (for example {run.sample})"
            yield Condition("readings_refused", feeder, reason, text[:LONGEST_TEXT], float(run.count))


def _of_feeder(books: Books, feeder: str, around: Around, now: datetime) -> Iterator[Condition]:
    alarms = _data_alarms(books, feeder, around)
    for alarm in alarms:
        yield Condition(alarm.kind, feeder, "", f"{feeder}: {alarm.text}"[:LONGEST_TEXT])
    by_hand = books.by_hand(feeder)
    is_long = by_hand is not None and now - by_hand.at >= OFF_FOR
    if by_hand is not None and is_long and books.order_book.stopped(feeder) is None:
        text = f"The automatic of {feeder} is off since {by_hand.at:%Y-%m-%d %H:%M} UTC ({by_hand.why})"
        yield Condition("automatic_off", feeder, "", text)
    violations = _beyond(books, feeder, around)
    yield from _violations(violations, feeder, around)
    stopped = any(alarm.kind not in STOPS_NOBODY for alarm in alarms)
    by_order = by_hand is not None or feeder in around.hands_off
    if violations and (by_order or stopped or around.unwritable):
        why = "the automatic may not act" if stopped and by_hand is None else "an operator keeps it in hand"
        if around.unwritable:
            why = "nothing is sent while the journal cannot be written"
        text = f"{feeder}: {len(violations)} elements are outside their limits, and {why}"
        yield Condition("overload_unattended", feeder, "", text, float(len(violations)))
    beyond = {(violation.element, violation.kind) for violation in violations}
    for expected in books.expected(feeder):
        if (expected.element, expected.kind) not in beyond:
            what = f"{named(expected.element)} is expected at {figure(expected.element, expected.value)}"
            text = f"{feeder}: {what} from {expected.expected_at:%H:%M} UTC on"
            yield Condition(
                "overload_expected", feeder, expected.element, text, expected.value, expected.limit
            )
    event = books.open_event(feeder)
    if event is not None:
        yield from _of_event(books, event, {element for element, _ in beyond})


def _data_alarms(books: Books, feeder: str, around: Around) -> tuple[DataAlarm, ...]:
    """Those that are raised by the journal; while that stands still, also by the latest cycle."""
    raised = {alarm.kind: alarm for alarm in books.alarms(feeder)}
    for alarm in around.unwritten.get(feeder, ()):
        if alarm.raised:
            raised[alarm.kind] = alarm
        else:
            raised.pop(alarm.kind, None)
    return tuple(raised.values())


def _beyond(books: Books, feeder: str, around: Around) -> tuple[ViolationAppeared, ...]:
    """What is outside its limits by the journal; while that stands still, by the latest cycle."""
    view = around.views.get(feeder)
    if view is None or not around.unwritable:
        return books.violations(feeder)
    return tuple(
        ViolationAppeared(
            at=one.since, feeder=feeder, element=one.id, kind=one.kind, value=one.value, limit=one.limit
        )
        for one in view.violations
    )


def _violations(
    violations: tuple[ViolationAppeared, ...], feeder: str, around: Around
) -> Iterator[Condition]:
    view = around.views.get(feeder)
    now = {} if view is None else {(one.id, one.kind): one.value for one in view.violations}
    for one in violations:
        value = now.get((one.element, one.kind), one.value)
        kind = one.kind
        if kind.endswith("overload"):
            kind = "overload_severe" if value >= around.severe_percent else "overload"
        limit = figure(one.element, one.limit)
        text = f"{feeder}: {named(one.element)} at {figure(one.element, value)}, its limit is {limit}"
        yield Condition(kind, feeder, one.element, text, value, one.limit)


def _of_event(books: Books, event: EventRecord, beyond: set[str]) -> Iterator[Condition]:
    feeder, short = event.opened.feeder, event.short
    if short is not None and short.element in beyond:
        left = f"{named(short.element)} at {figure(short.element, short.value)}"
        lacking = f", {short.missing_kw:.1f} kW at least are missing" if short.missing_kw else ""
        text = f"{feeder}: all that may be asked for leaves {left}{lacking}"
        yield Condition("event_short", feeder, short.element, text, short.value, short.limit)
    asked = [one for one in books.requests_of(event.event) if one.resource == "device"]
    silent = sum(one.state in ("unanswered", "failed") for one in asked)
    if silent >= UNANSWERED_LEAST and silent >= UNANSWERED_SHARE * len(asked):
        text = f"{feeder}: {silent} of {len(asked)} devices that were asked did not answer"
        yield Condition("requests_unanswered", feeder, "", text, float(silent), float(len(asked)))
