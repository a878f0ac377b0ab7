"""Takes what people answer to their notices, by link or for them by an operator. Part of the shell.

An answer is journaled, and counts, under the same turn as a round and an operator's action. A no ends the
request by the table of `requests.py` (one that was planned or sent is refused, one in force has ended: what
was given until then counts); a yes is noted, which a programme with `opt_in` needs before the request begins.
Giving the same answer again changes nothing. Knows no HTTP; whoever holds a token learns about its own
request and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import structlog

from controller.bookkeeping import Bookkeeper
from controller.entries import Entry, NoticeAnswered, RequestMoved
from controller.feeder_control import FeederControl
from controller.people.call_rules import programme_of
from controller.people.notice_messages import asked_text
from controller.requests import RequestRecord, next_state
from customers.consent_links import Choice, ConsentLinks
from customers.notices import LANGUAGES
from devices.ports import Clock

Via = Literal["link", "api"]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Noted:
    """The answer counts."""

    record: RequestRecord
    answer: Choice
    again: bool
    """it was given before"""


@dataclass(frozen=True, slots=True)
class TooLate:
    """The request is over, or was ended by an answer before, or has begun without a yes: nothing changes."""

    record: RequestRecord | None
    """None when it is so long ago that nothing is known of it"""


@dataclass(frozen=True, slots=True)
class NoNotice:
    """There is no notice of this name."""


Outcome = Noted | TooLate | NoNotice


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a token is about, for the page that asks for the answer."""

    request: str
    answer: Choice
    language: str
    text: str
    """what was asked; empty when nothing is known of it any more"""
    open: bool
    """an answer still changes something"""
    begun: bool
    """it is in force, so that it is too late to join"""
    consent: Choice | None
    """what was answered last"""
    other_link: str
    """by which the other answer is given"""
    needs_yes: bool
    """without a yes it earns nothing"""


class PeopleDesk:
    """The one place where answers to notices become entries."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        controls: Mapping[str, FeederControl],
        links: ConsentLinks | None,
        *,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`turn` is that of the rounds. `ready` returns once the journal was read."""
        self._keeper, self._turn, self._clock = keeper, turn, clock
        self._controls, self._links, self._ready = controls, links, ready

    async def look(self, token: str) -> Invitation | None:
        """What a token is about; None when it is none of ours."""
        consent = None if self._links is None else self._links.key.open(token)
        if consent is None or self._links is None:
            return None
        await self._started()
        record = self._keeper.books.requests.get(consent.request)
        other: Choice = "opted_in" if consent.answer == "opted_out" else "opted_out"
        control = None if record is None else self._controls.get(record.planned.feeder)
        customer = None if record is None or control is None else control.customer.get(record.planned.target)
        text, needs_yes = "", False
        if record is not None and control is not None and customer is not None:
            unlinked = replace(control, links=None)  # the page has buttons
            text = asked_text(unlinked, customer, replace(record, releasing=False))
            needs_yes = programme_of(control, record.planned.programme).answer == "opt_in"
        return Invitation(
            request=consent.request,
            answer=consent.answer,
            language=LANGUAGES[0] if customer is None else customer.language,
            text=text,
            open=record is not None and self._may_answer(record, consent.answer),
            begun=record is not None and record.is_open and record.active_at is not None,
            consent=None if record is None else record.consent,
            other_link=self._links.link(consent.request, other, consent.end),
            needs_yes=needs_yes,
        )

    async def feeder_of(self, request: str) -> str | None:
        """Whose customer a notice asked; None when there is no such notice."""
        await self._started()
        record = self._keeper.books.requests.get(request)
        return None if record is None else record.planned.feeder

    async def answer_by_token(self, token: str) -> Outcome:
        """Take the answer that a token stands for. Raises StoreUnavailable, having changed nothing."""
        consent = None if self._links is None else self._links.key.open(token)
        if consent is None:
            return NoNotice()
        outcome = await self.answer(consent.request, consent.answer, "link", by=consent.end)
        return TooLate(None) if isinstance(outcome, NoNotice) else outcome

    async def answer(self, request: str, answer: Choice, via: Via, *, by: datetime | None = None) -> Outcome:
        """Take an answer to a notice that was given `by` this time. Raises StoreUnavailable, having changed
        nothing.
        """
        await self._started()
        async with self._turn:
            record = self._keeper.books.requests.get(request)
            if record is None or record.resource != "person":
                return NoNotice()
            if record.consent == answer:
                return Noted(record, answer, again=True)
            if not self._may_answer(record, answer) or (by is not None and self._clock.now() >= by):
                return TooLate(record)
            await self._keeper.write(self._entries(record, answer, via))
            log.info("notice_answered", request=request, answer=answer, via=via)
            return Noted(self._keeper.books.requests[request], answer, again=False)

    def _may_answer(self, record: RequestRecord, answer: Choice) -> bool:
        """A yes comes before it begins: what others are credited for then has been shared out without it."""
        if record.consent == answer:
            return True
        open_ = record.is_open and self._clock.now() < record.end
        return open_ and (answer == "opted_out" or record.active_at is None)

    def _entries(self, record: RequestRecord, answer: Choice, via: Via) -> tuple[Entry, ...]:
        now = self._clock.now()
        answered = NoticeAnswered(at=now, request=record.request, answer=answer, via=via)
        if answer == "opted_in":
            return (answered,)
        state = next_state(record.state, "refused", record.resource)
        moved = RequestMoved(at=now, request=record.request, state=state, reason="the customer said no")
        return answered, moved

    async def _started(self) -> None:
        if self._ready is not None:
            await self._ready()
