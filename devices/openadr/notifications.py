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
from devices.openadr.privacy import seen_targets
from devices.openadr.verbs import VERBS
from devices.openadr.words import AUTHOR, show
from devices.openadr.words_v301 import PROGRAM_ID

_OF_A_PROGRAM = ("program", "event", "report")
"""a subscription's program says nothing about the others"""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one callback."""

    subscription_id: str
    url: str
    bearer_token: str | None
    body: Body
    """the document's `notification`"""


def notifications(
    held: Holdings, operation: Operation, stored: Stored, before: Stored | None
) -> Iterator[Notification]:
    """All that a change gives rise to."""
    for subscription in list(held.all("subscription")):
        entries = subscription.body["objectOperations"]
        if not any(_listens(entry, stored) for entry in entries):
            continue
        told = _as_told(held, subscription, operation, stored, before)
        if told is not None:
            yield from _addressed(subscription, entries, stored, *told)


def _as_told(
    held: Holdings, subscription: Stored, operation: Operation, stored: Stored, before: Stored | None
) -> tuple[Operation, Body] | None:
    """What the owner is told; None: nothing."""
    now = _as_seen(held, subscription, stored)
    if operation != "UPDATE" or before is None:
        return None if now is None else (operation, now)
    then = _as_seen(held, subscription, before)
    if now is None:
        return None if then is None else ("DELETE", then)
    return "CREATE" if then is None else "UPDATE", now


def _as_seen(held: Holdings, subscription: Stored, stored: Stored) -> Body | None:
    """The object in the words of the subscription's version; None: it is not for its owner."""
    version, is_ven = _author(subscription)
    program = subscription.body.get("programID")
    if program is not None and stored.kind in _OF_A_PROGRAM and program != _program_of(stored):
        return None
    owner = subscription.client_id or ""
    targets: list[str] | None = None
    asked = frozenset(subscription.body.get("targets") or ()) or None
    if stored.kind in ("program", "event"):
        own = stored.body.get("targets")
        if is_ven:
            targets = seen_targets(own, held.granted(owner), asked)
            if targets is None:
                return None
        elif asked is not None and not asked <= set(own or ()):
            return None
    elif is_ven and stored.client_id != owner:
        return None
    return without_tokens(show(version, stored, targets, []))


def _addressed(
    subscription: Stored, entries: list[dict[str, Any]], stored: Stored, operation: Operation, seen: Body
) -> Iterator[Notification]:
    version, _ = _author(subscription)
    verb = operation if version == "3.1.1" else VERBS.get(operation, operation)
    body = {"objectType": stored.kind.upper(), "operation": verb, "object": seen}
    for entry in entries:
        if _listens(entry, stored) and operation in entry["operations"]:
            yield Notification(subscription.id, entry["callbackUrl"], entry.get("bearerToken"), body)


def _listens(entry: Mapping[str, Any], stored: Stored) -> bool:
    return stored.kind.upper() in entry["objects"]


def _program_of(stored: Stored) -> str | None:
    if stored.kind == "program":
        return stored.id
    name = PROGRAM_ID if stored.kind == "report" else "programID"
    program: str | None = stored.body.get(name)
    return program


def _author(subscription: Stored) -> tuple[Version, bool]:
    version, role = subscription.body[AUTHOR]
    return version, role == "VEN"


def without_tokens(body: Body) -> Body:
    """A subscription without the secrets of its callbacks; anything else as it is."""
    if "objectOperations" not in body:
        return body
    entries = [
        {name: value for name, value in entry.items() if name != "bearerToken"}
        for entry in body["objectOperations"]
    ]
    return {**body, "objectOperations": entries}
