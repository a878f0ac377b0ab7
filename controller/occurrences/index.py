"""Which entries of the journal belong to which event, and what each event came to: folded entry by entry, so
that one event is found without reading all that others left. Pure.

To an event belong: what was violated, expected or alarmed on its feeder when it opened and what was so while
it ran, what operators did and controllers took over in that time, and all that its requests led to, however
much later. Memory is bounded: the latest `MOST_EVENTS` events of the site, and `MOST_NUMBERS` entries of
them all, are known; older ones stay in the journal (`gridward audit`).
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from controller import entries as e
from controller.stores.port import Numbered

MOST_EVENTS = 20_000
MOST_NUMBERS = 8_000_000
"""8 bytes each"""
_STANDING = (e.ViolationAppeared, e.OverloadExpected)
_ENDING = (e.ViolationCleared, e.ExpectationEnded)


@dataclass(slots=True)
class Occurrence:
    """One event, as far as it got."""

    opened: e.EventOpened
    seq: int
    """of the entry that opened it"""
    numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    """of its entries, ascending"""
    closed: e.EventClosed | None = None
    short: bool = False
    devices: int = 0
    """requests to devices"""
    people: int = 0
    not_done: int = 0
    """requests that were refused, not answered, or could not be told"""
    overridden: int = 0
    settled: int = 0
    reduced_kwh: float = 0.0
    points: int = 0
    minor_units: int = 0
    disputes: int = 0
    """open ones"""

    @property
    def event(self) -> str:
        """Its id."""
        return self.opened.event

    @property
    def requests(self) -> int:
        """All of them."""
        return self.devices + self.people


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for; None: whatever it is."""

    feeder: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    """that ran at some time in [start, end)"""
    state: str | None = None
    """running, closed, or short: what could be asked for did not suffice"""
    kind: str | None = None
    """of the violation that opened it"""
    feeders: frozenset[str] | None = None
    """of whoever asks"""

    def fits(self, one: Occurrence) -> bool:
        """Whether it is one of these."""
        opened, closed = one.opened, one.closed
        if self.feeder not in (None, opened.feeder) or self.kind not in (None, opened.kind):
            return False
        if self.feeders is not None and opened.feeder not in self.feeders:
            return False
        if self.end is not None and opened.at >= self.end:
            return False
        if self.start is not None and closed is not None and closed.at < self.start:
            return False
        states = {None: True, "running": closed is None, "closed": closed is not None, "short": one.short}
        return states[self.state]


class EventIndex:
    """Of one journal."""

    def __init__(self, most_events: int = MOST_EVENTS, most_numbers: int = MOST_NUMBERS) -> None:
        self.seq = 0
        """of the last entry taken in"""
        self.forgotten = 0
        """events that were let go"""
        self._most_events, self._most_numbers = most_events, most_numbers
        self._events: dict[str, Occurrence] = {}
        self._running: dict[str, Occurrence] = {}
        self._standing: dict[str, dict[tuple[type, str, str], int]] = {}
        """feeder → what stands there, and the number of the entry that said so"""
        self._alarms: dict[str, dict[str, int]] = {}
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._events)

    def event(self, event: str) -> Occurrence | None:
        """One of them; None for one that is not known (any more)."""
        return self._events.get(event)

    def newest(self, wanted: Wanted, before: int | None = None) -> Iterator[Occurrence]:
        """Those that fit, the one that opened last first; `before`: only such as opened before entry
        `before`."""
        for one in reversed(self._events.values()):
            if (before is None or one.seq < before) and wanted.fits(one):
                yield one

    def take(self, numbered: Numbered) -> None:
        """One more entry."""
        entry, self.seq = numbered.entry, numbered.seq
        match entry:
            case e.EventOpened():
                self._open(numbered.seq, entry)
            case e.EventShort() | e.EventClosed():
                self._of_event(numbered.seq, entry)
            case e.RoundPlanned():
                self._note(self._events.get(entry.event), numbered.seq)
            case e.ViolationAppeared() | e.OverloadExpected() | e.ViolationCleared() | e.ExpectationEnded():
                self._stands(numbered.seq, entry)
            case e.DataAlarm():
                self._alarmed(numbered.seq, entry)
            case e.OperatorActed():
                self._note(self._running.get(entry.feeder), numbered.seq)
            case e.ControllerStarted():
                for feeder in entry.feeders:
                    self._note(self._running.get(feeder), numbered.seq)
            case _:
                self._of_request(numbered.seq, entry)

    def _open(self, seq: int, entry: e.EventOpened) -> None:
        occurrence = Occurrence(entry, seq)
        before = (
            *self._standing.get(entry.feeder, {}).values(),
            *self._alarms.get(entry.feeder, {}).values(),
        )
        occurrence.numbers.extend(sorted(before))
        self._numbers += len(before)
        self._events[entry.event] = self._running[entry.feeder] = occurrence
        self._note(occurrence, seq)
        self._let_go()

    def _of_event(self, seq: int, entry: e.EventShort | e.EventClosed) -> None:
        occurrence = self._events.get(entry.event)
        self._note(occurrence, seq)
        if isinstance(entry, e.EventClosed):
            self._running.pop(entry.feeder, None)
        if occurrence is not None:
            occurrence.short = occurrence.short or isinstance(entry, e.EventShort)
            occurrence.closed = entry if isinstance(entry, e.EventClosed) else occurrence.closed

    def _stands(
        self,
        seq: int,
        entry: e.ViolationAppeared | e.OverloadExpected | e.ViolationCleared | e.ExpectationEnded,
    ) -> None:
        standing = self._standing.setdefault(entry.feeder, {})
        if isinstance(entry, _STANDING):
            standing[type(entry), entry.element, entry.kind] = seq
        else:
            begun = _STANDING[_ENDING.index(type(entry))]
            standing.pop((begun, entry.element, entry.kind), None)
        self._note(self._running.get(entry.feeder), seq)

    def _alarmed(self, seq: int, entry: e.DataAlarm) -> None:
        alarms = self._alarms.setdefault(entry.feeder, {})
        if entry.raised:
            alarms[entry.kind] = seq
        else:
            alarms.pop(entry.kind, None)
        self._note(self._running.get(entry.feeder), seq)

    def _of_request(self, seq: int, entry: e.Entry) -> None:
        request = request_of(entry)
        occurrence = None if request is None else self._events.get(event_of(request))
        if occurrence is None:
            return
        self._note(occurrence, seq)
        match entry:
            case e.RequestPlanned():
                occurrence.devices += entry.resource == "device"
                occurrence.people += entry.resource == "person"
            case e.RequestMoved():
                occurrence.not_done += entry.state in ("refused", "unanswered", "failed")
                occurrence.overridden += entry.state == "overridden"
            case e.RequestSettled():
                occurrence.settled += 1
                self._earned(occurrence, entry.reduced_kwh, entry.points, entry.minor_units)
            case e.SettlementCorrected():
                more_kwh = entry.reduced_kwh - entry.reduced_kwh_before
                points, money = (
                    entry.points - entry.points_before,
                    entry.minor_units - entry.minor_units_before,
                )
                self._earned(occurrence, more_kwh, points, money)
            case e.DisputeOpened():
                occurrence.disputes += 1
            case e.DisputeClosed():
                occurrence.disputes -= 1
            case _:
                pass

    @staticmethod
    def _earned(occurrence: Occurrence, kwh: float, points: int, minor_units: int) -> None:
        occurrence.reduced_kwh += kwh
        occurrence.points += points
        occurrence.minor_units += minor_units

    def _note(self, occurrence: Occurrence | None, seq: int) -> None:
        if occurrence is not None:
            occurrence.numbers.append(seq)
            self._numbers += 1

    def _let_go(self) -> None:
        """The oldest events that run no more, until what is left is within the bounds."""
        while len(self._events) > self._most_events or self._numbers > self._most_numbers:
            oldest = next((one for one in self._events.values() if one.closed is not None), None)
            if oldest is None:
                return
            del self._events[oldest.event]
            self._numbers -= len(oldest.numbers)
            self.forgotten += 1


def request_of(entry: e.Entry) -> str | None:
    """The request that an entry is about; None where it is about none."""
    if isinstance(entry, e.MessageDone):
        return entry.message.rsplit("/", 2)[0]
    request: str | None = getattr(entry, "request", None)
    return request


def event_of(request: str) -> str:
    """The event of a request, by the form of `requests.request_id`."""
    return request.rpartition("-R")[0]
