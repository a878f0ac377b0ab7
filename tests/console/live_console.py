"""The real server with a fake evening behind it, whose figures move at each step."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.clock import WallClock
from controller.views import FeederView
from tests.console.live_world import BUILT
from tests.console.served import Served
from tests.controller.api.fake_views import FakeViews


class LiveConsole(Served):
    """Start and step."""

    def __init__(self) -> None:
        super().__init__()
        self.views = FakeViews(idle=("lane",))

    def app(self) -> FastAPI:
        registries = dict.fromkeys(("street", "lane"), self.views.registry)
        return create_app(self.views, CollectorRegistry(), BUILT, clock=WallClock(), registries=registries)

    def step(self) -> FeederView:
        """One cycle."""

        async def act() -> FeederView:
            return self.views.step()

        return self.on_loop(act)
