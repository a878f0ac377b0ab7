"""Reads programmes.toml and enrolments.csv into `Agreements`; everything that is wrong is told at once.

enrolments.csv: customer, programme, from, until; dates included, an empty `until` is until further notice.
A customer is in one programme at a time per kind of call (people, devices). Knows no baseline: which names
there are is told by whoever asks.
"""

import itertools
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import Any, get_args

from customers.errors import Finding
from customers.notices import LANGUAGES
from customers.programmes import (
    ALL_MONTHS,
    ALWAYS,
    LIVE_METER,
    Agreements,
    AnswerModel,
    Asks,
    CallKind,
    Enrolment,
    Hours,
    Programme,
    Window,
)
from customers.registry import Customer
from customers.rows import LONGEST_ID, Row
from customers.tables import read_table
from customers.toml_tables import TomlTable

MOST_CALLS = 366
"""per season: one a day; more than anybody keeps count of"""
MOST_PER_KWH = 1_000_000
MOST_BUDGET = 10**15
_KINDS: tuple[CallKind, ...] = get_args(CallKind)
_ASKS: tuple[Asks, ...] = get_args(Asks)
_ANSWERS: tuple[AnswerModel, ...] = get_args(AnswerModel)
_FIELDS = (
    "id", "name", "terms", "asks", "answer", "weekday", "weekend", "months", "calls_per_day",
    "calls_per_season", "longest_call_minutes", "notice_minutes", "rest_hours", "points_per_kwh",
    "minor_units_per_kwh", "baseline", "follow_up_minutes", "budget_points", "budget_minor_units",
)  # fmt: skip


def load_agreements(
    programmes: Path,
    enrolments: Path,
    customers: Sequence[Customer],
    findings: list[Finding],
    baselines: Collection[str] = (),
) -> Agreements:
    """Both files of one feeder. What is wrong is appended to `findings`; then what is returned is not to be
    used. `baselines`: names beside `live_meter` that a programme may settle by.
    """
    read = _programmes(programmes, findings, (LIVE_METER, *sorted(baselines)))
    rows = read_table(enrolments, ("customer", "programme", "from", "until"), (), _enrolment, findings)
    by_name = {customer.customer: customer for customer in customers}
    for row, enrolment in rows:
        _check_known(row, enrolment, by_name, read)
    _check_overlaps(rows, read)
    return Agreements(read, tuple(enrolment for _, enrolment in rows))


def _programmes(path: Path, findings: list[Finding], baselines: Sequence[str]) -> dict[str, Programme]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding(str(path), None, None, f"expected a readable file in UTF-8: {error}"))
        return {}
    except (ValueError, RecursionError) as error:  # also a number without end, and lists in lists in lists
        findings.append(Finding(str(path), None, None, f"expected TOML: {error}"))
        return {}
    whole = TomlTable(str(path), "", raw, findings)
    whole.only(("programme",))
    read: dict[str, Programme] = {}
    for number, one in enumerate(whole.list_of("programme") or (), start=1):
        place = f"programme[{number}]"
        if not isinstance(one, Mapping):
            whole.fault(place, f"expected a [[programme]] table, got {one!r}")
            continue
        table = TomlTable(str(path), place, one, findings)
        programme = _programme(table, baselines)
        if programme is not None and programme.programme in read:
            table.fault("id", f"expected each id once, {programme.programme!r} is there already")
        elif programme is not None:
            read[programme.programme] = programme
    if not raw.get("programme"):
        whole.fault("programme", "expected at least one [[programme]]")
    return read


def _programme(table: TomlTable, baselines: Sequence[str]) -> Programme | None:
    table.only(_FIELDS)
    name = _id(table)
    asks = table.one_of("asks", _ASKS, "people")
    answer = table.one_of("answer", _ANSWERS, "opt_out")
    baseline = table.one_of("baseline", baselines, LIVE_METER)
    longest_s = _seconds(table, "longest_call_minutes")
    if longest_s == 0:
        table.fault("longest_call_minutes", "expected more than 0")
    programme = Programme(
        programme=name or "",
        names=table.by_language("name", LANGUAGES),
        terms=table.by_language("terms", LANGUAGES),
        asks=asks or "people",
        answer=answer or "opt_out",
        hours=_hours(table),
        calls_per_day=table.count("calls_per_day", MOST_CALLS, 1),
        calls_per_season=table.count("calls_per_season", MOST_CALLS, 1),
        longest_call_s=longest_s,
        notice_s=_seconds(table, "notice_minutes") or 0.0,
        rest_s=(table.number("rest_hours", 24 * 31) or 0.0) * 3600,
        points_per_kwh=table.count("points_per_kwh", MOST_PER_KWH) or 0,
        minor_units_per_kwh=table.count("minor_units_per_kwh", MOST_PER_KWH) or 0,
        baseline=baseline or LIVE_METER,
        follow_up_s=_seconds(table, "follow_up_minutes"),
        budget_points=table.count("budget_points", MOST_BUDGET),
        budget_minor_units=table.count("budget_minor_units", MOST_BUDGET),
    )
    if programme.answer == "opt_in" and programme.asks == "devices":
        table.fault("answer", "expected opt_out, because devices are asked nothing that they could agree to")
    elif programme.answer == "opt_in" and programme.notice_s <= 0:
        table.fault("notice_minutes", "expected more than 0 with opt_in: a yes counts before the call begins")
    return programme if name is not None else None


def _id(table: TomlTable) -> str | None:
    name = table.text("id")
    if name is not None and (len(name) > LONGEST_ID or not all(c.isalnum() or c in "-_." for c in name)):
        table.fault("id", f"expected at most {LONGEST_ID} letters, digits, - _ and ., got {name!r}")
        return None
    return name


def _seconds(table: TomlTable, field: str) -> float | None:
    """Of a field in minutes, at most a day."""
    minutes = table.number(field, 24 * 60)
    return None if minutes is None else minutes * 60.0


def _hours(table: TomlTable) -> Hours:
    months = table.list_of("months")
    if months is not None and not (
        months and all(isinstance(m, int) and not isinstance(m, bool) and 1 <= m <= 12 for m in months)
    ):
        table.fault("months", f"expected at least one month, each a number from 1 to 12, got {months!r}")
        months = None
    return Hours(
        weekday=_windows(table, "weekday"),
        weekend=_windows(table, "weekend"),
        months=ALL_MONTHS if months is None else frozenset(months),
    )


def _windows(table: TomlTable, field: str) -> tuple[Window, ...]:
    """Absent means the whole day, an empty list means never."""
    texts = table.list_of(field)
    if texts is None:
        return (ALWAYS,)
    windows = [_window(text) for text in texts]
    for text, window in zip(texts, windows, strict=True):
        if window is None:
            table.fault(field, f"expected windows such as 17:00-21:00, got {text!r}")
    return tuple(window for window in windows if window is not None)


def _window(text: object) -> Window | None:
    begin, dash, end = text.partition("-") if isinstance(text, str) else ("", "", "")
    begins, ends = _time(begin.strip()), _time(end.strip())
    if not dash or begins is None or ends is None or begin.strip() == "24:00":
        return None
    return Window(begins, ends) if begins != ends or begins == time(0) else None


def _time(text: str) -> time | None:
    """HH:MM; 24:00 is the end of the day."""
    if text == "24:00":
        return time(0)
    try:
        found = time.fromisoformat(text)
    except ValueError:
        return None
    return found if f"{found:%H:%M}" == text else None


def _enrolment(row: Row) -> Enrolment | None:
    customer, programme, begin = row.text("customer"), row.text("programme"), row.day("from")
    until = None if row.is_blank("until") else row.day("until")
    if (
        customer is None
        or programme is None
        or begin is None
        or (until is None and not row.is_blank("until"))
    ):
        return None
    if until is not None and until < begin:
        row.fault("until", f"expected a day not before from ({begin}), got {until}")
        return None
    return Enrolment(customer, programme, begin, until)


def _check_known(
    row: Row, enrolment: Enrolment, customers: Mapping[str, Customer], programmes: Mapping[str, Programme]
) -> None:
    customer, programme = customers.get(enrolment.customer), programmes.get(enrolment.programme)
    if customer is None:
        row.fault("customer", f"expected a customer of customers.csv, {enrolment.customer!r} is none")
    if programme is None:
        known = ", ".join(programmes) or "none"
        row.fault("programme", f"expected a programme ({known}), got {enrolment.programme!r}")
    if customer is None or programme is None:
        return
    if customer.critical:
        row.fault("customer", f"expected a customer who may be asked, {customer.customer!r} is critical")
    elif programme.covers("people") and not customer.takes_notices:
        expected = f"expected notices = true of {customer.customer!r}, whom {programme.programme} asks"
        row.fault("customer", expected)


def _check_overlaps(rows: Sequence[tuple[Row, Enrolment]], programmes: Mapping[str, Programme]) -> None:
    for (_, first), (row, second) in _pairs_of_a_customer(rows):
        kinds = _kinds(programmes, first) & _kinds(programmes, second)
        if kinds and first.overlaps(second):
            called, until = " and ".join(sorted(kinds)), first.until_day or "further notice"
            known = f"who is in {first.programme} from {first.from_day} until {until}"
            row.fault(
                "from", f"expected one programme at a time for {called} of {second.customer!r}, {known}"
            )


def _pairs_of_a_customer(rows: Sequence[tuple[Row, Enrolment]]) -> Iterator[Any]:
    of: dict[str, list[tuple[Row, Enrolment]]] = {}
    for row, enrolment in rows:
        of.setdefault(enrolment.customer, []).append((row, enrolment))
    for several in of.values():
        yield from itertools.combinations(several, 2)


def _kinds(programmes: Mapping[str, Programme], enrolment: Enrolment) -> set[CallKind]:
    programme = programmes.get(enrolment.programme)
    return set() if programme is None else {kind for kind in _KINDS if programme.covers(kind)}
