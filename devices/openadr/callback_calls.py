"""One HTTP request to a callback, bounded [6]: no redirects, no proxies, one deadline, at an address that was
looked at. Knows nothing of subscriptions.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import msgspec

from devices.openadr.callback_guard import CallbackGuard
from devices.openadr.ports import Body
from devices.ports import Clock

NOT_TAKEN = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError)
"""what `called` raises when there is no answer, besides Problem when we may not call there"""
_MAX_ANSWER_BYTES = 4096


@dataclass(slots=True)
class CallbackCalls:
    """Requests over one pool of connections, that nobody else's requests wait for."""

    guard: CallbackGuard
    clock: Clock
    deadline_s: float
    """of one request, look-up and all"""
    at_once: int
    tls: ssl.SSLContext | None
    """None: the authorities that the machine trusts"""
    _kept: httpx.AsyncClient | None = field(default=None, init=False)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keep one client meanwhile; without it every request makes its own."""
        async with self._new_client() as client:
            self._kept = client
            try:
                yield
            finally:
                self._kept = None

    async def called(
        self, method: str, url: str, headers: dict[str, str], body: Body | None = None, turn: int = 0
    ) -> tuple[int, str]:
        """Status, and the beginning of the answer to a GET. Raises NOT_TAKEN; Problem 403."""
        content = None if body is None else msgspec.json.encode(body)
        async with self.clock.timeout(self.deadline_s):
            callee = await self.guard.callee(url, turn)
            kept = self._kept
            client = kept or self._new_client()
            request = client.build_request(
                method,
                callee.url,
                headers=headers | callee.headers,
                content=content,
                extensions=callee.extensions,
            )
            try:
                response = await client.send(request, stream=True, follow_redirects=False)
                try:
                    return response.status_code, await _beginning(response) if method == "GET" else ""
                finally:
                    await response.aclose()
            finally:
                if client is not kept:
                    await client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=4 * self.at_once, max_keepalive_connections=0)
        verify = True if self.tls is None else self.tls
        return httpx.AsyncClient(
            verify=verify, trust_env=False, limits=limits, timeout=self.deadline_s, http2=False
        )


async def _beginning(response: httpx.Response) -> str:
    begun = bytearray()
    async for chunk in response.aiter_raw():
        begun += chunk
        if len(begun) >= _MAX_ANSWER_BYTES:
            break
    return bytes(begun[:_MAX_ANSWER_BYTES]).decode("utf-8", "replace")
