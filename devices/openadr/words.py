"""From a request's bytes to one body for both versions, and from an object to what a reader sees. No I/O."""

from collections.abc import Mapping
from typing import Any

import msgspec

from devices.openadr import wire_v301, wire_v311, words_v301
from devices.openadr.field_types import read_hook, without_nulls, write_hook
from devices.openadr.objects import Stored, Version
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.problems import bad_request
from devices.openadr.targets import presentable
from devices.openadr.verbs import with_verbs, without_verbs

_TYPES: dict[Version, Mapping[str, Any]] = {"3.0.1": wire_v301.REQUESTS, "3.1.1": wire_v311.REQUESTS}
_DECODERS = {
    (version, kind): msgspec.json.Decoder(wire, dec_hook=read_hook)
    for version, kinds in _TYPES.items()
    for kind, wire in kinds.items()
}
_REQUEST_TYPES = {"ven": "BL_VEN_REQUEST", "resource": "BL_RESOURCE_REQUEST"}
SENDER = "_sender"
"""`objectType` of a ven's or resource's request in 3.1.1: which of the two forms it was sent in"""
AUTHOR = "_author"
"""of a subscription: the version that it was written in, and its owner's role"""
_ENTRIES = ("payloadDescriptors", "reportDescriptors")
_BOUNDED_IN_311 = ("units", "readingType")


def read_request(version: Version, kind: ObjectKind, payload: bytes) -> Body:
    """The request's body in the words of 3.1.1. Raises Problem 400 that names the field."""
    try:
        request = _DECODERS[version, kind].decode(payload)
    except RecursionError:
        raise bad_request("nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise bad_request(str(error)) from None
    return _canonical(version, kind, _plain(request))


def checked_request(kind: ObjectKind, body: Body) -> Body:
    """As `read_request`, for a body of 3.1.1 from our own business logic; `objectType` may be left out."""
    if kind in _REQUEST_TYPES:
        body = {**body, "objectType": _REQUEST_TYPES[kind]}
    try:
        request = msgspec.convert(body, _TYPES["3.1.1"][kind], dec_hook=read_hook)
    except (msgspec.MsgspecError, ValueError) as error:
        raise bad_request(f"{kind}: {error}") from None
    return _canonical("3.1.1", kind, _plain(request))


def show(version: Version, stored: Stored, targets: list[str] | None, resources: list[Body]) -> Body:
    """The object as a reader of this version sees it.

    `targets` are those of a program or event that the reader may see; None: all. `resources` are a ven's, for
    3.0.1, shown already.
    """
    held = stored.body
    if stored.kind == "subscription":
        held = {**held, "objectOperations": [with_verbs(entry) for entry in held["objectOperations"]]}
    hides = targets is not None and held.get("targets")
    body = {**held, "targets": targets} if hides else held
    metadata = {
        "id": stored.id,
        "createdDateTime": stored.created,
        "modificationDateTime": stored.modified,
        "objectType": stored.kind.upper(),
    }
    if version == "3.0.1":
        return metadata | words_v301.shown(stored, body, resources)
    owner = {} if stored.client_id is None else {"clientID": stored.client_id}
    known = wire_v311.FIELDS[stored.kind]
    return metadata | owner | {name: _for_311(name, body[name]) for name in body if name in known}


def _canonical(version: Version, kind: ObjectKind, request: Body) -> Body:
    if kind == "subscription":
        request[AUTHOR] = [version]
        request["objectOperations"] = [without_verbs(entry) for entry in request["objectOperations"]]
    if version == "3.0.1":
        return words_v301.canonical(kind, request)
    if kind in _REQUEST_TYPES:
        request[SENDER] = request.pop("objectType")
    return request


def _plain(request: Any) -> Body:
    plain: Body = without_nulls(msgspec.to_builtins(request, enc_hook=write_hook))
    return plain


def _for_311(name: str, value: Any) -> Any:
    """Without what only 3.0.1 allows."""
    if name == "targets" and value:
        return presentable(value)
    if name in _ENTRIES and value:
        return [_entry_for_311(entry) for entry in value]
    return value


def _entry_for_311(entry: Mapping[str, Any]) -> Body:
    return {
        name: _for_311(name, None if name in _BOUNDED_IN_311 and not _fits(value) else value)
        for name, value in entry.items()
        if not name.startswith("_")
    }


def _fits(value: Any) -> bool:
    return value is None or 1 <= len(value) <= 128
