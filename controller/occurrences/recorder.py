"""Keeps what the daemon shows, so that it can be replayed. Part of the shell.

Every cycle is kept while an event runs, a limit is broken or expected to be, or data are bad, else one state
a minute. The views are frozen: they are turned into bytes and written in a thread of their own, so a cycle
only leaves a mark. There is no queue: of each feeder the newest view waits, and where the disk is too slow
those before it are dropped and counted.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from controller.bookkeeping import Offload
from controller.feeder_control import FeederControl
from controller.occurrences.frame_files import StateWriter, prune
from controller.occurrences.frames import Drawn, drawn_of, frame_of
from controller.views import FeederView

QUIET_EVERY = timedelta(seconds=60)
MOST_BYTES = 4 * 2**30
"""of all feeders together"""
_PRUNE_EVERY = timedelta(hours=1)
log = structlog.get_logger()


def folder_of(history_folder: Path) -> Path:
    """Beside the history of readings."""
    return history_folder.parent / "recorded"


class Shown(Protocol):
    """What it needs of the daemon's views."""

    def feeder_view(self, feeder: str) -> FeederView | None:
        """The latest view."""
        ...

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that."""
        ...


class Recorder:
    """Of one daemon."""

    def __init__(
        self,
        folder: Path,
        controls: Mapping[str, FeederControl],
        offload: Offload,
        *,
        keep_days: float,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`offload`: a thread of its own. `keep_days`: older states are deleted."""
        self._folder, self._offload = folder, offload
        self._keep, self._most_bytes = timedelta(days=keep_days), most_bytes
        self._drawn: dict[str, Drawn] = {feeder: drawn_of(control) for feeder, control in controls.items()}
        self._writer = StateWriter(folder)
        self._waiting: dict[str, FeederView] = {}
        self._wake = asyncio.Event()
        self._kept_at: dict[str, datetime] = {}
        self._pruned_at: datetime | None = None
        self._fault: str | None = None
        self.dropped = 0
        """views that a slower disk than the cycle cost"""

    def take(self, view: FeederView) -> None:
        """Note a view that is to be kept; returns at once."""
        last = self._kept_at.get(view.feeder)
        if last is not None and not _is_lively(view) and view.at - last < QUIET_EVERY:
            return
        self.dropped += view.feeder in self._waiting
        self._kept_at[view.feeder] = view.at
        self._waiting[view.feeder] = view
        self._wake.set()

    async def run(self, views: Shown) -> None:
        """Keep what `views` show until cancelled."""

        def changed(feeder: str) -> None:
            view = views.feeder_view(feeder)
            if view is not None:
                self.take(view)

        end = views.subscribe(changed)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self.keep()
        finally:
            end()

    async def keep(self) -> None:
        """Write what waits. What cannot be written is let go, and told once."""
        views = [self._waiting.pop(feeder) for feeder in tuple(self._waiting)]
        try:
            await self._offload(self._write, views)
        except OSError as error:
            if self._fault is None:
                log.error("states_not_recorded", reason=str(error))
            self._fault = str(error)
        else:
            self._fault = None

    def _write(self, views: list[FeederView]) -> None:
        for view in views:
            drawn = self._drawn[view.feeder]
            self._writer.write(drawn, frame_of(view, drawn))
        if views and (self._pruned_at is None or views[-1].at - self._pruned_at >= _PRUNE_EVERY):
            self._pruned_at = views[-1].at
            prune(self._folder, views[-1].at - self._keep, self._most_bytes)


def _is_lively(view: FeederView) -> bool:
    """Whether somebody will want to see each of its cycles."""
    runs = view.event is not None and view.event.closed_at is None
    return runs or bool(view.violations or view.expected) or view.quality.alarm is not None
