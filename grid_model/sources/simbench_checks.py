"""What is wrong with SimBench's tables, before simbench's converter stops at the first of it [before 2]."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from grid_model.errors import Finding

_EMPTY = frozenset({"", "NULL", "nan", "NaN", "None"})
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
_ABOVE_0 = {
    "Line": {"length": "write the length in km; a connection without length is a switch"},
    "Node": {"vmR": "write the nominal voltage in kV, for example 0.4"},
}


@dataclass(frozen=True)
class Table:
    """The cells of one file, as text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Line of the file, and the cells by column."""

    def ids(self) -> set[str]:
        """What its rows are called."""
        return {row.get("id", "") for _, row in self.rows}


def table_faults(tables: dict[str, Table]) -> list[Finding]:
    """All that can be told of the tables before they are converted."""
    return [
        finding
        for table in tables.values()
        for check in (_cells, _sizes, _names, _references, _auxiliary)
        for finding in check(table, tables)
    ]


def _cells(table: Table, _: dict[str, Table]) -> Iterator[Finding]:
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


def _is_number(cell: str, *, whole: bool = False) -> bool:
    try:
        number = float(cell)
    except ValueError:
        return False
    return "_" not in cell and abs(number) != float("inf") and (not whole or number.is_integer())


def _sizes(table: Table, _: dict[str, Table]) -> Iterator[Finding]:
    """What must be there and above 0: no converter asks, and no load flow can do without."""
    for column, repair in _ABOVE_0.get(table.name, {}).items():
        for line, row in table.rows:
            cell = row.get(column, "").strip()
            if column in table.columns and (cell in _EMPTY or (_is_number(cell) and not float(cell) > 0)):
                yield _cell(table, line, column, f"{column} is missing or not above 0", repair)


def _names(table: Table, _: dict[str, Table]) -> Iterator[Finding]:
    """Each element has an id of its own."""
    first: dict[str, int] = {}
    for line, row in table.rows:
        name = row.get("id", "")
        if "id" in table.columns and name in _EMPTY:
            yield _cell(table, line, "id", "has no id", "give each element an id of its own")
        elif "id" in table.columns and first.setdefault(name, line) != line:
            fault = f"id {name!r} is already in row {first[name]}"
            yield _cell(table, line, "id", fault, "give each element an id of its own")


def _references(table: Table, tables: dict[str, Table]) -> Iterator[Finding]:
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


def _types(name: str, tables: dict[str, Table]) -> set[str] | None:
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


def _auxiliary(table: Table, tables: dict[str, Table]) -> Iterator[Finding]:
    """An auxiliary node stands between the one switch and the one line or transformer that share it."""
    if table.name != "Node":
        return
    switches, branches = (
        Counter(
            row[column]
            for name in names
            if name in tables
            for _, row in tables[name].rows
            for column in _TO_NODE[name]
            if column in row
        )
        for names in (("Switch",), ("Line", "Transformer", "Transformer3W"))
    )
    for line, row in table.rows:
        name = row.get("id", "")
        if row.get("type") == "auxiliary" and switches[name] == 1 and not branches[name]:
            fault = "is between a switch and no line or transformer"
            yield _cell(table, line, "type", fault, "add the missing line, or remove the node and its switch")


def _cell(table: Table, line: int, column: str, fault: str, repair: str) -> Finding:
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
