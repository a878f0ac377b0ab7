"""The real server with a fake evening behind it, in a thread of its own, for tests that drive a browser."""

import asyncio
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.server import serve
from controller.clock import WallClock
from controller.views import FeederView
from tests.console.live_world import BUILT
from tests.controller.api.fake_views import FakeViews


class LiveConsole:
    """Start, step, stop and start again on the same port."""

    def __init__(self) -> None:
        self.views = FakeViews(idle=("lane",))
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Serve; returns when requests are answered."""
        up = threading.Event()

        def ready(port: int) -> None:
            self.port = port
            up.set()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            registries = dict.fromkeys(("street", "lane"), self.views.registry)
            app = create_app(self.views, CollectorRegistry(), BUILT, clock=WallClock(), registries=registries)
            self._serving = asyncio.create_task(serve(app, "127.0.0.1", self.port, ready))
            await asyncio.wait({self._serving})

        self._thread = threading.Thread(target=asyncio.run, args=(run(),))
        self._thread.start()
        assert up.wait(10), "the server did not come up"

    def stop(self) -> None:
        """End the server and its streams."""
        assert self._loop is not None
        assert self._thread is not None
        if self._thread.is_alive():
            assert self._serving is not None
            self._loop.call_soon_threadsafe(self._serving.cancel)
            self._thread.join(10)
        assert not self._thread.is_alive()

    def on_loop(self, act: Callable[[], FeederView]) -> FeederView:
        """Run on the server's thread, as the daemon would."""
        assert self._loop is not None

        async def call() -> FeederView:
            return act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def operate(self, action: str, who: str, why: str) -> None:
        """An operator's action."""
        assert self._loop is not None
        order = self.views.operate("street", action, None, who, why)
        asyncio.run_coroutine_threadsafe(order, self._loop).result(10)

    def step(self, cycles: int = 1) -> FeederView:
        return self.on_loop(lambda: self.views.step(cycles))

    def step_until(self, condition: Callable[[FeederView], object]) -> FeederView:
        return self.on_loop(lambda: self.views.step_until(condition))
