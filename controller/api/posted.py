"""A posted JSON body as a value of its type; what is wrong with it becomes 413, 415 or 422 in plain words."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from fastapi import Request
from starlette.exceptions import HTTPException

from controller.api.encoding import JSON
from devices.allowed_words import plain_message

MAX_BODY_BYTES = 4096
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""what a person writes, for the journal to keep; PostgreSQL's JSON cannot hold the character 0"""

S = TypeVar("S", bound=msgspec.Struct)


async def read_posted(request: Request, kind: type[S], most_bytes: int = MAX_BODY_BYTES) -> S:
    """The body as `kind`. Raises 413, 415 or 422 saying what was expected."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f"expected content type {JSON}")
    body = await read_body(request, most_bytes)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise HTTPException(422, plain_message(error, kind)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(422, f"not valid JSON: {error}") from error


async def read_body(request: Request, most_bytes: int = MAX_BODY_BYTES) -> bytes:
    """All that was posted. Raises 413 as soon as it is more than `most_bytes`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)  # joined once: to add each to those before would copy them all, again and again
        size += len(part)
        if size > most_bytes:
            raise HTTPException(413, f"expected at most {most_bytes} bytes")
    return b"".join(parts)


def as_utc(at: datetime, field: str) -> datetime:
    """A posted time in UTC. Raises 422 where the calendar has no such time there."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise HTTPException(422, f"{field}: expected a time of our days, got {at}") from error
