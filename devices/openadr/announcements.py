"""A change in the VTN, in the words in which others in this process hear of it. Pure."""

from devices.openadr.changes import Change, Operation
from devices.openadr.holdings import Holdings
from devices.openadr.notifications import without_tokens
from devices.openadr.objects import Stored
from devices.openadr.words import show


def announced(held: Holdings, operation: Operation, stored: Stored, before: Change | None = None) -> Change:
    """`before` is the object as it would have been announced ahead of an UPDATE."""
    return Change(
        stored.kind,
        operation,
        without_tokens(show("3.1.1", stored, None, [])),
        _ven_ids(held, stored),
        None if before is None else before.body,
        () if before is None else before.ven_ids,
        stored.size + (0 if before is None else before.size),
    )


def _ven_ids(held: Holdings, stored: Stored) -> tuple[str, ...]:
    if stored.kind in ("program", "event"):
        return held.ven_ids_targeted(stored.body.get("targets") or ())
    if stored.kind == "ven":
        return (stored.id,)
    if stored.kind == "resource":
        return (stored.body["venID"],)
    ven = held.ven_for(stored.client_id or "")
    return () if ven is None else (ven.id,)
