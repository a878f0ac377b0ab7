"""A made evening that was lived through on a store of its own and recorded: for the screen of events."""

from pathlib import Path

from controller import settings
from controller.occurrences.recorder import Recorder, folder_of
from controller.stores.sqlite import SqliteStore
from tests.builders import FEEDER, control, inline
from tests.console.live_world import LiveWorld
from tests.controller.worlds import FailingStore, World, evening


class FileStore(FailingStore):
    """On a file, so that it can be read beside the daemon."""

    def __init__(self, path: Path) -> None:
        SqliteStore.__init__(self, path, durable=False)
        self.commits, self.die_at, self.dead, self.broken = 0, None, False, False


class EventWorld:
    """The world, what it is served by, and what records it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "store.sqlite3"
        of = evening(
            store=settings.Store(path=path),
            requests=settings.Requests(duration_s=240.0, renew_before_s=60.0, min_between_s=60.0),
            events=settings.Events(close_after_s=60.0),
        )
        self.world = World(of, notices=frozenset({17, 18}), critical=frozenset({0}), store=FileStore(path))
        self.live = LiveWorld(self.world, folder)
        self._recorder = Recorder(
            folder_of(of.store.history_folder), {FEEDER: control(of)}, inline, keep_days=14
        )

    def tick(self, ticks: int) -> None:
        """So many recorded cycles."""

        async def run() -> None:
            for _ in range(ticks):
                await self.world.tick()
                view = self.world.daemon.feeder_view(FEEDER)
                assert view is not None
                self._recorder.take(view)
                await self._recorder.keep()

        self.live.on_loop(run)

    def live_through(self) -> None:
        """An overload comes, is held back, goes, and is settled."""
        self.world.charge(0.0)
        self.tick(8)
        self.world.charge()
        self.world.field.houses[17].person_cut_kw = 2.0
        self.tick(20)
        self.world.charge(1.0)
        self.tick(32)
