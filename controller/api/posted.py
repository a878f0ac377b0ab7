"""A posted JSON body as a value of its type; what is wrong with it becomes 413, 415 or 422 in plain words."""

from typing import TypeVar

import msgspec
from fastapi import Request
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON

MAX_BODY_BYTES = 4096

S = TypeVar("S", bound=msgspec.Struct)


async def read_posted(request: Request, kind: type[S], most_bytes: int = MAX_BODY_BYTES) -> S:
    """The body as `kind`. Raises 413, 415 or 422 saying what was expected."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f"expected content type {JSON}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise HTTPException(413, f"expected at most {most_bytes} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise HTTPException(422, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(422, f"not valid JSON: {error}") from error
