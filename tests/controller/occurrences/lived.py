"""One evening of the small feeder, lived once for all tests of what is looked back on: an overload, devices
and people asked, released, settled; every cycle recorded."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from controller import settings
from controller.feeder_control import FeederControl
from controller.occurrences.archive import EventArchive
from controller.occurrences.event_desk import EventDesk
from controller.occurrences.recorded_states import RecordedStates
from controller.occurrences.recorder import Recorder, folder_of
from controller.stores.port import Numbered, Record
from controller.views import FeederView
from tests.builders import FEEDER, control, inline
from tests.controller.worlds import World, evening


class Kept:
    """The record of a store that stays open."""

    def __init__(self, record: Record) -> None:
        self._record, self.closed = record, 0
        self.fault: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.fault is not None:
            raise self.fault
        return getattr(self._record, name)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Lived:
    """What is left of it."""

    world: World
    control: FeederControl
    record: Kept
    views: list[FeederView] = field(default_factory=list)

    @property
    def site(self) -> settings.Site:
        return self.world.of

    @property
    def journal(self) -> list[Numbered]:
        return list(self.world.store.replay())

    def archive(self) -> EventArchive:
        return EventArchive(self.site, lambda _: self.record)

    def desk(self) -> EventDesk:
        states = RecordedStates(self.site, {FEEDER: self.control}, lambda _: self.record)
        return EventDesk(self.archive(), states, self.world.clock)

    @property
    def opened_at(self) -> datetime:
        return next(n.entry.at for n in self.journal if n.entry.__struct_config__.tag == "event_opened")


@cache
def lived() -> Lived:
    """Do not change it."""
    folder = Path(tempfile.mkdtemp(prefix="lived-"))
    with ThreadPoolExecutor(1) as beside:  # a loop may run here
        return beside.submit(lambda: asyncio.run(_lived(folder))).result()


async def _lived(folder: Path) -> Lived:
    of = evening(
        store=settings.Store(path=folder / "store.sqlite3"),
        requests=settings.Requests(duration_s=240.0, renew_before_s=60.0, min_between_s=60.0),
        events=settings.Events(close_after_s=60.0),
    )
    world = World(of, notices=frozenset({17, 18}), critical=frozenset({0}))
    lived = Lived(world, control(of), Kept(world.store))
    recorder = Recorder(folder_of(of.store.history_folder), {FEEDER: lived.control}, inline, keep_days=14)
    world.charge(0.0)

    async def tick(ticks: int) -> None:
        for _ in range(ticks):
            await world.tick()
            view = world.daemon.feeder_view(FEEDER)
            assert view is not None
            lived.views.append(view)
            recorder.take(view)
            await recorder.keep()

    await tick(8)
    world.charge()
    world.field.houses[17].person_cut_kw = 2.0
    await tick(20)
    world.charge(1.0)
    await tick(32)
    return lived
