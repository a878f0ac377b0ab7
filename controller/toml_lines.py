"""In which line of a TOML text each key stands, for messages about wrong values. Pure.

Meant for settings files as people write them; where a construct is too clever for it (keys inside an inline
table or a multi-line value), the line is that of the nearest key around it, never a wrong one further away.
"""

import re
from collections import Counter

Place = tuple[str | int, ...]
"""keys, and for arrays of tables the index: ("feeder", 0, "id")"""

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_ARRAY_TABLE = re.compile(rf"^\s*\[\[\s*({_DOTTED})\s*\]\]")
_TABLE = re.compile(rf"^\s*\[\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")
_MULTILINE = ('"""', "'''")


class TomlLines:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._tables: Counter[Place] = Counter()
        table: Place = ()
        closing: str | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            if closing is not None:
                closing = None if closing in line else closing
                continue
            closing = next((quote for quote in _MULTILINE if line.count(quote) % 2), None)
            if found := _ARRAY_TABLE.match(line):
                name = self._inside(_keys(found[1]))
                table = (*name, self._tables[name])
                self._tables[name] += 1
            elif found := _TABLE.match(line):
                table = self._inside(_keys(found[1]))
            elif found := _KEY.match(line):
                self._note((*table, *_keys(found[1])), number)
                continue
            else:
                continue
            self._note(table, number)

    def line(self, place: Place) -> int:
        """The line of this place, or else of what is around it; 1 when nothing is."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def _inside(self, keys: Place) -> Place:
        """`feeder.rtu` means the latest `[[feeder]]`."""
        for length in range(len(keys) - 1, 0, -1):
            count = self._tables[keys[:length]]
            if count:
                return (*keys[:length], count - 1, *keys[length:])
        return keys

    def _note(self, place: Place, number: int) -> None:
        for length in range(1, len(place) + 1):
            self._lines.setdefault(place[:length], number)


def _keys(dotted: str) -> Place:
    return tuple(part.strip().strip("\"'") for part in re.findall(_NAME, dotted))
