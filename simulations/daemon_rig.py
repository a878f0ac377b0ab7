"""What each daemon of a controlled run is built from: there is another one after each known switching."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from controller.books import Books
from controller.daemon import Daemon
from controller.feeder_control import build_control
from controller.stores.port import Store
from simulations.direct_link import DirectLink, FieldWays
from simulations.reconfiguration import Stage
from simulations.setups import Setup, site_of
from simulations.virtual_time import VirtualClock

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Rig:
    """The parts; the daemon that was built last is the one that runs."""

    setups: Sequence[Setup]
    links: Sequence[DirectLink]
    ways: FieldWays
    clock: VirtualClock
    store: Store
    store_path: Path
    version: str
    books: list[Books]
    """of the daemon that was built last"""

    def daemon(self, stage: Stage | None) -> Daemon:
        """Another one; `stage`: what the network has become by a known switching."""
        site = site_of(self.setups[0].scenario, self.store_path, [setup.scenario for setup in self.setups])
        controls = [
            build_control(
                site,
                feeder,
                setup.network if stage is None or number else stage.network,
                setup.population.known,
                setup.load_flow if stage is None or number else stage.load_flow,
            )
            for number, (feeder, setup) in enumerate(zip(site.feeder, self.setups, strict=True))
        ]
        daemon = Daemon(
            site,
            controls,
            store=self.store,
            sources=self.links,
            commands=self.ways,
            notices=self.ways,
            failsafes=self.ways,
            heartbeats=self.ways,
            links={"field": self.ways},
            clock=self.clock,
            offload=_inline,
            secret=self.setups[0].secret,
            version=self.version,
            pace=partial(self._pace, site.cycle.period_s),
        )
        self.books[:] = [daemon.books]
        return daemon

    async def _pace(self, period_s: float, seconds: float) -> int:
        """Wait for the next cycle, and pass over those in quiet times."""
        await self.clock.sleep(seconds)
        passed = 0
        while not any(link.watched for link in self.links):
            await self.clock.sleep(period_s)
            passed += 1
        return passed


async def _inline(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The daemon's offload in simulated time: there is no loop to hold up."""
    return function(*args, **kwargs)
