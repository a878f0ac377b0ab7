"""SimBench CSV: a folder or zip of tables such as Node.csv, Line.csv, Load.csv [before 2].

simbench's converter stops at the first thing it does not understand. So the tables are read once before it
sees them, and everything that is wrong with a column, a cell, a name or a reference is told with file, line
and field. (Format: SimBench documentation, Fraunhofer IEE and University of Kassel.)
"""

import csv
import tempfile
from pathlib import Path
from typing import Any

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.bounds import files_of
from grid_model.sources.completion import complete
from grid_model.sources.notes import note
from grid_model.sources.rejecting import translated
from grid_model.sources.simbench_checks import Table, table_faults

MARKS = frozenset({"node.csv", "load.csv"})
"""A folder or archive with these is SimBench CSV."""
_NEEDED = ("Node", "Load", "ExternalNet")
_SEPARATORS = ";,\t"
_LONGEST_CELL = 10_000
_UNCHECKED = frozenset(
    {"StudyCases", "LoadProfile", "RESProfile", "StorageProfile", "PowerPlantProfile", "NodePFResult"}
)


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
    findings += table_faults(tables)
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


def _parsed(name: str, text: str, separator: str, findings: list[Finding]) -> Table | None:
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
    return Table(name, columns, tuple(rows))


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
