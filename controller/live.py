"""What the API may see now: the latest view and trend of each feeder, and the latest sentences; all bounded.

Written at the end of each cycle, read by the API; both on the loop's thread.
"""

from collections import deque
from collections.abc import Callable, Iterable

import structlog

from controller.views import FeederView, Told, TrendPoint

TREND_POINTS = 2_000
TOLD_SENTENCES = 500
log = structlog.get_logger()


class Live:
    """The bounded memory behind `controller.views.LiveViews`."""

    def __init__(self, feeders: Iterable[str]) -> None:
        self._views: dict[str, FeederView] = {}
        self._trend: dict[str, deque[TrendPoint]] = {feeder: deque(maxlen=TREND_POINTS) for feeder in feeders}
        self._told: deque[Told] = deque(maxlen=TOLD_SENTENCES)
        self._subscribers: list[Callable[[str], None]] = []

    def view(self, feeder: str) -> FeederView | None:
        """The latest view, or None before the first cycle."""
        return self._views.get(feeder)

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        """The latest cycles, oldest first."""
        return tuple(self._trend.get(feeder, ()))

    def told(self, after: int = 0) -> tuple[Told, ...]:
        """The latest sentences with a number above `after`, oldest first."""
        return tuple(told for told in self._told if told.seq > after)

    def tell(self, told: Told) -> None:
        """Take one sentence in."""
        self._told.append(told)

    def show(self, view: FeederView, point: TrendPoint) -> None:
        """Take a cycle in and tell those who want to know."""
        self._views[view.feeder] = view
        self._trend[view.feeder].append(point)
        for changed in tuple(self._subscribers):
            try:
                changed(view.feeder)
            except Exception:
                log.exception("subscriber_failed", feeder=view.feeder)

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that."""
        self._subscribers.append(changed)

        def end() -> None:
            if changed in self._subscribers:
                self._subscribers.remove(changed)

        return end
