"""Large answers go out as gzip where that is accepted. Event streams pass untouched: they have to arrive at
once. What comes compressed already (the console's files, a drawing) stays as it is.

The compressed form of an answer is another representation and has another tag (RFC 9110, 8.8.3.3): the
route's own with `-gzip` at its end, which is taken off again before the route sees it.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORTH_BYTES = 1400
"""A smaller answer is one packet anyhow."""
LEVEL = 5
_END = '-gzip"'


class Compression:
    """ASGI middleware. What takes long is compressed in a thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._gzip = GZipMiddleware(app, minimum_size=WORTH_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, compressed."""
        if scope["type"] != "http":
            await self._gzip(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = headers.get("if-none-match", "")
        whichever = known.strip() == "*" and "gzip" in headers.get("accept-encoding", "")
        if _END in known:
            scope = {**scope, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)["if-none-match"] = f"{known}, {known.replace(_END, chr(34))}"

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                _mark(MutableHeaders(scope=message), known, message["status"] == 304 and whichever)
            await send(message)

        await self._gzip(scope, receive, send_tagged)


def _mark(headers: MutableHeaders, known: str, whichever: bool) -> None:
    """Name the compressed form, also where the client has it already."""
    tag = headers.get("etag", "")
    if not tag.endswith('"') or tag.endswith(_END):
        return
    marked = tag[:-1] + _END
    if headers.get("content-encoding") == "gzip" or marked in known or whichever:
        headers["etag"] = marked
