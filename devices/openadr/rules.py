"""What may be written by whom: from a request to the object as it will be held, or a Problem. Pure.

One rule set for both versions. Names are unique as the Definition of 3.1.1 says ("Object names"); what a VEN
may write follows "Object Privacy" there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devices.openadr.holdings import Holdings
from devices.openadr.objects import NEED_BY_KIND, READING, Actor, Stored
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.privacy import VOUCHED, seen_targets
from devices.openadr.problems import conflict, forbidden, not_found
from devices.openadr.words import AUTHOR, SENDER
from devices.openadr.words_v301 import DECLARED, PROGRAM_ID, TYPED


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be held."""

    body: Body
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules over what is held now."""

    holdings: Holdings
    ven_names: Mapping[str, str]
    """venName -> client id, where the clients file says whose a name is"""
    name_of_client: Mapping[str, str]
    """the same the other way round"""
    own_program: str | None = None
    """the name of the program that nobody but our own business logic writes"""

    def draft(self, actor: Actor, kind: ObjectKind, body: Body, old: Stored | None) -> Draft:
        """The object that a request makes, in place of `old` when there is one. Raises Problem."""
        make: dict[ObjectKind, Callable[[Actor, Body, Stored | None], Draft]] = {
            "program": self._program,
            "event": self._event,
            "report": self._report,
            "subscription": self._subscription,
            "ven": self._ven,
            "resource": self._resource,
        }
        draft = make[kind](actor, body, old)
        self.check_not_ours(actor, kind, draft.body)
        if old is not None:
            self.check_not_ours(actor, kind, old.body)
        return draft

    def check_not_ours(self, actor: Actor, kind: ObjectKind, body: Body) -> None:
        """Raises Problem 403 when others lay hands on our program or its events: those are our limits."""
        if actor.inside or kind not in ("program", "event"):
            return
        program = self.holdings.get("program", body["programID"]) if kind == "event" else None
        name = body.get("programName") if program is None else program.body["programName"]
        if self.own_program is not None and name == self.own_program:
            raise forbidden(f"the program {name!r} is this VTN's own")

    def may_see(self, actor: Actor, stored: Stored) -> bool:
        """Whether it is there for this client."""
        if not actor.is_ven:
            return True
        if stored.kind in ("program", "event"):
            granted = self.holdings.granted(actor.client_id)
            return seen_targets(stored.body.get("targets"), granted) is not None
        return stored.client_id == actor.client_id

    def _program(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        self._unique(actor, "program", body["programName"], old)
        return Draft(body, None)

    def _event(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        self._referred(actor, "program", body["programID"])
        return Draft(body, None)

    def _report(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        event_id = body["eventID"]
        if old is not None and old.body["eventID"] == event_id:
            program_id = old.body[PROGRAM_ID]  # the event may be gone meanwhile
        else:
            program_id = self._referred(actor, "event", event_id).body["programID"]
        if body.get(PROGRAM_ID, program_id) != program_id:
            raise conflict(f"event {event_id!r} is not of program {body[PROGRAM_ID]!r}")
        draft = Draft({**body, PROGRAM_ID: program_id}, _owner(actor, old))
        self._not_twice("report", draft, old)
        return draft

    def _subscription(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        if "programID" in body:
            self._referred(actor, "program", body["programID"])
        role = actor.role if old is None else old.body[AUTHOR][1]
        draft = Draft({**body, AUTHOR: [body[AUTHOR][0], role]}, _owner(actor, old))
        self._not_twice("subscription", draft, old)
        return draft

    def _ven(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        draft = _by_ven(actor, body, old) if actor.is_ven else _by_business_logic(body)
        name = draft.body["venName"]
        own = self.name_of_client.get(actor.client_id)
        if actor.is_ven and own not in (None, name):
            raise forbidden(f"your name is {own!r}")
        owner = self.ven_names.get(name)
        client_id = draft.client_id or owner or (None if old is None else old.client_id) or name
        if actor.is_ven and owner not in (None, client_id):
            raise forbidden(f"the name {name!r} is that of another VEN")
        self._unique(actor, "ven", name, old)
        theirs = self.holdings.ven_of_client.get(client_id)
        if theirs is not None and (old is None or theirs != old.id):
            raise conflict(f"client {client_id!r} has a ven already: {theirs}")
        vouched = not actor.is_ven or owner == client_id or _still_vouched(old, name)
        return Draft({**draft.body, VOUCHED: vouched}, client_id)

    def _resource(self, actor: Actor, body: Body, old: Stored | None) -> Draft:
        ven = self.holdings.get("ven", body["venID"])
        if ven is None or not self.may_see(actor, ven):
            raise not_found("ven", body["venID"])
        draft = _by_ven(actor, body, old) if actor.is_ven else _by_business_logic(body)
        if draft.client_id not in (None, ven.client_id):
            raise conflict(f"ven {ven.id!r} is not that of client {draft.client_id!r}")
        name = body["resourceName"]
        for other in self.holdings.below("resource", ven.id):
            if other.body["resourceName"] == name and (old is None or other.id != old.id):
                raise conflict(f"ven {ven.id!r} has a resource {name!r} already: {other.id}")
        return Draft(draft.body, ven.client_id)

    def _unique(self, actor: Actor, kind: ObjectKind, name: str, old: Stored | None) -> None:
        holder = self.holdings.named.get((kind, name))
        if holder is not None and (old is None or holder != old.id):
            which = "" if actor.is_ven else f": {holder}"
            raise conflict(f"there is a {kind} {name!r} already{which}")

    def _referred(self, actor: Actor, kind: ObjectKind, object_id: str) -> Stored:
        """What a request refers to. One that the client may not see is as good as none."""
        found = self.holdings.get(kind, object_id)
        if found is None or not self.may_see(actor, found):
            raise conflict(f"no {kind} {object_id!r}")
        return found

    def _not_twice(self, kind: ObjectKind, draft: Draft, old: Stored | None) -> None:
        if draft.client_id is None:
            return
        for other in self.holdings.owned(kind, draft.client_id):
            if other.body == draft.body and (old is None or other.id != old.id):
                raise conflict(f"an identical {kind} is there already: {other.id}")


def check_may_read(actor: Actor, kind: ObjectKind) -> None:
    """Raises Problem 403."""
    if not READING[kind] & actor.scopes:
        raise forbidden(f"reading {kind}s takes one of the scopes {', '.join(sorted(READING[kind]))}")


def check_may_write(actor: Actor, kind: ObjectKind) -> None:
    """Raises Problem 403."""
    if NEED_BY_KIND[kind] not in actor.scopes:
        raise forbidden(f"writing {kind}s takes the scope {NEED_BY_KIND[kind]}")


def _owner(actor: Actor, old: Stored | None) -> str | None:
    return actor.client_id if old is None else old.client_id


def _by_ven(actor: Actor, body: Body, old: Stored | None) -> Draft:
    """Of a ven or resource: a VEN cannot grant itself targets; those that it was granted stay."""
    sender = body.get(SENDER)
    if sender is not None and not sender.startswith("VEN_"):
        raise forbidden(f"{sender} is for business logic")
    kept = {name: value for name, value in body.items() if name not in ("targets", TYPED, SENDER)}
    if body.get(TYPED):
        kept[DECLARED] = body[TYPED]
    if old is not None:
        kept |= {name: old.body[name] for name in ("targets", TYPED) if name in old.body}
    return Draft(kept, actor.client_id)


def _by_business_logic(body: Body) -> Draft:
    sender = body.get(SENDER)
    if sender is not None and not sender.startswith("BL_"):
        raise forbidden(f"{sender} is for VENs")
    kept = {name: value for name, value in body.items() if name not in (SENDER, "clientID")}
    return Draft(kept, body.get("clientID"))


def _still_vouched(old: Stored | None, name: str) -> bool:
    return old is not None and bool(old.body.get(VOUCHED)) and old.body["venName"] == name
