"""The errors of this room.

CustomersError
├── RegistryRejected      a registry file is wrong: the engineer's fault, all findings at once
└── ContactsUnavailable   the contacts cannot be read or written now; the same again may work
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in a registry file."""

    file: str
    row: int | None
    """line in the file, the header being 1; None for the file as a whole"""
    field: str | None
    expected: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        return (
            f"{place}: {self.expected}" if self.field is None else f"{place}, {self.field}: {self.expected}"
        )


class CustomersError(Exception):
    """Anything that goes wrong in this room."""


class RegistryRejected(CustomersError):
    """A registry file is wrong; each finding names file, row, field and what was expected."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class ContactsUnavailable(CustomersError):
    """The contacts cannot be read or written: disk, lock, not a file of ours. Names no person."""
