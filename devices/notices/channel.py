"""Words to people over all ways of a site [6]: a `devices.ports.NoticeChannel`.

A word goes out over the first way that takes it, or over all of them, as the site has it. It counts as told
once one way took it; what the others did not take then is tried again here (`second_tries.py`), because
whoever sent it must know at once that the person was told. When none took it, the sender is told whether it
is worth another try, and each way that took a word before is left out of that.

Exactly once, as far as the wire allows: a sending that outlives its deadline goes on, is waited for by the
next try and never doubled; what was taken is remembered here and, over a restart, by the address book.
Where the program dies between a server's yes and the note of it, the same word goes out once more.

Consent, address and rate are looked up for each try, so that an opt-out counts at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from devices.errors import CommandRejected, DeviceError, Unreachable
from devices.messages import CustomerNotice
from devices.notices.addresses import AddressBook, Asking, Reach, TakenFor
from devices.notices.group_calls import GroupCalls
from devices.notices.memory import Memory
from devices.notices.rate_limit import NO_LIMIT, RateLimit
from devices.notices.rendering import Rendered, Writing, render
from devices.notices.second_tries import SecondTries, is_over
from devices.notices.sending_threads import SendingThreads
from devices.notices.ways import Refused, Way, ways_for
from devices.notices.words import (
    REFUSALS,
    DeliveryReport,
    Refusal,
    Result,
    Taken,
    WordDelayed,
    WordKey,
    WordRefused,
    key_of,
)
from devices.ports import Clock, Deliver, NoticeChannel

HandOver = Callable[[Way, Reach, Rendered, float], Result]
"""Sends one word and blocks, each wait on the network for so many seconds at most; never raises.
`apprise_wire.hand_over` is the one in use.
"""
PATIENCE = 4.0
"""Times the deadline: a sending goes on that long. A server that was slow to say yes has the word all the
same, and whoever hung up on it would send it twice."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a site tells its people."""

    ways: tuple[Way, ...]
    """in the order in which they are tried"""
    reaches: Literal["first", "all"] = "first"
    """the first way that takes a word, or all"""
    limit: RateLimit = NO_LIMIT
    """of words to one person, over all ways"""
    deadline_s: float = 8.0
    """for one way to take one word"""


@dataclass(frozen=True, slots=True)
class _Word:
    """One word on its way to one person."""

    notice: CustomerNotice
    key: WordKey
    reach: Reach
    rendered: Rendered


_Going = tuple[str, str, WordKey]
"""customer, way, word"""


class NoticeChannels:
    """NoticeChannel and, for the second tries, TelemetrySource. All calls are on the loop's thread."""

    def __init__(
        self,
        rules: Rules,
        book: AddressBook,
        writing: Writing,
        clock: Clock,
        *,
        hand_over: HandOver,
        app: NoticeChannel | None = None,
        wire_clock: Clock | None = None,
    ) -> None:
        """`app` carries a notice as it is, to those with an app. `wire_clock` is for waits on the network,
        when `clock` does not run at real speed.
        """
        self._rules, self._writing, self._clock, self._app = rules, writing, clock, app
        self._wire_clock, self._hand_over = wire_clock or clock, hand_over
        self._memory = Memory()
        self._reach = GroupCalls("find addresses", book.reach, asyncio.to_thread)
        self._note = GroupCalls("note what was told", partial(_noted, book), asyncio.to_thread)
        self._threads = {way.name: SendingThreads(way.name, way.most_at_once) for way in rules.ways}
        self._going: dict[_Going, asyncio.Future[Result]] = {}
        self._noting: dict[_Going, asyncio.Task[None]] = {}
        self._again = SecondTries(self._wire_clock)

    @property
    def reports_dropped(self) -> int:
        """Reports that nobody fetched in time."""
        return self._memory.reports_dropped

    def reports(self) -> Sequence[DeliveryReport]:
        """See `devices.notices.words.ReportsDeliveries`."""
        return self._memory.reports()

    async def run(self, deliver: Deliver) -> None:
        """Make the second tries until cancelled. Nothing comes in this way."""
        del deliver
        await self._again.run(self._second_try)

    async def notify(self, notice: CustomerNotice) -> None:
        """See `devices.ports.NoticeChannel`. The errors are `WordDelayed` and `WordRefused`: fixed words."""
        word = await self._look_up(notice)
        results: dict[Way, Result] = {}
        wanted: list[Way] = []
        for way in self._ways(word):
            if isinstance(way, Refused):
                results[way.way] = way.why
                self._report(word.key, way.way, way.why)
            else:
                wanted.append(way)
        if self._rules.reaches == "all":
            results |= dict(zip(wanted, await self._all(word, wanted), strict=True))
        else:
            for way in wanted:
                results[way] = await self._try(word, way)
                if results[way] == "taken":
                    break
        self._judge(word, results)

    def _ways(self, word: _Word) -> list[Way | Refused]:
        now = self._clock.now()
        return list(ways_for(self._rules.ways, word.reach, word.key, self._rules.limit, now))

    async def _look_up(self, notice: CustomerNotice) -> _Word:
        now, key = self._clock.now(), key_of(notice)
        try:
            async with self._wire_clock.timeout(self._rules.deadline_s):
                held = await self._reach.ask(Asking(notice.customer, key, now))
        except (DeviceError, TimeoutError):
            raise WordDelayed("contacts_unavailable") from None
        except Exception:  # noqa: BLE001  what it says may be from a row of the book
            raise WordDelayed("fault") from None
        reach = self._memory.within(held)
        return _Word(notice, key, reach, render(notice, reach, self._writing, now))

    async def _all(self, word: _Word, ways: Sequence[Way]) -> list[Result]:
        async with asyncio.TaskGroup() as tasks:
            tries = [tasks.create_task(self._try(word, way), name=f"notice by {way.name}") for way in ways]
        return [one.result() for one in tries]

    async def _try(self, word: _Word, way: Way) -> Result:
        if any(one.way == way.name and one.word == word.key for one in word.reach.taken):
            return "taken"
        if way.style == "app":
            result = await self._by_app(word.notice)
            if result == "taken":
                self._taken(word.notice.customer, way, word.key)
        else:
            result = await self._by_thread(word, way)
        self._report(word.key, way, result)
        noting = self._noting.get((word.notice.customer, way.name, word.key))
        if noting is not None:
            await asyncio.shield(noting)
        return result

    async def _by_app(self, notice: CustomerNotice) -> Result:
        if self._app is None:
            return "no_way"
        try:
            async with self._wire_clock.timeout(self._rules.deadline_s):
                await self._app.notify(notice)
        except TimeoutError:
            return "timeout"
        except Unreachable:
            return "unreachable"
        except CommandRejected:
            return "refused"
        return "taken"

    async def _by_thread(self, word: _Word, way: Way) -> Result:
        """By a thread of the way; one that is still busy with this word is waited for."""
        key: _Going = (word.notice.customer, way.name, word.key)
        began = key in self._going
        try:
            async with self._wire_clock.timeout(self._rules.deadline_s):
                if key not in self._going:
                    patience_s = self._rules.deadline_s * PATIENCE
                    send = partial(self._hand_over, way, word.reach, word.rendered, patience_s)
                    self._going[key] = await self._threads[way.name].run(
                        send, partial(self._over, key, way, word.key)
                    )
                    began = True
                return await asyncio.shield(self._going[key])
        except TimeoutError:
            return "timeout" if began else "busy"

    def _over(self, key: _Going, way: Way, word: WordKey, result: Result) -> None:
        """A sending came to its end, perhaps long after anybody waited for it."""
        self._going.pop(key, None)
        if result == "taken":
            self._taken(key[0], way, word)
            self._report(word, way, result)

    def _taken(self, customer: str, way: Way, word: WordKey) -> None:
        taken = Taken(way.name, word, self._clock.now())
        self._memory.add(customer, taken)
        key: _Going = (customer, way.name, word)
        noting = asyncio.create_task(self._keep(TakenFor(customer, taken)), name=f"note {way.name}")
        self._noting[key] = noting
        noting.add_done_callback(lambda _: self._noting.pop(key, None))

    async def _keep(self, taken: TakenFor) -> None:
        with suppress(Exception):  # this process remembers it in any case
            async with self._wire_clock.timeout(self._rules.deadline_s):
                await self._note.ask(taken)

    def _report(self, word: WordKey, way: Way, result: Result) -> None:
        self._memory.report(self._clock.now(), word, way.name, result)

    def _judge(self, word: _Word, results: dict[Way, Result]) -> None:
        """Tell the sender what the word came to."""
        told = list(results.values())
        delays = [result for result in told if result != "taken" and result not in REFUSALS]
        if "taken" in told:
            if self._rules.reaches == "all":
                for way, result in results.items():
                    if result in delays:
                        self._again.add(word.notice, way.name, self._clock.now())
            return
        if delays:
            raise WordDelayed(delays[0])  # type: ignore[arg-type]
        refusals: list[Refusal] = [result for result in told if result in REFUSALS]  # type: ignore[misc]
        raise WordRefused(_weightiest(refusals))

    async def _second_try(self, notice: CustomerNotice, way_name: str) -> bool:
        """Whether nothing more is to be tried. Raises nothing."""
        if is_over(notice, self._clock.now()):
            return True
        try:
            word = await self._look_up(notice)
        except WordDelayed:
            return False
        for way in self._ways(word):
            if isinstance(way, Refused):
                if way.way.name == way_name:
                    self._report(word.key, way.way, way.why)
            elif way.name == way_name:
                result = await self._try(word, way)
                return result == "taken" or result in REFUSALS
        return True


_WEIGHT: tuple[Refusal, ...] = (
    "opted_out", "ended", "rate_limited", "no_consent", "refused", "too_long", "no_address", "no_way",
)  # fmt: skip
"""which of several reasons says most about the person"""


def _weightiest(refusals: Sequence[Refusal]) -> Refusal:
    return min(refusals, key=_WEIGHT.index, default="no_way")


def _noted(book: AddressBook, taken: Sequence[TakenFor]) -> Sequence[None]:
    book.note(taken)
    return [None] * len(taken)
