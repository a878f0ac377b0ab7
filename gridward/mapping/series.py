"""The CSV files of `gridward mapping` as series: rows with a time, each thing once at each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from grid_model.errors import Finding
from grid_model.network import Floats
from gridward.check.tables import Cells, table_rows, voltage


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What was read at one time of one thing."""

    cells: Cells
    key: int | str
    p: float | None
    q: float | None
    v: float | None


Series = dict[datetime, dict[int | str, SeriesRow]]
"""by time, and by what was read"""


def read_series(
    path: Path,
    columns: tuple[str, ...],
    findings: list[Finding],
    key_of: Callable[[Cells], int | str | None],
    named: str,
) -> Series:
    """Rows by time and what they are about; each only once."""
    series: Series = {}
    for cells in table_rows(path, columns, findings):
        at, key = cells.time("at"), key_of(cells)
        if at is None and not cells.values["at"]:
            cells.error("at", "is empty; expected a time with its zone, as 2016-01-12T18:00:00+00:00")
        row = SeriesRow(
            cells,
            "" if key is None else key,
            cells.number("p_kw", "kW"),
            cells.number("q_kvar", "kvar", optional=True),
            voltage(cells),
        )
        if at is None or key is None:
            continue
        first = series.setdefault(at, {}).setdefault(key, row)
        if first is not row:
            cells.error(named, f"is already read at this time in row {first.cells.row}; expected only once")
    if not series and not findings:
        expected = "has no readings; expected at least one row below the header"
        findings.append(Finding("error", path.name, expected))
    return series


def columns_of(
    series: Series, times: Sequence[datetime], keys: Sequence[int | str]
) -> tuple[Floats, Floats, Floats]:
    """(n_time, n_key) P, Q and V."""
    found = np.full((3, len(times), len(keys)), np.nan)
    column = {key: place for place, key in enumerate(keys)}
    for place, at in enumerate(times):
        for key, row in series.get(at, {}).items():
            if key in column:
                found[:, place, column[key]] = [np.nan if x is None else x for x in (row.p, row.q, row.v)]
    return found[0], found[1], found[2]
