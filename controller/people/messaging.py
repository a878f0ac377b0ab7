"""[6, 8] Plans further words to people and hands them to their channel: the shell around `messages_due`.

A word is in the journal before it goes out, and goes out at least once: after a crash between the two it is
still waiting in the books. At most `CONCURRENT` are under way, each with a deadline; what the channel did not
take is tried again after a growing pause, and given up once it is too late to be of use. While the journal
cannot be written nothing is planned and nothing begins to go out.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from controller.bookkeeping import Bookkeeper
from controller.channel_faults import fault_word, refusal, shortened
from controller.entries import Entry, MessageDone, MessagePlanned, NoticeDelivered
from controller.feeder_control import FeederControl
from controller.people.call_rules import is_quiet_for
from controller.people.late_words import taken_too_late
from controller.people.messages_due import TOLD_WITHIN, MeterShows, messages_due
from controller.people.notice_messages import further_word
from controller.requests import RequestRecord
from controller.stores.port import StoreUnavailable
from devices.messages import CustomerNotice
from devices.notices.words import ReportsDeliveries
from devices.ports import Clock, NoticeChannel

CONCURRENT = 16
LONGEST_PAUSE_S = 300.0
MOST_REPORTS = 20_000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Tries:
    """How often a word was not taken, and when last."""

    count: int
    at: datetime


class Messaging:
    """Owns the words that are under way. All calls are on the loop's thread."""

    def __init__(
        self,
        keeper: Bookkeeper,
        controls: Mapping[str, FeederControl],
        channel: NoticeChannel,
        clock: Clock,
        *,
        shows: MeterShows,
        deadline_s: float,
    ) -> None:
        """`shows`: what a request's meter shows now. `deadline_s`: for the channel to take one word."""
        self._keeper, self._controls, self._channel, self._clock = keeper, controls, channel, clock
        self._shows, self._deadline_s = shows, deadline_s
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, MessageDone] = {}
        """what came of words, not in the journal yet"""
        self._tries: dict[str, _Tries] = {}
        self._reports = channel.reports if isinstance(channel, ReportsDeliveries) else tuple
        self._delivered: list[NoticeDelivered] = []
        """what the channel reported, not in the journal yet"""

    async def round(self, now: datetime) -> None:
        """Note what came of words, take back what came too late, plan new ones and begin to send. To be
        called under the round's turn; it waits for no channel. For who gets no word at night it waits until
        morning. Raises what nobody can go on after: Replaced, BooksBroken.
        """
        done = dict(self._done)
        delivered = self._take_reports()
        books = self._keeper.books
        entries: list[Entry] = [*delivered, *taken_too_late(delivered, books, now), *done.values()]
        for control in self._controls.values():
            entries += messages_due(control, books, self._shows, now)
        try:
            await self._keeper.write(entries)
        except StoreUnavailable:
            return  # all are due again in the next round
        del self._delivered[: len(delivered)]
        for message in done:
            self._done.pop(message, None)
            self._tries.pop(message, None)
        if self._keeper.store_fault is None:
            await self._start(now)

    def _take_reports(self) -> tuple[NoticeDelivered, ...]:
        """What came of words since the last round, and what could not be journaled then. Of more than
        `MOST_REPORTS` the oldest are dropped: a journal that cannot be written must not fill the memory.
        """
        self._delivered += (
            NoticeDelivered(
                at=report.at,
                request=report.word.request,
                kind=report.word.kind,
                sequence=report.word.sequence,
                channel=report.way,
                result=report.result,
            )
            for report in self._reports()
        )
        del self._delivered[:-MOST_REPORTS]
        return tuple(self._delivered)

    async def stop(self) -> None:
        """Cancel what is under way and wait for it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, now: datetime) -> None:
        waiting = [m for m in self._keeper.books.messages_waiting() if self._may_try(m, now)]
        if not waiting:
            return
        await self._keeper.check_epoch()
        for planned in waiting[: CONCURRENT - len(self._under_way)]:
            notice = self._compose(planned, now)
            if notice is not None:
                task = asyncio.create_task(
                    self._send(planned.message, notice), name=f"tell {planned.message}"
                )
                self._under_way[planned.message] = task
                # not in a `finally` of the task: one that is cancelled before its first step never gets there
                task.add_done_callback(partial(self._over, planned.message))

    def _may_try(self, planned: MessagePlanned, now: datetime) -> bool:
        if planned.message in self._under_way or planned.message in self._done:
            return False
        if self._is_quiet(planned, now):
            return False
        tries = self._tries.get(planned.message)
        if tries is None:
            return True
        return now - tries.at >= timedelta(seconds=min(2.0 ** (tries.count - 1), LONGEST_PAUSE_S))

    def _is_quiet(self, planned: MessagePlanned, now: datetime) -> bool:
        """Whether it is night for its customer, and the word is still of use later."""
        record = self._keeper.books.requests.get(planned.request)
        control = None if record is None else self._controls.get(record.planned.feeder)
        if record is None or control is None or _is_too_late(planned, record, now):
            return False
        return is_quiet_for(control, planned.customer, now)

    def _compose(self, planned: MessagePlanned, now: datetime) -> CustomerNotice | None:
        """The word as it goes out; None, and given up, when it is of no use any more."""
        record = self._keeper.books.requests.get(planned.request)
        control = None if record is None else self._controls.get(record.planned.feeder)
        notice = reason = None
        if record is None or control is None:
            reason = "its request is not known any more"
        elif _is_too_late(planned, record, now):
            reason = "it could not be sent in time"
        else:
            notice = further_word(control, record, planned)
            reason = "its customer is not known any more" if notice is None else None
        if reason is not None:
            self._note(planned.message, "given_up", reason)
        return notice

    async def _send(self, message: str, notice: CustomerNotice) -> None:
        try:
            async with self._clock.timeout(self._deadline_s):
                await self._channel.notify(notice)
        except Exception as error:
            word = fault_word(error)
            if word == "fault":
                log.exception("channel_failed", message=message)
            if word == "rejected":
                log.warning("word_rejected", message=message, text=shortened(error))
                self._note(message, "given_up", refusal(error))
            else:
                self._again(message, word, shortened(error))
        else:
            self._note(message, "sent", "the next hop took it")

    def _over(self, message: str, _: asyncio.Task[None]) -> None:
        self._under_way.pop(message, None)

    def _again(self, message: str, reason: str, text: str) -> None:
        before = self._tries.get(message)
        count = 1 if before is None else before.count + 1
        self._tries[message] = _Tries(count, self._clock.now())
        if count == 1:
            log.warning("word_not_sent", message=message, reason=reason, text=text)

    def _note(self, message: str, outcome: str, reason: str) -> None:
        self._done[message] = MessageDone(
            at=self._clock.now(),
            message=message,
            outcome="sent" if outcome == "sent" else "given_up",
            reason=reason,
        )


def _is_too_late(planned: MessagePlanned, record: RequestRecord, now: datetime) -> bool:
    """A reminder is of use while its request runs, thanks for a day."""
    if planned.kind == "follow_up":
        return not record.is_open or now >= record.end
    return now - planned.at > TOLD_WITHIN
