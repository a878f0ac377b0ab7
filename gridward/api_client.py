"""Asks the running daemon over its API: for the commands that write, which only the one writer can carry out.

ApiError
├── NoToken       this site has no operator token that can be used: nothing was sent
├── NotReached    nobody answers at the site's address: nothing was done
├── NoAnswer      the daemon took the request and did not answer in time: it may have been carried out
└── ApiRefused    the daemon said no; `status` and its own words (RFC 9457)

Knows no route. The address and the token are those of the site file's `[api]`; proxies of the environment are
not used and redirects are not followed, so that the token goes to nobody else.
"""

import http.client
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from controller.api.operator_key import MIN_TOKEN_LENGTH
from controller.errors import ConfigRejected
from controller.settings import Site
from controller.settings_file import load_site

DEADLINE_S = 15.0
"""for each wait: connecting, and every silence of the daemon"""
MAX_BODY_BYTES = 64 * 2**20
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104  not bound to, but called
_TIMED_OUT = "the daemon did not answer within {:g} s; it may have done it: the same command again is safe"


class ApiError(Exception):
    """Whatever kept a command from being carried out. `exit_status` is what the command line ends with."""

    exit_status = 2


class NoToken(ApiError):
    """The site file names no operator token, or it cannot be read."""


class NotReached(ApiError):
    """No daemon answers at the address of the site file."""


class NoAnswer(ApiError):
    """Nobody knows whether it was carried out; commands carry an id, so that trying again is safe."""

    exit_status = 3


class ApiRefused(ApiError):
    """The daemon's own answer. 4xx: what was asked cannot be done; 5xx: the daemon cannot do it now."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.exit_status = 2 if status < 500 else 3


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """No redirect: the answer stands as it is, a refusal."""


class ApiClient:
    """The API of one site's daemon. Every call blocks until it is answered or the deadline has passed."""

    def __init__(self, base: str, token: str | None, *, deadline_s: float = DEADLINE_S) -> None:
        """`base`: `http://HOST:PORT`. Without a token only what needs none is answered."""
        self.base = base
        self._token, self._deadline_s = token, deadline_s
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere)

    @classmethod
    def of(cls, site: Site, *, deadline_s: float = DEADLINE_S) -> "ApiClient":
        """The client of a site. Raises NoToken, or NotReached when its port is not fixed."""
        if site.api.port == 0:
            raise NotReached("[api] port is 0, so nobody knows where the daemon answers; set a port")
        host = _ANYWHERE.get(site.api.host, site.api.host)
        host = f"[{host}]" if ":" in host else host
        token = _token(site.api.operator_token_file)
        return cls(f"http://{host}:{site.api.port}", token, deadline_s=deadline_s)

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path` (`/api/v1/...`, quoted). Raises ApiError."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a posted one. Raises ApiError."""
        return self._call("POST", path, json.dumps(body, ensure_ascii=False).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        asked = urllib.request.Request(self.base + path, body, headers, method=method)  # noqa: S310  http only
        try:
            with self._opener.open(asked, timeout=self._deadline_s) as answer:
                return _object(_read(answer))
        except urllib.error.HTTPError as error:
            with error:
                raise ApiRefused(error.code, _detail(error)) from None
        except urllib.error.URLError as error:
            # comes of connecting and sending only: what was not sent whole is not carried out
            raise NotReached(f"no daemon answers at {self.base}: {_why(error.reason)}") from error
        except TimeoutError as error:
            raise NoAnswer(_TIMED_OUT.format(self._deadline_s)) from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self.base} broke off its answer: {_why(error)}; it may have done it") from error


def asked(site_file: Path, call: Callable[[ApiClient], int]) -> int:
    """What `call` returns with the client of a site file; else the error on stderr and its exit status."""
    try:
        return call(ApiClient.of(load_site(site_file)))
    except ConfigRejected as error:
        print("\n".join(error.findings), file=sys.stderr)
        return 2
    except ApiError as error:
        print(f"gridward: {error}", file=sys.stderr)
        return error.exit_status


def _token(path: Path | None) -> str:
    if path is None:
        raise NoToken("the daemon is read-only: set `operator_token_file` under [api] in the site file")
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoToken(f"{path}: expected the operator token, in ASCII: {_why(error)}") from error
    if len(token) < MIN_TOKEN_LENGTH or not token.isprintable():
        raise NoToken(f"{path}: expected one token of {MIN_TOKEN_LENGTH} printable characters or more")
    return token


def _read(answer: IO[bytes]) -> bytes:
    body = answer.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise ApiRefused(502, f"expected an answer of at most {MAX_BODY_BYTES} bytes")
    return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiRefused(502, "expected a JSON object; what answers there is no Gridward daemon")
    return found


def _detail(error: urllib.error.HTTPError) -> str:
    """The problem document's words, or else the status alone."""
    try:
        detail = _object(_read(error)).get("detail")
    except (ApiError, OSError, http.client.HTTPException):
        detail = None
    return detail if isinstance(detail, str) and detail else f"HTTP {error.code} {error.reason}"


def _why(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
