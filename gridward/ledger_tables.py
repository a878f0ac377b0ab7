"""Statements and reports as tables: for people on a terminal, for spreadsheets, and as one JSON document.

For people amounts carry their unit and money its decimals. CSV and JSON have whole minor units, with the unit
in the column's name, so that nothing that reads them can round. Times are UTC.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from controller.rewards.money import decimal, shown
from controller.rewards.reward_report import Report, Row
from controller.rewards.statements import Amounts, Line, Statement, units
from gridward.csv_text import Cell, Number, csv_text


def aligned(rows: Sequence[Sequence[str]], *, left: int) -> str:
    """Columns of equal width; the first `left` ones to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:<{w}}" if i < left else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def statement_rows(statement: Statement) -> list[tuple[str, ...]]:
    """Header, opening balance, every line, closing balance; for each unit what was moved and the balance."""
    columns = units(statement.closing)
    header = ["date", "event", "request", "kWh"]
    for unit in columns:
        header += [unit.partition("-")[0], "balance"]
    opening = ["opening balance", "", "", "", *_balances(columns, statement.opening)]
    energy = decimal(statement.energy_wh, 3)
    closing = ["closing balance", "", "", energy, *_balances(columns, statement.closing)]
    lines = [_line(line, columns) for line in statement.lines]
    return [tuple(row) for row in (header, opening, *lines, closing)]


def period(statement: Statement) -> str:
    """Its first and last day."""
    first = "the beginning" if statement.start is None else f"{statement.start:%Y-%m-%d}"
    last = f"journal entry {statement.seq}" if statement.end is None else last_day(statement.end).isoformat()
    return f"{first} to {last}, times in UTC"


def last_day(end: datetime) -> date:
    """The last day of a period that ends before `end`, a midnight."""
    return (end - timedelta(days=1)).date()


def statement_csv(statement: Statement) -> str:
    """One row per transaction, between a row for the opening and one for the closing balance."""
    columns = units(statement.closing)
    header = ["row", "at", "event", "request", "verified_kwh", "reason", "key"]
    for unit in columns:
        header += [unit, f"{unit} balance"]
    lines: list[list[Cell]] = []
    for line in statement.lines:
        energy = None if line.energy_wh is None else Number(decimal(line.energy_wh, 3))
        cells: list[Cell] = ["posting", line.at.isoformat(), line.event, line.request, energy]
        cells += [line.reason, line.key]
        for unit in columns:
            cells += [line.amounts.get(unit), line.balances.get(unit)]
        lines.append(cells)
    opening = _csv_balance("opening", statement.start, columns, statement.opening)
    closing = _csv_balance("closing", statement.end, columns, statement.closing)
    return csv_text(header, [opening, *lines, closing])


def statement_json(statement: Statement) -> dict[str, Any]:
    """One line per transaction and unit."""
    lines = [
        {
            "at": line.at.isoformat(),
            "event": line.event,
            "request": line.request,
            "verified_wh": line.energy_wh,
            "amount": amount,
            "unit": unit,
            "balance": line.balances[unit],
            "reason": line.reason,
            "key": line.key,
        }
        for line in statement.lines
        for unit, amount in line.amounts.items()
    ]
    return {
        "customer": statement.customer,
        "start": None if statement.start is None else statement.start.isoformat(),
        "end": None if statement.end is None else statement.end.isoformat(),
        "journal_entry": statement.seq,
        "opening": statement.opening,
        "lines": lines,
        "balance": statement.closing,
    }


def report_rows(report: Report) -> list[tuple[str, ...]]:
    """Header, a row for each event, customer or programme, and the sum."""
    columns = units(report.total.credited)
    header = [report.by, "requests", "asked kW", "asked kWh", "verified kWh", "compliance"]
    header += [unit.partition("-")[0] for unit in columns]
    header += ["intervals measured", "too little data"]
    named = [(row.group or f"(no {report.by})", row) for row in report.rows]
    rows = [_row(name, row, columns) for name, row in (*named, ("all", report.total))]
    return [tuple(header), *rows]


def report_csv(report: Report) -> str:
    """One row for each event, customer or programme; no sum, which would be counted twice."""
    columns = units(report.total.credited)
    header = [report.by, "requests", "settled", "asked_kw", "asked_kwh", "verified_kwh", "compliance_percent"]
    header += [*columns, "intervals", "intervals_measured", "too_little_data", "corrected"]
    rows: list[list[Cell]] = []
    for row in report.rows:
        energies = (row.asked_w, row.asked_wh, row.verified_wh)
        cells: list[Cell] = [row.group, row.requests, row.settled]
        cells += [Number(decimal(thousandths, 3)) for thousandths in energies]
        cells.append(None if row.compliance_permille is None else Number(decimal(row.compliance_permille, 1)))
        cells += [row.credited[unit] for unit in columns]
        cells += [row.intervals, row.intervals_measured, row.too_little_data, row.corrected]
        rows.append(cells)
    return csv_text(header, rows)


def report_json(report: Report) -> dict[str, Any]:
    """Rows and total, in whole watts, watt-hours, thousandths and minor units."""
    rows = [{report.by: row.group, **_sums(row)} for row in report.rows]
    return {"by": report.by, "journal_entry": report.seq, "rows": rows, "total": _sums(report.total)}


def _line(line: Line, columns: Sequence[str]) -> list[str]:
    energy = "" if line.energy_wh is None else decimal(line.energy_wh, 3)
    what = line.request or "" if energy else ": ".join(filter(None, (line.request, line.reason)))
    cells = [f"{line.at:%Y-%m-%d %H:%M:%S}", line.event or "", what, energy]
    for unit in columns:
        moved = unit in line.amounts
        cells.append(shown(unit, line.amounts[unit], signed=True) if moved else "")
        cells.append(shown(unit, line.balances[unit]) if moved else "")
    return cells


def _balances(columns: Sequence[str], held: Amounts) -> list[str]:
    return [cell for unit in columns for cell in ("", shown(unit, held[unit]))]


def _csv_balance(row: str, at: datetime | None, columns: Sequence[str], held: Amounts) -> list[Cell]:
    cells: list[Cell] = [row, None if at is None else at.isoformat(), None, None, None, None, None]
    for unit in columns:
        cells += [None, held[unit]]
    return cells


def _row(name: str, row: Row, columns: Sequence[str]) -> tuple[str, ...]:
    return (
        name,
        str(row.requests),
        decimal(row.asked_w, 3),
        decimal(row.asked_wh, 3),
        decimal(row.verified_wh, 3),
        _percent(row.compliance_permille),
        *(shown(unit, row.credited[unit]) for unit in columns),
        f"{row.intervals_measured} of {row.intervals}",
        str(row.too_little_data),
    )


def _percent(permille: int | None) -> str:
    return "-" if permille is None else f"{decimal(permille, 1)} %"


def _sums(row: Row) -> dict[str, Any]:
    return {
        "requests": row.requests,
        "settled": row.settled,
        "corrected": row.corrected,
        "asked_w": row.asked_w,
        "asked_wh": row.asked_wh,
        "verified_wh": row.verified_wh,
        "compliance_permille": row.compliance_permille,
        "credited": dict(row.credited),
        "intervals": row.intervals,
        "intervals_measured": row.intervals_measured,
        "measured_permille": row.measured_permille,
        "too_little_data": row.too_little_data,
    }
