"""A real server in a thread of its own, on a port of its own, for tests that drive a browser."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import FastAPI

from controller.api.server import serve

T = TypeVar("T")


class Served(ABC):
    """Start, stop, and start again on the same port."""

    def __init__(self) -> None:
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving: asyncio.Task[None] | None = None

    @abstractmethod
    def app(self) -> FastAPI:
        """What is served; made anew at each start, on the server's thread."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Serve; returns when requests are answered. After `stop`: on the same port."""
        up = threading.Event()

        def ready(port: int) -> None:
            self.port = port
            up.set()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._serving = asyncio.create_task(serve(self.app(), "127.0.0.1", self.port, ready))
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

    def on_loop(self, act: Callable[[], Awaitable[T]]) -> T:
        """Run on the server's thread, as the daemon does."""
        assert self._loop is not None

        async def call() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)
