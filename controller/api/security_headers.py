"""What a browser is allowed to do with our pages: the same headers on every response.

Scripts and styles come from here and from nowhere else, and none is inline; what scripts set on an element's
style is theirs to set. A page without scripts that posts a form brings a policy of its own, stricter in all
else. No CORS header is ever sent: other origins may not read the API.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_security_policy(images_from: str | None = None) -> str:
    """The policy; `images_from`: the one other origin that pictures may come from, such as a map's."""
    more = "" if images_from is None else f" {images_from}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data:{more}",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


CONTENT_SECURITY_POLICY = content_security_policy()

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
TLS_HEADERS = {"strict-transport-security": "max-age=31536000"}


class SecurityHeaders:
    """ASGI middleware; touches only the start of a response, so streams pass untouched."""

    def __init__(self, app: ASGIApp, *, only_tls: bool = False, images_from: str | None = None) -> None:
        """`only_tls`: browsers come here over TLS only, once they did (RFC 6797); `images_from`: see
        `content_security_policy`.
        """
        self._app = app
        policy = {"content-security-policy": content_security_policy(images_from)}
        self._headers = HEADERS | policy | (TLS_HEADERS if only_tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                own_policy = headers.get("content-security-policy")
                for name, value in self._headers.items():
                    headers[name] = value
                if own_policy is not None:
                    headers["content-security-policy"] = own_policy
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)
