"""The console's files as they lie on the disk: compressed ones in place of plain ones where accepted.

The build lays `NAME.br` and `NAME.gz` beside a file, so nothing is compressed here. What has its content's
hash in its name never changes and is kept for ever; all else is asked for again each time, and a tag says
whether it is still the same.
"""

import mimetypes
import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CODINGS = (("br", ".br"), ("gzip", ".gz"))
"""content coding and ending, the smaller one first"""
_HASHED = re.compile(r"assets/.+-[A-Za-z0-9_-]{8}\.\w+")
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


def accepted_codings(accept_encoding: str) -> frozenset[str]:
    """What a client takes (RFC 9110, 12.5.3); one with weight 0 is refused."""
    taken = set()
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters):
            taken.add(coding)
    return frozenset(taken)


class CompressedFiles(StaticFiles):
    """Starlette's, with these two rules."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file in its best accepted form. Raises HTTPException 404 and 405."""
        response = await self._best(path, scope)
        response.headers["cache-control"] = FOR_EVER if _HASHED.fullmatch(path) else ASK_AGAIN
        response.headers.add_vary_header("accept-encoding")
        return response

    async def _best(self, path: str, scope: Scope) -> Response:
        accepted = accepted_codings(Headers(scope=scope).get("accept-encoding", ""))
        for coding, ending in CODINGS:
            if coding not in accepted or path.endswith(ending):
                continue
            try:
                response = await super().get_response(path + ending, scope)
            except HTTPException as error:
                if error.status_code != 404:
                    raise
                continue
            if response.status_code == 200:
                response.headers["content-encoding"] = coding
                response.headers["content-type"] = _media_type(path)
            return response
        return await super().get_response(path, scope)


def _media_type(path: str) -> str:
    found = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
