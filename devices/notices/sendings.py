"""Sends words by threads, the same word by the same way to the same person once at a time.

A sending that outlives its deadline goes on and is waited for by the next try, never doubled.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from devices.messages import CustomerNotice
from devices.notices.addresses import Reach
from devices.notices.rendering import Rendered
from devices.notices.sending_threads import SendingThreads
from devices.notices.under_way import UnderWay
from devices.notices.ways import Way
from devices.notices.words import Result, WordKey
from devices.ports import Clock

HandOver = Callable[[Way, Reach, Rendered, float], Result]
"""Sends one word and blocks, each wait on the network for so many seconds at most; never raises.
`apprise_wire.hand_over` is the one in use.
"""
PATIENCE = 4.0
"""Times the deadline: a sending goes on that long. A server that was slow to say yes has the word all the
same, and whoever hung up on it would send it twice."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word on its way to one person."""

    notice: CustomerNotice
    key: WordKey
    reach: Reach
    rendered: Rendered = field(repr=False)

    @property
    def customer(self) -> str:
        """Whom it is for."""
        return self.notice.customer


Over = Callable[[Word, Way, Result], None]
"""A sending came to its end, perhaps long after anybody waited for it."""
WasTaken = Callable[[Word, Way], bool]
_Going = tuple[str, str, WordKey]
"""customer, way, word"""


class Sendings:
    """Of all ways of a site that are no app. All calls are on the loop's thread."""

    def __init__(
        self, ways: Sequence[Way], hand_over: HandOver, clock: Clock, deadline_s: float, under_way: UnderWay
    ) -> None:
        """`clock` is for waits on the network, `deadline_s` for one way to take one word."""
        self._hand_over, self._clock, self._deadline_s = hand_over, clock, deadline_s
        self._under_way = under_way
        self._threads = {way.name: SendingThreads(way.name, way.most_at_once) for way in ways}
        self._going: dict[_Going, asyncio.Future[Result]] = {}

    async def send(self, word: Word, way: Way, was_taken: WasTaken, over: Over) -> Result:
        """By a thread of the way; one that is still busy with this word is waited for. `was_taken` is asked
        once there is a place: another try of the same word may have come first.
        """
        key: _Going = (word.customer, way.name, word.key)
        began = key in self._going
        try:
            async with self._clock.timeout(self._deadline_s):
                if not began:
                    await self._threads[way.name].place()
                    if key in self._going or was_taken(word, way):
                        self._threads[way.name].leave()
                    elif not self._begin(key, word, way, over):
                        return "busy"
                began = True
                going = self._going.get(key)
                return "taken" if going is None else await asyncio.shield(going)
        except TimeoutError:
            return "timeout" if began else "busy"

    def _begin(self, key: _Going, word: Word, way: Way, over: Over) -> bool:
        told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def end(result: Result) -> None:
            del self._going[key]
            self._under_way.end(word.customer, word.key, way.name)
            over(word, way, result)
            told.set_result(result)

        send = partial(self._hand_over, way, word.reach, word.rendered, self._deadline_s * PATIENCE)
        if not self._threads[way.name].begin(send, end):
            return False
        self._going[key] = told
        self._under_way.begin(word.customer, word.key, way.name)
        return True
