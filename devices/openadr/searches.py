"""Finds what a client looks for among the objects, as far as it may see them. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from devices.openadr.holdings import Holdings
from devices.openadr.objects import Actor, Stored
from devices.openadr.ports import ObjectKind
from devices.openadr.privacy import seen_targets, with_seen_body
from devices.openadr.queries import Query, fits_targets
from devices.ports import Clock


@dataclass(frozen=True, slots=True)
class Seen:
    """An object, and the targets of it that the client may know (None: all)."""

    stored: Stored
    targets: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Searches:
    """Over what is held now."""

    held: Holdings
    clock: Clock

    def visible(self, actor: Actor, kind: ObjectKind, query: Query) -> Iterator[Seen]:
        """What the client may see and has the targets that are looked for, the newest first."""
        if not actor.is_ven:
            return _with_targets(self._timely(self.held.newest_first(kind, query), query), query)
        if kind not in ("program", "event"):
            return _with_targets(reversed(self.held.owned(kind, actor.client_id)), query)
        granted = self.held.granted(actor.client_id)
        return self._granted(self.held.perhaps_seen(kind, granted), granted, query)

    def _granted(self, perhaps: Iterable[Stored], granted: frozenset[str], query: Query) -> Iterator[Seen]:
        plain = replace(query, targets=None)
        for one in sorted(self._timely(perhaps, query), key=lambda one: -one.sequence):
            seen = seen_targets(one.body.get("targets"), granted, query.targets)
            if seen is not None and fits_targets(seen, plain):
                yield Seen(with_seen_body(one, granted), seen)

    def _timely(self, stored: Iterable[Stored], query: Query) -> Iterable[Stored]:
        """Without events that are over, when `active` ones are looked for."""
        if not query.active:
            return stored
        now = self.clock.now()
        return (one for one in stored if not self.held.is_over(one, now))


def _with_targets(stored: Iterable[Stored], query: Query) -> Iterator[Seen]:
    return (Seen(one) for one in stored if fits_targets(one.body.get("targets") or (), query))
