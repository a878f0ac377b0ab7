"""One event as a file for a regulator or a planner: tables as CSV, all of it as JSON, or both in a ZIP. Pure.

Who was asked stands in it by number alone unless whoever asks may see customers: then by the ids of
customers, devices and service points, never by name. Who of the operators did something, and what they wrote
in words, is left out in either case, for it may name anybody; it stays in the journal under the entry's
number. The same event always gives the same bytes.

Whoever may look, but not see customers, is told of an event with numbers too, and not what single households
used or earned (`for_whoever_looks`).
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from controller.alarms.kinds import KINDS
from controller.occurrences.bodies import EventBody, RequestRow, Step
from controller.occurrences.replay import RecordedBody

Table = Literal["timeline", "rounds", "requests", "states"]
Cell = str | int | float | None
_WRITTEN = frozenset({"who", "why", "ordered", "agreed_by"})
_BY = " by "
"""before the name of an operator, in the reason of a request that was taken back"""
_NAMING = frozenset(
    {"customer", "target", "targets", "service_point", "device", "devices", "message", "left_out", "credited"}
)
_EARNED = ("request_settled", "settlement_corrected", "ledger_posted")
"""keys of steps, as they begin, that tell what a single household used or earned"""
_OF_A_HOUSEHOLD = frozenset({"baseline_kw", "p_kw", "reduced_kwh", "points"})
"""values of the other steps that do: of what was planned for it, and of what it is told"""
_NAMES: Mapping[Table, tuple[str, ...]] = {
    "timeline": ("seq", "at", "phase", "step", "severity", "request", "text"),
    "rounds": (
        "round", "seq", "at", "element", "value", "limit", "request", "target", "share_percent",
        "effect_per_kw", "cut_kw", "left_because", "left_count",
    ),
    "requests": (
        "request", "resource", "target", "kind", "customer", "service_point", "programme", "asked_at", "from",
        "until", "state", "answer", "reason", "p_before_kw", "limit_kw", "floor_kw", "baseline_kw",
        "share_percent", "outcome", "asked_kwh", "reduced_kwh", "compliance_percent", "points", "minor_units",
        "currency", "corrections",
    ),
    "states": (
        "at", "shown_at", "source", "worst_percent", "without_control_percent", "curtailed_kw",
        "substation_p_kw", "measured", "stale", "estimated",
    ),
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""how a cell begins that a spreadsheet would run"""


def without_names(body: EventBody) -> EventBody:
    """The same event with numbers in place of customers, devices and service points."""
    numbers = _Numbers(body.requests)
    return msgspec.structs.replace(
        body,
        steps=tuple(map(_nameless, body.steps)),
        rounds=tuple(
            msgspec.structs.replace(
                one,
                asked=tuple(numbers.asked(asked) for asked in one.asked),
                left=None
                if one.left is None
                else tuple(msgspec.structs.replace(left, devices=()) for left in one.left),
            )
            for one in body.rounds
        ),
        requests=tuple(numbers.asked(row) for row in body.requests),
    )


def _nameless(step: Step) -> Step:
    gone = _NAMING | {"text"} if _may_name_devices(step) else _NAMING
    return msgspec.structs.replace(
        step,
        text="" if step.request or gone & step.values.keys() else step.text,
        values={name: value for name, value in step.values.items() if name not in gone},
    )


def _may_name_devices(step: Step) -> bool:
    """Whether an alarm's words say of which meters or devices it is; those of an unknown kind may."""
    if not step.key.startswith("data_alarm."):
        return False
    kind = KINDS.get(str(step.values.get("kind")))
    return kind is None or kind.retold


def without_words(body: EventBody) -> EventBody:
    """The same event without who of the operators did what, and without what they wrote."""
    return msgspec.structs.replace(
        body, steps=tuple(map(_wordless, body.steps)), requests=tuple(map(_row_wordless, body.requests))
    )


def _wordless(step: Step) -> Step:
    values = {name: value for name, value in step.values.items() if name not in _WRITTEN}
    is_written = any(step.values.get(name) for name in _WRITTEN)
    if values.get("state") == "overridden":
        is_written, values["reason"] = True, unsigned(str(values.get("reason", "")))
    return msgspec.structs.replace(step, text="" if is_written else step.text, values=values)


def _row_wordless(row: RequestRow) -> RequestRow:
    if row.state != "overridden" and not any(state == "overridden" for state, _ in row.states):
        return row
    return msgspec.structs.replace(row, reason=None if row.reason is None else unsigned(row.reason))


def unsigned(reason: str) -> str:
    """What was done, without by whom."""
    return reason.partition(_BY)[0]


def for_whoever_looks(body: EventBody) -> EventBody:
    """The event as it is told to who may not see customers: whole, but with numbers for names, and nothing of
    what a single household used or earned."""
    bare = without_names(without_words(body))
    return msgspec.structs.replace(
        bare,
        steps=tuple(map(_unearned, bare.steps)),
        requests=tuple(msgspec.structs.replace(row, baseline_kw=None, settled=None) for row in bare.requests),
    )


def steps_for_whoever_looks(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The same of steps alone."""
    return tuple(_unearned(_nameless(_wordless(step))) for step in steps)


def _unearned(step: Step) -> Step:
    if not step.key.startswith(_EARNED):
        values = {name: value for name, value in step.values.items() if name not in _OF_A_HOUSEHOLD}
        return msgspec.structs.replace(step, values=values)
    kept = {name: step.values[name] for name in ("outcome", "event", "kind") if name in step.values}
    return msgspec.structs.replace(step, text="", values=kept)


class _Numbers:
    """The same number for the same thing, in the order in which they were asked."""

    def __init__(self, requests: Sequence[RequestRow]) -> None:
        self._customers = _numbered(row.customer for row in requests)
        self._targets = _numbered(row.target for row in requests)
        self._points = _numbered(row.service_point for row in requests)

    def asked(self, one: Any) -> Any:
        kind = "customer" if one.resource == "person" else "device"
        return msgspec.structs.replace(
            one,
            customer=f"customer {self._customers.get(one.customer, 0)}",
            target=f"{kind} {self._targets.get(one.target, 0)}",
            service_point=f"service point {self._points.get(one.service_point, 0)}",
        )


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}


def as_json(body: EventBody, states: RecordedBody | None) -> bytes:
    """All of it in one document."""
    return msgspec.json.format(msgspec.json.encode({"event": body, "states": states}), indent=1) + b"\n"


def as_csv(body: EventBody, states: RecordedBody | None, table: Table) -> bytes:
    """One table; comma, UTF-8 with its mark (spreadsheets take it for something else without), a line of
    names first, also where nothing follows."""
    rows = {"timeline": _timeline, "rounds": _rounds, "requests": _requests}
    found = _states(states) if table == "states" else rows[table](body)
    return _written(_NAMES[table], found)


def as_zip(body: EventBody, states: RecordedBody | None) -> bytes:
    """All tables and the document."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        tables: tuple[Table, ...] = ("timeline", "rounds", "requests", "states")
        for table in tables:
            _add(archive, f"{table}.csv", as_csv(body, states, table), body.summary.opened_at)
        _add(archive, "event.json", as_json(body, states), body.summary.opened_at)
        _add(archive, "README.txt", _about(body).encode(), body.summary.opened_at)
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, at: datetime) -> None:
    entry = zipfile.ZipInfo(name, (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content)


def _about(body: EventBody) -> str:
    return (
        f"Event {body.summary.event} on feeder {body.summary.feeder}\n\n"
        "timeline.csv  each step; `seq` is the number of the entry in the journal that proves it\n"
        "rounds.csv    each round of planning: who was asked and why, who was left alone and why\n"
        "requests.csv  each request with what came of it and what the meter proved\n"
        "states.csv    highest loading and data quality over time; `source` computed is an approximation\n"
        "event.json    all of it, with loadings of every element\n\n"
        "Times are UTC. Power in kW, energy in kWh, loading in percent of the rating.\n"
    )


_Rows = Iterator[Mapping[str, Cell]]


def _timeline(body: EventBody) -> _Rows:
    for step in body.steps:
        yield {
            "seq": step.seq,
            "at": _time(step.at),
            "phase": step.phase,
            "step": step.key,
            "severity": step.severity,
            "request": step.request,
            "text": step.text,
        }


def _rounds(body: EventBody) -> _Rows:
    """A row for each who was asked, and one for each reason why others were not."""
    for number, one in enumerate(body.rounds, start=1):
        head: dict[str, Cell] = {
            "round": number,
            "seq": one.seq,
            "at": _time(one.at),
            "element": one.element,
            "value": round(one.value, 4),
            "limit": one.limit,
        }
        nobody: dict[str, Cell] = dict.fromkeys(
            ("request", "target", "share_percent", "effect_per_kw", "cut_kw", "left_because", "left_count")
        )
        for asked in one.asked:
            yield (
                head
                | nobody
                | {
                    "request": asked.request,
                    "target": asked.target,
                    "share_percent": asked.share_percent,
                    "effect_per_kw": asked.effect_per_kw,
                    "cut_kw": asked.cut_kw,
                }
            )
        for left in one.left or ():
            yield head | nobody | {"left_because": left.reason, "left_count": left.count}


def _requests(body: EventBody) -> _Rows:
    for row in body.requests:
        settled = row.settled
        yield {
            "request": row.request,
            "resource": row.resource,
            "target": row.target,
            "kind": row.kind,
            "customer": row.customer,
            "service_point": row.service_point,
            "programme": row.programme,
            "asked_at": _time(row.states[0][1]),
            "from": _time(row.active_at),
            "until": _time(row.ended_at),
            "state": row.state,
            "answer": row.consent or row.answer,
            "reason": row.reason,
            "p_before_kw": row.p_before_kw,
            "limit_kw": min((kw for _, kw in row.limits), default=None),
            "floor_kw": row.floor_kw,
            "baseline_kw": None if row.baseline_kw is None else round(row.baseline_kw, 3),
            "share_percent": row.share_percent,
            "outcome": None if settled is None else settled.outcome,
            "asked_kwh": None if settled is None else settled.asked_kwh,
            "reduced_kwh": None if settled is None else settled.reduced_kwh,
            "compliance_percent": None if settled is None else settled.compliance_percent,
            "points": None if settled is None else settled.points,
            "minor_units": None if settled is None else settled.minor_units,
            "currency": body.currency,
            "corrections": None if settled is None else settled.corrections,
        }


def _states(states: RecordedBody | None) -> _Rows:
    if states is None:
        return
    for step, at in enumerate(states.times):
        yield {
            "at": _time(at),
            "shown_at": _time(states.shown_at[step]),
            "source": states.source[step],
            "worst_percent": _known(states.worst_percent[step]),
            "without_control_percent": _known(states.without_control_percent[step]),
            "curtailed_kw": _known(states.curtailed_kw[step]),
            "substation_p_kw": _known(states.substation_p_kw[step]),
            "measured": states.measured[step],
            "stale": states.stale[step],
            "estimated": states.estimated[step],
        }


def _known(value: float | None) -> float | None:
    """NaN as nothing."""
    return None if value is None or value != value else value  # noqa: PLR0124


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _written(names: Sequence[str], rows: _Rows) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _plain(cell) for name, cell in row.items()})
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> Cell:
    """So that no spreadsheet runs it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
