"""The errors of this room.

GridModelError
├── NetworkRejected   the network cannot be used: all findings at once
├── UnknownElement    a name that the network does not have
└── Diverged          a calculation that must not be used did not converge
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of the input. An error makes it unusable, a warning is told and lived with, an info is told
    when asked."""

    severity: Severity
    subject: str
    """The element or row, as its user would name it: `line 'LV1.101 Line 3' (line:3)`, `readings.csv row 7,
    p_kw`."""
    expected: str
    """What is wrong and what was expected, in one sentence."""
    file: str | None = None
    """Inside a folder or archive, the file at fault."""
    table: str | None = None
    row: str | None = None
    """Index of the table's row, line of the file, or id of the object."""
    field: str | None = None
    found: str | None = None
    """The value at fault, as it was written."""
    repair: str | None = None
    """What to do about it, as an instruction."""

    def __str__(self) -> str:
        found = "" if self.found is None else f", found {self.found}"
        repair = f"; {self.repair}" if self.repair else ""
        return f"{self.subject}: {self.expected}{found}{repair}"


class GridModelError(Exception):
    """Anything that goes wrong in this room."""


class NetworkRejected(GridModelError):
    """The network cannot be used; `findings` has all reasons."""

    def __init__(self, source: str, findings: Sequence[Finding]) -> None:
        super().__init__(f"{source}: " + "; ".join(str(finding) for finding in findings))
        self.source = source
        self.findings = tuple(findings)


class UnknownElement(GridModelError):
    """A name that the network does not have."""


class Diverged(GridModelError):
    """A calculation did not converge and its numbers must not be used."""
