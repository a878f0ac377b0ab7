"""Business logic over HTTP, for somebody else's VTN: the four operations in OpenADR 3.0.1 or 3.1.1 [6].

Bodies pass through as they are. What does not answer in time, breaks off, or says that it is out of order
is Unreachable; what says no is CommandRejected. Answers are bounded in size and number, redirects are not
followed, and neither proxies nor certificates are taken from the environment.
"""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from devices.errors import CommandRejected, ProfileRejected, Unreachable
from devices.openadr.channel_settings import Version
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.vtn_token import Credentials, TokenSource, not_done
from devices.openadr.vtn_wire import Answered, VtnWire
from devices.ports import Clock

PAGE = 50
"""The most that a VTN gives at once, by the document."""
MAX_CONNECTIONS = 10
_VOID = {"3.0.1": (401, 403), "3.1.1": (401,)}
"""What may mean that our token is void: 3.0.1 has no 401."""
_OBJECT_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VtnAccess:
    """Somebody else's VTN, and who we are there."""

    base_url: str
    """up to where `/programs` begins, for example `https://vtn.example/openadr3/3.1.1`"""
    version: Version = "3.1.1"
    credentials: Credentials | None = None
    """None for a VTN that lets everybody in"""
    tls: ssl.SSLContext | None = None
    """None: the authorities of this machine"""
    deadline_s: float = 10.0
    """of one operation, with all its pages and a token when one is needed"""
    max_answer_bytes: int = 4 * 2**20
    max_objects: int = 20_000
    plain_http: bool = False
    """Let passwords and limits travel unprotected; for closed networks and tests only."""
    headers: Mapping[str, str] = field(default_factory=dict)


def check_access(settings: VtnAccess) -> None:
    """ProfileRejected when this cannot be a VTN, or not a safe one."""
    urls = {"base_url": settings.base_url}
    if settings.credentials is not None and settings.credentials.token_url is not None:
        urls["token_url"] = settings.credentials.token_url
    for name, url in urls.items():
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ProfileRejected(f"vtn: `{name}` is {url!r}, expected https://HOST/PATH without a password")
        if parts.scheme == "http" and not settings.plain_http:
            raise ProfileRejected(f"vtn: `{name}` is {url!r}, expected https; or set `plain_http`")


class VtnClient:
    """Is a BusinessLogic. `async with` it, or `close` it."""

    def __init__(self, settings: VtnAccess, wire_clock: Clock) -> None:
        """Raises ProfileRejected when the settings are no VTN's."""
        check_access(settings)
        self._settings, self._clock = settings, wire_clock
        http = httpx.AsyncClient(
            verify=settings.tls or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=settings.deadline_s,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
            # a small bomb would unpack beyond every bound
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **settings.headers},
        )
        self._wire = VtnWire(http, settings.base_url.rstrip("/"), settings.max_answer_bytes)
        self._tokens: TokenSource | None = None
        if settings.credentials is not None:
            self._tokens = TokenSource(settings.credentials, settings.version, self._wire, wire_clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._wire.close()

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        """See the port."""
        path = self._nested(str(body.get("venID"))) if self._nests(kind) else f"/{kind}s"
        async with self._in_time(f"making a {kind}"):
            return _object(await self._good("POST", path, body=body))

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        """See the port."""
        async with self._in_time(f"replacing a {kind}"):
            above = self._nested(str(body.get("venID"))) if self._nests(kind) else f"/{kind}s"
            return _object(await self._good("PUT", f"{above}/{_safe(object_id)}", body=body))

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        """See the port."""
        async with self._in_time(f"deleting a {kind}"):
            above = f"/{kind}s"
            if self._nests(kind):
                found = await self._pages_of_all_vens({})
                owner = next((one for one in found if one["id"] == object_id), None)
                if owner is None:
                    return
                above = self._nested(str(owner.get("venID")))
            answer = await self._ask("DELETE", f"{above}/{_safe(object_id)}")
            if not answer.is_good and answer.status != 404:
                raise not_done(f"DELETE {above}", answer)

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        """See the port. Parameters are those of the VTN's version."""
        async with self._in_time(f"looking for {kind}s"):
            if not self._nests(kind):
                return await self._pages(f"/{kind}s", query)
            rest = {name: value for name, value in query.items() if name != "venID"}
            if "venID" in query:
                return await self._pages(self._nested(query["venID"]), rest)
            return await self._pages_of_all_vens(rest)

    def _nests(self, kind: ObjectKind) -> bool:
        """In 3.0.1 a resource lies below its ven."""
        return kind == "resource" and self._settings.version == "3.0.1"

    def _nested(self, ven_id: str) -> str:
        return f"/vens/{_safe(ven_id)}/resources"

    async def _pages_of_all_vens(self, query: Mapping[str, str]) -> list[Body]:
        found: list[Body] = []
        for ven in await self._pages("/vens", {}):
            found += await self._pages(self._nested(str(ven["id"])), query)
        return found

    async def _pages(self, path: str, query: Mapping[str, str]) -> list[Body]:
        """All pages; what moves from one page to the next meanwhile is there once."""
        found: dict[str, Body] = {}
        skip = 0
        while True:
            answer = await self._good("GET", path, query={**query, "skip": skip, "limit": PAGE})
            if not isinstance(answer.value, list):
                raise Unreachable(f"GET {path}: the vtn answers with no list")
            page = [_object(Answered(answer.status, one)) for one in answer.value]
            before = len(found)
            found.update((str(one["id"]), one) for one in page)
            if len(found) > self._settings.max_objects:
                raise CommandRejected(f"GET {path}: more than {self._settings.max_objects} objects")
            if len(page) < PAGE or len(found) == before:
                return list(found.values())
            skip += len(page)

    async def _good(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Answered:
        answer = await self._ask(method, path, body=body, query=query)
        if not answer.is_good:
            raise not_done(f"{method} {path}", answer)
        return answer

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Answered:
        url, token = self._wire.base_url + path, await self._next_token()
        answer = await self._wire.exchange(method, url, body=body, query=query, token=token)
        if answer.status not in _VOID[self._settings.version] or self._tokens is None or token is None:
            return answer
        # it may have expired on the way, or the VTN has forgotten all tokens
        self._tokens.refused(token)
        return await self._wire.exchange(method, url, body=body, query=query, token=await self._next_token())

    async def _next_token(self) -> str | None:
        return None if self._tokens is None else await self._tokens.token()

    @asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        seconds = self._settings.deadline_s
        try:
            async with self._clock.timeout(seconds):
                yield
        except TimeoutError:
            raise Unreachable(f"{what}: no answer of the vtn within {seconds:g} s") from None


def _object(answer: Answered) -> Body:
    """The object that a VTN answers with: at least it has an id."""
    value = answer.value
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise Unreachable("the vtn answers with no object, or one without an id")
    return value


def _safe(object_id: str) -> str:
    """The id, when it is one (`objectID`): it goes into a path."""
    if _OBJECT_ID.fullmatch(object_id) is None:
        raise CommandRejected(f"{object_id[:60]!a} is no id of an object")
    return object_id
