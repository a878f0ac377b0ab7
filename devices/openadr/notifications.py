"""Who is to be told of a change by webhook, and in which words. Pure.

A subscription's owner is told of what it may see itself, under the rules of reading ("Object Privacy" of the
3.1.1 Definition). One who could see an object before an UPDATE and no longer may is told that it is gone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devices.openadr.changes import Operation
from devices.openadr.holdings import Holdings
from devices.openadr.objects import Stored, Version
from devices.openadr.ports import Body
from devices.openadr.privacy import seen_targets, with_seen_body
from devices.openadr.verbs import VERBS
from devices.openadr.words import AUTHOR, show
from devices.openadr.words_v301 import PROGRAM_ID

_OF_A_PROGRAM = ("program", "event", "report")
"""a subscription's program says nothing about the others"""
_Shown = dict[tuple[Version, int, tuple[str, ...] | None], Body]
"""what was shown already of one change, by version, object and targets"""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one callback."""

    subscription_id: str
    url: str
    bearer_token: str | None
    body: Body
    """the document's `notification`"""
    client_id: str | None = None
    """whose subscription it is"""
    size: int = 0
    """bytes of the object as JSON, more or less"""


@dataclass(frozen=True, slots=True)
class _Change:
    operation: Operation
    stored: Stored
    before: Stored | None


def notifications(
    held: Holdings, operation: Operation, stored: Stored, before: Stored | None
) -> Iterator[Notification]:
    """All that a change gives rise to."""
    concerned = _concerned(held, stored, before)
    shown: _Shown = {}
    change = _Change(operation, stored, before)
    for subscription in list(held.all("subscription")):
        if concerned is not None and _is_vens(subscription) and subscription.client_id not in concerned:
            continue
        entries = subscription.body["objectOperations"]
        if not any(_listens(entry, stored) for entry in entries):
            continue
        told = _as_told(held, subscription, change, shown)
        if told is not None:
            yield from _addressed(subscription, entries, stored, *told)


def _concerned(held: Holdings, *objects: Stored | None) -> set[str | None] | None:
    """The clients of VENs that may see one of these; None: any may. Keeps the rest from being looked at."""
    clients: set[str | None] = set()
    for stored in objects:
        if stored is None:
            continue
        if stored.kind not in ("program", "event"):
            clients.add(stored.client_id)
        elif not stored.body.get("targets"):
            return None
        else:
            vens = held.ven_ids_targeted(stored.body["targets"])
            clients.update(ven.client_id for ven in map(held.by_kind["ven"].get, vens) if ven is not None)
    return clients


def _as_told(
    held: Holdings, subscription: Stored, change: _Change, shown: _Shown
) -> tuple[Operation, Body] | None:
    """What the owner is told; None: nothing."""
    now = _as_seen(held, subscription, change.stored, shown)
    if change.operation != "UPDATE" or change.before is None:
        return None if now is None else (change.operation, now)
    then = _as_seen(held, subscription, change.before, shown)
    if now is None:
        return None if then is None else ("DELETE", then)
    return "CREATE" if then is None else "UPDATE", now


def _as_seen(held: Holdings, subscription: Stored, stored: Stored, shown: _Shown) -> Body | None:
    """The object in the words of the subscription's version; None: it is not for its owner."""
    program = subscription.body.get("programID")
    if program is not None and stored.kind in _OF_A_PROGRAM and program != _program_of(stored):
        return None
    owner, is_ven = subscription.client_id or "", _is_vens(subscription)
    targets: list[str] | None = None
    body = stored
    asked = frozenset(subscription.body.get("targets") or ()) or None
    if stored.kind in ("program", "event"):
        own = stored.body.get("targets")
        if is_ven:
            body = with_seen_body(stored, held.granted(owner))
        if is_ven and (own or asked):
            targets = seen_targets(own, held.granted(owner), asked)
            if targets is None:
                return None
        elif asked is not None and not asked <= set(own or ()):
            return None
    elif is_ven and stored.client_id != owner:
        return None
    if body is not stored:  # it has report descriptors that were hidden from this one
        return show(_version(subscription), body, targets, [])
    key = (_version(subscription), id(stored), None if targets is None else tuple(targets))
    if key not in shown:
        shown[key] = without_tokens(show(key[0], stored, targets, []))
    return shown[key]


def _addressed(
    subscription: Stored, entries: list[dict[str, Any]], stored: Stored, operation: Operation, seen: Body
) -> Iterator[Notification]:
    verb = operation if _version(subscription) == "3.1.1" else VERBS.get(operation, operation)
    body = {"objectType": stored.kind.upper(), "operation": verb, "object": seen}
    for entry in entries:
        if _listens(entry, stored) and operation in entry["operations"]:
            yield Notification(
                subscription.id,
                entry["callbackUrl"],
                entry.get("bearerToken"),
                body,
                subscription.client_id,
                stored.size,
            )


def _listens(entry: Mapping[str, Any], stored: Stored) -> bool:
    return stored.kind.upper() in entry["objects"]


def _program_of(stored: Stored) -> str | None:
    if stored.kind == "program":
        return stored.id
    name = PROGRAM_ID if stored.kind == "report" else "programID"
    program: str | None = stored.body.get(name)
    return program


def _version(subscription: Stored) -> Version:
    version: Version = subscription.body[AUTHOR][0]
    return version


def _is_vens(subscription: Stored) -> bool:
    return bool(subscription.body[AUTHOR][1] == "VEN")


def without_tokens(body: Body) -> Body:
    """A subscription without the secrets of its callbacks; anything else as it is."""
    if "objectOperations" not in body:
        return body
    entries = [
        {name: value for name, value in entry.items() if name != "bearerToken"}
        for entry in body["objectOperations"]
    ]
    return {**body, "objectOperations": entries}
