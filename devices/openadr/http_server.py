"""Listens and serves an application until it is cancelled. Signals are the daemon's: none is handled here.

A client that sends its request head a byte a minute is cut off, and so is one that goes on with a body that
was answered long ago, one that does not read its answer, and one that comes when there are too many
connections already: none may keep the others out.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_LEEWAY = 100
"""connections beyond the limit that are still answered, with 503"""
_MAX_HEAD_BYTES = 32_768
# the library reports every malformed request; we tell our own story
_quiet = logging.getLogger(f"{__name__}.uvicorn")
_quiet.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Listener:
    """How to listen."""

    tls: ssl.SSLContext | None
    header_deadline_s: float
    keep_alive_s: int
    max_connections: int
    goodbye_s: float
    write_deadline_s: float = 30.0


def listening_socket(host: str, port: int) -> socket.socket:
    """Port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


async def serve(app: ASGIApp, listening: socket.socket, how: Listener, ready: Callable[[], None]) -> None:
    """Serve until cancelled; `ready` is called once requests are answered."""
    server = _Server(_config(app, how), ready)
    serving = asyncio.create_task(server.serve([listening]), name="openadr server")
    try:
        await asyncio.shield(serving)
    finally:
        await _stop(server, serving, how.goodbye_s)
        listening.close()


def _config(app: ASGIApp, how: Listener) -> uvicorn.Config:
    tls = how.tls
    return uvicorn.Config(
        app,
        http=_protocol(how),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=how.max_connections,
        timeout_keep_alive=how.keep_alive_s,
        timeout_graceful_shutdown=max(1, int(how.goodbye_s)),
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        ssl_context_factory=None if tls is None else (lambda *_: tls),
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class PatientProtocol(H11Protocol):
    """The library's protocol, with a deadline for the head of every request."""

    header_deadline_s: ClassVar[float]
    most_connections: ClassVar[int]
    write_deadline_s: ClassVar[float]
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _quiet

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The library's hook."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """The library's hook."""
        super().data_received(data)
        # the rest of a body that was answered already is nobody's to read: it has the deadline of a head
        answered = self.cycle is not None and self.cycle.response_complete
        leftover = answered and self.conn.their_state is h11.SEND_BODY
        if leftover or self.conn.their_state is h11.IDLE:
            if self._deadline is None:
                self._await_head()
        else:
            self._forget()

    def pause_writing(self) -> None:
        """The library's hook: the client reads more slowly than we write."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.write_deadline_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The library's hook."""
        super().resume_writing()
        self._written()

    def _written(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
        self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The library's hook."""
        self._forget()
        self._written()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self.header_deadline_s, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None


def _protocol(how: Listener) -> type[asyncio.Protocol]:
    bounds = {
        "header_deadline_s": how.header_deadline_s,
        "write_deadline_s": how.write_deadline_s,
        "most_connections": how.max_connections + _LEEWAY,
    }
    return type("BoundedProtocol", (PatientProtocol,), bounds)


async def _stop(server: _Server, serving: "asyncio.Task[None]", goodbye_s: float) -> None:
    """Ask all to end, then make them: a stalled reader would never end, even when asked."""
    server.should_exit = True
    await asyncio.wait({serving}, timeout=goodbye_s)
    for task in (serving, *server.server_state.tasks):
        task.cancel()
    for connection in list(server.server_state.connections):
        transport = cast("Any", connection).transport
        if transport is not None:
            transport.abort()
