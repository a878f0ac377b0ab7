"""A daemon with contacts and people who are asked, for tests of looking customers and devices up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import httpx
from fastapi import FastAPI

from controller.access.roles import Role
from controller.api.customers import customer_routes, device_routes
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.clock import WallClock
from controller.daemon import Daemon
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact
from tests.builders import SECRET, control, registry
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.worlds import World, evening

ACCESS = Access("import", "tests", datetime(2016, 1, 1, tzinfo=UTC))
HELD = (
    Contact("C03", "Ada Lovelace", "ada@example.org", "+44 (0)20 7946-0018", "St James's Square 12", "en",
            consented_on=date(2015, 5, 1)),
    Contact("C04", "Grace Hopper", postal="100% Navy Lane 04_b"),
    Contact("C15", "王小明", phone="13800138000", postal="北京市东城区", language="zh"),
    Contact("C16", "Zoë Müller", postal="ÄRZTEHAUS, Straße 9"),
    Contact("gone", "Ada who moved away"),
)  # fmt: skip


class Directory(World):
    """The daemon, its contacts and its routes."""

    contacts_file: Path

    def start(self) -> Daemon:
        if not hasattr(self, "contacts_file"):
            return super().start()
        self.daemon = Daemon(
            self.of,
            [control(self.of, registry(critical=self.critical, notices=self.notices))],
            store=self.store,
            sources=[],
            commands=self.field,
            notices=self.field,
            clock=self.clock,
            wire_clock=WallClock(),
            offload=self.offload,
            secret=SECRET,
            open_contacts=partial(ContactStore, self.contacts_file),
        )
        return self.daemon

    def noted(self, customer: str) -> list[tuple[str, str, str]]:
        store = ContactStore(self.contacts_file)
        try:
            return [(one.who, one.action, one.why) for one in store.log(customer)][1:]
        finally:
            store.close()

    @asynccontextmanager
    async def as_of(
        self, role: Role | None = "operator", feeders: set[str] | None = None, secret: str = ""
    ) -> AsyncIterator[httpx.AsyncClient]:
        """None: somebody who does not say who they are, or shows the operator token."""
        app = FastAPI()
        add_problem_handlers(app)
        desks = self.daemon.desks
        gate: Doors = (
            Doors(OperatorKey(secret.encode() or None)) if role is None else DoorsOf("mara", role, feeders)
        )
        app.include_router(customer_routes(desks.customers, gate, self.daemon))
        app.include_router(device_routes(desks.devices, gate, self.daemon))
        async with calling(app) as client:
            if secret:
                client.headers["authorization"] = f"Bearer {secret}"
            yield client


def directory_in(folder: Path) -> Directory:
    """The last four houses have people who take notices; the third is critical. Nothing has run yet."""
    world = Directory(evening(), notices=frozenset({16, 17, 18, 19}), critical=frozenset({2}))
    world.contacts_file = folder / "contacts.sqlite3"
    store = ContactStore(world.contacts_file)
    store.put(HELD, ACCESS)
    store.close()
    world.start()
    return world
