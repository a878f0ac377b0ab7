"""SimBench CSV: a folder or zip of tables such as Node.csv, Line.csv, Load.csv [before 2].

simbench's converter stops at the first thing it does not understand. So the tables are read once before it
sees them, and everything that is wrong with a column, a cell, a name or a reference is told with file, line
and field. (Format: SimBench documentation, Fraunhofer IEE and University of Kassel, edition 1.1.)
"""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.bounds import files_of
from grid_model.sources.completion import complete
from grid_model.sources.notes import note
from grid_model.sources.rejecting import translated

MARKS = frozenset({"node.csv", "load.csv"})
"""A folder or archive with these is SimBench CSV."""
_NEEDED = ("Node", "Load", "ExternalNet")
_SEPARATORS = ";,\t"
_EMPTY = frozenset({"", "NULL", "nan", "NaN", "None"})
_LONGEST_CELL = 10_000
_TO_NODE = {
    "Line": ("nodeA", "nodeB"),
    "Switch": ("nodeA", "nodeB"),
    "Transformer": ("nodeHV", "nodeLV"),
    "Transformer3W": ("nodeHV", "nodeMV", "nodeLV"),
    **dict.fromkeys(("Load", "RES", "Storage", "PowerPlant", "Shunt", "ExternalNet"), ("node",)),
}
_TO_TYPE = {
    "Line": ("LineType", "DCLineType"),
    "Transformer": ("TransformerType",),
    "Transformer3W": ("Transformer3WType",),
}
_UNCHECKED = frozenset(
    {"StudyCases", "LoadProfile", "RESProfile", "StorageProfile", "PowerPlantProfile", "NodePFResult"}
)


@dataclass(frozen=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Line of the file, and the cells by column."""

    def ids(self) -> set[str]:
        return {row.get("id", "") for _, row in self.rows}


def read_simbench_csv(source: str, path: Path) -> Any:
    """The network in a folder or zip of SimBench tables; raises NetworkRejected."""
    import simbench  # noqa: PLC0415
    from simbench.converter.format_information import csv_tablenames  # noqa: PLC0415

    subject = f"SimBench folder {source!r}"
    known = csv_tablenames(["elements", "profiles", "types", "cases", "res_elements"])
    spelled = {f"{name}.csv".lower(): name for name in known}
    found = files_of(source, subject, path, frozenset({".csv"}))
    texts, findings = _decoded({spelled[n.lower()]: c for n, c in found.items() if n.lower() in spelled})
    separator = _separator(texts)
    tables = {
        name: table
        for name, text in texts.items()
        if name not in _UNCHECKED and (table := _parsed(name, text, separator, findings)) is not None
    }
    findings += [
        Finding(
            "error",
            f"{name}.csv",
            "missing; expected one of SimBench's tables",
            file=f"{name}.csv",
            repair="export the whole network, with Node, Line, Load, ExternalNet and their types",
        )
        for name in _NEEDED
        if name not in texts
    ]
    findings += _faults(tables)
    if findings:
        raise NetworkRejected(source, findings)
    with (
        tempfile.TemporaryDirectory(prefix="gridward-") as folder,
        translated(source, subject, "simbench's converter", "export the tables again"),
    ):
        for name, text in texts.items():
            (Path(folder) / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
        net = simbench.csv2pp(folder, sep=separator)
    complete(net)
    ignored = sorted(name for name in found if name.lower() not in spelled)
    if ignored:
        note(net, [Finding("info", subject, f"{len(ignored)} files are no tables: {', '.join(ignored[:5])}")])
    return net


def _decoded(contents: dict[str, bytes]) -> tuple[dict[str, str], list[Finding]]:
    texts: dict[str, str] = {}
    findings = []
    for name, content in contents.items():
        try:
            texts[name] = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            findings.append(
                Finding(
                    "error",
                    f"{name}.csv",
                    f"is no text in UTF-8 ({error.reason} at byte {error.start})",
                    file=f"{name}.csv",
                    repair="save it as UTF-8",
                )
            )
    return texts, findings


def _separator(texts: dict[str, str]) -> str:
    header = texts.get("Node", "").partition("\n")[0]
    return max(_SEPARATORS, key=header.count)


def _parsed(name: str, text: str, separator: str, findings: list[Finding]) -> _Table | None:
    from simbench.converter.format_information import get_columns  # noqa: PLC0415

    file = f"{name}.csv"
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        columns = tuple(header)
        for column in get_columns(name):
            if column not in columns:
                findings.append(
                    Finding(
                        "error",
                        f"{file} row 1",
                        f"has no column {column!r}; expected {separator.join(get_columns(name))}",
                        file=file,
                        table=name,
                        row="1",
                        field=column,
                        repair="add the column, NULL where nothing is known",
                    )
                )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                findings.append(_wrong_width(file, name, reader.line_num, len(cells), len(columns)))
            else:
                rows.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        subject = f"{file} row {reader.line_num}"
        findings.append(Finding("error", subject, f"is no CSV ({error})", file=file, table=name))
        return None
    return _Table(name, columns, tuple(rows))


def _wrong_width(file: str, table: str, row: int, cells: int, columns: int) -> Finding:
    return Finding(
        "error",
        f"{file} row {row}",
        f"has {cells} cells; expected {columns}",
        file=file,
        table=table,
        row=str(row),
        repair="look for missing or additional separators",
    )


def _faults(tables: dict[str, _Table]) -> list[Finding]:
    return [
        finding
        for table in tables.values()
        for check in (_cells, _names, _references)
        for finding in check(table, tables)
    ]


def _cells(table: _Table, _: dict[str, _Table]) -> Iterator[Finding]:
    """Text where the format has a number."""
    from simbench.converter.format_information import get_columns, get_dtypes  # noqa: PLC0415

    kinds = dict(zip(get_columns(table.name), get_dtypes(table.name), strict=True))
    numbers = {column: kind for column, kind in kinds.items() if kind in (float, int)}
    for line, row in table.rows:
        for column, kind in numbers.items():
            cell = row.get(column, "").strip()
            if cell not in _EMPTY and not _is_number(cell, whole=kind is int):
                expected = "a whole number" if kind is int else "a number with a decimal point"
                yield _cell(table, line, column, f"{column} is not {expected}", "write it, or NULL")


def _is_number(cell: str, *, whole: bool) -> bool:
    try:
        number = float(cell)
    except ValueError:
        return False
    return "_" not in cell and abs(number) != float("inf") and (not whole or number.is_integer())


def _names(table: _Table, _: dict[str, _Table]) -> Iterator[Finding]:
    """Each element has an id of its own."""
    first: dict[str, int] = {}
    for line, row in table.rows:
        name = row.get("id", "")
        if "id" in table.columns and name in _EMPTY:
            yield _cell(table, line, "id", "has no id", "give each element an id of its own")
        elif "id" in table.columns and first.setdefault(name, line) != line:
            fault = f"id {name!r} is already in row {first[name]}"
            yield _cell(table, line, "id", fault, "give each element an id of its own")


def _references(table: _Table, tables: dict[str, _Table]) -> Iterator[Finding]:
    """Nodes and types that the other tables do not have."""
    nodes = tables["Node"].ids() if "Node" in tables else None
    for line, row in table.rows:
        for column in _TO_NODE.get(table.name, ()):
            if nodes is not None and column in row and row[column] not in nodes:
                yield _cell(table, line, column, f"{column} is no id of Node.csv", "write the id of a node")
    known = _types(table.name, tables)
    if known is None:
        return
    for line, row in table.rows:
        if "type" in row and row["type"] not in known:
            files = " or ".join(f"{name}.csv" for name in _TO_TYPE[table.name])
            yield _cell(table, line, "type", f"type is not in {files}", "add the type, or correct it")


def _types(name: str, tables: dict[str, _Table]) -> set[str] | None:
    """Types that a table may name: its own type tables, and pandapower's library."""
    if name not in _TO_TYPE:
        return None
    from pandapower.std_types import basic_std_types  # noqa: PLC0415

    library = {"Line": "line", "Transformer": "trafo", "Transformer3W": "trafo3w"}[name]
    known = set(basic_std_types().get(library, ()))
    for types in _TO_TYPE[name]:
        if types in tables:
            known |= tables[types].ids()
    return known


def _cell(table: _Table, line: int, column: str, fault: str, repair: str) -> Finding:
    file, row = f"{table.name}.csv", dict(table.rows)[line]
    name = f" ({row['id']!r})" if row.get("id") and column != "id" else ""
    return Finding(
        "error",
        f"{file} row {line}{name}, {column}",
        fault,
        file=file,
        table=table.name,
        row=str(line),
        field=column,
        found=repr(row.get(column, "")[:60]),
        repair=repair,
    )
