"""Curtailments as rows for a regulator: when, why, which element, who, how much, and what proves it. Pure.

No names, no contacts, and none of the words that an operator wrote: those stay in the journal, under the
numbers in `entries`.
"""

from datetime import datetime

from controller.auditing.curtailments import Curtailment
from controller.entries import (
    DisputeClosed,
    DisputeOpened,
    RequestChanged,
    RequestMoved,
    RequestSettled,
    SettlementCorrected,
)

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
    "programme",
    "share_percent",
    "floor_kw",
    "limit_kw",
    "p_before_kw",
    "baseline_kw",
    "asked_kwh",
    "reduced_kwh",
    "by_interval",
    "corrections",
    "first_reduced_kwh",
    "disputes",
    "answer",
    "state",
    "reason",
    "outcome",
    "entries",
)
Cell = str | float | None
Settling = RequestSettled | SettlementCorrected


def row(one: Curtailment) -> dict[str, Cell]:
    """One curtailment by column. None where the journal holds nothing: never 0 in its place.

    `value` and `limit` are of the element when the request was planned, in `unit`. `from` and `until` is when
    it was in force. `limit_kw` is the lowest it ever had; of a `pv_inverter` this, what was before and the
    floor are of what it fed in. What was settled is told as it holds now, after all corrections;
    `first_reduced_kwh` is what held before the first one.
    """
    record, planned = one.record, one.record.planned
    settled = record.corrected or record.settled
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
        "programme": planned.programme or (None if settled is None else settled.programme),
        "share_percent": planned.share_percent,
        "floor_kw": planned.floor_kw,
        "limit_kw": min(limit_kw for _, limit_kw in record.limits),
        "p_before_kw": planned.p_before_kw,
        "baseline_kw": round(planned.baseline_kw, 3),
        "asked_kwh": None if settled is None else settled.asked_kwh,
        "reduced_kwh": None if settled is None else settled.reduced_kwh,
        "by_interval": _intervals(settled),
        "corrections": None if record.corrected is None else str(record.corrected.version),
        "first_reduced_kwh": _first_reduced_kwh(one),
        "disputes": _disputes(one),
        "answer": record.consent,
        "state": record.state,
        "reason": _reason(one),
        "outcome": None if settled is None else settled.outcome,
        "entries": " ".join(map(str, one.seqs)),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _intervals(settled: Settling | None) -> str | None:
    """Of each interval its begin, and the watt-hours reduced and asked; `?` where too little was read."""
    if settled is None or not settled.by_interval:
        return None
    return " ".join(
        f"{i.start:%H:%M:%SZ}={i.reduced_wh if i.proven else '?'}/{i.asked_wh}" for i in settled.by_interval
    )


def _first_reduced_kwh(one: Curtailment) -> float | None:
    settled = one.record.settled
    return None if one.record.corrected is None or settled is None else settled.reduced_kwh


def _disputes(one: Curtailment) -> str | None:
    """Each with its reason and what came of it."""
    found: dict[str, str] = {}
    for fact in one.facts:
        match fact.entry:
            case DisputeOpened() as opened:
                found[opened.dispute] = f"{opened.reason}: open"
            case DisputeClosed() as closed:
                reason = found.get(closed.dispute, "").partition(":")[0]
                found[closed.dispute] = f"{reason}: {closed.outcome}"
    return ", ".join(f"{dispute} ({told})" for dispute, told in found.items()) or None


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
