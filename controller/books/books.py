"""How entries are taken into the books: each subject has a book of its own; what one entry says to several of
them is said here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from controller import entries as e
from controller.alarms.alarm_book import AlarmEntry
from controller.books import request_steps
from controller.books.feeder_book import FeederEntry
from controller.books.request_book import is_told_to_the_end
from controller.books.shelf import Shelf
from controller.books.word_book import Word
from controller.errors import BooksBroken
from controller.requests import RequestRecord, span_of
from controller.stores.port import Numbered

RequestEntry = (
    e.RequestPlanned
    | e.RequestChanged
    | e.RequestSent
    | e.RequestAnswered
    | e.RequestMoved
    | e.RequestSettled
    | e.SettlementCorrected
    | e.BesideMoved
)
EventEntry = e.EventOpened | e.EventShort | e.EventClosed
WordEntry = e.NoticeAnswered | e.NoticeDelivered | e.MessagePlanned | e.MessageDone
RewardEntry = e.LedgerPosted | e.FactReported | e.RedemptionMoved | e.PayoutMoved
DraftEntry = e.OrderDrafted | e.OrderAgreed | e.OrderClosed | e.EmergencyStopped | e.CommandTaken
ShiftEntry = e.ShiftNote | e.ShiftNoteMarked | e.ShiftHandedOver | e.ShiftBegan
NothingToKeep = e.RoundPlanned | e.JournalCheckpointed | e.PersonalDataErased | e.ConsentWithdrawn
"""why a round asked whom stands beside its requests; the rest is about the record and the contacts"""


@dataclass(slots=True)
class Books(Shelf):
    """The controller's memory."""

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

    def _take(self, entry: e.Entry) -> None:  # noqa: C901, PLR0912  one branch per subject
        if isinstance(entry, FeederEntry):
            self._feeders.take(entry)
        elif isinstance(entry, RequestEntry):
            self._take_request(entry)
        elif isinstance(entry, EventEntry):
            self._take_event(entry)
        elif isinstance(entry, WordEntry):
            self._take_word(entry)
        elif isinstance(entry, RewardEntry):
            self._take_reward(entry)
        elif isinstance(entry, e.DisputeOpened | e.DisputeClosed):
            self._corrections.dispute(entry)
        elif isinstance(entry, e.FailsafeArmed | e.FailsafeConfirmed):
            self._failsafes.take(entry)
        elif isinstance(entry, e.OperatorActed):
            self._operated(entry)
        elif isinstance(entry, DraftEntry):
            self.order_book.take(entry)
        elif isinstance(entry, ShiftEntry):
            self.shifts = self.shifts.after(entry)
        elif isinstance(entry, AlarmEntry):
            self.alarm_book = self.alarm_book.after(entry)
        elif isinstance(entry, e.ReadingsRefused):
            self._sums.to_add(entry.feeder).refused_readings += entry.count
            self.alarm_book = self.alarm_book.after(entry)
        elif isinstance(entry, e.ControllerStarted):
            self._started(entry)
        elif not isinstance(entry, NothingToKeep):
            assert_never(entry)

    def _take_request(self, entry: RequestEntry) -> None:
        match entry:
            case e.RequestPlanned():
                self._planned(entry)
            case e.RequestChanged():
                self._put(request_steps.changed(self._requests.known(entry.request), entry))
            case e.RequestSent():
                self._sent(entry)
            case e.RequestAnswered():
                self._answered(entry)
            case e.RequestMoved():
                self._moved(entry)
            case e.RequestSettled():
                self._settled(entry)
            case e.SettlementCorrected():
                self._corrected(entry)
            case e.BesideMoved():
                self._put(request_steps.beside_moved(self._requests.known(entry.request), entry))
            case _:
                assert_never(entry)

    def _take_word(self, entry: WordEntry) -> None:
        match entry:
            case e.NoticeAnswered():
                record = request_steps.consented(self._requests.known(entry.request), entry)
                self._note_word(entry.request, entry)
                self._put(record)
            case e.NoticeDelivered():
                self._note_word(entry.request, entry)
            case e.MessagePlanned():
                self._message(entry)
            case e.MessageDone():
                self._note_word(self._words.done(entry), entry)
            case _:
                assert_never(entry)

    def _take_reward(self, entry: RewardEntry) -> None:
        match entry:
            case e.LedgerPosted():
                self.accounts.post(entry)
            case e.FactReported():
                self.accounts.report(entry)
            case e.RedemptionMoved():
                self.accounts.redeem(entry)
            case e.PayoutMoved():
                self.accounts.payouts.move(entry)
            case _:
                assert_never(entry)

    def _started(self, entry: e.ControllerStarted) -> None:
        if entry.epoch <= self.epoch:
            raise BooksBroken(
                f"a controller started with epoch {entry.epoch}, but {self.epoch} was there before"
            )
        self.epoch = entry.epoch
        self.shifts = self.shifts.after(entry)
        self.alarm_book = self.alarm_book.begun(entry.at)

    def _take_event(self, entry: EventEntry) -> None:
        self._events.take(entry)
        if isinstance(entry, e.EventOpened):
            self._sums.to_add(entry.feeder).events += 1
        elif isinstance(entry, e.EventClosed):
            self._forget_old(entry.feeder)

    def _planned(self, entry: e.RequestPlanned) -> None:
        self._events.fits(entry)
        self._requests.fits(entry)
        self._events.plan(entry)
        sums = self._sums.to_add(entry.feeder)
        sums.planned += 1
        sums.by_state["planned"] += 1
        self._put(request_steps.planned(entry))

    def _sent(self, entry: e.RequestSent) -> None:
        record = self._requests.known(entry.request)
        after = request_steps.sent(record, entry)
        if record.sent_sequence == 0 and record.resource == "device":
            self._sums.to_add(record.planned.feeder).sent += 1
        self._put(after)

    def _answered(self, entry: e.RequestAnswered) -> None:
        record = self._requests.known(entry.request)
        if record.answer is None:
            self._sums.to_add(record.planned.feeder).answered += 1
        self._put(request_steps.answered(record, entry))

    def _moved(self, entry: e.RequestMoved) -> None:
        record = self._requests.known(entry.request)
        after = request_steps.moved(record, entry)
        by_state = self._sums.to_add(record.planned.feeder).by_state
        by_state[record.state] -= 1
        by_state[entry.state] += 1
        if record.ended_at is None:
            self._experience.ended(after)
        self._put(after)
        if entry.state == "settled":
            self._forget_old(record.planned.feeder)

    def _settled(self, entry: e.RequestSettled) -> None:
        record = self._requests.known(entry.request)
        after = request_steps.settled(record, entry)
        self._sums.to_add(record.planned.feeder).settle(entry)
        self._experience.settled(record, entry)
        self._put(after)
        self._forget_old(record.planned.feeder)

    def _corrected(self, entry: e.SettlementCorrected) -> None:
        """Also of a request whose detail is forgotten: the entry itself tells what held before."""
        self._corrections.fits(entry)
        record = self.requests.get(entry.request)
        if record is not None and record.settled is None:
            raise BooksBroken(f"request {entry.request} corrected before it was settled")
        self._corrections.correct(entry)
        self._sums.to_add(entry.feeder).correct(entry)
        if record is not None:
            self._put(replace(record, corrected=entry))

    def _message(self, entry: e.MessagePlanned) -> None:
        record = self.requests.get(entry.request)
        self._words.plan(entry, () if record is None else record.messages)
        if record is not None:
            self._put(replace(record, messages=(*record.messages, entry.message)))

    def _note_word(self, request: str, word: Word) -> None:
        if request in self.requests:
            self._words.note(request, word)

    def _operated(self, entry: e.OperatorActed) -> None:
        self.order_book.take(entry)
        self._operators.take(entry)
        if entry.action == "limit":
            self._events.order(entry)
            self._forget_old(entry.feeder)

    def _put(self, record: RequestRecord) -> None:
        """Store a record, and what it is as a call to its customer."""
        planned, before = record.planned, self.requests.get(record.request)
        self._requests.put(record)
        if planned.programme is not None and span_of(record) != (None if before is None else span_of(before)):
            here = self._requests.at_service_point(planned.feeder, planned.service_point)
            self._calls.take(record, here or (record,))

    def _forget_old(self, feeder: str) -> None:
        """Drop the detail of old closed events whose requests are all over."""
        for event in self._events.old(feeder, self.keep_closed_events):
            records = self.requests_of(event)
            if all(map(is_told_to_the_end, records)):
                for record in records:
                    self._forget(record)
                self._events.forget(feeder, event)

    def _forget(self, record: RequestRecord) -> None:
        self._requests.forget(record)
        self._words.forget(record.request)
