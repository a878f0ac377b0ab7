"""The errors of this room.

GridModelError
├── NetworkRejected   the network cannot be used: all findings at once
├── UnknownElement    a name that the network does not have
└── Diverged          a calculation that must not be used did not converge
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of the input."""

    severity: Literal["error", "warning"]
    subject: str
    """The element or row, as its user would name it: `line 'LV1.101 Line 3' (line:3)`, `readings.csv row 7,
    p_kw`."""
    expected: str
    """What is wrong and what was expected, in one sentence."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.expected}"


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
