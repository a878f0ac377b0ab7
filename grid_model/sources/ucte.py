"""UCTE-DEF, the fixed-width format of transmission networks, through pandapower's converter [before 2].

Node loads become service points, named by their node. (Format: UCTE data exchange format for load flow and
three phase short circuit studies, version 2.)
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.bounds import read_bytes
from grid_model.sources.completion import complete_converted
from grid_model.sources.rejecting import translated

_SECTIONS = ("##C", "##N", "##L", "##T", "##R", "##TT", "##E")
_NUMBERS: dict[str, dict[str, tuple[int, int]]] = {
    "##N": {"voltage": (26, 32), "active load": (33, 40), "reactive load": (41, 48), "generation": (49, 56)},
    "##L": {
        "resistance": (22, 28),
        "reactance": (29, 35),
        "susceptance": (36, 44),
        "current limit": (45, 51),
    },
    "##T": {
        "rated voltage 1": (22, 27),
        "rated voltage 2": (28, 33),
        "nominal power": (34, 39),
        "resistance": (40, 46),
        "reactance": (47, 53),
    },
}
_ENDS = dict.fromkeys(("##L", "##T", "##R", "##TT"), ((0, 8), (9, 17)))


def read_ucte(source: str, path: Path) -> Any:
    """The network of a UCTE file; raises NetworkRejected."""
    subject = f"UCTE file {source!r}"
    text = read_bytes(source, subject, path).decode("latin-1")
    findings = list(_faults(path.name, text))
    if findings:
        raise NetworkRejected(source, findings)
    from pandapower.converter.ucte import from_ucte  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="gridward-") as folder,
        translated(source, subject, "pandapower's UCTE converter", "export the file again"),
    ):
        copy = Path(folder) / path.name
        copy.write_text(text, encoding="utf-8", newline="\n")
        net = from_ucte(str(copy), slack_as_gen=False)
        net.load["name"] = [net.bus["name"][bus] for bus in net.load["bus"]]
    complete_converted(net)
    return net


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, section and row of everything below a section's head."""
    section = ""
    for line, row in enumerate(text.splitlines(), start=1):
        stripped = row.strip()
        if stripped.startswith("##"):
            if stripped[:3] == "##C":
                section = "##C"
            elif not stripped.startswith("##Z"):
                section = stripped
        elif stripped:
            yield line, section, row


def _faults(file: str, text: str) -> Iterator[Finding]:
    rows = list(_rows(text))
    nodes: set[str] = set()
    for line, section, row in rows:
        if section not in _SECTIONS:
            yield _of_line(
                file, line, section or "the head", "is in no known section; expected ##N, ##L, ##T"
            )
        if section == "##N":
            if (node := row[:8].strip()) in nodes:
                yield _of_line(file, line, "node", f"{node!r} is there already; expected each once")
            nodes.add(node)
    if not nodes:
        yield Finding("error", file, "has no nodes; expected a section ##N", file=file)
    for line, section, row in rows:
        yield from _fields(file, line, section, row)
        for begin, end in _ENDS.get(section, ()):
            if (end_node := row[begin:end].strip()) not in nodes:
                yield _of_line(file, line, "node", "is not in section ##N", repr(end_node))


def _fields(file: str, line: int, section: str, row: str) -> Iterator[Finding]:
    for field, (begin, end) in _NUMBERS.get(section, {}).items():
        cell = row[begin:end].strip()
        if cell and not _is_number(cell):
            yield _of_line(file, line, field, "is no number", repr(cell))


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < float("inf")
    except ValueError:
        return False


def _of_line(file: str, line: int, field: str, expected: str, found: str | None = None) -> Finding:
    return Finding(
        "error",
        f"{file} line {line}, {field}",
        expected,
        file=file,
        row=str(line),
        field=field,
        found=found,
        repair="correct the line; its columns are fixed",
    )
