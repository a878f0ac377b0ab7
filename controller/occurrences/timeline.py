"""The whole timeline of one event from the entries that belong to it: steps by phase, rounds of planning,
and requests with their states and settlements. Pure; adds nothing to what the journal says but what follows
from it.

A step is keyed by its entry's tag, and by the state or reason where one tag says several things
(`request_moved.active`), so that a page can tell it in any language from `values`; `text` tells it in
English.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from controller import entries as e
from controller import settings
from controller.books import Books
from controller.errors import BooksBroken
from controller.narration.network import figure, named
from controller.narration.telling import tell
from controller.occurrences.bodies import EventBody, EventRow, Step
from controller.occurrences.index import Occurrence, request_of
from controller.occurrences.phases import phase_of, spans
from controller.occurrences.request_rows import request_rows
from controller.occurrences.rounds_told import rounds_of
from controller.stores.port import Numbered
from controller.turns import turn_of, turns_of

MOST_STEPS = 5_000
KEPT_EVENTS = 1_000_000
"""the books of one event forget nothing"""
_LEFT_OUT = frozenset(
    {"entry", "at", "by_interval", "rules", "readings", "postings", "left", "asked", "baseline"}
)
"""told by rounds and requests, or of no use to people"""
ChecksBetween = Callable[[str, datetime, datetime], Sequence[datetime]]
"""(feeder, start, end) → when the feeder was checked, both ends included"""


def body_of(
    occurrence: Occurrence,
    journal: Iterable[Numbered],
    site: settings.Site,
    checks_between: ChecksBetween | None = None,
    *,
    most: int = MOST_STEPS,
) -> EventBody:
    """All about one event. `journal`: its entries, in order; of what is about single requests no more than
    the first steps, so that there are `most` in all."""
    books, facts = Books(keep_closed_events=KEPT_EVENTS), list(journal)
    steps = steps_of(occurrence, facts, books, site, checks_between, most=most)
    begun = min((f.entry.at for f in facts if isinstance(f.entry, e.ViolationAppeared)), default=None)
    return EventBody(
        summary=row_of(occurrence),
        currency=site.rewards.currency,
        phases=spans(occurrence, begun or occurrence.opened.at, tuple(books.requests.values())),
        steps=tuple(steps),
        steps_total=len(facts) + sum(step.seq is None for step in steps),
        rounds=rounds_of(facts, books),
        requests=request_rows(facts, books),
    )


def steps_of(
    occurrence: Occurrence,
    facts: Sequence[Numbered],
    books: Books,
    site: settings.Site,
    checks_between: ChecksBetween | None = None,
    *,
    most: int | None = None,
) -> list[Step]:
    """Its steps, in order; `books` take the facts in on the way. Without `most` all of them."""
    room = len(facts) if most is None else most - sum(request_of(fact.entry) is None for fact in facts) - 1
    steps: list[Step] = []
    for fact in facts:
        _follow(books, fact.entry)
        if isinstance(fact.entry, e.EventOpened):
            persisted = _persisted(facts, fact, site, checks_between)
            steps += [] if persisted is None else [persisted]
        of_request = request_of(fact.entry) is not None
        room -= of_request
        if not of_request or room >= 0:
            steps.append(_step(fact, books, occurrence, site))
    return steps


def row_of(one: Occurrence) -> EventRow:
    """One event as a line of a list."""
    opened, closed = one.opened, one.closed
    return EventRow(
        event=one.event,
        feeder=opened.feeder,
        opened_at=opened.at,
        closed_at=None if closed is None else closed.at,
        element=opened.element,
        kind=opened.kind,
        value=opened.value,
        limit=opened.limit,
        expected=opened.expected,
        probability=opened.probability,
        peak_percent=None if closed is None else closed.peak_percent,
        short=one.short,
        devices=one.devices,
        people=one.people,
        not_done=one.not_done,
        overridden=one.overridden,
        settled=one.settled,
        reduced_kwh=round(one.reduced_kwh, 3),
        points=one.points,
        minor_units=one.minor_units,
        open_disputes=one.disputes,
    )


def _follow(books: Books, entry: e.Entry) -> None:
    """The event's own entries make its books; what needs the rest of the journal to fit says all itself."""
    if isinstance(entry, e.LedgerPosted):
        return
    try:
        books.apply(entry)
    except BooksBroken:
        return


def _had_turn(entry: e.RequestChanged, books: Books, occurrence: Occurrence, site: settings.Site) -> bool:
    """Whether whom it frees left because their turn in the event came to its end."""
    opened, planned = occurrence.opened, books.requests[entry.request].planned
    turns = turns_of(books, opened.feeder, opened.event, opened.at)
    turn = turn_of(turns, planned.customer, planned.target)
    return turn is not None and entry.at >= turn.leaves_at(site)


def _step(fact: Numbered, books: Books, occurrence: Occurrence, site: settings.Site) -> Step:
    told = tell(fact, books)
    entry, values = fact.entry, _values(fact.entry)
    request = request_of(entry)
    record = books.requests.get(request or "")
    if isinstance(entry, e.MessagePlanned | e.NoticeDelivered):
        values["message_kind"] = entry.kind  # `kind` is the device's
    if record is not None:
        planned = record.planned
        values |= {"target": planned.target, "resource": record.resource, "kind": planned.kind}
        values["direction"] = planned.direction
    if isinstance(entry, e.RequestChanged) and entry.reason == "released":
        # The journal does not tell it: by the rule of today, under which people leave so long before their
        # turn ends; where the settings were others then, it may have been otherwise.
        values["load_flow_checked"] = not _had_turn(entry, books, occurrence, site)
    if isinstance(entry, e.RoundPlanned):
        values |= {
            "asked": len(entry.asked),
            "cut_kw": round(sum(one.cut_kw for one in entry.asked), 3),
            "left": sum(one.count for one in entry.left),
        }
    if isinstance(entry, e.LedgerPosted):
        values |= _booked(entry)
    return Step(
        seq=fact.seq,
        at=entry.at,
        phase=phase_of(entry, occurrence),
        key=key_of(entry),
        severity=told.severity,
        text=told.text,
        request=request,
        values=values,
    )


def key_of(entry: e.Entry) -> str:  # noqa: PLR0911  one line per kind
    """By what a step is told in another language."""
    tag = str(entry.__struct_config__.tag)
    match entry:
        case e.RequestMoved():
            return f"{tag}.{entry.state}"
        case e.RequestChanged():
            return f"{tag}.{entry.reason}"
        case e.RequestSettled() | e.ExpectationEnded() | e.MessageDone():
            return f"{tag}.{entry.outcome}"
        case e.OperatorActed():
            return f"{tag}.{entry.action}"
        case e.DataAlarm():
            return f"{tag}.{'raised' if entry.raised else 'over'}"
        case e.EventOpened():
            return f"{tag}.early" if entry.expected else tag
        case _:
            return tag


def _values(entry: e.Entry) -> dict[str, Any]:
    """The numbers behind the sentence."""
    built: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: value for name, value in built.items() if name not in _LEFT_OUT}


def _booked(entry: e.LedgerPosted) -> dict[str, Any]:
    """What goes to customers, by unit."""
    sums: dict[str, int] = {}
    for account, unit, amount in entry.postings:
        if account.startswith("customer:"):
            sums[unit] = sums.get(unit, 0) + amount
    return {"credited": sums}


def _persisted(
    facts: Sequence[Numbered],
    opening: Numbered,
    site: settings.Site,
    checks_between: ChecksBetween | None,
) -> Step | None:
    """Between the first sight of what opened the event and its opening: how often it was seen. Not journaled,
    but it follows from the two entries and from the samples, one of which is kept of every check."""
    opened = opening.entry
    assert isinstance(opened, e.EventOpened)
    since = _first_seen_at(facts, opened)
    if since is None or opened.expected:
        return None
    checks = 0 if checks_between is None else len(checks_between(opened.feeder, since, opened.at))
    lasted_s, rules = (opened.at - since).total_seconds(), site.events
    at_once: bool | None = None  # how many checks saw it is perhaps not known any more
    if checks:
        at_once = checks < rules.persistence_checks and _percent(opened) > rules.at_once_percent
    return Step(
        seq=None,
        at=opened.at,
        phase="detection",
        key="persisted.at_once" if at_once else "persisted",
        severity="warning",
        text=_persistence_words(opened, lasted_s, checks, bool(at_once), rules),
        request=None,
        values={
            "element": opened.element,
            "since": since.isoformat(),
            "lasted_s": lasted_s,
            "checks": checks or None,
            "needed": rules.persistence_checks,
            "at_once_percent": rules.at_once_percent,
            "at_once": at_once,
        },
    )


def _first_seen_at(facts: Sequence[Numbered], opened: e.EventOpened) -> datetime | None:
    of = opened.element, opened.kind
    return next(
        (
            fact.entry.at
            for fact in facts
            if isinstance(fact.entry, e.ViolationAppeared) and (fact.entry.element, fact.entry.kind) == of
        ),
        None,
    )


def _persistence_words(
    opened: e.EventOpened, lasted_s: float, checks: int, at_once: bool, rules: settings.Events
) -> str:
    seen = f", in {checks} checks" if checks else ""
    rule = (
        f"above {rules.at_once_percent:g} % at once is enough"
        if at_once
        else f"{rules.persistence_checks} in a row are enough, by the rule of today"
    )
    stands = f"{named(opened.element)} was outside its limit for {lasted_s:g} s{seen}"
    return f"{stands} ({rule}): {figure(opened.element, opened.value)}"


def _percent(opened: e.EventOpened) -> float:
    """Of the limit; for a voltage of the deviation that is allowed."""
    if opened.element.startswith("bus:"):
        allowed = 1 - opened.limit
        return 100.0 * (1 - opened.value) / allowed if allowed else 0.0
    return 100.0 * opened.value / opened.limit
