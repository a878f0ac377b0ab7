"""Curtailments as rows for a regulator: when, why, which element, who, how much, and what proves it. Pure.

No names, no contacts, and none of the words that an operator wrote: those stay in the journal, under the
numbers in `entries`.
"""

from datetime import datetime

from controller.curtailments import Curtailment
from controller.entries import RequestChanged, RequestMoved

COLUMNS = (
    "event",
    "request",
    "feeder",
    "element",
    "violation",
    "value",
    "limit",
    "unit",
    "expected",
    "customer",
    "device",
    "kind",
    "asked_at",
    "from",
    "until",
    "limit_kw",
    "p_before_kw",
    "baseline_kw",
    "asked_kwh",
    "reduced_kwh",
    "state",
    "reason",
    "outcome",
    "entries",
)
Cell = str | float | None


def row(one: Curtailment) -> dict[str, Cell]:
    """One curtailment by column. None where the journal holds nothing: never 0 in its place.

    `value` and `limit` are of the element when the request was planned, in `unit`. `from` and `until` is when
    it was in force. `limit_kw` is the lowest it ever had.
    """
    record, planned = one.record, one.record.planned
    settled = record.settled
    return {
        "event": planned.event,
        "request": planned.request,
        "feeder": planned.feeder,
        "element": planned.element,
        "violation": one.kind,
        "value": round(planned.value, 4),
        "limit": one.limit,
        "unit": "pu" if planned.element.startswith("bus:") else "percent",
        "expected": "yes" if planned.expected else "no",
        "customer": planned.customer,
        "device": planned.target if planned.resource == "device" else None,
        "kind": planned.kind,
        "asked_at": _time(planned.at),
        "from": _time(record.active_at),
        "until": None if record.active_at is None else _time(record.ended_at),
        "limit_kw": min(limit_kw for _, limit_kw in record.limits),
        "p_before_kw": planned.p_before_kw,
        "baseline_kw": round(planned.baseline_kw, 3),
        "asked_kwh": None if settled is None else settled.asked_kwh,
        "reduced_kwh": None if settled is None else settled.reduced_kwh,
        "state": record.state,
        "reason": _reason(one),
        "outcome": None if settled is None else settled.outcome,
        "entries": " ".join(map(str, one.seqs)),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _reason(one: Curtailment) -> str | None:
    """Why its limit ended, or why it never was in force."""
    if one.record.is_open:
        return None
    freed = [fact.entry.reason for fact in one.facts if isinstance(fact.entry, RequestChanged)]
    if freed and freed[-1] == "overridden":
        return "released by an operator"
    if freed and freed[-1] == "protected":
        return "released, it may not be limited"
    if freed and freed[-1] == "released":
        return "released, there was room again"
    moves = [fact.entry for fact in one.facts if isinstance(fact.entry, RequestMoved)]
    last = next((move for move in reversed(moves) if move.state != "settled"), None)
    return None if last is None else last.reason
