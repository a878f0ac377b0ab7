"""The books of all subjects side by side, and how whoever decides looks things up in them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from controller import entries as e
from controller.alarms.alarm_book import AlarmBook
from controller.books.call_book import CallBook
from controller.books.correction_book import CorrectionBook
from controller.books.event_book import EventBook, EventRecord
from controller.books.experience import Experience
from controller.books.failsafe_book import FailsafeBook
from controller.books.feeder_book import FeederBook
from controller.books.operator_book import OperatorBook
from controller.books.request_book import RequestBook
from controller.books.sums import Sums
from controller.books.word_book import Word, WordBook
from controller.orders.order_book import OrderBook
from controller.people.calls import CallHistory
from controller.proving.asked_times import Span
from controller.requests import RequestRecord
from controller.rewards.accounts import Accounts
from controller.shifts.shift_log import ShiftLog
from controller.views import Totals

KEEP_CLOSED_EVENTS = 20
"""per feeder; not a setting, because every replay of a journal must forget alike"""


@dataclass(slots=True)
class Shelf:
    """Compare with ==: equal books came from journals that tell the same."""

    seq: int = 0
    """of the last numbered entry"""
    epoch: int = 0
    accounts: Accounts = field(default_factory=Accounts)
    """the ledger as it stands"""
    shifts: ShiftLog = field(default_factory=ShiftLog)
    """who is on shift, and what they wrote down"""
    alarm_book: AlarmBook = field(default_factory=AlarmBook)
    """what operators were told that it needs them"""
    order_book: OrderBook = field(default_factory=OrderBook)
    """drafts, stops and the keys of commands"""
    keep_closed_events: int = KEEP_CLOSED_EVENTS
    """more only for who reads a part of an old journal (`past_requests`)"""
    _feeders: FeederBook = field(default_factory=FeederBook)
    _events: EventBook = field(default_factory=EventBook)
    _requests: RequestBook = field(default_factory=RequestBook)
    _calls: CallBook = field(default_factory=CallBook)
    _words: WordBook = field(default_factory=WordBook)
    _corrections: CorrectionBook = field(default_factory=CorrectionBook)
    _experience: Experience = field(default_factory=Experience)
    _sums: Sums = field(default_factory=Sums)
    _failsafes: FailsafeBook = field(default_factory=FailsafeBook)
    _operators: OperatorBook = field(default_factory=OperatorBook)

    @property
    def requests(self) -> dict[str, RequestRecord]:
        """All whose detail is kept, by id."""
        return self._requests.records

    @property
    def events(self) -> dict[str, EventRecord]:
        """All whose detail is kept, by id; operators' limits as well."""
        return self._events.records

    def open_event(self, feeder: str) -> EventRecord | None:
        """The feeder's running event."""
        return self._events.open(feeder)

    def latest_event(self, feeder: str) -> EventRecord | None:
        """The running event, or else the one that closed last."""
        return self._events.latest(feeder)

    def requests_of(self, event: str) -> tuple[RequestRecord, ...]:
        """An event's requests in the order they were planned; none for an event that is not known."""
        return tuple(self.requests[r] for r in self._events.requests_of(event))

    def ordered_requests(self, feeder: str) -> tuple[RequestRecord, ...]:
        """Those that operators' orders made, oldest first."""
        return tuple(record for order in self._events.orders(feeder) for record in self.requests_of(order))

    def next_number(self, event: str) -> int:
        """The number of the next request of this event or order, from 1 (see `requests.request_id`)."""
        return len(self.events[event].requests) + 1

    def open_requests(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All that limit a target now, or are about to."""
        return self._requests.open(feeder)

    def unsettled(self, feeder: str) -> tuple[RequestRecord, ...]:
        """All whose life is not over: ask `requests.due` and `requests.settlement_due` about them."""
        return self._requests.unsettled(feeder)

    def unsent(self) -> tuple[RequestRecord, ...]:
        """The outbox: every request whose newest command was not noted as sent and still has a purpose."""
        return self._requests.unsent()

    def held_by(self, feeder: str, target: str, resource: e.Resource = "device") -> RequestRecord | None:
        """The one open request of a target."""
        return self._requests.held_by(feeder, target, resource)

    def last_released_at(self, feeder: str, target: str, resource: e.Resource = "device") -> datetime | None:
        """When a request of this target last stopped to count, for whatever reason."""
        return self._requests.last_released_at(feeder, target, resource)

    def beside(self, record: RequestRecord) -> tuple[RequestRecord, ...]:
        """Other requests at the same meter: what it shows is shared with them (`settlement.settle`)."""
        return self._requests.beside(record)

    def at_service_point(self, feeder: str, service_point: str) -> tuple[RequestRecord, ...]:
        """All requests at this meter whose detail is kept, oldest first."""
        return self._requests.at_service_point(feeder, service_point)

    def untold(self, feeder: str) -> tuple[RequestRecord, ...]:
        """Settled requests to people who took part and were not told what came of it."""
        return self._requests.untold(feeder)

    def asked_spans(self, feeder: str, service_point: str) -> tuple[Span, ...]:
        """When requests were in force at this meter, those of the last `asked_times.KEEP` that have ended."""
        return self._experience.asked_spans(feeder, service_point)

    def given_kwh(self, feeder: str, customer: str, now: datetime, days: int) -> float:
        """What the meters of a customer proved in the last `days` (up to `burdens.KEEP_DAYS`)."""
        return self._experience.given_kwh(feeder, customer, now, days)

    def compliance(self, feeder: str, device: str) -> float:
        """The probability that a device does what it is asked."""
        return self._experience.compliance(feeder, device)

    def open_disputes(self) -> tuple[e.DisputeOpened, ...]:
        """Those nobody has decided, oldest first."""
        return self._corrections.open_disputes()

    def next_correction(self, request: str) -> int:
        """The version of the next correction of a request's settlement."""
        return self._corrections.next_version(request)

    def messages_waiting(self) -> tuple[e.MessagePlanned, ...]:
        """The outbox of further words to customers, oldest first."""
        return self._words.waiting()

    def words(self, request: str) -> tuple[Word, ...]:
        """What came of the latest words to the customer of a request, oldest first."""
        return self._words.words(request)

    def calls_of(self, feeder: str, customer: str, programme: str | None) -> CallHistory:
        """When a customer was called under a programme; None: under the site's own terms."""
        return self._calls.of(feeder, customer, programme)

    def calls(self, feeder: str) -> dict[tuple[str, str | None], CallHistory]:
        """All calls of a feeder by customer and programme."""
        return self._calls.all_of(feeder)

    def automatic(self, feeder: str) -> bool:
        """False from an operator's `automatic_off` until `automatic_on`."""
        return self._operators.by_hand(feeder) is None

    def by_hand(self, feeder: str) -> e.OperatorActed | None:
        """The `automatic_off` that stands."""
        return self._operators.by_hand(feeder)

    def exclusions(self, feeder: str) -> tuple[e.OperatorActed, ...]:
        """Those that stand, oldest first."""
        return self._operators.exclusions(feeder)

    def all_exclusions(self) -> tuple[e.OperatorActed, ...]:
        """Of all feeders, oldest first."""
        return self._operators.all_exclusions()

    def next_failsafe(self, feeder: str, device: str) -> int:
        """The sequence of the next failsafe that a device is told, from 1."""
        return self._failsafes.next_sequence(feeder, device)

    def failsafe_told(self, feeder: str, device: str) -> e.FailsafeArmed | None:
        """The failsafe that a device was told last."""
        return self._failsafes.told(feeder, device)

    def failsafe_awaited(self, feeder: str, device: str) -> e.FailsafeArmed | None:
        """The failsafe that a device was told last, until it has shown it."""
        return self._failsafes.awaited(feeder, device)

    def violations(self, feeder: str) -> tuple[e.ViolationAppeared, ...]:
        """Those that appeared and have not cleared."""
        return self._feeders.violations(feeder)

    def expected(self, feeder: str) -> tuple[e.OverloadExpected, ...]:
        """Those that were announced, and neither came nor were withdrawn."""
        return self._feeders.expected(feeder)

    def alarms(self, feeder: str) -> tuple[e.DataAlarm, ...]:
        """Those that are raised."""
        return self._feeders.alarms(feeder)

    def totals(self, feeder: str, currency: str) -> Totals:
        """The feeder's sums since the journal began."""
        return self._sums.of(feeder).totals(currency)

    def count_by_state(self, feeder: str) -> dict[str, int]:
        """How many of all requests since the journal began are in each state; no zeros."""
        return self._sums.of(feeder).count_by_state()

    def fork(self) -> Self:
        """A copy that can be written to without touching this one; all that is frozen is shared."""
        return type(self)(
            seq=self.seq,
            epoch=self.epoch,
            accounts=self.accounts.fork(),
            shifts=self.shifts,
            alarm_book=self.alarm_book,
            order_book=self.order_book.fork(),
            keep_closed_events=self.keep_closed_events,
            _feeders=self._feeders.fork(),
            _events=self._events.fork(),
            _requests=self._requests.fork(),
            _calls=self._calls.fork(),
            _words=self._words.fork(),
            _corrections=self._corrections.fork(),
            _experience=self._experience.fork(),
            _sums=self._sums.fork(),
            _failsafes=self._failsafes.fork(),
            _operators=self._operators.fork(),
        )
