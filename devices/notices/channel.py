"""Words to people over all ways of a site [6]: a `devices.ports.NoticeChannel`.

A word goes out over the first way that takes it, or over all of them, as the site has it. An app is told
beside: that a broker took a word says nothing of anybody who reads it. A word counts as told once one way
took it; what the others did not take then is tried again here (`second_tries.py`), because whoever sent it
must know at once that the person was told. When none took it, the sender is told whether it is worth another
try, and each way that took a word before is left out of that.

Exactly once, as far as the wire allows: `sendings.py` doubles none that is under way; what was taken is
remembered here and, over a restart, by the address book. Where the program dies between a server's yes and
the note of it, the same word goes out once more.

Consent, address and rate are looked up for each try, so that an opt-out counts at once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from devices.errors import CommandRejected, DeviceError, Unreachable
from devices.messages import CustomerNotice
from devices.notices.addresses import AddressBook, Asking, Reach, TakenFor
from devices.notices.group_calls import GroupCalls
from devices.notices.memory import Memory
from devices.notices.noting import Noting
from devices.notices.rate_limit import NO_LIMIT, RateLimit
from devices.notices.rendering import Writing, render
from devices.notices.second_tries import SecondTries, is_over
from devices.notices.sendings import HandOver, Sendings, Word
from devices.notices.under_way import UnderWay
from devices.notices.ways import Way, refusal, ways_in_order
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
    weightiest,
)
from devices.ports import Clock, Deliver, NoticeChannel

IsQuiet = Callable[[str, datetime], bool]
"""Whether a customer gets no word at this time"""


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
        is_quiet: IsQuiet = lambda _customer, _at: False,
    ) -> None:
        """`app` carries a notice as it is, to those with an app. `wire_clock` is for waits on the network,
        when `clock` does not run at real speed. `is_quiet` is asked for second tries alone: for a first one
        it is the sender's subject.
        """
        self._rules, self._writing, self._clock, self._app = rules, writing, clock, app
        self._wire_clock, self._is_quiet = wire_clock or clock, is_quiet
        self._memory, self._under_way = Memory(), UnderWay()
        self._reach = GroupCalls("find addresses", book.reach, asyncio.to_thread)
        self._noting = Noting(book, self._wire_clock, rules.deadline_s)
        self._sendings = Sendings(rules.ways, hand_over, self._wire_clock, rules.deadline_s, self._under_way)
        self._again = SecondTries(self._wire_clock)
        self._apps = frozenset(way.name for way in rules.ways if way.style == "app")

    def reports(self) -> Sequence[DeliveryReport]:
        """See `devices.notices.words.ReportsDeliveries`."""
        return self._memory.reports()

    async def run(self, deliver: Deliver) -> None:
        """Make the second tries until cancelled, then note what was told. Nothing comes in this way."""
        del deliver
        try:
            await self._again.run(self._second_try)
        finally:
            await self._noting.stop()

    async def notify(self, notice: CustomerNotice) -> None:
        """See `devices.ports.NoticeChannel`. The errors are `WordDelayed` and `WordRefused`: fixed words."""
        self._memory.spoken(key_of(notice))
        word = await self._look_up(notice)
        ways = self._in_order(word)
        at_once = self._rules.reaches == "all"
        results = await (self._all(word, ways) if at_once else self._in_turn(word, ways))
        self._judge(word, results)

    async def _look_up(self, notice: CustomerNotice) -> Word:
        now, key = self._clock.now(), key_of(notice)
        try:
            async with self._wire_clock.timeout(self._rules.deadline_s):
                reach = await self._reach.ask(Asking(notice.customer, key, now))
        except (DeviceError, TimeoutError):
            raise WordDelayed("contacts_unavailable") from None
        except Exception:  # noqa: BLE001  what it says may be from a row of the book
            raise WordDelayed("fault") from None
        return Word(notice, key, reach, render(notice, reach, self._writing, now))

    async def _in_turn(self, word: Word, ways: Sequence[Way]) -> dict[Way, Result]:
        """As long as others are wanted; none where it was told before, perhaps before a restart."""
        results: dict[Way, Result] = {}
        for way in ways:
            if not self._is_wanted(word):
                break
            why = self._refusal(word, way)
            results[way] = await self._try(word, way) if why is None else why
        return results

    async def _all(self, word: Word, meant: Sequence[Way]) -> dict[Way, Result]:
        found = {way: self._refusal(word, way) for way in meant}
        ways = [way for way, why in found.items() if why is None]
        refused: dict[Way, Result] = {way: why for way, why in found.items() if why is not None}
        with self._under_way.trying(word.customer, word.key, [way.name for way in ways]):
            async with asyncio.TaskGroup() as tasks:
                tries = [
                    tasks.create_task(self._try(word, way), name=f"notice by {way.name}") for way in ways
                ]
        return refused | {way: one.result() for way, one in zip(ways, tries, strict=True)}

    def _in_order(self, word: Word) -> list[Way]:
        return ways_in_order(self._rules.ways, self._reach_now(word), word.key)

    def _reach_now(self, word: Word) -> Reach:
        """With what was taken since it was looked up."""
        return self._memory.within(word.reach)

    def _told_by(self, word: Word) -> frozenset[str]:
        """The ways that took it, as far as anybody knows by now."""
        return frozenset(one.way for one in self._reach_now(word).taken if one.word == word.key)

    def _refusal(self, word: Word, way: Way) -> Refusal | None:
        """Why not by this way, which is reported then. Whoever tries it begins at once: until then nobody
        counts it.
        """
        if way.name in self._told_by(word):
            return None
        now, reach = self._clock.now(), self._reach_now(word)
        counted = replace(reach, taken=(*reach.taken, *self._under_way.of(word.customer, now)))
        why = refusal(way, counted, word.key, self._rules.limit, now)
        if why is not None:
            self._report(word.key, way, why)
        return why

    async def _try(self, word: Word, way: Way) -> Result:
        if way.name in self._told_by(word):
            return "taken"
        with self._under_way.trying(word.customer, word.key, [way.name]):
            if way.style == "app":
                result = await self._by_app(word.notice)
                if result == "taken":
                    self._taken(word, way)
            else:
                result = await self._sendings.send(word, way, self._was_taken, self._over)
        self._report(word.key, way, result)
        await self._noting.wait(word.customer, way.name, word.key)
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

    def _was_taken(self, word: Word, way: Way) -> bool:
        return way.name in self._told_by(word)

    def _over(self, word: Word, way: Way, result: Result) -> None:
        """See `sendings.Over`."""
        if result == "taken":
            self._taken(word, way)
            self._report(word.key, way, result)

    def _taken(self, word: Word, way: Way) -> None:
        taken = Taken(way.name, word.key, self._clock.now())
        self._memory.add(word.customer, taken)
        self._noting.begin(TakenFor(word.customer, taken))

    def _report(self, word: WordKey, way: Way, result: Result) -> None:
        self._memory.report(self._clock.now(), word, way.name, result)

    def _judge(self, word: Word, results: dict[Way, Result]) -> None:
        """Tell the sender what the word came to, and keep what is to be tried again."""
        delayed = _delayed(results)
        if self._told_by(word):
            if self._is_wanted(word):
                for way in list(delayed)[: None if self._rules.reaches == "all" else 1]:
                    self._again.add(word.notice, way.name, self._clock.now())
        elif delayed:
            raise WordDelayed(next(iter(delayed.values())))  # type: ignore[arg-type]
        else:
            refusals: list[Refusal] = [one for one in results.values() if one in REFUSALS]  # type: ignore[misc]
            raise WordRefused(weightiest(refusals))

    def _is_wanted(self, word: Word) -> bool:
        """Whether ways that have not got it are of use, though some may have: an app is not enough."""
        return self._rules.reaches == "all" or self._told_by(word) <= self._apps

    async def _second_try(self, notice: CustomerNotice, way_name: str) -> bool:
        """Whether nothing more is to be tried. Raises nothing. Where one way is enough, the others follow in
        turn.
        """
        now = self._clock.now()
        if is_over(notice, now):
            return True
        if self._is_quiet(notice.customer, now):
            return False
        try:
            word = await self._look_up(notice)
        except WordDelayed:
            return False
        if self._is_overtaken(word):
            return True
        only = [way for way in self._in_order(word) if way.name == way_name or self._rules.reaches == "first"]
        results = await self._in_turn(word, only)
        return not (_delayed(results) and self._is_wanted(word))

    def _is_overtaken(self, word: Word) -> bool:
        """Whether it would contradict what was said since: it may have been taken back."""
        ends = word.key.kind in ("notice", "follow_up")
        return ends and self._memory.is_overtaken(word.key, self._reach_now(word).taken)


def _delayed(results: Mapping[Way, Result]) -> dict[Way, Result]:
    """Those that may take it later."""
    return {way: result for way, result in results.items() if result != "taken" and result not in REFUSALS}
