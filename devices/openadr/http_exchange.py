"""One HTTP request to the VTN: who asks, the body within its bounds, and answers in the document's words."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from devices.openadr.objects import Actor, Version
from devices.openadr.problems import TITLES, Problem, bad_request, out_of_order, unauthorized
from devices.openadr.tokens import Tokens
from devices.ports import Clock
from devices.rate import Bucket

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="OpenADR"'}
Handler = Callable[[Request], Awaitable[Response]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What every request needs."""

    tokens: Tokens
    clock: Clock
    """the time of day"""
    max_body_bytes: int
    max_ven_body_bytes: int
    body_deadline_s: float
    new_bucket: Callable[[], Bucket]
    """of the requests of one VEN"""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    """of each VEN that has a token, so no more than there are clients"""

    def actor(self, request: Request) -> Actor:
        """Who asks. Raises Problem 401; 500 (the documents have no 429) when a VEN asks too often."""
        actor = self._known_actor(request)
        if actor.is_ven:
            bucket = self.buckets.setdefault(actor.client_id, self.new_bucket())
            if not bucket.take(self.clock.monotonic()):
                raise out_of_order("too many requests of this client; try again in a second")
        return actor

    def _known_actor(self, request: Request) -> Actor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("expected `Authorization: Bearer TOKEN`")
        return self.tokens.actor(token.strip(), self.clock.now())

    async def body(self, request: Request, content_type: str, actor: Actor | None = None) -> bytes:
        """All of the body. Raises Problem 400 when it is of another type, too slow, or too large for `actor`
        (None: nobody known).
        """
        most = self.max_ven_body_bytes if actor is None or actor.is_ven else self.max_body_bytes
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != content_type:
            raise bad_request(f"the body is {given[:60]!a}, expected {content_type}")
        body = bytearray()
        try:
            async with self.clock.timeout(self.body_deadline_s):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise bad_request(f"the body is larger than {most} bytes")
        except TimeoutError:
            raise bad_request(f"the body took longer than {self.body_deadline_s:g} s") from None
        return bytes(body)


def answer(value: object, status: int = 200) -> Response:
    """The value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A `problem`, as JSON: the documents give it no media type of its own."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    return Response(msgspec.json.encode(body), status, headers, media_type=JSON)


def guarded(version: Version, undocumented: dict[int, int], handler: Handler) -> Handler:
    """The handler, with its problems told in the document's words.

    `undocumented` are statuses that the document does not have for this operation, and those that it has.
    """
    statuses = ({401: 403} if version == "3.0.1" else {}) | undocumented

    async def guarded_handler(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as fault:
            status = statuses.get(fault.status, fault.status)
            return problem(status, fault.detail, _CHALLENGE if fault.status == 401 else None)
        except ClientDisconnect:
            return problem(400, "the client went away")
        except Exception:
            log.exception("openadr_request_failed", method=request.method, path=request.url.path)
            return problem(500, "something went wrong here; it may be tried again")

    return guarded_handler


def route(path: str, handlers: Mapping[str, Handler]) -> Route:
    """One path and its handlers by method, so that a 405 can name them all."""

    async def dispatched(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatched, methods=list(handlers))


async def not_routed(_: Request, error: Exception) -> Response:
    """For what is no operation at all: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))
