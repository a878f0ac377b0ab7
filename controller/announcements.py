"""[3] Tells of an overload before it is there: announced, and withdrawn or come. Pure.

An element is announced when it is expected outside its limits with `announce_probability` at some time within
the next six hours, by `announce_looks` looks in a row, and is not outside already. It *came* when it is
outside, or an event opened on it; it is withdrawn when so many looks in a row find it less probable than
`withdraw_probability` at all times: between the two nothing is said, so that it does not flap. It is told
again when its time has moved by `MOVED`. What is announced is kept by the journal, not here a second time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from controller.books import Books
from controller.entries import ExpectationEnded, OverloadExpected
from controller.events import Key
from controller.feeder_check import Check
from controller.feeder_control import FeederControl
from controller.look_ahead import LookAhead
from grid_model.forecast.outlook import Outlook

MOVED = timedelta(minutes=30)
Told = OverloadExpected | ExpectationEnded


@dataclass(frozen=True)
class AnnouncerState:
    """What the journal does not tell. Replaced, never changed."""

    judged: datetime | None = None
    """the look that was judged last"""
    likely: Mapping[Key, int] = field(default_factory=dict)
    """looks in a row that expect it"""
    unlikely: Mapping[Key, int] = field(default_factory=dict)
    """looks in a row that do not expect it, of what is announced"""


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
    state, enough = (
        _judged(before, control, ahead, announced.keys() - here),
        control.site.look_ahead.announce_looks,
    )
    gone = sorted(key for key, looks in state.unlikely.items() if looks >= enough)
    withdrawn = tuple(_ended(control, key, "withdrawn", now) for key in gone)
    if books.open_event(control.feeder) is not None:
        return state, (*came, *withdrawn)
    likely = {key for key, looks in state.likely.items() if looks >= enough} - here
    expected = (_new(control, ahead, o, now) for o in ahead.outlooks if (o.element, o.kind) in likely)
    new = tuple(entry for entry in expected if _is_news(entry, announced.get((entry.element, entry.kind))))
    return state, (*came, *withdrawn, *new)


def _is_news(entry: OverloadExpected, before: OverloadExpected | None) -> bool:
    return before is None or abs(entry.expected_at - before.expected_at) >= MOVED


def _here(control: FeederControl, books: Books, check: Check) -> set[Key]:
    """What is outside its limits now, or has an event."""
    here: set[Key] = {(v.element, v.kind) for v in check.violations}
    event = books.open_event(control.feeder)
    return here if event is None else here | {(event.opened.element, event.opened.kind)}


def _judged(
    before: AnnouncerState, control: FeederControl, ahead: LookAhead, waiting: set[Key]
) -> AnnouncerState:
    """The runs after one more look; `waiting` is announced and not there yet."""
    rules = control.site.look_ahead
    most: dict[Key, float] = {(o.element, o.kind): float(o.probability.max()) for o in ahead.outlooks}
    likely = (key for key, probability in most.items() if probability >= rules.announce_probability)
    unlikely = (key for key in waiting if most.get(key, 0.0) <= rules.withdraw_probability)
    return AnnouncerState(
        ahead.looked_at, _counted(before.likely, likely), _counted(before.unlikely, unlikely)
    )


def _counted(before: Mapping[Key, int], keys: Iterable[Key]) -> dict[Key, int]:
    return {key: before.get(key, 0) + 1 for key in keys}


def _new(control: FeederControl, ahead: LookAhead, outlook: Outlook, now: datetime) -> OverloadExpected:
    """Announced with the first time at which it is as probable as asked for."""
    first = outlook.first(control.site.look_ahead.announce_probability)
    assert first is not None, "only what is likely is announced"
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
