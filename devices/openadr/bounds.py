"""How much the VTN holds, and what goes when there is more. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from devices.openadr.holdings import Holdings
from devices.openadr.objects import Actor, Stored
from devices.openadr.ports import ObjectKind
from devices.openadr.problems import forbidden


@dataclass(frozen=True, slots=True)
class Bounds:
    """Counts and bytes; what comes beyond them is refused with 403, except reports and past events.

    Of reports the oldest go: a client's own beyond `per_ven` and `ven_bytes`; beyond the total or
    `kind_bytes` those of the client that has the most. Of events those that are over go, the oldest first,
    when there is no room for a new one.
    """

    total: dict[ObjectKind, int] = field(
        default_factory=lambda: {
            "program": 1_000,
            "event": 50_000,
            "report": 100_000,
            "subscription": 5_000,
            "ven": 20_000,
            "resource": 100_000,
        }
    )
    per_ven: dict[ObjectKind, int] = field(
        default_factory=lambda: {"report": 1_000, "subscription": 20, "resource": 500}
    )
    ven_bytes: int = 2 * 2**20
    """of one kind, of one VEN"""
    kind_bytes: int = 128 * 2**20
    """of one kind, of all clients together"""


def leaving(bounds: Bounds, held: Holdings, actor: Actor, new: Stored, now: datetime) -> list[Stored]:
    """The objects that make room for a new one, or for one in place of that with its id.

    Raises Problem 403 when none may.
    """
    old = held.get(new.kind, new.id)
    if new.kind == "report":
        return _reports_leaving(bounds, held, new, old)
    old_size = 0 if old is None else old.size
    grows = new.size > old_size
    if actor.is_ven:
        _check_own(bounds, held, actor, new, old)
    count = len(held.by_kind[new.kind]) + (old is None)
    size = held.bytes_of[new.kind] + new.size - old_size
    if count <= bounds.total[new.kind] and (size <= bounds.kind_bytes or not grows):
        return []
    if new.kind == "event":
        gone = _past_events(bounds, held, new, now, (count, size))
        if gone is not None:
            return gone
    raise forbidden(f"the VTN holds {len(held.by_kind[new.kind])} {new.kind}s and has no room for more")


def _check_own(bounds: Bounds, held: Holdings, actor: Actor, new: Stored, old: Stored | None) -> None:
    own = bounds.per_ven.get(new.kind)
    if old is None and own is not None and held.owned_count(new.kind, actor.client_id) >= own:
        raise forbidden(f"a VEN may have {own} {new.kind}s")
    old_size = 0 if old is None else old.size
    size = held.owned_bytes(new.kind, actor.client_id) + new.size - old_size
    if size > bounds.ven_bytes and new.size > old_size:
        raise forbidden(f"a VEN may have {bounds.ven_bytes} bytes of {new.kind}s")


def _past_events(
    bounds: Bounds, held: Holdings, new: Stored, now: datetime, beyond: tuple[int, int]
) -> list[Stored] | None:
    """So many that are over that there is room; None when they are not enough."""
    count, size = beyond
    gone: list[Stored] = []
    for event in held.all("event"):
        if event.id != new.id and held.is_over(event, now):
            gone.append(event)
            count, size = count - 1, size - event.size
            if count <= bounds.total["event"] and size <= bounds.kind_bytes:
                return gone
    return None


@dataclass(slots=True)
class _Load:
    """Reports as they would be, and what may be of them."""

    count: int
    size: int
    most: int
    most_bytes: int

    @property
    def is_too_much(self) -> bool:
        return self.count > self.most or self.size > self.most_bytes

    def without(self, report: Stored) -> None:
        self.count, self.size = self.count - 1, self.size - report.size


def _reports_leaving(bounds: Bounds, held: Holdings, new: Stored, old: Stored | None) -> list[Stored]:
    client_id = new.client_id or ""
    more, more_bytes = int(old is None), new.size - (0 if old is None else old.size)
    own_count, own_size = held.owned_count("report", client_id), held.owned_bytes("report", client_id)
    own = _Load(own_count + more, own_size + more_bytes, bounds.per_ven["report"], bounds.ven_bytes)
    count, size = len(held.by_kind["report"]), held.bytes_of["report"]
    total = _Load(count + more, size + more_bytes, bounds.total["report"], bounds.kind_bytes)
    gone = {new.id: new}

    def leave(reports: Iterable[Stored], load: _Load) -> None:
        for report in reports:
            if not load.is_too_much:
                return
            if report.id not in gone:
                gone[report.id] = report
                for one in {id(load): load, id(total): total}.values():
                    one.without(report)

    if own.is_too_much:
        leave(held.owned("report", client_id), own)
    if total.is_too_much:  # nobody's flood may cost the others theirs: who has the most pays
        most = held.largest_owner("report", by_bytes=total.size > bounds.kind_bytes)
        leave(held.owned("report", most), total)
    del gone[new.id]
    return list(gone.values())
