"""The rows of all feeders as they stand, and which of them changed when: made once for all who look.

On the loop's thread; a row costs a millisecond for a network of 2,000 buses, and is made when somebody looks.
"""

from dataclasses import dataclass
from datetime import datetime

from controller.api.health import Pulse
from controller.api.overview_bodies import OverviewEvent, OverviewRow, OverviewTotals
from controller.api.overview_rows import (
    LimitsOf,
    by_severity,
    row_of,
    row_without_view,
    totals_of,
)
from controller.views import FeederView, LiveViews


@dataclass(slots=True)
class _Known:
    """What a row was made of."""

    view: FeederView | None
    silent: bool
    row: OverviewRow
    version: int
    """of the board when the row changed last"""


class OverviewBoard:
    """Of one site."""

    def __init__(self, views: LiveViews, pulse: Pulse) -> None:
        self._views, self._pulse = views, pulse
        self._limits: dict[str, LimitsOf] = {}
        self._known: dict[str, _Known] = {}
        self.version = 0
        """grows with every change of any row"""

    def refresh(self) -> int:
        """Take in what is new; the version from then on."""
        changed = False
        for feeder in self._views.site.feeder:
            view, silent = self._views.feeder_view(feeder.id), self._pulse.is_silent(feeder.id)
            known = self._known.get(feeder.id)
            if known is not None and known.view is view and known.silent == silent:
                continue
            row = row_without_view(feeder.id) if view is None else self._row(view, silent)
            if known is None or known.row != row:
                self._known[feeder.id] = _Known(view, silent, row, self.version + 1)
                changed = True
            else:
                known.view, known.silent = view, silent
        self.version += changed
        return self.version

    def _row(self, view: FeederView, silent: bool) -> OverviewRow:
        network = self._views.network(view.feeder)
        assert network is not None
        limits = self._limits.get(view.feeder)
        if limits is None or limits.network is not network:
            limits = self._limits[view.feeder] = LimitsOf(network, self._views.site.limits)
        return row_of(view, limits, silent=silent)

    def rows(self) -> tuple[OverviewRow, ...]:
        """All, the most severe first, as of the latest `refresh`."""
        return tuple(sorted((known.row for known in self._known.values()), key=by_severity))

    def totals(self) -> OverviewTotals:
        """The site's figures, as of the latest `refresh`."""
        return totals_of([known.row for known in self._known.values()])

    @property
    def at(self) -> datetime | None:
        """Of the newest cycle."""
        return max((known.view.at for known in self._known.values() if known.view is not None), default=None)

    @property
    def is_silent(self) -> bool:
        """Whether no feeder had a cycle lately."""
        return all(self._pulse.is_silent(feeder.id) for feeder in self._views.site.feeder)

    def event(self, since: int | None) -> OverviewEvent:
        """What changed since a version of the board; None: all."""
        rows = tuple(known.row for known in self._known.values() if since is None or known.version > since)
        return OverviewEvent(whole=since is None, at=self.at, totals=self.totals(), rows=rows)
