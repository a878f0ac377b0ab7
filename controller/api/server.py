"""Listens and serves the app inside the daemon's TaskGroup; stops within a second when cancelled.

Signals are the daemon's: none is handled here.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn
from fastapi import FastAPI

STOP_WITHIN_S = 0.8
MAX_CONNECTIONS = 256


class CannotListen(Exception):
    """The address is taken or not ours: for the person who wrote the site file."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None] | None, port: int) -> None:
        super().__init__(config)
        self._ready = ready
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready is not None:
            self._ready(self._port)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises CannotListen naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotListen(
            f"cannot listen on {host} port {port} ({reason}): is another controller running? "
            "Stop it, or set another `port` under [api] in the site file"
        ) from error


async def serve(app: FastAPI, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Serve until cancelled. `ready` is called with the port in use once requests are answered. Only proxies
    that the site file names are believed when they tell whose request it is, and whether it came over TLS.

    Raises CannotListen.
    """
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        proxy_headers=bool(app.state.trusted_proxies),
        forwarded_allow_ips=list(app.state.trusted_proxies),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, ready, listening.getsockname()[1])
    serving = asyncio.create_task(server.serve([listening]), name="api server")
    try:
        await asyncio.shield(serving)
    finally:
        await _stop(app, server, serving)
        listening.close()


async def _stop(app: FastAPI, server: _Server, serving: "asyncio.Task[None]") -> None:
    """Ask all to end, then make them: a stalled reader would never end, even when asked."""
    app.state.streams.close()
    server.should_exit = True
    await asyncio.wait({serving}, timeout=STOP_WITHIN_S)
    for task in (serving, *server.server_state.tasks):
        task.cancel()
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()
