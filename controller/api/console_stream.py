"""The console's stream: one for each page, with everything that the page follows.

Events: `overview` (rows of all feeders, then those that changed), `feeder` (one feeder in columns, where one
is followed), `told` (sentences of the journal), further topics (such as alarms) as a whole, and `alive` when
nothing else is told. The rule for a full queue is that of `stream.py`: marks, and events made when they are
sent. Each event's id says where one stands, and who comes again with it misses no sentence and no point of
the trend.
"""

import asyncio
from collections.abc import AsyncIterator

from controller.api.stream_blocks import Blocks
from controller.api.stream_place import FeederPlace, StreamPlace, place_text
from devices.ports import Clock

KEEPALIVE_S = 15.0
APART_S = 0.25
"""People read no faster; a site on quick time has many more cycles than that."""
ALIVE = b"event: alive\ndata: {}\n\n"
OVERVIEW, FEEDER, TOLD = "overview", "feeder", "told"


class ConsoleSubscriber:
    """One open page: what is new for it, and where it stands."""

    def __init__(self, blocks: Blocks, feeder: str | None, place: StreamPlace, clock: Clock) -> None:
        """`place` is what its last stream told it."""
        self._blocks, self._feeder, self._clock = blocks, feeder, clock
        self._told = place.told
        self._followed = FeederPlace(None, place.trend_us)
        self._board: int | None = None
        self._topics: dict[str, int] = {}
        self._news: dict[str, None] = dict.fromkeys((OVERVIEW, FEEDER, TOLD, *blocks.topics))
        self._wake = asyncio.Event()
        self._wake.set()
        self._closed = asyncio.Event()

    def mark(self, feeder: str) -> None:
        """Note that a feeder has had a cycle."""
        self.mark_topic(OVERVIEW)
        if feeder == self._feeder:
            self.mark_topic(FEEDER)

    def mark_topic(self, topic: str) -> None:
        """Note that there is news of a kind; a second note changes nothing."""
        self._news[topic] = None
        self._wake.set()

    def close(self) -> None:
        """End the stream soon."""
        self._closed.set()
        self._wake.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The stream's bytes until it is closed."""
        yield b"retry: 2000\n\n"
        while True:
            try:
                async with self._clock.timeout(KEEPALIVE_S):
                    await self._wake.wait()
            except TimeoutError:
                yield self._identified(ALIVE)
                self.mark_topic(OVERVIEW)  # a feeder may have fallen silent
            if self._closed.is_set():
                return
            self._wake.clear()
            news, self._news = self._news, {}
            told = b"".join(self._identified(block) for topic in news if (block := self._block(topic)))
            if told:
                yield told
            if await self._closed_within(APART_S):
                return

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    def _block(self, topic: str) -> bytes | None:
        """What is new of a kind, after which one stands there."""
        match topic:
            case "overview":
                self._board, block = self._blocks.overview(self._board)
            case "feeder":
                if self._feeder is None:
                    return None
                self._followed, block = self._blocks.feeder(self._feeder, self._followed)
            case "told":
                self._told, block = self._blocks.told(self._told)
            case _:
                version, known = self._blocks.topic(topic)
                block = None if self._topics.get(topic) == version else known
                self._topics[topic] = version
        return block

    def _identified(self, block: bytes) -> bytes:
        place = StreamPlace(self._told, self._followed.trend_us)
        return b"id: %b\n%b" % (place_text(place, self._feeder), block)
