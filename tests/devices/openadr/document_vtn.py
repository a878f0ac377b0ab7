"""A VTN made of the published document: it has nothing that the document does not have, and judges every
request by it. Objects are kept as they come; it has no rules of its own.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devices.openadr.http_server import Listener, listening_socket, serve
from tests.devices.openadr.channel_rig import in_background
from tests.devices.openadr.openapi_document import document, faults

Asgi = Callable[..., Awaitable[None]]
TOKEN_LIFE_S = 3600


class DocumentVtn:
    """An ASGI application."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.objects: dict[str, dict[str, Any]] = {}
        """path -> object"""
        self.tokens = 0
        self.void_tokens: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path, method, body = request.url.path, request.method.lower(), await request.body()
        self.requests.append(f"{request.method} {path}")
        operation = self._operation(path, method)
        if operation is None:
            self.faults.append(f"{method} {path} is not in the document")
            return JSONResponse({"title": "?"}, 404)
        self._judge_query(request, operation)
        if path == "/auth/token":
            return self._token(request, body)
        if path == "/auth/server":
            return JSONResponse({"tokenURL": f"{request.base_url}auth/token"})
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer in self.void_tokens or not bearer.startswith("token-"):
            return JSONResponse({"title": "Unauthorized"}, 403 if self.version == "3.0.1" else 401)
        return self._object(request, operation, body)

    def _operation(self, path: str, method: str) -> dict[str, Any] | None:
        for template, operations in document(self.version)["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", r"[a-zA-Z0-9_-]{1,128}", template), path):
                found: dict[str, Any] | None = operations.get(method)
                return found
        return None

    def _judge_query(self, request: Request, operation: dict[str, Any]) -> None:
        known = {each["name"]: each for each in operation.get("parameters", ()) if each.get("in") == "query"}
        for name, value in request.query_params.items():
            if name not in known:
                self.faults.append(f"{request.url.path}: no parameter {name}")
            elif name in ("skip", "limit") and not 0 <= int(value) <= known[name]["schema"].get(
                "maximum", 1e9
            ):
                self.faults.append(f"{request.url.path}: {name} is {value}")

    def _token(self, request: Request, body: bytes) -> Response:
        form = dict(parse_qsl(body.decode()))
        self.faults += faults(self.version, "clientCredentialRequest", form)
        if request.headers["Content-Type"] != "application/x-www-form-urlencoded":
            self.faults.append("a token is asked for in a form")
        if form.get("client_secret") != "secret":
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens += 1
        answer = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": TOKEN_LIFE_S}
        return JSONResponse(answer)

    def _object(self, request: Request, operation: dict[str, Any], body: bytes) -> Response:
        path, method = request.url.path, request.method.lower()
        if method == "get":
            skip, limit = (int(request.query_params.get(name, 50)) for name in ("skip", "limit"))
            own = [value for key, value in self.objects.items() if key.rpartition("/")[0] == path]
            return JSONResponse(own[skip : skip + limit])
        if method == "delete":
            gone = self.objects.pop(path, None)
            return JSONResponse({"title": "Not Found"}, 404) if gone is None else JSONResponse(gone)
        value = self._judged(request, operation, body)
        object_id = f"id-{len(self.objects) + 1}" if method == "post" else path.rpartition("/")[2]
        made = {**value, "id": object_id, "createdDateTime": "2026-01-01T00:00:00Z"}
        self.objects[f"{path}/{object_id}" if method == "post" else path] = made
        return JSONResponse(made, 201 if method == "post" else 200)

    def _judged(self, request: Request, operation: dict[str, Any], body: bytes) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(body)
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        self.faults += faults(self.version, reference.rpartition("/")[2], value)
        if request.headers["Content-Type"] != "application/json":
            self.faults.append("a body is JSON")
        return value


@asynccontextmanager
async def listening(app: Asgi, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The base URL of an application on a real socket."""
    socket = listening_socket("127.0.0.1", 0)
    ready = asyncio.Event()
    how = Listener(tls, 5.0, 5, 100, 0.1)
    async with in_background(serve(app, socket, how, ready.set)):
        await ready.wait()
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{socket.getsockname()[1]}"
