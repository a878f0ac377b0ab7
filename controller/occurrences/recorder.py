"""Keeps what the daemon shows, so that it can be replayed. Part of the shell.

Every cycle is kept while an event runs, a limit is broken or expected to be, or data are bad, else one state
a minute. The views are frozen: they are turned into bytes and written in a thread of their own, so a cycle
only leaves a mark. There is no queue: of each feeder the newest view waits, and where the disk is too slow
those before it are dropped and counted.

What cannot be kept is let go, feeder by feeder, counted, and told when it begins and when it is over: states
are for looking back, nothing waits for them. They never take the last room of a disk, for the journal may be
on the same one.
"""

import asyncio
import errno
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from controller.bookkeeping import Offload
from controller.feeder_control import FeederControl
from controller.occurrences.frame_files import StateWriter, newest, prune
from controller.occurrences.frames import Drawn, drawn_of, frame_of
from controller.views import FeederView

QUIET_EVERY = timedelta(seconds=60)
MOST_BYTES = 4 * 2**30
"""of all feeders together"""
LEFT_FREE_BYTES = 2**30
LEFT_FREE_PART = 0.05
"""of a disk so much stays free of states, whichever is less"""
_PRUNE_EVERY = timedelta(hours=1)
_LEAP = timedelta(days=2)
"""Who comes so long after the last state may have a clock that is wrong: nothing is too old then."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
log = structlog.get_logger()


def folder_of(history_folder: Path) -> Path:
    """Beside the history of readings."""
    return history_folder.parent / "recorded"


def has_room(folder: Path) -> bool:
    """Whether there is more than what states leave free. Raises OSError."""
    while not folder.exists():
        folder = folder.parent
    disk = shutil.disk_usage(folder)
    return disk.free > min(LEFT_FREE_BYTES, LEFT_FREE_PART * disk.total)


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
        room: Callable[[Path], bool] = has_room,
    ) -> None:
        """`offload`: a thread of its own. `keep_days`: older states are deleted, and the oldest beyond
        `most_bytes`. `room`: whether the disk of a folder has room for states."""
        self._folder, self._offload, self._room = folder, offload, room
        self._keep, self._most_bytes = timedelta(days=keep_days), most_bytes
        self._drawn: dict[str, Drawn] = {feeder: drawn_of(control) for feeder, control in controls.items()}
        self._writer = StateWriter(folder)
        self._waiting: dict[str, FeederView] = {}
        self._wake = asyncio.Event()
        self._kept_at: dict[str, datetime] = {}
        self._pruned_at: datetime | None = None
        """None: the next state is to prune first"""
        self._seen_at: datetime | None = None
        """when it last was looked what is too old"""
        self._faults: dict[str, str] = {}
        """feeder → why its states are not kept"""
        self._lost: Callable[[str], None] = _nobody
        self.dropped = 0
        """views that a slower disk than the cycle cost"""

    def take(self, view: FeederView) -> None:
        """Note a view that is to be kept; returns at once."""
        last = self._kept_at.get(view.feeder)
        is_soon = last is not None and timedelta(0) <= view.at - last < QUIET_EVERY
        if is_soon and not _is_lively(view):
            return
        if view.feeder in self._waiting:
            self.dropped += 1
            self._lost(view.feeder)
        self._kept_at[view.feeder] = view.at
        self._waiting[view.feeder] = view
        self._wake.set()

    async def run(self, views: Shown, lost: Callable[[str], None] | None = None) -> None:
        """Keep what `views` show until cancelled; `lost(feeder)` is called for each state that is not kept.
        Whatever goes wrong costs states alone."""
        self._lost = lost or _nobody

        def changed(feeder: str) -> None:
            view = views.feeder_view(feeder)
            if view is not None:
                self.take(view)

        end = views.subscribe(changed)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                try:
                    await self.keep()
                except Exception:
                    log.exception("recorder_failed")
        finally:
            end()

    async def keep(self) -> None:
        """Write what waits. What cannot be written is let go, and told once."""
        views = [self._waiting.pop(feeder) for feeder in tuple(self._waiting)]
        try:
            faults = await self._offload(self._write, views)
        except Exception as error:  # noqa: BLE001  of a thread that failed before it came to any of them
            faults = {view.feeder: f"{type(error).__name__}: {error}" for view in views}
        for view in views:
            self._tell(view.feeder, faults.get(view.feeder))

    def _tell(self, feeder: str, fault: str | None) -> None:
        before = self._faults.get(feeder)
        if fault is None:
            if self._faults.pop(feeder, None) is not None:
                log.info("states_recorded_again", feeder=feeder)
            return
        self._lost(feeder)
        self._faults[feeder] = fault
        if before is None:
            log.error("states_not_recorded", feeder=feeder, reason=fault)

    # --- in the thread

    def _write(self, views: list[FeederView]) -> dict[str, str]:
        """Why which feeders' states were not kept."""
        if not views:
            return {}
        self._prune_if_due(max(view.at for view in views))
        faults: dict[str, str] = {}
        for view in views:
            try:
                self._write_one(view)
            except Exception as error:  # noqa: BLE001  one feeder costs no other its states
                faults[view.feeder] = f"{type(error).__name__}: {error}"
                if isinstance(error, OSError) and error.errno in _FULL:
                    self._pruned_at = None  # before the next one, however soon that comes
        return faults

    def _write_one(self, view: FeederView) -> None:
        if not self._room(self._folder):
            raise OSError(errno.ENOSPC, "too little room is left on the disk")
        drawn = self._drawn[view.feeder]
        self._writer.write(drawn, frame_of(view, drawn))

    def _prune_if_due(self, now: datetime) -> None:
        """Once an hour, in either direction of the clock; before anything is written, for the disk may be
        full."""
        last = self._pruned_at
        if last is not None and abs(now - last) < _PRUNE_EVERY:
            return
        try:
            last = self._seen_at or newest(self._folder)
            is_leap = last is not None and now - last > _LEAP
            self._pruned_at = self._seen_at = now
            before = None if is_leap else now - self._keep
            prune(self._folder, before, self._most_bytes, self._writer.open_files)
        except OSError as error:
            log.warning("states_not_pruned", reason=str(error))


def _nobody(_: str) -> None:
    """Is told of states that are lost where nobody counts them."""


def _is_lively(view: FeederView) -> bool:
    """Whether somebody will want to see each of its cycles."""
    runs = view.event is not None and view.event.closed_at is None
    return runs or bool(view.violations or view.expected) or view.quality.alarm is not None
