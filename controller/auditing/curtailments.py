"""The journal put together by request: every entry that belongs to one curtailment, with its place. Pure.

For the story of one request and for the export of all. Knows no store. What the books forget of old events
stays here for the requests that are wanted, so memory grows with these only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from controller import entries as e
from controller.books import Books, EventRecord
from controller.errors import BooksBroken, RecordBroken
from controller.requests import RequestRecord
from controller.stores.port import Numbered

_OfFeeder = e.OperatorActed | e.ControllerStarted | e.ViolationAppeared | e.ViolationCleared


@dataclass(slots=True)
class Curtailment:
    """One request, and what the journal holds about it."""

    record: RequestRecord
    event: EventRecord
    kind: str | None
    """of the violation that it was asked for; None when the journal does not hold it"""
    limit: float | None
    """of the element then, in percent or pu; None as `kind`"""
    beside: tuple[str, ...] = ()
    """requests in force at the same meter at the same time: what it showed is shared with them"""
    facts: list[Numbered] = field(default_factory=list)
    """its own entries and those of its event and violation; while it lived also what its element did,
    operators' actions on it and controllers that started; in order"""

    @property
    def seqs(self) -> tuple[int, ...]:
        """The numbers of the entries that prove it."""
        return tuple(fact.seq for fact in self.facts)

    @property
    def postings(self) -> tuple[tuple[int, e.LedgerPosted], ...]:
        """Its transactions, each with its number in the journal."""
        return tuple((f.seq, f.entry) for f in self.facts if isinstance(f.entry, e.LedgerPosted))


def curtailments(
    journal: Iterable[Numbered], wanted: Callable[[e.RequestPlanned], bool]
) -> dict[str, Curtailment]:
    """Request → curtailment, in the order they were planned, from the journal's first entry to its last.

    `wanted` is asked once about each request. Raises RecordBroken at an entry that cannot be.
    """
    gathering = _Gathering(wanted)
    for numbered in journal:
        gathering.take(numbered)
    return gathering.all()


class _Gathering:
    """One pass over a journal."""

    def __init__(self, wanted: Callable[[e.RequestPlanned], bool]) -> None:
        self.found: dict[str, Curtailment] = {}
        self._wanted = wanted
        self._books = Books()
        self._alive: dict[str, Curtailment] = {}
        self._opened: dict[str, Numbered] = {}
        """feeder → how its running event opened"""
        self._ordered: dict[str, Numbered] = {}
        """order → how an operator gave it"""
        self._violations: dict[tuple[str, str], tuple[Numbered, e.ViolationAppeared]] = {}
        """(feeder, element) → the violation that stands there"""
        self._of_event: dict[str, list[Curtailment]] = {}
        self._messages: dict[str, str] = {}
        """message that waits → its request"""

    def take(self, numbered: Numbered) -> None:
        """One more entry."""
        try:
            self._books.apply(numbered)
        except BooksBroken as error:
            raise RecordBroken(f"entry {numbered.seq} cannot be: {error}") from error
        match numbered.entry:
            case e.ViolationAppeared() as appeared:
                self._violations[appeared.feeder, appeared.element] = numbered, appeared
                self._add_to_living(numbered, appeared)
            case e.ViolationCleared() as cleared:
                self._violations.pop((cleared.feeder, cleared.element), None)
                self._add_to_living(numbered, cleared)
            case e.EventOpened() as opened:
                self._opened[opened.feeder] = numbered
            case e.EventShort() | e.EventClosed() as told:
                self._add_to_event(numbered, told)
            case e.RequestPlanned() as planned:
                if self._wanted(planned):
                    self._begin(numbered, planned)
            case e.OperatorActed() | e.ControllerStarted() as told:
                if isinstance(told, e.OperatorActed) and told.order is not None:
                    self._ordered[told.order] = numbered
                self._add_to_living(numbered, told)
            case _:
                self._add(numbered)

    def all(self) -> dict[str, Curtailment]:
        """What was found; events that still run as they stand now."""
        for event, members in self._of_event.items():
            for one in members:
                one.event = self._books.events.get(event, one.event)  # an order never closes: it is forgotten
        return self.found

    def _begin(self, numbered: Numbered, planned: e.RequestPlanned) -> None:
        event = self._books.events[planned.event]
        opened = self._ordered.get(planned.event) or self._opened[planned.feeder]
        before = [opened]
        standing = self._violations.get((planned.feeder, planned.element))
        kind, limit = None, None
        if standing is not None:
            appeared, violation = standing
            before.append(appeared)
            kind, limit = violation.kind, violation.limit
        elif event.opened.element == planned.element:
            kind, limit = event.opened.kind, event.opened.limit
        begun = Curtailment(
            record=self._books.requests[planned.request],
            event=event,
            kind=kind,
            limit=limit,
            facts=[*sorted(before, key=lambda fact: fact.seq), numbered],
        )
        self.found[planned.request] = self._alive[planned.request] = begun
        self._of_event.setdefault(planned.event, []).append(begun)

    def _add(self, numbered: Numbered) -> None:
        """An entry that names its request, if it does, or a message about it."""
        request = getattr(numbered.entry, "request", None)
        if isinstance(numbered.entry, e.MessagePlanned):
            self._messages[numbered.entry.message] = numbered.entry.request
        elif isinstance(numbered.entry, e.MessageDone):
            request = self._messages.pop(numbered.entry.message, None)
        one = self.found.get(request or "")
        if one is None:
            return
        one.facts.append(numbered)
        known = self._books.requests.get(one.record.request)
        if known is not None:
            one.record = known
            if isinstance(numbered.entry, e.RequestSettled):
                others = self._books.beside(known)
                one.beside = tuple(o.request for o in others if _overlap(known, o))
        elif isinstance(numbered.entry, e.RequestSettled):  # settled, and at once forgotten by the books
            one.record = replace(one.record, settled=numbered.entry)
        elif isinstance(numbered.entry, e.SettlementCorrected):  # long after they forgot it
            one.record = replace(one.record, corrected=numbered.entry)
        if one.record.is_over:
            self._alive.pop(one.record.request, None)

    def _add_to_event(self, numbered: Numbered, told: e.EventShort | e.EventClosed) -> None:
        event = self._books.events[told.event]
        for one in self._of_event.get(told.event, ()):
            one.facts.append(numbered)
            one.event = event
        if isinstance(told, e.EventClosed):
            self._of_event.pop(told.event, None)

    def _add_to_living(self, numbered: Numbered, told: _OfFeeder) -> None:
        for one in self._alive.values():
            if _concerns(told, one.record.planned):
                one.facts.append(numbered)


def _concerns(told: _OfFeeder, planned: e.RequestPlanned) -> bool:
    match told:
        case e.ControllerStarted():
            return planned.feeder in told.feeders
        case e.OperatorActed():
            whose = {planned.target, planned.customer, planned.request}
            everybody = told.target is None and not told.targets
            concerns = everybody or told.target in whose or not whose.isdisjoint(told.targets)
            return told.feeder == planned.feeder and concerns
        case _:
            return (told.feeder, told.element) == (planned.feeder, planned.element)


def _overlap(one: RequestRecord, other: RequestRecord) -> bool:
    """Whether both were in force at some time."""
    if one.active_at is None or other.active_at is None or one.ended_at is None:
        return False
    return other.active_at < one.ended_at and (other.ended_at is None or one.active_at < other.ended_at)
