"""Where clients get their tokens: `/auth/token` in both versions, `/auth/server` in 3.1.1."""

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices.openadr.field_types import checked_uri
from devices.openadr.http_exchange import FORM, Exchange, answer, guarded, route
from devices.openadr.log_in import LogIn, LogInRefused
from devices.openadr.objects import Version
from devices.openadr.problems import Problem


@dataclass(frozen=True, slots=True)
class LogInRoutes:
    """The routes of one version."""

    version: Version
    exchange: Exchange
    log_in: LogIn
    base_path: str
    public_url: str | None
    """how clients reach us, when it is not what they ask for"""

    def routes(self) -> Iterator[Route]:
        """All of them."""
        yield route("/auth/token", {"POST": guarded(self.version, {}, self._token)})
        if self.version == "3.1.1":
            yield route("/auth/server", {"GET": guarded(self.version, {}, self._server)})

    async def _token(self, request: Request) -> Response:
        address = request.client.host if request.client is not None else ""
        try:
            form = await self.exchange.body(request, FORM)
            given = await self.log_in.token_for(
                form, request.headers.get("authorization", ""), address, self.version
            )
        except LogInRefused as refused:
            return self._refusal(refused)
        except Problem as fault:
            if fault.status != 400:
                raise
            return self._refusal(LogInRefused("invalid_request", fault.detail))
        response = answer(given)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _refusal(self, refused: LogInRefused) -> Response:
        """3.0.1 has no 401: RFC 6749 (section 5.2) leaves 400 open for invalid_client."""
        status = 401 if refused.error == "invalid_client" and self.version == "3.1.1" else 400
        response = answer({"error": refused.error, "error_description": refused.description}, status)
        response.headers["Cache-Control"] = "no-store"
        if refused.retry_after_s:
            response.headers["Retry-After"] = f"{refused.retry_after_s:.0f}"
        return response

    async def _server(self, request: Request) -> Response:
        return answer({"tokenURL": f"{self._our_url(request)}{self.base_path}/auth/token"})

    def _our_url(self, request: Request) -> str:
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host, port = request.scope.get("server") or ("127.0.0.1", 80)
        plain = f"{request.url.scheme}://{host}" + ("" if port is None else f":{port}")
        try:
            return checked_uri(f"{request.url.scheme}://{request.headers['host']}")
        except (KeyError, ValueError):
            return plain
