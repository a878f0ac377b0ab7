"""A channel that runs over our own VTN: its repository in the process, or all of it with real sockets."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, DeviceStatus, LimitCommand, Reading, Refused
from devices.openadr.changes import Change
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.clients import Client, Clients, gathered
from devices.openadr.object_store import ObjectStore
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.repository import Repository
from devices.openadr.settings import VtnSettings
from devices.openadr.vtn import Vtn
from tests.devices.live import Deliveries, RealClock, until

SECRET = "correct horse battery"
DEVICE = OpenAdrDevice("f1", "ev1", "home-1", "client-1", "wallbox", floor_kw=4.2, meter="m1")
OTHER = OpenAdrDevice("f1", "ev2", "home-2", "client-2", "wallbox-2", floor_kw=4.2)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, and costs nothing: for links that are plain HTTP."""
FAST: Mapping[str, Any] = {"first_retry_s": 0.05, "longest_retry_s": 0.1}


class ShiftedClock(RealClock):
    """Real time, but what is said of the day may be shifted."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class FaultyVtn:
    """Business logic that can lose the answers, or all, of what it is asked."""

    def __init__(self, vtn: Repository) -> None:
        self.vtn = vtn
        self.lost: set[str] = set()
        """operations whose answer is lost after they were carried out"""
        self.dead = False
        self.refuses_to: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        self._begin("create", kind)
        return self._end("create", await self.vtn.create(kind, body))

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        self._begin("replace", kind)
        return self._end("replace", await self.vtn.replace(kind, object_id, body))

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        self._begin("delete", kind)
        await self.vtn.delete(kind, object_id)

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        self._begin("find", kind)
        return await self.vtn.find(kind, query)

    def _begin(self, operation: str, kind: str) -> None:
        self.asked.append((operation, kind))
        if self.dead:
            raise Unreachable("dead")
        if operation in self.refuses_to:
            raise CommandRejected("no")

    def _end(self, operation: str, answer: Body) -> Body:
        if operation in self.lost:
            raise Unreachable("the answer was lost")
        return answer


@dataclass
class ChannelRig:
    """A running channel and what can be seen of it from both sides."""

    channel: OpenAdrChannel
    vtn: Repository
    faulty: FaultyVtn
    clock: ShiftedClock
    deliveries: Deliveries = field(default_factory=Deliveries)

    async def events(self) -> list[Body]:
        """Limits of ours in the VTN."""
        return [event for event in await self.vtn.find("event", {}) if event["intervals"]]

    async def standing(self) -> list[Body]:
        """Standing requests for reports."""
        return [event for event in await self.vtn.find("event", {}) if not event["intervals"]]

    def hear(self, body: Body) -> None:
        """A VEN reports: as if the VTN told of it."""
        self.channel.changed(Change("report", "CREATE", body))

    @property
    def answers(self) -> list[tuple[str, str, str | None]]:
        """(request, answer, reason), all so far."""
        return [(m.request, m.answer, m.reason) for m in self.deliveries if isinstance(m, Answer)]

    @property
    def statuses(self) -> list[DeviceStatus]:
        return [message for message in self.deliveries if isinstance(message, DeviceStatus)]

    @property
    def readings(self) -> list[Reading]:
        return [message for message in self.deliveries if isinstance(message, Reading)]

    @property
    def refused(self) -> list[str]:
        """Reasons, all so far."""
        return [message.reason for message in self.deliveries if isinstance(message, Refused)]

    def command(self, *, request: str = "r1", seconds: float = 600.0, **changes: Any) -> LimitCommand:
        """From now on."""
        now = self.clock.now()
        values = {"limit_kw": 6.0, "epoch": 2, "sequence": 2, **changes}
        return LimitCommand("f1", "ev1", request, start=now, end=now + timedelta(seconds=seconds), **values)


@cache
def all_clients() -> Clients:
    """Business logic of somebody else, and two homes; with hashes that cost less than real ones."""
    salt = b"s" * 16
    made = hashlib.scrypt(SECRET.encode(), salt=salt, n=2**10, r=8, p=1, dklen=32)
    secret = f"scrypt$10$8$1${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"
    return gathered(
        [
            Client(id="bl", role="BL", secret=secret),
            Client(id="client-1", role="VEN", secret=secret, ven_name="home-1"),
            Client(id="client-2", role="VEN", secret=secret, ven_name="home-2"),
        ]
    )


def new_repository(clock: RealClock) -> Repository:
    """One that keeps nothing."""
    return Repository(ObjectStore(None), clock)


@asynccontextmanager
async def running(
    vtn: Repository, clock: ShiftedClock, *, polled: bool = False, **settings: Any
) -> AsyncIterator[ChannelRig]:
    """A channel over a repository, ready."""
    faulty = FaultyVtn(vtn)
    values = {"devices": (DEVICE, OTHER), **FAST, **settings}
    channel = OpenAdrChannel(ChannelSettings(**values), faulty, clock, np.random.default_rng(7), RealClock())
    if not polled:
        vtn.listen(channel.changed)
    rig = ChannelRig(channel, vtn, faulty, clock)
    task = asyncio.create_task(channel.run(rig.deliveries))
    try:
        await until(lambda: channel.connected or task.done())
        await channel._keeper.program()
        yield rig
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def serving(store: ObjectStore, port: int = 0, **settings: Any) -> AsyncIterator[Vtn]:
    """Our VTN on a real socket."""
    chosen = VtnSettings(all_clients(), b"k" * 32, port=port, goodbye_s=0.1, **settings)
    vtn = Vtn(chosen, store, RealClock(), np.random.default_rng(8))
    task = asyncio.create_task(vtn.run())
    try:
        await until(lambda: vtn.connected or task.done())
        assert vtn.connected
        yield vtn
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It runs meanwhile."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
