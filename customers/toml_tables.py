"""One table of a TOML file: typed fields, and a finding for each that is not what was expected. Pure.

As `rows.py` is for CSV: whoever reads gets None for what is wrong, and the finding is noted with the file,
the field's place and what was expected.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from customers.errors import Finding

T = TypeVar("T", bound=str)
_LONGEST_SHOWN = 100
"""characters of a wrong value that a finding repeats"""


class TomlTable:
    """Reads fields by name. `place` is the table's own, such as `programme[1]`."""

    def __init__(self, file: str, place: str, raw: Mapping[str, Any], findings: list[Finding]) -> None:
        self.file, self.place = file, place
        self._raw, self._findings = raw, findings

    def fault(self, field: str, expected: str) -> None:
        """Note that a field is wrong."""
        place = f"{self.place}.{field}" if self.place and field else self.place or field
        self._findings.append(Finding(self.file, None, place, expected))

    def only(self, known: Sequence[str]) -> None:
        """Note every field that has no meaning here."""
        for field in self._raw:
            if field not in known:
                near = difflib.get_close_matches(field, known, n=1)
                meant = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
                self.fault(field, f"this key is not known; {meant}")

    def has(self, field: str) -> bool:
        """Whether the field is there."""
        return field in self._raw

    def text(self, field: str) -> str | None:
        """A text that is not empty."""
        value = self._raw.get(field)
        if not isinstance(value, str) or not value.strip():
            self.fault(field, f"expected a text, {_got(value)}")
            return None
        return value

    def one_of(self, field: str, words: Sequence[T], default: T | None = None) -> T | None:
        """One of a few words; `default` where the field is absent."""
        if default is not None and field not in self._raw:
            return default
        value = self._raw.get(field)
        found = next((word for word in words if word == value), None)
        if found is None:
            self.fault(field, f"expected one of {', '.join(words)}, {_got(value)}")
        return found

    def number(self, field: str, most: float) -> float | None:
        """A finite number from 0 to `most`; None where the field is absent."""
        value = self._raw.get(field)
        if value is None:
            return None
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if not right or not 0 <= value <= most:  # false for nan as well
            self.fault(field, f"expected a number from 0 to {most:g}, {_got(value)}")
            return None
        return float(value)

    def count(self, field: str, most: int, least: int = 0) -> int | None:
        """A whole number; None where the field is absent."""
        value = self._raw.get(field)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fault(field, f"expected a whole number from {least} to {most}, {_got(value)}")
            return None
        return value

    def list_of(self, field: str) -> list[Any] | None:
        """A list; None where the field is absent or something else."""
        value = self._raw.get(field)
        if value is not None and not isinstance(value, list):
            self.fault(field, f"expected a list, {_got(value)}")
        return value if isinstance(value, list) else None

    def table(self, field: str) -> "TomlTable":
        """A table within; empty where it is absent."""
        value = self._raw.get(field, {})
        if not isinstance(value, Mapping):
            self.fault(field, f"expected a table, {_got(value)}")
            value = {}
        return TomlTable(self.file, f"{self.place}.{field}", value, self._findings)

    def by_language(self, field: str, languages: Sequence[str]) -> dict[str, str]:
        """Texts of a table within by language; empty where it is absent."""
        inner = self.table(field)
        inner.only(languages)
        texts = {language: inner.text(language) for language in languages if inner.has(language)}
        return {language: text for language, text in texts.items() if text is not None}


def _got(value: object) -> str:
    if value is None:
        return "it is missing"
    text = repr(value)
    return f"got {text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + '…'}"
