"""One HTTP exchange with somebody else's VTN, bounded [6]: bytes out, a status and a JSON value in.

Knows nothing of OpenADR's objects. Who sends again and when is somebody else's subject, with one exception:
a kept connection that turns out to be closed says nothing about the VTN, so what may be said twice is said
once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from devices.errors import Unreachable

_TWICE = frozenset({"GET", "PUT", "DELETE"})
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """What a VTN answered."""

    status: int
    value: Any
    """the JSON value; None when there was none"""

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    def told(self) -> str:
        """The status with what an OpenADR `problem` or an OAuth2 error says, for a log."""
        value = self.value if isinstance(self.value, dict) else {}
        words = [value.get(name) for name in ("title", "detail", "error", "error_description")]
        said = ": ".join(word for word in words if isinstance(word, str))
        return f"{self.status} {said[:_SHOWN]!a}" if said else str(self.status)


class VtnWire:
    """All exchanges go over one pool of connections."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, max_answer_bytes: int) -> None:
        self.base_url = base_url
        self._http, self._max_answer_bytes = http, max_answer_bytes

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.aclose()

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
        token: str | None = None,
    ) -> Answered:
        """The answer, whatever it says. Unreachable when there is none that can be read."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            request = self._http.build_request(
                method, url, content=content, data=form, params=query, headers=headers
            )
            try:
                return await self._sent(request)
            except httpx.RemoteProtocolError:
                if method not in _TWICE:
                    raise
                return await self._sent(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unreachable(f"{method} {url}: {type(error).__name__} {error}") from error

    async def _sent(self, request: httpx.Request) -> Answered:
        response = await self._http.send(request, stream=True)
        try:
            return Answered(response.status_code, _read(await self._bounded(response), response))
        finally:
            await response.aclose()

    async def _bounded(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise Unreachable(f"{response.request.url}: the answer is packed, which nobody asked for")
        parts, size = [], 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > self._max_answer_bytes:
                raise Unreachable(f"{response.request.url}: more than {self._max_answer_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


def _read(content: bytes, response: httpx.Response) -> Any:
    if not content:
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if response.is_success:
            raise Unreachable(f"{response.request.url}: the answer is no JSON") from None
        return None  # an error page of something in between: its status says enough
