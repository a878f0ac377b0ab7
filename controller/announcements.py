"""[3] Tells of an overload before it is there: announced, and withdrawn or come. Pure.

An element is announced when it is expected outside its limits with `announce_probability` at some time within
the next six hours, by `announce_looks` looks in a row, and is not outside already. It *came* when it is
outside, or an event opened on it; it is withdrawn when so many looks in a row find it less probable than
`withdraw_probability` at all times: between the two nothing is said, so that it does not flap.

Of all that leaves its limits in the same way the most probable element stands for the others, and no more
than `MOST` announcements stand on a feeder: behind a cable that is full twenty buses are too low, and whoever
reads that they are has nothing more to do about it. While one stands, only what changes a plan is news: all
looks of the run say that it comes `MOVED` sooner, or it is overdue by as much and still expected. Later is
no news. Of each kind something is told once in `QUIET` at most. What is announced is kept by the journal, not
here a second time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from controller.books import Books
from controller.entries import ExpectationEnded, OverloadExpected
from controller.events import Key
from controller.feeder_check import Check
from controller.feeder_control import FeederControl
from controller.look_ahead import LookAhead
from grid_model.forecast.outlook import Outlook

MOVED = timedelta(hours=1)
"""The forecast tells quarter-hours apart that are near, and whole hours from three hours on."""
QUIET = timedelta(hours=1)
MOST = 3
Told = OverloadExpected | ExpectationEnded


@dataclass(frozen=True)
class AnnouncerState:
    """What the journal does not tell. Replaced, never changed."""

    judged: datetime | None = None
    """the look that was judged last"""
    likely: Mapping[Key, tuple[datetime, ...]] = field(default_factory=dict)
    """the times at which looks in a row expect it, `announce_looks` of them at most"""
    unlikely: Mapping[Key, int] = field(default_factory=dict)
    """looks in a row that do not expect it, of what is announced"""
    told_at: Mapping[str, datetime] = field(default_factory=dict)
    """when something was announced last, by its kind"""


def announce(
    before: AnnouncerState,
    control: FeederControl,
    books: Books,
    *,
    ahead: LookAhead,
    check: Check,
    now: datetime,
) -> tuple[AnnouncerState, tuple[Told, ...]]:
    """What is to be told now. While an event is open nothing new is announced: people see it already."""
    announced = {(e.element, e.kind): e for e in books.expected(control.feeder)}
    here = _here(control, books, check)
    came = tuple(_ended(control, key, "came", now) for key in sorted(announced.keys() & here))
    if ahead.looked_at is None or ahead.looked_at == before.judged:
        return before, came
    state = _judged(before, control, ahead, announced.keys() - here, now)
    enough = control.site.look_ahead.announce_looks
    gone = sorted(key for key, looks in state.unlikely.items() if looks >= enough)
    withdrawn = tuple(_ended(control, key, "withdrawn", now) for key in gone)
    if books.open_event(control.feeder) is not None:
        return state, (*came, *withdrawn)
    standing = [entry for key, entry in announced.items() if key not in here and key not in gone]
    new = tuple(_news(state, control, ahead, standing, here=here, now=now))
    told_at = {**state.told_at, **{entry.kind: now for entry in new}}
    return replace(state, told_at=told_at), (*came, *withdrawn, *new)


def _here(control: FeederControl, books: Books, check: Check) -> set[Key]:
    """What is outside its limits now, or has an event."""
    here: set[Key] = {(v.element, v.kind) for v in check.violations}
    event = books.open_event(control.feeder)
    return here if event is None else here | {(event.opened.element, event.opened.kind)}


def _judged(
    before: AnnouncerState, control: FeederControl, ahead: LookAhead, waiting: set[Key], now: datetime
) -> AnnouncerState:
    """The runs after one more look; `waiting` is announced and not there yet."""
    rules = control.site.look_ahead
    most: dict[Key, float] = {(o.element, o.kind): float(o.probability.max()) for o in ahead.outlooks}
    likely = {
        (o.element, o.kind): (
            *before.likely.get((o.element, o.kind), ()),
            max(ahead.times[_first(control, o)], now),
        )
        for o in ahead.outlooks
        if o.first(rules.announce_probability) is not None
    }
    unlikely = (key for key in waiting if most.get(key, 0.0) <= rules.withdraw_probability)
    return AnnouncerState(
        ahead.looked_at,
        {key: times[-rules.announce_looks :] for key, times in likely.items()},
        {key: before.unlikely.get(key, 0) + 1 for key in unlikely},
        before.told_at,
    )


def _news(
    state: AnnouncerState,
    control: FeederControl,
    ahead: LookAhead,
    standing: Sequence[OverloadExpected],
    *,
    here: set[Key],
    now: datetime,
) -> Iterator[OverloadExpected]:
    """What is to be announced: of each kind one element at most, the most probable kinds first."""
    enough = control.site.look_ahead.announce_looks
    candidates = sorted(
        (
            o
            for o in ahead.outlooks
            if (o.element, o.kind) not in here and len(state.likely.get((o.element, o.kind), ())) >= enough
        ),
        key=lambda o: _order(control, o),
    )
    names, seen = {(entry.element, entry.kind) for entry in standing}, set[str]()
    for outlook in candidates:
        key = (outlook.element, outlook.kind)
        told_at = state.told_at.get(outlook.kind)
        if outlook.kind in seen or (told_at is not None and abs(now - told_at) < QUIET):
            continue
        if len(names | {key}) > MOST or not _is_news(state, key, standing, now):
            continue
        seen.add(outlook.kind)
        names.add(key)
        yield _new(control, ahead, outlook, now)


def _order(control: FeederControl, outlook: Outlook) -> tuple[float, int, float, str]:
    """The most probable first; among equals the soonest, then the farthest outside."""
    first = _first(control, outlook)
    beyond = abs(float(outlook.value[first]) / outlook.limit - 1)
    return -float(outlook.probability.max()), first, -beyond, outlook.element


def _is_news(state: AnnouncerState, key: Key, standing: Iterable[OverloadExpected], now: datetime) -> bool:
    """Nothing of its kind stands, or it changes a plan."""
    same_kind = [entry for entry in standing if entry.kind == key[1]]
    if not same_kind:
        return True
    sooner = max(state.likely[key]) <= min(entry.expected_at for entry in same_kind) - MOVED
    overdue = any(entry.element == key[0] and entry.expected_at <= now - MOVED for entry in same_kind)
    return sooner or overdue


def _first(control: FeederControl, outlook: Outlook) -> int:
    """The first horizon at which it is as probable as asked for."""
    first = outlook.first(control.site.look_ahead.announce_probability)
    assert first is not None, "only what is likely is announced"
    return first


def _new(control: FeederControl, ahead: LookAhead, outlook: Outlook, now: datetime) -> OverloadExpected:
    first = _first(control, outlook)
    return OverloadExpected(
        at=now,
        feeder=control.feeder,
        element=outlook.element,
        kind=outlook.kind,
        expected_at=max(ahead.times[first], now),
        value=float(outlook.value[first]),
        limit=outlook.limit,
        probability=float(outlook.probability[first]),
    )


def _ended(
    control: FeederControl, key: Key, outcome: Literal["came", "withdrawn"], now: datetime
) -> ExpectationEnded:
    return ExpectationEnded(at=now, feeder=control.feeder, element=key[0], kind=key[1], outcome=outcome)
