"""The books of everything: one entry after the other is taken in, and whoever decides looks things up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from controller import entries as e
from controller.alarms.alarm_book import AlarmBook
from controller.burdens import Burdens
from controller.compliance import Compliance
from controller.errors import BooksBroken
from controller.orders.order_book import OrderBook
from controller.people.calls import CallHistory
from controller.proving.asked_times import AskedTimes, Span
from controller.requests import TOLD_AHEAD, RequestRecord, may_follow, span_of
from controller.rewards.accounts import Accounts
from controller.shared_map import SharedMap
from controller.shifts.shift_log import ShiftLog
from controller.stores.port import Numbered
from controller.views import Totals

KEEP_CLOSED_EVENTS = 20
"""per feeder; not a setting, because every replay of a journal must forget alike"""

ORDERED = "ordered"
"""the kind of what stands for an event where an operator limits by hand"""

Target = tuple[str, e.Resource, str]
"""(feeder, device or person, id)"""
Word = e.NoticeDelivered | e.NoticeAnswered | e.MessageDone
KEEP_WORDS = 24
"""of one request: what came of the words to its customer"""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One occurrence as far as the journal tells it."""

    opened: e.EventOpened
    short: e.EventShort | None = None
    """the latest"""
    closed: e.EventClosed | None = None
    requests: tuple[str, ...] = ()
    """in the order they were planned"""

    @property
    def event(self) -> str:
        """Its id."""
        return self.opened.event


@dataclass(slots=True)
class _Sums:
    """Running sums of one feeder."""

    events: int = 0
    planned: int = 0
    sent: int = 0
    answered: int = 0
    reduced_kwh: float = 0.0
    points: int = 0
    minor_units: int = 0
    refused_readings: int = 0
    by_state: Counter[str] = field(default_factory=Counter)
    """requests by the state they are in now, dropped ones included"""


@dataclass(slots=True)
class Books:
    """The controller's memory. Compare with ==: equal books came from journals that tell the same."""

    seq: int = 0
    """of the last numbered entry"""
    epoch: int = 0
    requests: dict[str, RequestRecord] = field(default_factory=dict)
    events: dict[str, EventRecord] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=Accounts)
    """the ledger as it stands"""
    _open_event: dict[str, str] = field(default_factory=dict)
    _closed: dict[str, list[str]] = field(default_factory=dict)
    _held: dict[Target, str] = field(default_factory=dict)
    _freed_at: dict[Target, datetime] = field(default_factory=dict)
    _open: dict[str, dict[str, None]] = field(default_factory=dict)
    _unsettled: dict[str, dict[str, None]] = field(default_factory=dict)
    _outbox: dict[str, None] = field(default_factory=dict)
    _at_service_point: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _violations: dict[str, dict[tuple[str, str], e.ViolationAppeared]] = field(default_factory=dict)
    _expected: dict[str, dict[tuple[str, str], e.OverloadExpected]] = field(default_factory=dict)
    _alarms: dict[str, dict[str, e.DataAlarm]] = field(default_factory=dict)
    _by_hand: dict[str, e.OperatorActed] = field(default_factory=dict)
    _sums: dict[str | None, _Sums] = field(default_factory=dict)
    _burdens: dict[str, Burdens] = field(default_factory=dict)
    _compliance: dict[str, Compliance] = field(default_factory=dict)
    _asked: dict[str, AskedTimes] = field(default_factory=dict)
    _corrections: SharedMap[str, int] = field(default_factory=SharedMap)
    """request → version of its latest correction; kept, because a request may be corrected when its detail is
    long forgotten"""
    _disputes: dict[str, e.DisputeOpened] = field(default_factory=dict)
    _messages: dict[str, e.MessagePlanned] = field(default_factory=dict)
    _calls: dict[tuple[str, str, str | None], CallHistory] = field(default_factory=dict)
    """by feeder, customer and programme"""
    _untold: dict[str, dict[str, None]] = field(default_factory=dict)
    _armed: dict[tuple[str, str], e.FailsafeArmed] = field(default_factory=dict)
    """by feeder and device: the latest"""
    _armed_shown: dict[tuple[str, str], int] = field(default_factory=dict)
    """the sequence that the device has shown"""
    _excluded: dict[tuple[str, str], e.OperatorActed] = field(default_factory=dict)
    """by feeder and target: the order that keeps it out of requests"""
    _words: dict[str, tuple[Word, ...]] = field(default_factory=dict)
    """by request, as long as its detail is kept"""
    shifts: ShiftLog = field(default_factory=ShiftLog)
    """who is on shift, and what they wrote down"""
    _orders: dict[str, list[str]] = field(default_factory=dict)
    """operators' limits whose requests are known, by feeder, oldest first"""
    alarm_book: AlarmBook = field(default_factory=AlarmBook)
    """what operators were told that it needs them"""
    order_book: OrderBook = field(default_factory=OrderBook)
    """drafts, stops and the keys of commands"""
    keep_closed_events: int = KEEP_CLOSED_EVENTS
    """more only for who reads a part of an old journal (`past_requests`)"""

    def open_event(self, feeder: str) -> EventRecord | None:
        """The feeder's running event."""
        event = self._open_event.get(feeder)
        return None if event is None else self.events[event]

    def latest_event(self, feeder: str) -> EventRecord | None:
        """The running event, or else the one that closed last."""
        closed = self._closed.get(feeder)
        return self.open_event(feeder) or (self.events[closed[-1]] if closed else None)

    def requests_of(self, event: str) -> tuple[RequestRecord, ...]:
        """An event's requests in the order they were planned; none for an event that is not known."""
        record = self.events.get(event)
        return () if record is None else tuple(self.requests[r] for r in record.requests)

    def ordered_requests(self, feeder: str) -> tuple[RequestRecord, ...]:
        """Those that operators' orders made, oldest first."""
        orders = self._orders.get(feeder, ())
        return tuple(record for order in orders for record in self.requests_of(order))

    def next_number(self, event: str) -> int:
        """The number of the next request of this event or order, from 1 (see `requests.request_id`)."""
        return len(self.events[event].requests) + 1

    def open_requests(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All that limit a target now, or are about to."""
        return self._select(self._open.get(feeder, ()))

    def unsettled(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All whose life is not over: ask `requests.due` and `requests.settlement_due` about them."""
        return self._select(self._unsettled.get(feeder, ()))

    def unsent(self) -> tuple[RequestRecord, ...]:
        """The outbox: every request whose newest command was not noted as sent and still has a purpose."""
        return self._select(self._outbox)

    def held_by(self, feeder: str, target: str, resource: e.Resource = "device") -> RequestRecord | None:
        """The one open request of a target."""
        request = self._held.get((feeder, resource, target))
        return None if request is None else self.requests[request]

    def last_released_at(self, feeder: str, target: str, resource: e.Resource = "device") -> datetime | None:
        """When a request of this target last stopped to count, for whatever reason."""
        return self._freed_at.get((feeder, resource, target))

    def beside(self, record: RequestRecord) -> tuple[RequestRecord, ...]:
        """Other requests at the same meter: what it shows is shared with them (`settlement.settle`)."""
        here = self._at_service_point.get((record.planned.feeder, record.planned.service_point), ())
        return tuple(self.requests[r] for r in here if r != record.request)

    def asked_spans(self, feeder: str, service_point: str) -> tuple[Span, ...]:
        """When requests were in force at this meter, those of the last `asked_times.KEEP` that have ended."""
        return self._asked.get(feeder, AskedTimes()).spans(service_point)

    def open_disputes(self) -> tuple[e.DisputeOpened, ...]:
        """Those nobody has decided, oldest first."""
        return tuple(self._disputes.values())

    def next_correction(self, request: str) -> int:
        """The version of the next correction of a request's settlement."""
        return self._corrections.get(request, 0) + 1

    def messages_waiting(self) -> tuple[e.MessagePlanned, ...]:
        """The outbox of further words to customers, oldest first."""
        return tuple(self._messages.values())

    def untold(self, feeder: str) -> tuple[RequestRecord, ...]:
        """Settled requests to people who took part and were not told what came of it."""
        return self._select(self._untold.get(feeder, ()))

    def at_service_point(self, feeder: str, service_point: str) -> tuple[RequestRecord, ...]:
        """All requests at this meter whose detail is kept, oldest first."""
        return self._select(self._at_service_point.get((feeder, service_point), ()))

    def words(self, request: str) -> tuple[Word, ...]:
        """What came of the latest words to the customer of a request, oldest first."""
        return self._words.get(request, ())

    def by_hand(self, feeder: str) -> e.OperatorActed | None:
        """The `automatic_off` that stands."""
        return self._by_hand.get(feeder)

    def exclusions(self, feeder: str) -> tuple[e.OperatorActed, ...]:
        """Those that stand, oldest first."""
        return tuple(act for (where, _), act in self._excluded.items() if where == feeder)

    def all_exclusions(self) -> tuple[e.OperatorActed, ...]:
        """Of all feeders, oldest first."""
        return tuple(self._excluded.values())

    def next_failsafe(self, feeder: str, device: str) -> int:
        """The sequence of the next failsafe that a device is told, from 1."""
        armed = self._armed.get((feeder, device))
        return 1 if armed is None else armed.sequence + 1

    def failsafe_told(self, feeder: str, device: str) -> e.FailsafeArmed | None:
        """The failsafe that a device was told last."""
        return self._armed.get((feeder, device))

    def failsafe_awaited(self, feeder: str, device: str) -> e.FailsafeArmed | None:
        """The failsafe that a device was told last, until it has shown it."""
        armed = self._armed.get((feeder, device))
        shown = self._armed_shown.get((feeder, device), 0)
        return armed if armed is not None and armed.sequence > shown else None

    def calls_of(self, feeder: str, customer: str, programme: str | None) -> CallHistory:
        """When a customer was called under a programme; None: under the site's own terms."""
        return self._calls.get((feeder, customer, programme), CallHistory())

    def calls(self, feeder: str) -> dict[tuple[str, str | None], CallHistory]:
        """All calls of a feeder by customer and programme."""
        return {(c, programme): told for (f, c, programme), told in self._calls.items() if f == feeder}

    def violations(self, feeder: str) -> tuple[e.ViolationAppeared, ...]:
        """Those that appeared and have not cleared."""
        return tuple(self._violations.get(feeder, {}).values())

    def expected(self, feeder: str) -> tuple[e.OverloadExpected, ...]:
        """Those that were announced, and neither came nor were withdrawn."""
        return tuple(self._expected.get(feeder, {}).values())

    def alarms(self, feeder: str) -> tuple[e.DataAlarm, ...]:
        """Those that are raised."""
        return tuple(self._alarms.get(feeder, {}).values())

    def automatic(self, feeder: str) -> bool:
        """False from an operator's `automatic_off` until `automatic_on`."""
        return feeder not in self._by_hand

    def given_kwh(self, feeder: str, customer: str, now: datetime, days: int) -> float:
        """What the meters of a customer proved in the last `days` (up to `burdens.KEEP_DAYS`)."""
        burdens = self._burdens.get(feeder)
        return 0.0 if burdens is None else burdens.given_kwh(customer, now, days)

    def compliance(self, feeder: str, device: str) -> float:
        """The probability that a device does what it is asked."""
        return self._compliance.get(feeder, Compliance()).probability(device)

    def totals(self, feeder: str, currency: str) -> Totals:
        """The feeder's sums since the journal began."""
        sums = self._sums.get(feeder, _Sums())
        return Totals(
            events=sums.events,
            requests_planned=sums.planned,
            requests_sent=sums.sent,
            requests_answered=sums.answered,
            curtailed_kwh=round(sums.reduced_kwh, 3),
            credited_points=sums.points,
            credited_minor_units=sums.minor_units,
            currency=currency,
            readings_refused=sums.refused_readings,
        )

    def count_by_state(self, feeder: str) -> dict[str, int]:
        """How many of all requests since the journal began are in each state; no zeros."""
        return {
            state: count for state, count in sorted(self._sums.get(feeder, _Sums()).by_state.items()) if count
        }

    def apply_all(self, told: Iterable[Numbered | e.Entry]) -> None:
        """Apply in order, for example a whole replay."""
        for one in told:
            self.apply(one)

    def apply(self, told: Numbered | e.Entry) -> None:
        """Take one entry in; raises BooksBroken, having changed nothing, when it does not fit."""
        if not isinstance(told, Numbered):
            self._take(told)
            return
        if told.seq != self.seq + 1:
            raise BooksBroken(f"entry {told.seq} cannot follow entry {self.seq}")
        self._take(told.entry)
        self.seq = told.seq

    def _take(self, entry: e.Entry) -> None:  # noqa: C901, PLR0912, PLR0915  one branch per word of the vocabulary
        match entry:
            case e.ControllerStarted():
                self._started(entry)
                self.shifts = self.shifts.after(entry)
                self.alarm_book = self.alarm_book.begun(entry.at)
            case e.ShiftNote() | e.ShiftNoteMarked() | e.ShiftHandedOver() | e.ShiftBegan():
                self.shifts = self.shifts.after(entry)
            case e.ReadingsRefused():
                self._sums_of(entry.feeder).refused_readings += entry.count
                self.alarm_book = self.alarm_book.after(entry)
            case e.DataAlarm():
                _toggle(
                    self._alarms.setdefault(entry.feeder, {}), entry.kind, entry if entry.raised else None
                )
            case e.ViolationAppeared():
                self._violations.setdefault(entry.feeder, {})[entry.element, entry.kind] = entry
            case e.ViolationCleared():
                self._violations.setdefault(entry.feeder, {}).pop((entry.element, entry.kind), None)
            case e.OverloadExpected():
                self._expected.setdefault(entry.feeder, {})[entry.element, entry.kind] = entry
            case e.ExpectationEnded():
                self._expected.setdefault(entry.feeder, {}).pop((entry.element, entry.kind), None)
            case e.EventOpened() | e.EventShort() | e.EventClosed():
                self._event(entry)
            case e.RequestPlanned():
                self._planned(entry)
            case e.RequestChanged():
                self._changed(entry)
            case e.RequestSent():
                self._sent(entry)
            case e.RequestAnswered():
                self._answered(entry)
            case e.RequestMoved():
                self._moved(entry)
            case e.RequestSettled():
                self._settled(entry)
            case e.LedgerPosted():
                self.accounts.post(entry)
            case e.OperatorActed():
                self._operated(entry)
            case e.SettlementCorrected():
                self._corrected(entry)
            case e.DisputeOpened() | e.DisputeClosed():
                self._disputed(entry)
            case e.NoticeAnswered():
                self._notice_answered(entry)
            case e.MessagePlanned() | e.MessageDone():
                self._message(entry)
            case e.FactReported():
                self.accounts.report(entry)
            case e.RedemptionMoved():
                self.accounts.redeem(entry)
            case e.PayoutMoved():
                self.accounts.payouts.move(entry)
            case e.FailsafeArmed() | e.FailsafeConfirmed():
                self._failsafe(entry)
            case e.RoundPlanned():
                pass  # its requests stand beside it; this is why
            case e.OrderDrafted() | e.OrderAgreed() | e.OrderClosed():
                self.order_book.take(entry)
            case e.EmergencyStopped() | e.CommandTaken():
                self.order_book.take(entry)
            case e.JournalCheckpointed() | e.PersonalDataErased():
                pass  # about the record and the contacts, not about the grid
            case e.NoticeDelivered():
                self._note_word(entry.request, entry)
            case e.ConsentWithdrawn():
                pass  # the contacts keep it
            case (
                e.AlarmRaised()
                | e.AlarmReturned()
                | e.AlarmAcknowledged()
                | e.AlarmShelved()
                | e.AlarmUnshelved()
            ):
                self.alarm_book = self.alarm_book.after(entry)
            case _:
                assert_never(entry)

    def _started(self, entry: e.ControllerStarted) -> None:
        if entry.epoch <= self.epoch:
            raise BooksBroken(
                f"a controller started with epoch {entry.epoch}, but {self.epoch} was there before"
            )
        self.epoch = entry.epoch

    def _event(self, entry: e.EventOpened | e.EventShort | e.EventClosed) -> None:
        running = self._open_event.get(entry.feeder)
        if isinstance(entry, e.EventOpened):
            if running is not None or entry.event in self.events:
                raise BooksBroken(f"event {entry.event} opened, but {running or entry.event} is there")
            self._open_event[entry.feeder] = entry.event
            self.events[entry.event] = EventRecord(entry)
            self._sums_of(entry.feeder).events += 1
            return
        if running != entry.event:
            raise BooksBroken(f"event {entry.event} is not the running one of {entry.feeder}")
        record = self.events[entry.event]
        if isinstance(entry, e.EventShort):
            self.events[entry.event] = replace(record, short=entry)
            return
        self.events[entry.event] = replace(record, closed=entry)
        del self._open_event[entry.feeder]
        self._closed.setdefault(entry.feeder, []).append(entry.event)
        self._forget_old(entry.feeder)

    def _planned(self, entry: e.RequestPlanned) -> None:
        event = self.events.get(entry.event)
        if event is None or event.closed is not None:
            raise BooksBroken(
                f"request {entry.request} planned for event {entry.event}, which is not running"
            )
        if entry.request in self.requests:
            raise BooksBroken(f"request {entry.request} planned twice")
        held = self.held_by(entry.feeder, entry.target, entry.resource)
        if held is not None:
            raise BooksBroken(
                f"request {entry.request} planned, but {held.request} limits {entry.target} already"
            )
        self.events[entry.event] = replace(event, requests=(*event.requests, entry.request))
        here = (entry.feeder, entry.service_point)
        self._at_service_point[here] = (*self._at_service_point.get(here, ()), entry.request)
        sums = self._sums_of(entry.feeder)
        sums.planned += 1
        sums.by_state["planned"] += 1
        self._put(
            RequestRecord(
                planned=entry,
                state="planned",
                limit_kw=entry.limit_kw,
                end=entry.end,
                sequence=entry.sequence,
                held_until=entry.end,
                told_at=entry.at,
                limits=((entry.at, entry.limit_kw),),
                ordered=entry.ordered,
            )
        )

    def _changed(self, entry: e.RequestChanged) -> None:
        record = self._known(entry.request)
        if record.settled is not None or entry.sequence <= record.sequence:
            raise BooksBroken(
                f"request {entry.request} changed to sequence {entry.sequence} after {record.sequence}"
            )
        releasing = entry.reason in ("released", "overridden", "protected")
        limits = record.limits
        if not releasing and entry.limit_kw != record.limit_kw:
            limits = (*limits, (entry.at, entry.limit_kw))
        ahead = record.ahead
        if record.planned.at > entry.at + TOLD_AHEAD and record.is_told_ahead(entry.at):
            ahead = (record.told_at or record.planned.at, entry.at + record.told_for)
        self._put(
            replace(
                record,
                limit_kw=record.limit_kw if releasing else entry.limit_kw,
                end=entry.end,
                sequence=entry.sequence,
                reason=entry.reason,
                releasing=releasing,
                held_until=max(record.held_until or entry.end, entry.end),
                told_at=entry.at,
                ahead=ahead,
                limits=limits,
                ordered=entry.ordered or record.ordered,
            )
        )

    def _sent(self, entry: e.RequestSent) -> None:
        record = self._known(entry.request)
        if not 1 <= entry.sequence <= record.sequence:
            raise BooksBroken(f"request {entry.request} sent with sequence {entry.sequence}, never planned")
        if record.sent_sequence == 0 and record.resource == "device":
            self._sums_of(record.planned.feeder).sent += 1
        sequence = max(record.sent_sequence, entry.sequence)
        self._put(replace(record, sent_sequence=sequence, attempts=entry.attempt, sent_at=entry.at))

    def _answered(self, entry: e.RequestAnswered) -> None:
        record = self._known(entry.request)
        if record.answer is None:
            self._sums_of(record.planned.feeder).answered += 1
        self._put(replace(record, answer=entry.answer, reason=entry.reason or record.reason))

    def _moved(self, entry: e.RequestMoved) -> None:
        record = self._known(entry.request)
        if not may_follow(record.state, entry.state, record.resource):
            raise BooksBroken(f"request {entry.request} moved from {record.state} to {entry.state}")
        if record.settled is not None and entry.state != "settled":
            raise BooksBroken(f"request {entry.request} moved to {entry.state} after it was settled")
        by_state = self._sums_of(record.planned.feeder).by_state
        by_state[record.state] -= 1
        by_state[entry.state] += 1
        active_at = entry.at if entry.state == "active" else record.active_at
        ended_at = record.ended_at
        if entry.state in ("ended", "overridden") and ended_at is None:
            ended_at = min(entry.at, record.end)
            if active_at is not None:
                asked = self._asked.setdefault(record.planned.feeder, AskedTimes())
                asked.add(record.planned.service_point, active_at, ended_at)
        self._put(
            replace(
                record,
                state=entry.state,
                moved_at=entry.at,
                reason=entry.reason,
                active_at=active_at,
                ended_at=ended_at,
            )
        )
        if entry.state == "settled":
            self._forget_old(record.planned.feeder)

    def _settled(self, entry: e.RequestSettled) -> None:
        record = self._known(entry.request)
        if record.is_open or record.settled is not None:
            raise BooksBroken(f"request {entry.request} settled while it is {record.state}, or twice")
        sums = self._sums_of(record.planned.feeder)
        sums.reduced_kwh += entry.reduced_kwh
        sums.points += entry.points
        sums.minor_units += entry.minor_units
        self._learn(record, entry)
        self._put(replace(record, settled=entry))
        self._forget_old(record.planned.feeder)

    def _corrected(self, entry: e.SettlementCorrected) -> None:
        """Also of a request whose detail is forgotten: the entry itself tells what held before."""
        if entry.version != self._corrections.get(entry.request, 0) + 1:
            raise BooksBroken(f"correction {entry.version} of {entry.request} is not the next one")
        record = self.requests.get(entry.request)
        if record is not None and record.settled is None:
            raise BooksBroken(f"request {entry.request} corrected before it was settled")
        self._corrections[entry.request] = entry.version
        sums = self._sums_of(entry.feeder)
        sums.reduced_kwh += entry.reduced_kwh - entry.reduced_kwh_before
        sums.points += entry.points - entry.points_before
        sums.minor_units += entry.minor_units - entry.minor_units_before
        if record is not None:
            self._put(replace(record, corrected=entry))

    def _disputed(self, entry: e.DisputeOpened | e.DisputeClosed) -> None:
        if isinstance(entry, e.DisputeOpened):
            if entry.dispute in self._disputes:
                raise BooksBroken(f"dispute {entry.dispute} opened twice")
            self._disputes[entry.dispute] = entry
        elif self._disputes.pop(entry.dispute, None) is None:
            raise BooksBroken(f"dispute {entry.dispute} closed, but it is not open")

    def _notice_answered(self, entry: e.NoticeAnswered) -> None:
        record = self._known(entry.request)
        if record.resource != "person":
            raise BooksBroken(f"request {entry.request} is answered like a notice, but is to a device")
        self._note_word(entry.request, entry)
        said_yes = record.said_yes or entry.answer == "opted_in"
        self._put(replace(record, consent=entry.answer, said_yes=said_yes))

    def _message(self, entry: e.MessagePlanned | e.MessageDone) -> None:
        if isinstance(entry, e.MessageDone):
            if self._messages.pop(entry.message, None) is None:
                raise BooksBroken(f"message {entry.message} done, but it is not waiting")
            self._note_word(entry.message.rsplit("/", 2)[0], entry)
            return
        record = self.requests.get(entry.request)
        if entry.message in self._messages or (record is not None and entry.message in record.messages):
            raise BooksBroken(f"message {entry.message} planned twice")
        self._messages[entry.message] = entry
        if record is not None:
            self._put(replace(record, messages=(*record.messages, entry.message)))

    def _note_word(self, request: str, word: Word) -> None:
        if request in self.requests:
            self._words[request] = (*self._words.get(request, ()), word)[-KEEP_WORDS:]

    def _failsafe(self, entry: e.FailsafeArmed | e.FailsafeConfirmed) -> None:
        key = (entry.feeder, entry.device)
        newest = self.next_failsafe(*key) - 1
        if isinstance(entry, e.FailsafeArmed):
            if entry.sequence <= newest:
                raise BooksBroken(f"failsafe {entry.sequence} of {entry.device} told after {newest}")
            self._armed[key] = entry
        elif entry.sequence > newest:
            raise BooksBroken(f"failsafe {entry.sequence} of {entry.device} shown, but never told")
        else:
            self._armed_shown[key] = max(entry.sequence, self._armed_shown.get(key, 0))

    def _learn(self, record: RequestRecord, entry: e.RequestSettled) -> None:
        """What a settlement tells of the customer, and of the device unless meter or operator decided it."""
        planned = record.planned
        self._burdens.setdefault(planned.feeder, Burdens()).add(planned.customer, entry.at, entry.reduced_kwh)
        told = entry.outcome != "too_little_data" and record.state != "overridden"
        if planned.direction == "production" and entry.reduced_kwh == 0:
            told = False  # a cloud may have left nothing to hold back
        if record.resource == "device" and told:
            known = self._compliance.setdefault(planned.feeder, Compliance())
            known.add(planned.target, entry.reduced_kwh > 0)  # also where a kWh earns nothing

    def _operated(self, entry: e.OperatorActed) -> None:
        self._exclude(entry)
        self.order_book.take(entry)
        match entry.action:
            case "automatic_off":
                self._by_hand[entry.feeder] = entry
            case "automatic_on":
                self._by_hand.pop(entry.feeder, None)
            case "limit":
                self._ordered(entry)
            case "release" | "release_all" | "exclude" | "include":
                pass  # the requests that it ends tell it, and `operators.Orders` what of it lasts
            case _:
                assert_never(entry.action)

    def _ordered(self, entry: e.OperatorActed) -> None:
        """An order stands where an event does: its requests belong together."""
        order = entry.order
        if order is None or order in self.events:
            raise BooksBroken(f"order {order} has no id, or was given before")
        begun = e.EventOpened(
            at=entry.at, event=order, feeder=entry.feeder, element="", kind=ORDERED, value=0.0, limit=0.0
        )
        self.events[order] = EventRecord(begun)
        self._orders.setdefault(entry.feeder, []).append(order)
        self._forget_old(entry.feeder)

    def _exclude(self, entry: e.OperatorActed) -> None:
        """Who ordered it and why, for people; what follows from it is the subject of `operators.Orders`."""
        if entry.action == "exclude" and entry.target is not None:
            self._excluded[entry.feeder, entry.target] = entry
        elif entry.action == "include" and entry.target is not None:
            self._excluded.pop((entry.feeder, entry.target), None)
        elif entry.action == "automatic_on":
            for key in [key for key in self._excluded if key[0] == entry.feeder]:
                del self._excluded[key]

    def _select(self, requests: Iterable[str]) -> tuple[RequestRecord, ...]:
        return tuple(self.requests[r] for r in requests)

    def _sums_of(self, feeder: str | None) -> _Sums:
        return self._sums.setdefault(feeder, _Sums())

    def _known(self, request: str) -> RequestRecord:
        record = self.requests.get(request)
        if record is None:
            raise BooksBroken(f"request {request} is not known (any more)")
        return record

    def _put(self, record: RequestRecord) -> None:
        """Store a record and bring every index in line with it."""
        planned, request = record.planned, record.request
        target: Target = (planned.feeder, planned.resource, planned.target)
        before = self.requests.get(request)
        self.requests[request] = record
        _mark(self._open.setdefault(planned.feeder, {}), request, record.is_open)
        _mark(self._unsettled.setdefault(planned.feeder, {}), request, not record.is_over)
        _mark(self._outbox, request, _has_to_go_out(record))
        _mark(self._untold.setdefault(planned.feeder, {}), request, _is_untold(record))
        if planned.programme is not None and span_of(record) != (None if before is None else span_of(before)):
            self._called(record)
        if record.is_open:
            self._held[target] = request
        elif self._held.get(target) == request:
            del self._held[target]
        if before is not None and before.is_open and not record.is_open:
            self._freed_at[target] = record.ended_at or record.since

    def _called(self, record: RequestRecord) -> None:
        """What all requests of this event to the customer under the programme come to as one call."""
        planned = record.planned
        key = (planned.feeder, planned.customer, planned.programme)
        here = self._at_service_point.get((planned.feeder, planned.service_point), (record.request,))
        together = (self.requests[r] for r in here)
        spans = [span for one in together if _same_call(one, record) and (span := span_of(one)) is not None]
        history = self._calls.get(key, CallHistory())
        if spans:
            begin, until = min(start for start, _ in spans), max(end for _, end in spans)
            self._calls[key] = history.with_call(planned.event, begin, until)
        else:
            self._calls[key] = history.without(planned.event)

    def _forget_old(self, feeder: str) -> None:
        """Drop the detail of old closed events whose requests are all over."""
        for closed in (self._closed.get(feeder, []), self._orders.get(feeder, [])):
            for event in closed[: -self.keep_closed_events]:
                if all(_is_told_to_the_end(record) for record in self.requests_of(event)):
                    for record in self.requests_of(event):
                        self._forget(record)
                    del self.events[event]
                    closed.remove(event)

    def _forget(self, record: RequestRecord) -> None:
        planned = record.planned
        del self.requests[record.request]
        self._outbox.pop(record.request, None)
        self._words.pop(record.request, None)
        self._untold.get(planned.feeder, {}).pop(record.request, None)
        here = (planned.feeder, planned.service_point)
        left = tuple(one for one in self._at_service_point[here] if one != record.request)
        if left:
            self._at_service_point[here] = left
        else:
            del self._at_service_point[here]


def _same_call(one: RequestRecord, other: RequestRecord) -> bool:
    this, that = one.planned, other.planned
    return (this.event, this.customer, this.programme) == (that.event, that.customer, that.programme)


def _is_told_to_the_end(record: RequestRecord) -> bool:
    """Whether no entry of its life is to come: the step to `settled` follows the settlement."""
    return record.is_over and not record.moves_when_settled


def _has_to_go_out(record: RequestRecord) -> bool:
    return record.sent_sequence < record.sequence and (record.is_open or record.releasing)


def _is_untold(record: RequestRecord) -> bool:
    """Whether a person took part and waits for thanks, or for why there are none."""
    settled = record.settled
    if record.resource != "person" or settled is None or settled.outcome == "refused_or_silent":
        return False
    return not any(message.split("/")[-2:-1] in (["thanks"], ["explanation"]) for message in record.messages)


def _mark(index: dict[str, None], request: str, belongs: bool) -> None:
    if belongs:
        index.setdefault(request)
    else:
        index.pop(request, None)


def _toggle(index: dict[str, e.DataAlarm], kind: str, alarm: e.DataAlarm | None) -> None:
    if alarm is None:
        index.pop(kind, None)
    else:
        index[kind] = alarm
