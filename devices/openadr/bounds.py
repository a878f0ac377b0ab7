"""How much the VTN holds, and what goes when there is more. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from devices.openadr.holdings import Holdings
from devices.openadr.objects import Actor, Stored
from devices.openadr.ports import ObjectKind
from devices.openadr.problems import forbidden


@dataclass(frozen=True, slots=True)
class Bounds:
    """Counts of objects; what comes beyond them is refused with 403, except reports and past events.

    Of reports the oldest go: a client's own beyond `per_ven`, anybody's beyond the total or `report_bytes`.
    Of events those that are over go, the oldest first, when there is no room for a new one.
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
    report_bytes: int = 128 * 2**20


def leaving(bounds: Bounds, held: Holdings, actor: Actor, new: Stored, now: datetime) -> list[Stored]:
    """The objects that make room for a new one. Raises Problem 403 when none may."""
    if new.kind == "report":
        return list(_reports_leaving(bounds, held, new))
    own = bounds.per_ven.get(new.kind)
    if actor.is_ven and own is not None and held.owned_count(new.kind, actor.client_id) >= own:
        raise forbidden(f"a VEN may have {own} {new.kind}s")
    if len(held.by_kind[new.kind]) < bounds.total[new.kind]:
        return []
    if new.kind == "event":
        for event in held.all("event"):
            if held.is_over(event, now):
                return [event]
    raise forbidden(f"the VTN holds {bounds.total[new.kind]} {new.kind}s and takes no more")


def _reports_leaving(bounds: Bounds, held: Holdings, new: Stored) -> Iterator[Stored]:
    own = held.owned("report", new.client_id or "")
    gone: set[str] = set()
    for report in own[: max(0, len(own) + 1 - bounds.per_ven["report"])]:
        gone.add(report.id)
        yield report
    count, size = len(held.by_kind["report"]) + 1 - len(gone), held.bytes_of["report"] + new.size
    size -= sum(report.size for report in own if report.id in gone)
    for report in held.all("report"):
        if count <= bounds.total["report"] and size <= bounds.report_bytes:
            return
        if report.id not in gone:
            count, size = count - 1, size - report.size
            yield report
