"""The `Idempotency-Key` header on all that is posted: the same command sent twice is done once, and answered
alike (draft-ietf-httpapi-idempotency-key-header-07).

A key counts for whoever shows it, and for one request: with another body it answers 422, while the first one
still runs 409, and 400 when it is malformed. What the server could not do (5xx), what it did not look at
(401, 403, 429 ...) and what was cut off half way is not kept: the same may be sent again. After a restart
orders are known by the journal, which holds the key beside what was done; they are answered as they stand
then. Sign-in and tokens have no keys: their answers are secrets, which nobody keeps. Who is not let in gets
the route's own answer, and who has lost a right since is told nothing of what was done before.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.access.account_file import AccountsUnavailable
from controller.access.principal import Principal
from controller.api.gate import Doors
from controller.api.giver import name_of
from controller.api.kept_answers import KeptAnswer, KeptAnswers
from controller.api.problems import problem_response
from controller.entries import CommandTaken
from controller.orders.giving import CommandKey
from devices.ports import Clock

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
BELOW = "/api/v1/"
SECRETS = ("/api/v1/session", "/api/v1/tokens")
NEVER_WAITS = "/api/v1/emergency-stop"
"""is done without its key where there is no room for one more"""
MOST_BODY_BYTES = 16 * 2**20
"""of the largest body that a route takes"""
MOST_ANSWER_BYTES = 2**20
LOST = "this was done before, under rights that you do not have any more"
NOT_LOOKED_AT = frozenset({401, 403, 408, 413, 425, 429})
_KEY = re.compile(r'"[ !#-\[\]-~]{1,128}"|[!#-+\--:<-\[\]-~]{1,128}')
"""a string as RFC 8941 has it, without escapes; also without its quotes, as many send it"""

Earlier = Callable[[str, str], Awaitable[CommandTaken | None]]
"""what the journal knows of a principal's key"""
Again = Callable[[CommandTaken, Principal], Awaitable[Response | None]]
"""the answer for what was done before; None: it is so long ago that nothing is known of it. Raises 403 where
they may not do it any more
"""


class Idempotency:
    """ASGI middleware inside all that changes answers."""

    def __init__(
        self, app: ASGIApp, *, gate: Doors, clock: Clock, earlier: Earlier | None, again: Again | None
    ) -> None:
        self._app, self._gate, self._clock = app, gate, clock
        self._earlier, self._again = earlier, again
        self._answers = KeptAnswers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer as before."""
        if not _is_command(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        shown = request.headers.getlist(HEADER)
        if not shown:
            await self._app(scope, receive, send)
            return
        if len(shown) != 1 or _KEY.fullmatch(shown[0]) is None:
            told = "Idempotency-Key: expected one string of 1 to 128 printable ASCII characters"
            await problem_response(request, 400, told)(scope, receive, send)
            return
        principal = await self._known(request)
        try:
            body = None if principal is None else await _body(receive)
        except ClientDisconnect:
            return  # half a command is none, and nobody is there to be told
        if principal is None:
            await self._app(scope, receive, send)
        elif body is None:
            told = f"expected at most {MOST_BODY_BYTES} bytes"
            await problem_response(request, 413, told)(scope, receive, send)
        else:
            key = shown[0].strip('"')
            command = CommandKey(name_of(principal), key, _fingerprint(scope, body))
            await self._once(request, principal, command, body, send)

    async def _known(self, request: Request) -> Principal | None:
        try:
            return await self._gate.known(request)
        except (HTTPException, AccountsUnavailable):
            return None

    async def _once(
        self, request: Request, principal: Principal, command: CommandKey, body: bytes, send: Send
    ) -> None:
        name = command.principal, command.key
        begun = self._answers.begin(name, command.fingerprint, self._clock.monotonic())
        if isinstance(begun, KeptAnswer):
            if begun.is_for(principal):
                await _send(begun, send)
            else:
                await problem_response(request, 403, LOST)(request.scope, request.receive, send)
            return
        if begun == "full" and request.url.path == NEVER_WAITS:
            await self._app(request.scope, _received(body, request.receive), send)
            return
        if begun != "new":
            status, code, told = _REFUSED[begun]
            refused = problem_response(request, status, told, code=code)
            await refused(request.scope, request.receive, send)
            return
        try:
            known = await self._before(request, command, principal)
            answer = await self._run(request, command, body, send) if known is None else known
        except BaseException:
            self._answers.give_up(name)
            raise
        if answer is None or answer.status >= 500 or answer.status in NOT_LOOKED_AT:
            self._answers.give_up(name)
        else:
            self._answers.finish(name, replace(answer, to=principal), self._clock.monotonic())
        if known is not None:
            await _send(known, send)

    async def _before(self, request: Request, command: CommandKey, principal: Principal) -> KeptAnswer | None:
        """What the journal knows of it."""
        if self._earlier is None or self._again is None:
            return None
        taken = await self._earlier(command.principal, command.key)
        if taken is None:
            return None
        if taken.fingerprint != command.fingerprint:
            status, code, told = _REFUSED["another"]
            return _kept(problem_response(request, status, told, code=code))
        try:
            response = await self._again(taken, principal)
        except HTTPException as error:
            return _kept(problem_response(request, error.status_code, str(error.detail)))
        if response is None:
            told = f"this was done before ({taken.did} {taken.about}), so long ago that no more is known"
            response = problem_response(request, 409, told)
        return _kept(response)

    async def _run(self, request: Request, command: CommandKey, body: bytes, send: Send) -> KeptAnswer | None:
        """Do it; what was answered, None where that is too large to keep."""
        request.scope.setdefault("state", {})["command"] = command
        started: dict[str, Any] = {}
        parts: list[bytes] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                # a copy: whoever compresses it on its way writes into the same list
                started.update(message, headers=tuple(message.get("headers", ())))
            elif sum(map(len, parts)) <= MOST_ANSWER_BYTES:
                parts.append(message.get("body", b""))
            await send(message)

        await self._app(request.scope, _received(body, request.receive), sending)
        if not started or sum(map(len, parts)) > MOST_ANSWER_BYTES:
            return None
        return KeptAnswer(started["status"], started["headers"], b"".join(parts))


_REFUSED = {
    "another": (
        422,
        "key_reused",
        "Idempotency-Key: expected another key, this one came with another request before",
    ),
    "running": (
        409,
        "still_runs",
        "Idempotency-Key: the first command under this key still runs; wait for its answer",
    ),
    "full": (429, "too_many_run", "too many commands run at a time; wait a little"),
}


def _is_command(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path = str(scope["path"])
    return path.startswith(BELOW) and not path.startswith(SECRETS)


def _fingerprint(scope: Scope, body: bytes) -> str:
    digest = hashlib.sha256()
    for part in (scope["path"].encode(), scope.get("query_string", b""), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def _body(receive: Receive) -> bytes | None:
    """All of it; None where that is too much. Raises ClientDisconnect where whoever sends it left before
    its end.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MOST_BODY_BYTES:
            return None
    return b"".join(parts)


def _received(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever else comes."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _kept(response: Response) -> KeptAnswer:
    return KeptAnswer(response.status_code, tuple(response.raw_headers), bytes(response.body))


async def _send(answer: KeptAnswer, send: Send) -> None:
    headers = [*answer.headers, (REPLAYED.encode(), b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def add_idempotency(app: FastAPI) -> None:
    """Have the OpenAPI document name the header, and what it may be answered with."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        document = plain()
        if fresh:
            for path, operations in document["paths"].items():
                if path.startswith(BELOW) and not path.startswith(SECRETS) and "post" in operations:
                    _describe(operations["post"])
        return document

    app.openapi = described  # type: ignore[method-assign]


def _describe(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_PARAMETER)
    for status, told in _DESCRIBED.items():
        operation["responses"].setdefault(status, {"description": told})


_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "sent again with the same key, the same command is done once and answered alike",
    "schema": {"type": "string", "pattern": f"^({_KEY.pattern})$"},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}
_DESCRIBED = {
    "400": "the Idempotency-Key is malformed",
    "409": "the command under this Idempotency-Key still runs",
    "413": "the body is too large",
    "422": "the Idempotency-Key came with another request before",
    "429": "too many commands run at a time",
}
