"""The CSV files of `gridward check` as rows: everything that can be told without the network.

All findings at once, each with file, row (as an editor counts, the header is row 1) and what was expected.
Whether a service point exists is for `input.py`.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grid_model.errors import Finding
from grid_model.three_phase.phases import PHASES, connected_phases

_TRUE, _FALSE = frozenset({"true", "1", "yes", "y"}), frozenset({"false", "0", "no", "n", ""})
_HIGHEST_V_PU = 2.0
_SUM_TOLERANCE_KW = 0.01
OnPhases = tuple[bool, bool, bool]
ByPhase = tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a file, and where to put what is wrong with it."""

    file: str
    row: int
    values: dict[str, str]
    findings: list[Finding]

    def error(self, column: str, expected: str) -> None:
        """Note a fault of this row."""
        self.findings.append(Finding("error", f"{self.file} row {self.row}, {column}", expected))

    def text(self, column: str) -> str:
        """A cell that must not be empty; "" when it is, and noted."""
        value = self.values.get(column, "")
        if not value:
            self.error(column, "is empty; expected a name")
        return value

    def number(
        self, column: str, unit: str, *, lowest: float = -math.inf, optional: bool = False
    ) -> float | None:
        """A finite number; None when it is absent, or wrong and noted."""
        value = self.values.get(column, "")
        if not value:
            if not optional:
                self.error(column, f"is empty; expected a number in {unit}")
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.error(column, f"is {value!r}; expected a finite number in {unit}, with a decimal point")
            return None
        if number < lowest:
            self.error(column, f"is {value}; expected {unit} of {lowest:g} or more")
            return None
        return number

    def phases(self, column: str) -> OnPhases | None:
        """Which of a, b, c are named; None when it is absent, or wrong and noted."""
        value = self.values.get(column, "")
        found = connected_phases(value)
        if found is None and value:
            self.error(column, f"is {value!r}; expected a, b, c or several of them, such as bc or abc")
        return found

    def by_phase(self, quantity: str, unit: str) -> ByPhase | None:
        """The columns of one quantity per phase, such as p_a_kw, p_b_kw, p_c_kw; None without any of them."""
        a, b, c = (self.number(f"{quantity}_{phase}_{unit}", unit, optional=True) for phase in PHASES)
        return None if a is b is c is None else (a, b, c)

    def flag(self, column: str) -> bool:
        """true, false, 1, 0, yes or no; absent is false."""
        value = self.values.get(column, "").lower()
        if value not in _TRUE | _FALSE:
            self.error(column, f"is {value!r}; expected true or false")
        return value in _TRUE

    def time(self, column: str) -> datetime | None:
        """A time with its zone; None when it is absent, or wrong and noted."""
        value = self.values.get(column, "")
        if not value:
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            self.error(column, f"is {value!r}; expected a time with its zone, as 2016-01-12T18:00:00+00:00")
            return None
        return at


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One meter's reading."""

    cells: Cells
    service_point: str
    p_kw: float | None
    q_kvar: float | None
    v_pu: float | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device and its present power. `min_kw` is None where the file leaves it to the default."""

    cells: Cells
    device: str
    service_point: str
    kind: str
    p_kw: float | None
    min_kw: float | None
    critical: bool
    phase: str
    """as it is written; only a check per phase looks at it"""


@dataclass(frozen=True, slots=True)
class PhaseReadingRow:
    """One meter's reading, of which a meter with three displays tells the parts."""

    reading: ReadingRow
    """with the sums, where only parts are told"""
    p_kw: ByPhase | None
    """None where the meter tells a total"""
    q_kvar: ByPhase | None


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """On which phases a customer is connected; None where that is wrong and noted."""

    cells: Cells
    service_point: str
    phases: OnPhases | None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer."""

    cells: Cells
    service_point: str
    critical: bool


def read_readings(path: Path, findings: list[Finding]) -> list[ReadingRow]:
    """`service_point,p_kw,q_kvar[,v_pu,at]`."""
    rows = [
        _reading(cells, cells.number("p_kw", "kW"), cells.number("q_kvar", "kvar", optional=True))
        for cells in table_rows(path, ("service_point", "p_kw", "q_kvar"), findings)
    ]
    _expect_some(rows, path, findings)
    return rows


def read_phase_readings(path: Path, findings: list[Finding]) -> list[PhaseReadingRow]:
    """As `read_readings`, or with `p_a_kw,p_b_kw,p_c_kw[,q_a_kvar,q_b_kvar,q_c_kvar]` in place of the
    totals."""
    rows = [_phase_reading(cells) for cells in table_rows(path, ("service_point",), findings)]
    _expect_some(rows, path, findings)
    return rows


def _phase_reading(cells: Cells) -> PhaseReadingRow:
    p, q = cells.by_phase("p", "kw"), cells.by_phase("q", "kvar")
    p_kw, q_kvar = _total(cells, "p_kw", "kW", p), _total(cells, "q_kvar", "kvar", q)
    return PhaseReadingRow(_reading(cells, p_kw, q_kvar), p, q)


def _total(cells: Cells, column: str, unit: str, parts: ByPhase | None) -> float | None:
    """The sum of the parts, or the column's own number; both must say the same."""
    own = cells.number(column, unit, optional=parts is not None or unit == "kvar")
    if parts is None:
        return own
    total = math.fsum(part for part in parts if part is not None)
    if own is not None and abs(own - total) > max(_SUM_TOLERANCE_KW, 0.01 * abs(total)):
        cells.error(
            column, f"is {own:g}, but its phases sum to {total:g} {unit}; expected the same, or nothing"
        )
    return total


def _reading(cells: Cells, p_kw: float | None, q_kvar: float | None) -> ReadingRow:
    return ReadingRow(
        cells=cells,
        service_point=cells.text("service_point"),
        p_kw=p_kw,
        q_kvar=q_kvar,
        v_pu=voltage(cells),
        at=cells.time("at"),
    )


def _expect_some(rows: Sequence[object], path: Path, findings: list[Finding]) -> None:
    if not rows and not findings:
        findings.append(
            Finding("error", path.name, "has no readings; expected at least one row below the header")
        )


def read_phases(path: Path, findings: list[Finding]) -> list[PhaseRow]:
    """`service_point,phase`."""
    return [
        PhaseRow(cells, cells.text("service_point"), cells.phases("phase") if cells.text("phase") else None)
        for cells in table_rows(path, ("service_point", "phase"), findings)
    ]


def read_devices(path: Path, findings: list[Finding]) -> list[DeviceRow]:
    """`device,service_point,kind,p_kw[,min_kw,critical,phase]`."""
    return [
        DeviceRow(
            cells=cells,
            device=cells.text("device"),
            service_point=cells.text("service_point"),
            kind=cells.text("kind"),
            p_kw=cells.number("p_kw", "kW"),
            min_kw=cells.number("min_kw", "kW", lowest=0.0, optional=True),
            critical=cells.flag("critical"),
            phase=cells.values.get("phase", ""),
        )
        for cells in table_rows(path, ("device", "service_point", "kind", "p_kw"), findings)
    ]


def read_customers(path: Path, findings: list[Finding]) -> list[CustomerRow]:
    """`service_point[,customer,critical,...]`; further columns are for the daemon."""
    return [
        CustomerRow(cells=cells, service_point=cells.text("service_point"), critical=cells.flag("critical"))
        for cells in table_rows(path, ("service_point",), findings)
    ]


def voltage(cells: Cells) -> float | None:
    """The column v_pu; None when it is absent, or wrong and noted."""
    v_pu = cells.number("v_pu", "pu", lowest=0.0, optional=True)
    if v_pu is not None and v_pu > _HIGHEST_V_PU:
        cells.error("v_pu", f"is {v_pu:g}; expected per unit of nominal voltage (near 1), not volts")
        return None
    return v_pu


def table_rows(path: Path, required: Sequence[str], findings: list[Finding]) -> Iterator[Cells]:
    """The rows of a file; what keeps it from being a table is noted and ends it."""
    wanted = ",".join(required)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        findings.append(Finding("error", path.name, f"no such file ({path}); expected a CSV with {wanted}"))
        return
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding("error", path.name, f"cannot be read ({error}); expected a CSV in UTF-8"))
        return
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            expected = f"has no column {', '.join(missing)}; expected {wanted}, separated by commas"
            findings.append(Finding("error", f"{path.name} row 1", expected))
            return
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                expected = f"has {len(values)} values; expected {len(header)}, as the header"
                findings.append(Finding("error", f"{path.name} row {reader.line_num}", expected))
                continue
            named = {name: value.strip() for name, value in zip(header, values, strict=True)}
            yield Cells(path.name, reader.line_num, named, findings)
    except csv.Error as error:
        findings.append(Finding("error", f"{path.name} row {reader.line_num}", f"is no CSV ({error})"))
