"""MATPOWER cases, version 2: `.m` text or `.mat` (up to MATLAB 7), through pandapower's converter [before 2].

A case file is a MATLAB function. Its matrices are read as text; code that changes them afterwards (many
published distribution cases convert ohms and kilowatts at their end) cannot be run, so such a file is refused
instead of being read in the wrong units. (Format: MATPOWER User's Manual, appendix B.)
"""

import math
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.bounds import MOST_BYTES, read_bytes, read_text
from grid_model.sources.completion import complete_converted
from grid_model.sources.rejecting import reject, translated

Matrix = NDArray[np.float64]

_WIDTH = {"bus": 13, "gen": 10, "branch": 11}
_FULL = {"bus": 13, "gen": 21, "branch": 13}
_TAP, _BUS, _FROM, _TO, _BASE_KV = 8, 0, 0, 1, 9
_MATRIX = re.compile(r"mpc\.(\w+)\s*=\s*\[(.*?)\]", re.DOTALL)
_SCALAR = re.compile(r"mpc\.(\w+)\s*=\s*'?([^\[\]{}';\n]+)'?\s*;")
_NAMES = re.compile(r"mpc\.bus_name\s*=\s*\{(.*?)\}", re.DOTALL)
_CODE = re.compile(r"^\s*mpc\.\w+\s*\(", re.MULTILINE)
_PLAIN = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_FACTOR = rf"(?:{_PLAIN}|sqrt\({_PLAIN}\))"
_PRODUCT = re.compile(rf"-?{_FACTOR}(?:[*/]{_FACTOR})+")
_COMPRESSED, _HEADER, _TAG = 15, 128, 8
_MOST_ROWS = 200_000


def read_matpower(source: str, path: Path) -> Any:
    """The network of a MATPOWER case; raises NetworkRejected."""
    subject = f"MATPOWER case {source!r}"
    case = _binary(source, subject, path) if path.suffix.lower() == ".mat" else _text(source, subject, path)
    findings = list(_faults(path.name, case))
    if findings:
        raise NetworkRejected(source, findings)
    with translated(source, subject, "pandapower's MATPOWER converter", "save the case again with savecase"):
        net = _converted(case)
    complete_converted(net)
    return net


def _text(source: str, subject: str, path: Path) -> dict[str, Any]:
    text = read_text(source, subject, path, "a MATPOWER case")
    plain = re.sub(r"%[^\n]*", "", text)
    if code := _CODE.search(plain):
        line = plain.count("\n", 0, code.end()) + 1
        reject(
            source,
            f"{path.name} line {line}",
            "changes its matrices in code, which is not run; expected plain matrices",
            f"in MATPOWER: savecase('{path.stem}.mat', loadcase('{path.stem}'))",
        )
    case: dict[str, Any] = {name: value.strip() for name, value in _SCALAR.findall(plain)}
    findings: list[Finding] = []
    for found in _MATRIX.finditer(plain):
        first = plain.count("\n", 0, found.start(2)) + 1
        name, rows = found.group(1), found.group(2)
        if name in _WIDTH:
            case[name] = _matrix(path.name, name, first, rows, findings)
    if names := _NAMES.search(plain):
        case["bus_name"] = re.findall(r"'([^']*)'", names.group(1))
    if findings:
        raise NetworkRejected(source, findings)
    return case


def _matrix(file: str, table: str, first: int, text: str, findings: list[Finding]) -> Matrix:
    rows: list[list[float]] = []
    for offset, line in enumerate(text.split("\n")):
        for cells in (piece.replace(",", " ").split() for piece in line.split(";")):
            if not cells:
                continue
            numbers = [_number(cell) for cell in cells]
            for cell, number in zip(cells, numbers, strict=True):
                if number is None:
                    findings.append(
                        _fault(file, table, first + offset, "has a cell that is no number", repr(cell))
                    )
            if rows and len(cells) != len(rows[0]):
                findings.append(
                    _fault(file, table, first + offset, f"has {len(cells)} cells; expected {len(rows[0])}")
                )
            else:
                rows.append([np.nan if number is None else number for number in numbers])
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 0)


def _number(cell: str) -> float | None:
    """A number, or a product of numbers and roots such as `12/sqrt(3)`; None for anything else, and for an
    infinite one in such a product."""
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return _product(cell) if _PRODUCT.fullmatch(cell) else None


def _product(cell: str) -> float | None:
    value, operation = -1.0 if cell.startswith("-") else 1.0, "*"
    for part in re.split(r"([*/])", cell.removeprefix("-")):
        if part in ("*", "/"):
            operation = part
            continue
        factor = math.sqrt(float(part[5:-1])) if part.startswith("sqrt") else float(part)
        if operation == "/" and factor == 0:
            return None
        value = value * factor if operation == "*" else value / factor
    return value if math.isfinite(value) else None


def _fault(file: str, table: str, line: int, expected: str, found: str | None = None) -> Finding:
    return Finding(
        "error",
        f"{file} line {line}, mpc.{table}",
        expected,
        file=file,
        table=table,
        row=str(line),
        found=found,
        repair="save the case again with MATPOWER's savecase",
    )


def _binary(source: str, subject: str, path: Path) -> dict[str, Any]:
    import io  # noqa: PLC0415

    from scipy.io import loadmat  # noqa: PLC0415

    content = read_bytes(source, subject, path)
    if _unpacked(content) > MOST_BYTES:
        reject(source, subject, f"unpacks to more than {MOST_BYTES // 2**20} MiB; expected one network")
    with translated(source, subject, "reading MATLAB data", "save it with savecase, in version 7 or earlier"):
        held = loadmat(io.BytesIO(content), squeeze_me=True, struct_as_record=False)
        case = held.get("mpc")
    fields = getattr(case, "_fieldnames", None)
    if fields is None:
        reject(
            source,
            subject,
            "has no struct named mpc; expected a MATPOWER case",
            "in MATPOWER: mpc = loadcase('NAME'); save('-v7', 'NAME.mat', 'mpc')",
        )
    with translated(source, subject, "reading the case's matrices", "save it again with savecase"):
        tables = {
            name: np.atleast_2d(np.asarray(getattr(case, name), dtype=np.float64))
            for name in _WIDTH
            if name in fields
        }
    names = [str(name) for name in np.atleast_1d(case.bus_name)] if "bus_name" in fields else []
    return {**tables, "baseMVA": str(getattr(case, "baseMVA", "")), "bus_name": names}


def _unpacked(content: bytes) -> int:
    """Bytes that the compressed elements of a version 5 to 7 file unpack to, counted up to the bound."""
    total, place = 0, _HEADER
    while place + _TAG <= len(content) and total <= MOST_BYTES:
        kind = int.from_bytes(content[place : place + 4], "little")
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        if kind == _COMPRESSED:
            total += _inflated(content[place + _TAG : place + _TAG + size], MOST_BYTES - total)
        place += _TAG + size
    return total


def _inflated(packed: bytes, most: int) -> int:
    inflater, size, rest = zlib.decompressobj(), 0, packed
    try:
        while rest and size <= most:
            size += len(inflater.decompress(rest, 2**20))
            rest = inflater.unconsumed_tail
    except zlib.error:
        return size  # the reader will say that it is broken
    return size


def _faults(file: str, case: Mapping[str, Any]) -> Iterator[Finding]:
    sound = True
    if not (_number(str(case.get("baseMVA", ""))) or 0) > 0:
        yield _of_case(file, "baseMVA", "mpc.baseMVA is missing or not above 0")
    for name, width in _WIDTH.items():
        matrix = case.get(name)
        if matrix is None or matrix.shape[0] == 0:
            yield _of_case(file, name, f"has no mpc.{name}")
        elif matrix.shape[1] < width or matrix.shape[0] > _MOST_ROWS:
            yield _of_case(file, name, f"mpc.{name} has {matrix.shape[1]} columns; expected {width} or more")
        else:
            continue
        sound = False
    if sound:
        yield from _bus_faults(file, case)


def _of_case(file: str, table: str, expected: str) -> Finding:
    return Finding("error", file, expected, file=file, table=table, repair="save a case of version 2")


def _bus_faults(file: str, case: Mapping[str, Any]) -> Iterator[Finding]:
    """Buses: numbers that are whole, each once, and known where they are referred to; and voltages."""
    numbers = case["bus"][:, _BUS]
    known = set(numbers[np.isfinite(numbers)])
    for number in numbers:
        if not (np.isfinite(number) and number >= 1 and number % 1 == 0):
            yield _of_row(file, "bus", number, "is no bus number; expected a whole number of 1 or more")
    for number, kv in case["bus"][:, [_BUS, _BASE_KV]]:
        if not kv > 0:
            fault = f"has no base voltage (baseKV), found {kv:g}; expected kV above 0"
            yield _of_row(file, "bus", number, fault, "write baseKV: without it nothing has ohms and amperes")
    values, counts = np.unique(numbers, return_counts=True)
    for number in values[counts > 1]:
        yield _of_row(file, "bus", number, "is the number of several buses; expected each once")
    for table, columns in (("gen", (_BUS,)), ("branch", (_FROM, _TO))):
        for row, cells in enumerate(case[table], start=1):
            for column in columns:
                if cells[column] not in known:
                    yield _of_row(file, table, row, f"is at bus {cells[column]:g}, which does not exist")


def _of_row(file: str, table: str, row: float, expected: str, repair: str = "correct the number") -> Finding:
    return Finding(
        "error",
        f"{file}, mpc.{table} {row:g}",
        expected,
        file=file,
        table=table,
        row=f"{row:g}",
        repair=repair,
    )


def _converted(case: Mapping[str, Any]) -> Any:
    """As pandapower's from_mpc does after reading: buses counted from 0, a tap of 0 meaning 1."""
    from pandapower.converter.pypower import from_ppc  # noqa: PLC0415

    tables = {name: _widened(case[name], width) for name, width in _FULL.items()}
    numbers = tables["bus"][:, _BUS].astype(int)
    tables["bus"][:, _BUS] -= 1
    tables["gen"][:, _BUS] -= 1
    tables["branch"][:, [_FROM, _TO]] -= 1
    tables["branch"][tables["branch"][:, _TAP] == 0, _TAP] = 1
    net = from_ppc({**tables, "version": "2", "baseMVA": _number(str(case["baseMVA"]))}, f_hz=50)
    given = case.get("bus_name") or []
    names = given if len(given) == len(numbers) else [f"bus {number}" for number in numbers]
    net.bus["name"] = names
    net.load["name"] = [net.bus["name"][bus] for bus in net.load["bus"]]
    return net


def _widened(matrix: Matrix, width: int) -> Matrix:
    """Columns that older versions lack are 0."""
    return np.hstack([matrix, np.zeros((len(matrix), max(width - matrix.shape[1], 0)))])
