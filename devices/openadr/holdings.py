"""All objects of the VTN in memory, with what finds them quickly. No I/O, no rules."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from devices.openadr.event_schedule import end_of
from devices.openadr.objects import KINDS, Stored
from devices.openadr.ports import ObjectKind
from devices.openadr.privacy import VOUCHED, granted_targets
from devices.openadr.queries import Query
from devices.openadr.targets import VEN_NAME


class Holdings:
    """Objects by kind and id, and indexes over them."""

    def __init__(self) -> None:
        self.by_kind: dict[ObjectKind, dict[str, Stored]] = {kind: {} for kind in KINDS}
        self.named: dict[tuple[ObjectKind, str], str] = {}
        """programs and vens by their unique name"""
        self.ven_of_client: dict[str, str] = {}
        self._end_of: dict[str, datetime | None] = {}
        """of events: see `event_schedule.end_of`"""
        self.bytes_of: dict[ObjectKind, int] = dict.fromkeys(KINDS, 0)
        self._bytes_owned: dict[tuple[ObjectKind, str], int] = {}
        self._below: dict[tuple[ObjectKind, str], dict[str, None]] = {}
        self._owned: dict[tuple[ObjectKind, str], dict[str, None]] = {}
        self._targeted: dict[tuple[ObjectKind, str], dict[str, None]] = {}
        self._untargeted: dict[ObjectKind, dict[str, None]] = {kind: {} for kind in KINDS}

    def get(self, kind: ObjectKind, object_id: str) -> Stored | None:
        """The object, or None."""
        return self.by_kind[kind].get(object_id)

    def all(self, kind: ObjectKind) -> Iterable[Stored]:
        """All of a kind, oldest first."""
        return self.by_kind[kind].values()

    def below(self, kind: ObjectKind, parent_id: str) -> list[Stored]:
        """Events of a program, resources of a ven, subscriptions of a program."""
        return [self.by_kind[kind][one] for one in self._below.get((kind, parent_id), ())]

    def owned(self, kind: ObjectKind, client_id: str) -> list[Stored]:
        """What belongs to a client."""
        return [self.by_kind[kind][one] for one in self._owned.get((kind, client_id), ())]

    def owned_count(self, kind: ObjectKind, client_id: str) -> int:
        """How many."""
        return len(self._owned.get((kind, client_id), ()))

    def owned_bytes(self, kind: ObjectKind, client_id: str) -> int:
        """How large all of it is."""
        return self._bytes_owned.get((kind, client_id), 0)

    def largest_owner(self, kind: ObjectKind, *, by_bytes: bool) -> str:
        """The client that has the most of a kind; "" when nobody has any."""
        sizes = {
            key: self._bytes_owned[key] if by_bytes else len(ids)
            for key, ids in self._owned.items()
            if key[0] == kind
        }
        return max(sizes, key=sizes.__getitem__)[1] if sizes else ""

    def ven_for(self, client_id: str) -> Stored | None:
        """The ven of a client."""
        ven_id = self.ven_of_client.get(client_id)
        return None if ven_id is None else self.get("ven", ven_id)

    def granted(self, client_id: str) -> frozenset[str]:
        """The targets that a client was granted through its ven."""
        ven = self.ven_for(client_id)
        return granted_targets(ven, () if ven is None else self.below("resource", ven.id))

    def is_over(self, stored: Stored, now: datetime) -> bool:
        """Whether an event lies behind us. What has no end that we can tell does not."""
        end = self._end_of.get(stored.id)
        return stored.kind == "event" and end is not None and end <= now

    def newest_first(self, kind: ObjectKind, query: Query) -> Iterator[Stored]:
        """All that may fit a query, for clients that see everything; by an index where there is one."""
        if query.name is not None and kind in ("program", "ven"):
            named = self.named.get((kind, query.name))
            return iter(() if named is None else (self.by_kind[kind][named],))
        parent = query.ven_id if kind == "resource" else query.program_id
        if parent is not None and kind in ("event", "subscription", "resource"):
            ids = self._below.get((kind, parent), {})
        elif query.targets:
            ids = self._targeted.get((kind, next(iter(query.targets))), {})
        else:
            return reversed(self.by_kind[kind].values())
        return iter(sorted((self.by_kind[kind][one] for one in ids), key=_newness))

    def perhaps_seen(self, kind: ObjectKind, granted: frozenset[str]) -> Iterator[Stored]:
        """Programs or events without targets, or with one of these; each once, in no order."""
        ids = chain(self._untargeted[kind], *(self._targeted.get((kind, target), ()) for target in granted))
        return (self.by_kind[kind][one] for one in dict.fromkeys(ids))

    def ven_ids_targeted(self, targets: Iterable[str]) -> tuple[str, ...]:
        """The vens that were granted one of these, each once."""
        return tuple(dict.fromkeys(ven for target in targets for ven in self._holders(target)))

    def _holders(self, target: str) -> Iterator[str]:
        yield from self._targeted.get(("ven", target), ())
        for resource in self._targeted.get(("resource", target), ()):
            yield self.by_kind["resource"][resource].body["venID"]
        kind, _, name = target.partition(":")
        named = self.named.get(("ven", name)) if kind == VEN_NAME else None
        if named is not None and self.by_kind["ven"][named].body.get(VOUCHED):
            yield named

    def put(self, stored: Stored) -> None:
        """Take it in, in place of the one with its id."""
        if stored.id in self.by_kind[stored.kind]:
            self._unlink(self.by_kind[stored.kind][stored.id])
        self.by_kind[stored.kind][stored.id] = stored
        self._weigh(stored, stored.size)
        for index, key in self._keys(stored):
            index.setdefault(key, {})[stored.id] = None
        if stored.kind == "event":
            self._end_of[stored.id] = _known_end(stored)
        if not stored.body.get("targets"):
            self._untargeted[stored.kind][stored.id] = None
        if stored.kind in ("program", "ven"):
            self.named[stored.kind, stored.body[f"{stored.kind}Name"]] = stored.id
        if stored.kind == "ven" and stored.client_id is not None:
            self.ven_of_client[stored.client_id] = stored.id

    def drop(self, kind: ObjectKind, object_id: str) -> None:
        """Forget it."""
        self._unlink(self.by_kind[kind].pop(object_id))

    def _weigh(self, stored: Stored, size: int) -> None:
        self.bytes_of[stored.kind] += size
        if stored.client_id is None:
            return
        key = stored.kind, stored.client_id
        owned = self._bytes_owned.pop(key, 0) + size
        if owned:
            self._bytes_owned[key] = owned

    def _unlink(self, stored: Stored) -> None:
        self._weigh(stored, -stored.size)
        for index, key in self._keys(stored):
            members = index[key]
            members.pop(stored.id, None)
            if not members:
                del index[key]
        self._untargeted[stored.kind].pop(stored.id, None)
        if stored.kind == "event":
            self._end_of.pop(stored.id, None)
        if stored.kind in ("program", "ven"):
            self.named.pop((stored.kind, stored.body[f"{stored.kind}Name"]), None)
        if stored.kind == "ven" and stored.client_id is not None:
            self.ven_of_client.pop(stored.client_id, None)

    def _keys(
        self, stored: Stored
    ) -> Iterator[tuple[dict[tuple[ObjectKind, str], dict[str, None]], tuple[ObjectKind, str]]]:
        parent = stored.body.get("venID" if stored.kind == "resource" else "programID")
        if parent is not None:
            yield self._below, (stored.kind, parent)
        if stored.client_id is not None:
            yield self._owned, (stored.kind, stored.client_id)
        for target in dict.fromkeys(stored.body.get("targets") or ()):
            yield self._targeted, (stored.kind, target)


def _known_end(stored: Stored) -> datetime | None:
    """What lies in the file is taken in whatever it says: one event must not keep the VTN from opening."""
    try:
        return end_of(stored.body, stored.created)
    except (ValueError, OverflowError):
        return None


def _newness(stored: Stored) -> int:
    return -stored.sequence
