"""The console's stream: one for each page, with everything that the page follows.

Events: `overview` (rows of all feeders, then those that changed), `feeder` (one feeder in columns, where one
is followed), `told` (sentences of the journal), further topics (such as alarms) as a whole, and `alive`, with
each sending and when there is nothing to send, which says how late it is at the site. The rule for a full
queue is that of `stream.py`: marks, and events made when they are sent. Each event's id says where one
stands, and who comes again with it misses no sentence and no point of the trend.
"""

from controller.api.open_stream import OpenStream
from controller.api.scope import Sight, is_seen
from controller.api.stream_blocks import Blocks
from controller.api.stream_place import FeederPlace, StreamPlace, place_text
from devices.ports import Clock

OVERVIEW, FEEDER, TOLD = "overview", "feeder", "told"


class ConsoleSubscriber(OpenStream):
    """One open page: what is new for it, and where it stands."""

    def __init__(
        self, blocks: Blocks, feeder: str | None, place: StreamPlace, sight: Sight, clock: Clock
    ) -> None:
        """`place` is what its last stream told it; `sight` whose customers it may be told."""
        super().__init__(clock)
        self._blocks, self._feeder, self._sight = blocks, feeder, sight
        self._told = place.told
        self._followed = FeederPlace(None, place.trend_us)
        self._board: int | None = None
        self._topics: dict[str, int] = {}
        self._marked: dict[str, None] = dict.fromkeys((OVERVIEW, FEEDER, TOLD, *blocks.topics))

    def mark(self, feeder: str) -> None:
        """Note that a feeder has had a cycle."""
        self.mark_topic(OVERVIEW)
        if feeder == self._feeder:
            self.mark_topic(FEEDER)

    def mark_topic(self, topic: str) -> None:
        """Note that there is news of a kind; a second note changes nothing."""
        self._marked[topic] = None
        self._wake.set()

    def _news(self) -> list[bytes]:
        marked, self._marked = self._marked, {}
        told = b"".join(self._identified(block) for topic in marked if (block := self._block(topic)))
        return [told + self._identified(self._blocks.alive())] if told else []

    def _quiet(self) -> bytes:
        self.mark_topic(OVERVIEW)  # a feeder may have fallen silent
        return self._identified(self._blocks.alive())

    def _block(self, topic: str) -> bytes | None:
        """What is new of a kind, after which one stands there."""
        match topic:
            case "overview":
                self._board, block = self._blocks.overview(self._board)
            case "feeder":
                if self._feeder is None:
                    return None
                self._followed, block = self._blocks.feeder(
                    self._feeder, self._followed, named=is_seen(self._sight, self._feeder)
                )
            case "told":
                self._told, block = self._blocks.told(self._told, named=self._sight is None)
            case _:
                version, known = self._blocks.topic(topic)
                block = None if self._topics.get(topic) == version else known
                self._topics[topic] = version
        return block

    def _identified(self, block: bytes) -> bytes:
        place = StreamPlace(self._told, self._followed.trend_us)
        return b"id: %b\n%b" % (place_text(place, self._feeder), block)
