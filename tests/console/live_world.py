"""The real daemon with a made field on a clock that the test moves, served over a real socket, with accounts
to sign in with: for tests that drive a browser through a whole screen.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page
from prometheus_client import CollectorRegistry, ProcessCollector

from console import static_dir
from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account, Session, digest_of, new_secret
from controller.access.roles import ROLES, Role
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.api.cookies import Cookies
from controller.api.server import serve
from controller.api.system import SystemSources
from controller.clock import WallClock
from controller.log_ring import LogRing
from tests.builders import FEEDER, inline, registry
from tests.controller.worlds import World

T = TypeVar("T")
BUILT = Path(os.environ.get("GRIDWARD_CONSOLE_STATIC") or static_dir())
"""the console as built: a trial build's folder may stand in the environment"""
MANY_SESSIONS = 64


class LiveWorld:
    """Serve, move time, and sign a browser in as whoever a test needs."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.log = world, LogRing()
        self.port = 0
        self.accounts = AccountStore(folder / "accounts.sqlite3")
        for role in ROLES:
            self.accounts.add(Account(f"the.{role}", role, NO_PASSWORD))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving: asyncio.Task[None] | None = None

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
            self._serving = asyncio.create_task(serve(self._app(), "127.0.0.1", self.port, ready))
            await asyncio.wait({self._serving})

        self._thread = threading.Thread(target=asyncio.run, args=(run(),))
        self._thread.start()
        assert up.wait(10), "the server did not come up"

    def _app(self) -> Any:
        daemon = self.world.daemon
        who = registry(critical=self.world.critical, notices=self.world.notices)
        return create_app(
            daemon,
            daemon.metrics.registry,
            BUILT,
            clock=WallClock(),
            registries={FEEDER: who},
            desks=daemon.desks,
            sign_in=SignInDesk(self.accounts, WallClock(), inline, hashing=inline),
            system=SystemSources(
                site=self.world.of,
                daemon=daemon.status,
                process=ProcessCollector(registry=CollectorRegistry()),
                log=self.log,
                offload=inline,
            ),
        )

    def stop(self) -> None:
        """End the server and its streams."""
        assert self._loop is not None
        assert self._thread is not None
        if self._thread.is_alive():
            assert self._serving is not None
            self._loop.call_soon_threadsafe(self._serving.cancel)
            self._thread.join(10)
        assert not self._thread.is_alive()

    def restart(self) -> None:
        """The daemon's process ends, and a new one begins on the same record."""
        self.stop()
        self.world.daemon = self.world.start()
        self.start()

    def on_loop(self, act: Callable[[], Awaitable[T]]) -> T:
        """Run on the server's thread, as the daemon does."""
        assert self._loop is not None

        async def call() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def tick(self, ticks: int = 1) -> None:
        """So many cycles."""
        self.on_loop(lambda: self.world.tick(ticks))

    def sign_in(self, page: Page, role: Role) -> None:
        """Give the browser a session of somebody with this role, without the form."""
        secret, now = new_secret(), WallClock().now()
        account = self.accounts.account(f"the.{role}")
        assert account is not None
        assert self.accounts.begin(Session(digest_of(secret), account.name, now, now), account, MANY_SESSIONS)
        page.context.add_cookies([{"name": Cookies().session, "value": secret, "url": self.address}])
