"""Values to JSON bytes and JSON responses. The one place that says how a number or a time looks on the wire.

Times are RFC 3339 UTC; what is not a number becomes null, never 0.
"""

import hashlib
from typing import Any

import msgspec
import numpy as np
from fastapi import Request, Response

JSON = "application/json"


def _plain(value: object) -> object:
    """Numpy scalars as Python's own; anything else is a programming error."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"no JSON form for {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def to_json(value: object) -> bytes:
    """The JSON of dataclasses, structs and plain containers; NaN and infinities become null."""
    return _encoder.encode(value)


def json_response(value: object, status: int = 200) -> Response:
    """A response that must not be kept: it is old as soon as the next cycle has run."""
    return Response(to_json(value), status, {"cache-control": "no-store"}, JSON)


def entity_tag(body: bytes) -> str:
    """A strong entity tag (RFC 9110, 8.8.3) of these bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has this very version (RFC 9110, 13.1.2: weak comparison)."""
    known = request.headers.get("if-none-match", "")
    tags = {part.strip().removeprefix("W/") for part in known.split(",")}
    return "*" in tags or tag in tags


def tagged_response(
    request: Request, body: bytes, tag: str, headers: dict[str, str], media_type: str
) -> Response:
    """The body, or 304 when the client has it already."""
    tagged = {**headers, "etag": tag}
    if is_known(request, tag):
        return Response(status_code=304, headers=tagged)
    return Response(body, headers=tagged, media_type=media_type)


def struct_schema(struct: type) -> dict[str, Any]:
    """The JSON schema of one struct or dataclass without references, for the OpenAPI document."""
    _, components = msgspec.json.schema_components([struct], ref_template="{name}")
    schema: dict[str, Any] = _without_references(components[struct.__name__], components)
    return schema


def json_answer(body: type, description: str | None = None) -> dict[str, Any]:
    """An answer with this body, as a route declares it; without a description FastAPI has one of its own."""
    told = {} if description is None else {"description": description}
    return {**told, "content": {JSON: {"schema": struct_schema(body)}}}


def json_posted(body: type, example: Any = None) -> dict[str, Any]:
    """That this body is to be posted: a route's `openapi_extra`."""
    told = {"schema": struct_schema(body)} | ({} if example is None else {"example": example})
    return {"requestBody": {"required": True, "content": {JSON: told}}}


def _without_references(schema: Any, components: dict[str, Any]) -> Any:
    """The same schema with all that it refers to in its place."""
    if isinstance(schema, list):
        return [_without_references(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return _without_references(components[schema["$ref"]], components)
    inner = {key: one for key, one in schema.items() if key != "discriminator"}
    if isinstance(parts := inner.get("prefixItems"), list):
        # pairs and the like, by their length and what may stand in them: not all tools know `prefixItems`
        kinds = [part for number, part in enumerate(parts) if part not in parts[:number]]
        inner = {key: one for key, one in inner.items() if key != "prefixItems"}
        inner["items"] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {key: _without_references(one, components) for key, one in inner.items()}
