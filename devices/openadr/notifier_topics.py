"""Which MQTT topics the VTN's notifications go to, and who may read which [6]. Pure: knows no broker.

A topic is the path that OpenADR 3.1.1 gives its endpoint below `/notifiers/mqtt/topics/`, with our root
before it and the operation behind it: `openadr/vens/VEN/events/create`. So everything that one VEN may read
lies below `openadr/vens/VEN/`, and one line of a broker's ACL keeps it from all else (see `mosquitto_acl`).

Business logic may read all topics. A VEN may read those of its own ven only: what is targeted at others is
nobody else's business (Definition 3.1.1, "Object Privacy"). So programs and events without targets, which
are for everybody, go to every ven's own topics, and not to a topic of the program that would carry the
others as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from devices.openadr.changes import Change, Operation
from devices.openadr.ports import Body

Reader = Literal["business logic", "own ven"]
"""Who may ask for a topic and read it; business logic may read all."""

_BL: Reader = "business logic"
_VEN: Reader = "own ven"
ENDPOINTS: Mapping[str, Reader] = {
    "programs": _BL,
    "programs/{programID}": _BL,
    "programs/{programID}/events": _BL,
    "events": _BL,
    "reports": _BL,
    "subscriptions": _BL,
    "vens": _BL,
    "vens/{venID}": _VEN,
    "vens/{venID}/events": _VEN,
    "vens/{venID}/programs": _VEN,
    "vens/{venID}/resources": _VEN,
    "resources": _BL,
}
"""All paths below `/notifiers/mqtt/topics/` of the document."""
OWN_INSTEAD: Mapping[str, str] = {
    "programs": "vens/{venID}/programs",
    "programs/{programID}": "vens/{venID}/programs",
    "programs/{programID}/events": "vens/{venID}/events",
}
"""What a VEN is told when it asks for topics that are business logic's: those of its own ven, which have all
that it may see of them, and of other programs besides. There are VENs that ask by program only
(python-oa3-client 0.5).
"""
_CREATE: Operation = "CREATE"
_DELETE: Operation = "DELETE"
_Told = tuple[str, Operation, Body, str | None]
"""path, operation, object, ven"""
_NEVER_CREATED = ("programs/{programID}", "vens/{venID}")
"""Nobody can ask for the topic of what does not exist yet."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """One message of a change."""

    topic: str
    operation: Operation
    body: Body
    ven_id: str | None
    """whose topic it is; None: business logic reads it"""


@dataclass(frozen=True, slots=True)
class NotifierTopics:
    """All topics below one root."""

    root: str = "openadr"

    def response(
        self, endpoint: str, ids: Mapping[str, str], ven_id: str | None = None
    ) -> dict[str, dict[str, str]]:
        """A `notifierTopicsResponse` for one of ENDPOINTS; `ids` has its `{programID}` or `{venID}`.

        `ven_id` is the ven of the VEN that asks for one of OWN_INSTEAD.
        """
        if ven_id is None:
            path = endpoint.format_map(ids)
        else:
            path = OWN_INSTEAD.get(endpoint, endpoint).format_map({**ids, "venID": ven_id})
        operations = ["UPDATE", "DELETE"] if endpoint in _NEVER_CREATED else ["CREATE", "UPDATE", "DELETE"]
        topics = {operation: self._topic(path, operation.lower()) for operation in operations}
        return {"topics": topics | {"ALL": self._topic(path, "+")}}

    def addressed(self, change: Change, everybody: Iterable[str]) -> list[Addressed]:
        """Where a change goes. `everybody` are the ids of all vens, for what has no targets.

        To a VEN that may not see an object any more it is gone, and one that is new to a VEN is made.
        """
        told: list[_Told] = [
            (path, change.operation, change.body, None) for path in _paths_of_business_logic(change)
        ]
        told += _told_to_vens(change, tuple(everybody))
        return [
            Addressed(self._topic(path, operation.lower()), operation, body, ven)
            for path, operation, body, ven in told
        ]

    def _topic(self, path: str, operation: str) -> str:
        return f"{self.root}/{path}/{operation}"


def mosquitto_acl(topics: NotifierTopics, publisher: str) -> str:
    """An ACL file for Mosquitto: `publisher` is the VTN's user name, that of a VEN its ven's id."""
    return (
        f"# the VTN publishes, and nobody else\nuser {publisher}\ntopic write {topics.root}/#\n\n"
        f"# a VEN, whose user name is the id of its ven, reads its own topics\n"
        f"pattern read {topics.root}/vens/%u/#\n"
    )


def _paths_of_business_logic(change: Change) -> list[str]:
    object_id = str(change.body.get("id"))
    paths = [f"{change.kind}s"]
    if change.kind == "event":
        paths.append(f"programs/{change.body.get('programID')}/events")
    if change.kind == "program" and change.operation != "CREATE":
        paths.append(f"programs/{object_id}")
    return paths


def _told_to_vens(change: Change, everybody: tuple[str, ...]) -> list[_Told]:
    operation, body = change.operation, change.body
    match change.kind:
        case "event" | "program":
            now = _recipients(body, change.ven_ids, everybody)
            then = (
                now if change.before is None else _recipients(change.before, change.ven_ids_before, everybody)
            )
            below = f"{change.kind}s"
            told: list[_Told] = [
                (f"vens/{ven}/{below}", operation if ven in then else _CREATE, body, ven) for ven in now
            ]
            if change.before is not None:
                gone = [ven for ven in then if ven not in now]
                told += [(f"vens/{ven}/{below}", _DELETE, change.before, ven) for ven in gone]
            return told
        case "resource":
            return [(f"vens/{ven}/resources", operation, body, ven) for ven in change.ven_ids]
        case "ven" if operation != "CREATE":
            return [(f"vens/{ven}", operation, body, ven) for ven in change.ven_ids]
        case _:
            return []


def _recipients(body: Body, ven_ids: tuple[str, ...], everybody: tuple[str, ...]) -> dict[str, None]:
    return dict.fromkeys(ven_ids if body.get("targets") else everybody)
