"""The real daemon with a made field on a clock that the test moves, served over a real socket, with accounts
to sign in with: for tests that drive a browser through a whole screen.
"""

import os
from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Page
from prometheus_client import CollectorRegistry, ProcessCollector

from console import static_dir
from controller.access.account_store import AccountStore
from controller.access.accounts import NO_PASSWORD, Account, Session, digest_of, new_secret
from controller.access.roles import ROLES, Role
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.api.cookies import Cookies
from controller.api.system import SystemSources
from controller.clock import WallClock
from controller.log_ring import LogRing
from tests.builders import FEEDER, inline, registry
from tests.console.served import Served
from tests.controller.worlds import World

BUILT = Path(os.environ.get("GRIDWARD_CONSOLE_STATIC") or static_dir())
"""the console as built: a trial build's folder may stand in the environment"""
MANY_SESSIONS = 64


class LiveWorld(Served):
    """Move time, and sign a browser in as whoever a test needs."""

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__()
        self.world, self.log = world, LogRing()
        self.accounts = AccountStore(folder / "accounts.sqlite3")
        for role in ROLES:
            self.accounts.add(Account(f"the.{role}", role, NO_PASSWORD))

    def app(self) -> FastAPI:
        daemon = self.world.daemon
        who = self.world.who or registry(critical=self.world.critical, notices=self.world.notices)
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

    def restart(self) -> None:
        """The daemon's process ends, and a new one begins on the same record."""
        self.stop()
        self.world.daemon = self.world.start()
        self.start()

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
