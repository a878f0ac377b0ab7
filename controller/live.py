"""What the API may see now: the latest view and trend of each feeder, and the latest sentences; all bounded.

Written at the end of each cycle, read by the API; both on the loop's thread.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping

import structlog

from controller.views import FeederView, Told, TrendPoint

TREND_POINTS = 2_000
TOLD_SENTENCES = 500
CHANGED_SENTENCES = 2_000
CHANGES = frozenset(
    {
        "event_opened",
        "event_short",
        "event_closed",
        "data_alarm",
        "operator_acted",
        "emergency_stopped",
        "alarm_shelved",
        "controller_started",
    }
)
"""Entries that tell what changed while one was away: events, alarms, what people ordered."""
log = structlog.get_logger()


class Live:
    """The bounded memory behind `controller.views.LiveViews`."""

    def __init__(self, feeders: Iterable[str]) -> None:
        self._views: dict[str, FeederView] = {}
        self._trend: dict[str, deque[TrendPoint]] = {feeder: deque(maxlen=TREND_POINTS) for feeder in feeders}
        self._told: deque[Told] = deque(maxlen=TOLD_SENTENCES)
        self._changes: deque[Told] = deque(maxlen=CHANGED_SENTENCES)
        self._subscribers: list[Callable[[str], None]] = []
        self._told_subscribers: list[Callable[[], None]] = []

    def view(self, feeder: str) -> FeederView | None:
        """The latest view, or None before the first cycle."""
        return self._views.get(feeder)

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        """The latest cycles, oldest first."""
        return tuple(self._trend.get(feeder, ()))

    def told(self, after: int = 0) -> tuple[Told, ...]:
        """The latest sentences with a number above `after`, oldest first."""
        return tuple(told for told in self._told if told.seq > after)

    def changes(self) -> tuple[Told, ...]:
        """The latest sentences of what changed, oldest first."""
        return tuple(self._changes)

    def tell(self, told: Told) -> None:
        """Take one sentence in and tell those who want to know."""
        self._told.append(told)
        if told.entry in CHANGES and (not self._changes or told.seq > self._changes[-1].seq):
            self._changes.append(told)
        for heard in tuple(self._told_subscribers):
            try:
                heard()
            except Exception:
                log.exception("told_subscriber_failed")

    def remember(self, points: Mapping[str, Iterable[TrendPoint]]) -> None:
        """Take in the trend from before our start, oldest first; before the first cycle."""
        for feeder, known in points.items():
            self._trend[feeder].extend(known)

    def remember_changes(self, changes: Iterable[Told]) -> None:
        """Take in what changed before our start, oldest first; before the first sentence."""
        self._changes.extend(changes)

    def show(self, view: FeederView, point: TrendPoint) -> None:
        """Take a cycle in and tell those who want to know."""
        self._views[view.feeder] = view
        self._trend[view.feeder].append(point)
        for changed in tuple(self._subscribers):
            try:
                changed(view.feeder)
            except Exception:
                log.exception("subscriber_failed", feeder=view.feeder)

    def subscribe_told(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard()` after each new sentence; the returned function ends that."""
        self._told_subscribers.append(heard)

        def end() -> None:
            if heard in self._told_subscribers:
                self._told_subscribers.remove(heard)

        return end

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that."""
        self._subscribers.append(changed)

        def end() -> None:
            if changed in self._subscribers:
                self._subscribers.remove(changed)

        return end
