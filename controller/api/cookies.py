"""The cookies of a session and of a sign-in under way: no script reads them, and no other site sends them.

Where the site file says that people reach the API over TLS, they go over TLS only, also from behind a proxy
that ends it; browsers then take the session's from this very host alone (RFC 6265bis, 4.1.3.2).
"""

from fastapi import Request, Response


class Cookies:
    """What browsers are given, by the address that people use."""

    def __init__(self, public_url: str | None = None) -> None:
        self.only_tls = (public_url or "").lower().startswith("https:")
        self.session = "__Host-gridward_session" if self.only_tls else "gridward_session"
        self.openid = "__Secure-gridward_openid" if self.only_tls else "gridward_openid"

    def begin_session(self, request: Request, response: Response, secret: str) -> None:
        """From now on the browser shows this."""
        secure = self._secure(request)
        response.set_cookie(self.session, secret, httponly=True, samesite="strict", path="/", secure=secure)

    def end_session(self, request: Request, response: Response) -> None:
        """The browser forgets it."""
        response.delete_cookie(self.session, path="/", secure=self._secure(request), httponly=True)

    def begin_openid(
        self, request: Request, response: Response, sealed: str, path: str, within_s: int
    ) -> None:
        """Of a sign-in that goes by a provider: lax, because the way back begins at the provider's page."""
        response.set_cookie(
            self.openid, sealed, max_age=within_s, httponly=True, samesite="lax", path=path,
            secure=self._secure(request),
        )  # fmt: skip

    def end_openid(self, request: Request, response: Response, path: str) -> None:
        """The browser forgets it."""
        response.delete_cookie(self.openid, path=path, secure=self._secure(request), httponly=True)

    def _secure(self, request: Request) -> bool:
        return self.only_tls or request.url.scheme == "https"
