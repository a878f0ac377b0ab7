"""The console's events as bytes, each made once for all who stand at the same place of the stream.

Whoever keeps up stands where all who keep up stand: their events are encoded once per cycle, however many
they are, and a second time where some may see customers and others may not. Who falls behind costs an
encoding of their own. What was made is kept until more has been made.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from controller.api.columns import Layout
from controller.api.encoding import to_json
from controller.api.layouts import Drawings
from controller.api.overview_board import OverviewBoard
from controller.api.scope import Sight
from controller.api.stream_bodies import AliveEvent, ToldEvent
from controller.api.stream_place import FeederPlace, micros
from controller.api.unnamed import sentences
from controller.views import FeederView, LiveViews, Told

KEPT_BLOCKS = 32


@dataclass(frozen=True, slots=True)
class Topic:
    """Something else that is told in the stream: its latest state, as a whole."""

    name: str
    body: Callable[[], object]
    version: list[int]
    """one number, which grows with each change"""


class Blocks:
    """Of one site."""

    def __init__(self, views: LiveViews, board: OverviewBoard, drawings: Drawings | None = None) -> None:
        """`drawings`: those that the pages fetch; without them nobody is registered."""
        self._views, self.board = views, board
        self._drawings = Drawings({}, views.site) if drawings is None else drawings
        self._layouts: dict[str, Layout] = {}
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._told: tuple[Told, ...] | None = None
        """all that are remembered, as of now"""
        self.topics: dict[str, Topic] = {}
        self.made = 0
        """encodings so far"""

    def alive(self) -> bytes:
        """The time at the site, and that of the newest cycle; made anew each time."""
        told = AliveEvent(now=self._views.now(), at=self.board.at, silent=self.board.is_silent)
        return _block_of("alive", told)

    def overview(self, since: int | None) -> tuple[int, bytes | None]:
        """The version of the board now, and what changed since; None: nothing."""
        version = self.board.refresh()
        if version == since:
            return version, None
        return version, self._block("overview", (since, version), lambda: self.board.event(since))

    def heard(self) -> bool:
        """There are more sentences than before; whether pages have to be told that there is news."""
        is_news = self._told is not None  # else nobody has asked since they were told
        self._told = None
        return is_news

    def told(self, after: int | None, *, named: bool) -> tuple[int, bytes | None]:
        """The number of the latest sentence, and those after one, as far back as is remembered; None: none.

        Where sentences in between are forgotten, all that are remembered come, and that they are the whole.
        `named`: to who may see customers on all feeders.
        """
        if self._told is None:
            self._told = self._views.told()
        told = self._told
        latest = told[-1].seq if told else 0
        if after == latest:
            return latest, None
        # not of this journal, or forgotten in between
        whole = after is None or after > latest or told[0].seq > after + 1
        first = 0 if whole or after is None else bisect_right(told, after, key=lambda one: one.seq)
        key = (first, latest, len(told), whole, named)
        sight: Sight = None if named else frozenset()
        return latest, self._block(
            "told", key, lambda: ToldEvent(whole=whole, told=sentences(told[first:], sight))
        )

    def feeder(self, feeder: str, place: FeederPlace, *, named: bool) -> tuple[FeederPlace, bytes | None]:
        """Where one stands after it, and the feeder as it is now; None before its first cycle. `named`: to
        who may see its customers.
        """
        view = self._views.feeder_view(feeder)
        if view is None or view is place.view:
            return place, None
        points = self._views.trend(feeder)
        known_us, first = place.trend_us, len(points)
        while first > 0 and (known_us is None or micros(points[first - 1].at) > known_us):
            first -= 1
        # forgotten in between, or the clock of another time: all of it anew
        whole = first == 0 or (known_us is not None and known_us > micros(points[-1].at))
        latest_us = micros(points[-1].at) if points else known_us
        new = points if whole else points[first:]
        before = place.view
        since_us = None if whole else known_us
        key = (feeder, view.cycle, before and before.cycle, since_us, latest_us, named)
        block = self._block(
            "feeder",
            key,
            lambda: self._layout(view).event(view, before, new, whole_trend=whole, named=named),
        )
        return FeederPlace(view, latest_us), block

    def _layout(self, view: FeederView) -> Layout:
        network = self._views.network(view.feeder)
        assert network is not None
        layout = self._layouts.get(view.feeder)
        if layout is None or layout.network is not network:
            layout = self._layouts[view.feeder] = Layout(network, self._drawings.id_of(view.feeder, network))
        return layout

    def topic(self, name: str) -> tuple[int, bytes]:
        """A further topic's version and its block."""
        topic = self.topics[name]
        version = topic.version[0]
        return version, self._block(name, version, topic.body)

    def _block(self, event: str, key: Hashable, body: Callable[[], object]) -> bytes:
        known = self._kept.get((event, key))
        if known is None:
            known = _block_of(event, body())
            self.made += 1
            self._kept[event, key] = known
            if len(self._kept) > KEPT_BLOCKS:
                self._kept.popitem(last=False)
        return known


def _block_of(event: str, body: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event.encode(), to_json(body))
