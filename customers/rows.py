"""One row of a registry file: typed fields, and a finding for each that is not what was expected. Pure."""

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar

from customers.errors import Finding

T = TypeVar("T", bound=str)

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_FORBIDDEN_IN_ID = frozenset("/+#")
LONGEST_ID = 128


class Row:
    """Reads fields by name; what is wrong is noted in `findings`, and None is returned for it."""

    def __init__(self, file: str, row: int, cells: Mapping[str, str], findings: list[Finding]) -> None:
        self.file, self.row = file, row
        self._cells, self._findings = cells, findings

    def fault(self, field: str, expected: str) -> None:
        """Note that a field is wrong."""
        self._findings.append(Finding(self.file, self.row, field, expected))

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the file has."""
        return frozenset(self._cells)

    def is_blank(self, field: str) -> bool:
        """Whether the field is absent or empty."""
        return not self._cells.get(field)

    def text(self, field: str) -> str | None:
        """Any text."""
        value = self._cells.get(field, "")
        if not value:
            self.fault(field, "expected a text, it is empty")
            return None
        return value

    def identifier(self, field: str) -> str | None:
        """A name that is fit for a topic: not empty, no `/ + #`, no control characters, not too long."""
        value = self.text(field)
        if value is None:
            return None
        bad = [c for c in value if c in _FORBIDDEN_IN_ID or not c.isprintable()]
        if bad or value.startswith("$") or len(value) > LONGEST_ID:
            self.fault(
                field, f"expected at most {LONGEST_ID} characters without / + # or a leading $, got {value!r}"
            )
            return None
        return value

    def yes_or_no(self, field: str) -> bool | None:
        """A truth value; an empty one is a fault, because silence must not unprotect anybody."""
        value = self._cells.get(field, "")
        if value.lower() not in _WORDS:
            self.fault(field, f"expected true or false, got {value!r}")
            return None
        return _WORDS[value.lower()]

    def one_of(self, field: str, words: Sequence[T]) -> T | None:
        """One of a few words."""
        value = self._cells.get(field, "")
        found = next((word for word in words if word == value), None)
        if found is None:
            self.fault(field, f"expected one of {', '.join(words)}, got {value!r}")
        return found

    def words(self, field: str, known: Sequence[str]) -> frozenset[str] | None:
        """Several of a few words, separated by semicolons; none where the field is absent or empty."""
        given = [word.strip() for word in self._cells.get(field, "").split(";")]
        wrong = [word for word in given if word and word not in known]
        for word in wrong:
            near = difflib.get_close_matches(word, known, n=1)
            meant = f", did you mean {near[0]}?" if near else ""
            self.fault(field, f"expected words of {', '.join(known)}, got {word!r}{meant}")
        return None if wrong else frozenset(word for word in given if word)

    def day(self, field: str) -> date | None:
        """A date, YYYY-MM-DD, before the last year of the calendar."""
        value = self._cells.get(field, "")
        try:
            found = date.fromisoformat(value)
        except ValueError:
            found = date.max
        if found.isoformat() != value or found.year == date.max.year:
            self.fault(field, f"expected a date, YYYY-MM-DD, got {value!r}")
            return None
        return found

    def power_kw(self, field: str, *, above_zero: bool = False) -> float | None:
        """A finite power in kW, not negative."""
        value = self._cells.get(field, "")
        try:
            power_kw = float(value)
        except ValueError:
            power_kw = math.nan
        if not math.isfinite(power_kw) or power_kw < 0.0 or (above_zero and power_kw == 0.0):
            least = "above 0" if above_zero else "of 0 or more"
            self.fault(field, f"expected a power in kW {least}, got {value!r}")
            return None
        return power_kw
