"""The VTN: an HTTP server for both versions of OpenADR 3, its webhooks, and its objects [6].

Business logic of our own uses `repository`; others in the process hear of changes by `repository.listen`.
Knows nothing of limits and requests.
"""

import asyncio
import socket

import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import ProfileRejected
from devices.openadr.callback_guard import CallbackGuard, Resolve
from devices.openadr.http_app import VtnApp
from devices.openadr.http_server import Listener, listening_socket, serve
from devices.openadr.object_store import ObjectStore
from devices.openadr.repository import Repository
from devices.openadr.settings import VtnSettings, check_settings
from devices.openadr.webhooks import Webhooks
from devices.ports import Clock, Deliver

FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 30.0

log = structlog.get_logger(__name__)


class Vtn:
    """`run()` in a TaskGroup. LinkHealth: connected while it listens."""

    def __init__(
        self,
        settings: VtnSettings,
        store: ObjectStore,
        wire_clock: Clock,
        rng: np.random.Generator,
        resolve: Resolve | None = None,
    ) -> None:
        """`resolve` looks up callbacks' hosts; None: as the machine does. Raises ProfileRejected."""
        check_settings(settings)
        self._settings, self._clock = settings, wire_clock
        self._backoff = Backoff(rng, FIRST_RETRY_S, LONGEST_RETRY_S)
        self.repository = Repository(
            store,
            wire_clock,
            ven_names=settings.clients.ven_names,
            own_program=settings.own_program,
            bounds=settings.bounds,
        )
        self._guard = CallbackGuard(settings.callbacks, wire_clock, resolve)
        self.webhooks = Webhooks(settings.webhooks, self._guard, wire_clock, rng)
        self.repository.notify_by(self.webhooks.notify)
        self.app = VtnApp(settings, self.repository, self.webhooks, wire_clock)
        self._connected = False
        self._told_of_loss = False
        self.port = settings.port
        """the one that it listens on, once it is `connected`"""

    @property
    def connected(self) -> bool:
        """True while it listens."""
        return self._connected

    async def run(self, deliver: Deliver | None = None) -> None:
        """Serve until cancelled. It delivers nothing: whoever wants reports listens to `repository`.

        While the file of objects is of no use, or the address is taken, it waits with back-off, and says so
        once: no fault of the VTN stops the daemon that it runs in.
        """
        try:
            await self._opened()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.webhooks.run(), name="openadr webhooks")
                tasks.create_task(self._serve(), name="openadr vtn")
        finally:
            self._connected = False
            self.app.close()
            self._guard.close()
            await self.repository.close()

    async def _opened(self) -> None:
        while True:
            try:
                return await self.repository.open()
            except ProfileRejected as error:
                self._tell_of_loss("openadr_cannot_open", reason=str(error))
            await self._clock.sleep(self._backoff.next_wait_s())

    async def _serve(self) -> None:
        listening = await self._listening()
        self.port = listening.getsockname()[1]
        settings = self._settings
        how = Listener(
            settings.tls,
            settings.header_deadline_s,
            settings.keep_alive_s,
            settings.max_connections,
            settings.goodbye_s,
            settings.write_deadline_s,
        )
        await serve(self.app.asgi, listening, how, self._ready)

    async def _listening(self) -> socket.socket:
        while True:
            try:
                return listening_socket(self._settings.host, self._settings.port)
            except OSError as error:
                where = f"{self._settings.host}:{self._settings.port}"
                self._tell_of_loss("openadr_cannot_listen", where=where, reason=str(error))
            await self._clock.sleep(self._backoff.next_wait_s())

    def _tell_of_loss(self, event: str, **facts: str) -> None:
        if not self._told_of_loss:
            log.warning(event, **facts)
        self._told_of_loss = True

    def _ready(self) -> None:
        self._connected = True
        if self._told_of_loss:
            log.info("openadr_listens", port=self.port)
        self._told_of_loss = False
