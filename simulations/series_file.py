"""Reads time series from CSV files of one's own: customers' loads and weather. All that is wrong is told,
each with file, row, column and what was expected.

`at` is ISO 8601 with a zone. A series must begin at the scenario's start or before, and reach its end;
between two rows it is a straight line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from grid_model.network import Floats
from simulations.errors import ScenarioRejected
from simulations.scenario_devices import COLDEST_C, HOTTEST_C

MOST_FINDINGS = 20
_RANGES = {"outdoor_c": (COLDEST_C, HOTTEST_C, "°C"), "sun_w_per_m2": (-20.0, 1500.0, "W/m²")}
"""A pyranometer shows somewhat less than nothing at night (zero offset, ISO 9060), which counts as nothing;
beside a bright cloud's edge there is more than the 1367 W/m² outside the atmosphere."""
_MORE_FIELDS = re.compile(r"Expected (?P<expected>\d+) fields in line (?P<row>\d+), saw (?P<got>\d+)")
_ZONED = r"(?:[Zz]|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True)
class Series:
    """Values over time; linear between, the same for ever before the first and after the last."""

    at_s: Floats
    """(n,) seconds since 1970 UTC, rising"""
    value: Floats

    def at(self, seconds: Floats | float) -> Any:
        """The value at a time or at many."""
        return np.interp(seconds, self.at_s, self.value)


class SeriesTable:
    """One CSV file, checked as a whole. Raises ScenarioRejected with all findings."""

    def __init__(
        self, path: Path, numbers: Sequence[str], optional: Sequence[str] = (), key: str = ""
    ) -> None:
        """`key`: the column that says whose series a row belongs to; without it there is one."""
        self.path, self._key = path, key
        self.findings: list[str] = []
        self.table = self._read(numbers, optional)
        self.columns = [name for name in (*numbers, *optional) if name in self.table]
        self._check_times()
        for column in self.columns:
            parsed = pd.to_numeric(self.table[column], errors="coerce")
            self._tell(~np.isfinite(parsed), column, "a number")
            self.table[column] = parsed
        self.raise_findings()
        self._check_order()

    def raise_findings(self) -> None:
        """Raises ScenarioRejected when there are any."""
        if self.findings:
            raise ScenarioRejected(self.findings[:MOST_FINDINGS])

    def series(self, column: str) -> dict[str, Series]:
        """By key, or under "" where there is none."""
        groups = self.table.groupby(self._key) if self._key else [("", self.table)]
        return {
            str(name): Series(rows["at_s"].to_numpy(np.float64), rows[column].to_numpy(np.float64))
            for name, rows in groups
        }

    def check_range(self, column: str, least: float, most: float, unit: str) -> None:
        """Note each value outside what a column can have."""
        outside = self.table[~self.table[column].between(least, most)].sort_values("row")
        for row, value in outside[["row", column]].head(MOST_FINDINGS).itertuples(index=False):
            expected = f"{least:g} to {most:g} {unit}"
            self.findings.append(
                f"{self.path}, row {row + 2}, {column}: expected {expected}, got {value:.6g}"
            )

    def check_reach(self, start: datetime, end_s: float) -> None:
        """Note each series that does not reach from start to end."""
        column = self._key or self.columns[0]
        for name, series in self.series(self.columns[0]).items():
            whose = f" of {name!r}" if name else ""
            if series.at_s[0] > start.timestamp():
                self.findings.append(
                    f"{self.path}, {column}{whose}: begins at {_time(series.at_s[0])}, expected at or before "
                    f"the scenario's start, {_time(start.timestamp())}"
                )
            if series.at_s[-1] < end_s:
                self.findings.append(
                    f"{self.path}, {column}{whose}: ends at {_time(series.at_s[-1])}, expected at or after "
                    f"the scenario's end, {_time(end_s)}"
                )

    def _read(self, numbers: Sequence[str], optional: Sequence[str]) -> pd.DataFrame:
        needed = ("at", *((self._key,) if self._key else ()), *numbers)
        try:
            self._refuse_semicolons()
            table = pd.read_csv(self.path, dtype=str, encoding="utf-8", skipinitialspace=True)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            said = str(error).splitlines()[0]
            if more := _MORE_FIELDS.search(said):
                self._refuse_fields(int(more["row"]), int(more["expected"]), int(more["got"]))
            raise ScenarioRejected([f"{self.path}: expected a readable CSV file in UTF-8: {said}"]) from error
        if not isinstance(table.index, pd.RangeIndex):  # what is too much in row 2 was taken for labels
            count = len(table.columns)
            self._refuse_fields(2, count, count + table.index.nlevels)
        known = (*needed, *optional)
        missing = [name for name in needed if name not in table]
        unknown = [str(name) for name in table if name not in known]
        wrong = [f"{self.path}, row 1: expected the column {name}, it is missing" for name in missing]
        wrong += [
            f"{self.path}, row 1: no such column {name!r}; expected {', '.join(known)}" for name in unknown
        ]
        if not wrong and table.empty:
            wrong = [f"{self.path}: expected rows, there are none"]
        if wrong:
            raise ScenarioRejected(wrong)
        return table

    def _refuse_semicolons(self) -> None:
        """Spreadsheets write them where a comma is the decimal sign."""
        with self.path.open(encoding="utf-8") as file:
            names = file.readline()
        if ";" in names and "," not in names:
            told = "expected commas between fields, got semicolons; and points in numbers"
            raise ScenarioRejected([f"{self.path}, row 1: {told}"])

    def _refuse_fields(self, row: int, expected: int, got: int) -> NoReturn:
        raise ScenarioRejected(
            [f"{self.path}, row {row}: expected {expected} fields, as row 1 has, got {got}"]
        )

    def _check_times(self) -> None:
        text = self.table["at"].fillna("")
        parsed = pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601")
        zoned = text.str.contains(_ZONED, regex=True)
        self._tell(parsed.isna() | ~zoned, "at", "a time in ISO 8601 with a zone")
        self.table["at_s"] = (parsed - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
        if self._key:
            self._tell(self.table[self._key].isna(), self._key, "a name")

    def _check_order(self) -> None:
        keys = [self._key] if self._key else []
        self.table = self.table.assign(row=np.arange(len(self.table))).sort_values(
            [*keys, "at_s"], kind="stable", ignore_index=True
        )
        double = self.table.duplicated([*keys, "at_s"])
        for row, at in self.table.loc[double, ["row", "at"]].head(MOST_FINDINGS).itertuples(index=False):
            self.findings.append(f"{self.path}, row {row + 2}, at: {at} stands there twice")
        self.raise_findings()

    def _tell(self, wrong: "pd.Series[bool]", column: str, expected: str) -> None:
        for row in np.flatnonzero(wrong)[:MOST_FINDINGS]:
            got = self.table[column].iloc[row]
            said = "nothing" if isinstance(got, float) else repr(got)
            self.findings.append(f"{self.path}, row {row + 2}, {column}: expected {expected}, got {said}")


def read_weather(
    path: Path, start: datetime, end_s: float
) -> tuple[Callable[[datetime], float], Callable[[datetime], float] | None]:
    """Columns at, outdoor_c and, where there is one, sun_w_per_m2 (global, on level ground)."""
    table = SeriesTable(path, ("outdoor_c",), ("sun_w_per_m2",))
    for column in table.columns:
        table.check_range(column, *_RANGES[column])
    table.check_reach(start, end_s)
    table.raise_findings()
    outdoor = table.series("outdoor_c")[""]
    sun = table.series("sun_w_per_m2")[""] if "sun_w_per_m2" in table.columns else None
    return (
        lambda at: float(outdoor.at(at.timestamp())),
        None if sun is None else lambda at: max(float(sun.at(at.timestamp())), 0.0),
    )


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
