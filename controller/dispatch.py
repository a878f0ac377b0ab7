"""[6] Sends what the books say has to go out; waits, retries, gives up. The shell around the wire.

What is due is read off the books each time (`due_sends`, pure), so a crash between the note and the sending
only means that it is due again, under the same id and sequence. Rules:

* At most `CONCURRENT` sendings at a time, each with a deadline; one of each request. Releases have as many
  places of their own, and so have words to people: devices that stay silent to their limits hold up nobody's
  release (C10), and a slow mail server holds up no device.
* What the far side did not take is tried again after a growing pause; the request's own deadline ends that.
* No answer within `answer_within_s`: the same command once more, up to `attempts`. A release is repeated
  until the device confirms it, or its limit has run out by the device's own clock.
* A device that does not show the limit it accepted is told again.
* People whose tags say so get no word at night, also none that takes back. A notice that was handed over
  after it was given up is taken back. A word that was refused for good is not said again.
* What the automatic asked for before we stood still is not sent afterwards (`moments.py`): it is due again
  when a round has looked anew.
* The safety gate judges every command once more at this last moment. While data are not good, or the
  automatic is out, only releases pass, and what an operator ordered.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

import structlog

from controller.books import Books
from controller.channel_faults import FaultWord, fault_word, shortened
from controller.entries import Entry, RequestChanged, RequestMoved, RequestSent
from controller.feeder_control import FeederControl
from controller.gatekeeper import Gatekeeper
from controller.memory import Memory
from controller.moments import Moment
from controller.operators import FREEING, free
from controller.people.call_rules import is_quiet_for
from controller.people.late_words import came_too_late
from controller.people.notice_messages import notice_of
from controller.requests import RequestRecord, Trigger, next_state, on_sent
from controller.turns import Turn, turns_of
from devices.messages import CustomerNotice, LimitCommand, Outbound
from devices.ports import Clock, CommandChannel, NoticeChannel
from devices.signing import sign

CONCURRENT = 32
TRIES_KEPT = timedelta(hours=1)
"""A try that failed longer ago than this is of a request that was given up."""
REFUSED_KEPT = 10_000
"""Refused words; of more the oldest is forgotten, and may be tried once more."""
NOT_HELD_CYCLES = 3
"""Cycles in which a device does not show its limit before it is told again."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sending:
    """One command that is due."""

    request: str
    sequence: int
    attempt: int
    releasing: bool
    message: Outbound
    looked: Moment | None = None
    """when the round that it rests on had looked; None: it rests on nothing that passes"""


@dataclass(frozen=True, slots=True)
class Sent:
    """The next hop took it."""

    sending: Sending
    at: datetime


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It may be tried again."""

    sending: Sending
    reason: FaultWord


@dataclass(frozen=True, slots=True)
class Rejected:
    """It must not be tried again."""

    sending: Sending
    reason: FaultWord


Outcome = Sent | NotTaken | Rejected


@dataclass(frozen=True, slots=True)
class _Tries:
    """How often one command was not taken, and when last."""

    sequence: int
    count: int
    at: datetime


class Dispatch:
    """Owns the sendings that are under way. All calls are on the loop's thread."""

    def __init__(
        self, commands: CommandChannel, notices: NoticeChannel, clock: Clock, secret: bytes, deadline_s: float
    ) -> None:
        self._commands, self._notices, self._clock = commands, notices, clock
        self._secret, self._deadline_s = secret, deadline_s
        self._slots = {
            (kind, releasing): asyncio.Semaphore(CONCURRENT)
            for kind in (LimitCommand, CustomerNotice)
            for releasing in (False, True)
        }
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._outcomes: list[Outcome] = []
        self._tries: dict[str, _Tries] = {}
        self._refused: dict[str, int] = {}
        """words by request, with their sequence: the books repeat what was not sent"""

    def may_try(self, record: RequestRecord, now: datetime, patience_s: float) -> bool:
        """Whether nothing is under way for this request, all that came of earlier sendings is noted, and the
        pause after a failed try is over.
        """
        if record.request in self._under_way:
            return False
        if any(outcome.sending.request == record.request for outcome in self._outcomes):
            return False  # the books do not know yet what has gone out
        ends_it = record.state in ("planned", "sent")  # once the books have the refusal
        if not ends_it and self._refused.get(record.request) == record.sequence:
            return False
        tries = self._tries.get(record.request)
        if tries is None or tries.sequence != record.sequence:
            return True
        return now - tries.at >= timedelta(seconds=min(2.0 ** (tries.count - 1), patience_s))

    def start(self, sendings: Iterable[Sending]) -> None:
        """Begin to send; never blocks. One sending of a request at a time: what is under way goes first."""
        for sending in sendings:
            if sending.request in self._under_way:
                continue
            name = f"send {sending.request}/{sending.sequence}"
            task = asyncio.create_task(self._send(sending), name=name)
            self._under_way[sending.request] = task
            # a task that is cancelled before its first step never comes to its own `finally`
            task.add_done_callback(partial(self._over, sending.request))

    async def wait(self, seconds: float) -> None:
        """Until nothing is under way, at most this long; what is then goes on."""
        if not self._under_way:
            return
        try:
            async with self._clock.timeout(seconds):
                while going := [task for task in self._under_way.values() if not task.done()]:
                    await asyncio.wait(going)
        except TimeoutError:
            log.warning("sending_goes_on", under_way=len(self._under_way))

    async def stop(self) -> None:
        """Cancel what is under way and wait for it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def outcomes(self) -> tuple[Outcome, ...]:
        """What came of sendings since the last call."""
        outcomes, self._outcomes = tuple(self._outcomes), []
        return outcomes

    async def _send(self, sending: Sending) -> None:
        try:
            async with self._slots[type(sending.message), sending.releasing]:
                if not self._is_overtaken(sending):
                    self._note(await self._try(sending))
        finally:
            self._under_way.pop(sending.request, None)

    def _is_overtaken(self, sending: Sending) -> bool:
        overtaken = sending.looked is not None and sending.looked.is_past(self._clock)
        if overtaken:
            log.warning("sending_overtaken", request=sending.request, attempt=sending.attempt)
        return overtaken

    def _over(self, request: str, task: asyncio.Task[None]) -> None:
        if self._under_way.get(request) is task:
            del self._under_way[request]

    async def _try(self, sending: Sending) -> Outcome:
        try:
            async with self._clock.timeout(self._deadline_s):
                await self._hand_over(sending.message)
        except Exception as error:
            word, text = fault_word(error), shortened(error)
            if word == "fault":
                log.exception("channel_failed", request=sending.request)
            log.warning("not_sent", request=sending.request, attempt=sending.attempt, reason=word, text=text)
            return Rejected(sending, word) if word == "rejected" else NotTaken(sending, word)
        return Sent(sending, self._clock.now())

    async def _hand_over(self, message: Outbound) -> None:
        match message:
            case LimitCommand():
                await self._commands.send(sign(message, self._secret))
            case CustomerNotice():
                await self._notices.notify(message)
            case _:
                assert_never(message)

    def _note(self, outcome: Outcome) -> None:
        sending = outcome.sending
        self._outcomes.append(outcome)
        if isinstance(outcome, Sent):
            self._tries.pop(sending.request, None)
            return
        if isinstance(outcome, Rejected) and isinstance(sending.message, CustomerNotice):
            self._refused[sending.request] = sending.sequence
            if len(self._refused) > REFUSED_KEPT:
                del self._refused[next(iter(self._refused))]
        before = self._tries.get(sending.request)
        count = before.count + 1 if before is not None and before.sequence == sending.sequence else 1
        now = self._clock.now()
        self._tries = {
            request: tries for request, tries in self._tries.items() if now - tries.at < TRIES_KEPT
        }
        self._tries[sending.request] = _Tries(sending.sequence, count, now)


def due_sends(
    control: FeederControl,
    books: Books,
    memory: Memory,
    *,
    to_release: Mapping[str, RequestRecord],
    gatekeeper: Gatekeeper,
    may_limit: bool,
    may_try: Callable[[RequestRecord], bool],
    may_order: bool = False,
    looked: Moment | None = None,
) -> list[Sending]:
    """Everything of this feeder that has to go out now.

    `to_release` are requests whose release nobody confirmed yet, also those that are over in the books.
    Without `may_limit` only releases are sent, and with `may_order` what operators ordered. What the
    automatic asks for goes out only while `looked` holds.
    """
    now, sendings = gatekeeper.now, []
    records = {record.request: record for record in books.open_requests(control.feeder)} | dict(to_release)
    for record in records.values():
        may_go = may_limit or record.releasing or (may_order and record.is_ordered(now))
        if not may_go or not may_try(record):
            continue
        if record.resource == "person" and is_quiet_for(control, record.planned.target, now):
            continue  # also a word that takes back: it waits until morning, or until the request's end
        if _is_due(record, control, memory, now) and _gate_passes(record, gatekeeper):
            again = record.sent_sequence == record.sequence
            attempt = record.attempts + 1 if again else 1
            # noted by a clock that was ahead it may end in our future, and would limit once more
            told = replace(record, end=min(record.end, now)) if record.releasing else record
            message = _message(control, told, gatekeeper.epoch)
            until = None if record.releasing or record.is_ordered(now) else looked
            sendings.append(
                Sending(record.request, record.sequence, attempt, record.releasing, message, until)
            )
    return sendings


def unconfirmed(record: RequestRecord, memory: Memory, now: datetime) -> bool:
    """Whether a release must still be told: its device has not confirmed it and may hold the limit."""
    if not record.releasing or now >= record.free_by(now):
        return False
    if record.resource == "person":
        return record.sent_sequence < record.sequence
    return memory.acknowledged.get(record.request, 0) < record.sequence


def entries_of(outcomes: Sequence[Outcome], books: Books, now: datetime) -> tuple[list[Entry], Counter[str]]:
    """What the journal is told of sendings, and counts of outcomes for the metrics."""
    entries: list[Entry] = []
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        sending, record = outcome.sending, books.requests.get(outcome.sending.request)
        counts[_word(outcome)] += 1
        if record is None or sending.sequence > record.sequence:
            continue  # forgotten, or a release that went out while the store was down
        match outcome:
            case Sent(_, at):
                entries.append(
                    RequestSent(
                        at=at, request=record.request, sequence=sending.sequence, attempt=sending.attempt
                    )
                )
                trigger = on_sent(record)
                if trigger is not None:
                    entries.append(_moved(record, trigger, "the next hop took it", now))
                    if record.resource == "person" and record.planned.start <= now:
                        told = replace(record, state="sent")
                        entries.append(_moved(told, "started", "its start has come", now))
                elif came_too_late(record, now):
                    entries += free([record], books.epoch, now, "released", "")
            case Rejected(_, reason):
                if record.state in ("planned", "sent"):
                    entries.append(_moved(record, "lost", reason, now))
            case NotTaken():
                pass  # tried again; the request's own deadline ends that
            case _:
                assert_never(outcome)
    return entries, counts


def _word(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return "sent"
        case NotTaken():
            return "not_taken"
        case Rejected():
            return "rejected"
        case _:
            assert_never(outcome)


def _moved(record: RequestRecord, trigger: Trigger, reason: str, now: datetime) -> RequestMoved:
    state = next_state(record.state, trigger, record.resource)
    return RequestMoved(at=now, request=record.request, state=state, reason=reason)


def _is_due(record: RequestRecord, control: FeederControl, memory: Memory, now: datetime) -> bool:
    rules = control.site.requests
    if record.sent_sequence < record.sequence:
        return True
    if record.resource == "person" or record.sent_at is None:
        return False
    if now - record.sent_at < timedelta(seconds=rules.answer_within_s):
        return False
    if record.releasing:
        return unconfirmed(record, memory, now)
    answered = memory.acknowledged.get(record.request, 0) >= record.sequence
    holds = memory.not_held.get(record.request, 0) < NOT_HELD_CYCLES
    return not (answered and holds) and record.attempts < rules.attempts


def _gate_passes(record: RequestRecord, gatekeeper: Gatekeeper) -> bool:
    """The budgets were charged when it was planned."""
    planned = record.planned
    return gatekeeper.passes(
        record.request,
        record.resource,
        planned.target,
        "release" if record.releasing else "renewed",
        limit_kw=record.limit_kw,
        start=planned.start,
        end=record.end,
        epoch=gatekeeper.epoch,
        direction=planned.direction,
    )


def _message(control: FeederControl, record: RequestRecord, epoch: int) -> Outbound:
    planned = record.planned
    if record.resource == "person":
        return notice_of(control, record)
    return LimitCommand(
        feeder=planned.feeder,
        device=planned.target,
        request=record.request,
        limit_kw=record.limit_kw,
        start=planned.start,
        end=record.end,
        epoch=epoch,
        sequence=record.sequence,
        direction=planned.direction,
    )


def releases_of(
    entries: Iterable[Entry], books: Books, controls: Mapping[str, FeederControl], epoch: int
) -> list[Sending]:
    """The releases among entries that could not be journaled: letting go is the one thing that goes out then
    (C20).
    """
    sendings = []
    for entry in entries:
        record = books.requests.get(entry.request) if isinstance(entry, RequestChanged) else None
        if isinstance(entry, RequestChanged) and entry.reason in FREEING and record is not None:
            planned = record.planned
            if record.resource == "person" and is_quiet_for(
                controls[planned.feeder], planned.target, entry.at
            ):
                continue
            freed = replace(record, sequence=entry.sequence, end=entry.end, releasing=True)
            message = _message(controls[planned.feeder], freed, epoch)
            sendings.append(Sending(freed.request, freed.sequence, 1, True, message))
    return sendings


def gatekeeper_for_sending(
    control: FeederControl, books: Books, *, epoch: int, good: bool, now: datetime
) -> Gatekeeper:
    """A gatekeeper whose budgets are open: what was planned was counted then."""
    event = books.open_event(control.feeder)
    return Gatekeeper(
        control=control,
        books=books,
        now=now,
        epoch=epoch,
        event_ends_by=None if event is None else Turn(now, 0).ends_by(control.site.events),
        data_good=good,
        feeder_budget_kw=float("inf"),
        fleet_budget_kw=float("inf"),
        knows_orders=True,
        read_turns=dict
        if event is None
        else partial(turns_of, books, control.feeder, event.event, event.opened.at),
    )
