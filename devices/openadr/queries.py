"""What a client looks for, and whether an object is it. Pure.

All conditions of a query must hold ("Response Filtering", OpenADR 3.1.1 Definition).
"""

from collections.abc import Collection
from dataclasses import dataclass

from devices.openadr.objects import Stored
from devices.openadr.targets import matches_301
from devices.openadr.words_v301 import PROGRAM_ID

MAX_PAGE = 50
"""`limit` goes no further in both documents; it is also what a client gets that does not say"""


@dataclass(frozen=True, slots=True)
class Query:
    """None: this does not matter."""

    program_id: str | None = None
    event_id: str | None = None
    ven_id: str | None = None
    client_name: str | None = None
    name: str | None = None
    """`programName`, `eventName`, `venName`, `resourceName`, by the kind that is looked for"""
    targets: frozenset[str] | None = None
    """3.1.1: all of these"""
    target_type: str | None = None
    target_values: frozenset[str] | None = None
    """3.0.1: a target of this type, with one of these values"""
    object_types: frozenset[str] | None = None
    """of subscriptions: one of these is subscribed to"""
    active: bool = False
    """of events: not those that are over"""
    skip: int = 0
    limit: int | None = MAX_PAGE
    """None: all, for our own business logic"""


EVERYTHING = Query(limit=None)


def fits(stored: Stored, query: Query) -> bool:
    """Whether the object has what is looked for, but for its targets and its time."""
    body = stored.body
    program_id = body.get(PROGRAM_ID) if stored.kind == "report" else body.get("programID")
    wanted = (
        (query.program_id, program_id),
        (query.event_id, body.get("eventID")),
        (query.ven_id, body.get("venID")),
        (query.client_name, body.get("clientName")),
        (query.name, body.get(f"{stored.kind}Name")),
    )
    if any(want is not None and want != has for want, has in wanted):
        return False
    return query.object_types is None or bool(query.object_types & _subscribed(stored))


def fits_targets(targets: Collection[str], query: Query) -> bool:
    """Whether targets are those that are looked for."""
    if query.targets is not None and not query.targets <= set(targets):
        return False
    if query.target_type is None and query.target_values is None:
        return True
    return any(matches_301(target, query.target_type, query.target_values) for target in targets)


def _subscribed(stored: Stored) -> set[str]:
    return {name for entry in stored.body["objectOperations"] for name in entry["objects"]}
