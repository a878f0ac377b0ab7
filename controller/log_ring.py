"""The latest lines of the log, kept for people who look at the console: bounded, without secrets.

A processor of structlog, before the one that renders. Deque operations are atomic, so lines may come from any
thread.
"""

from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from itertools import count
from typing import Any

LINES = 2_000
TEXT_CHARACTERS = 2_000
LEVELS = ("debug", "info", "warning", "error", "critical")
WITHHELD = "(not shown)"
SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "signature")
PERSONAL = frozenset({"address", "email", "phone", "customer_name", "to"})
"""fields that may tell who or where somebody is"""
_OWN = ("event", "level", "timestamp")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    seq: int
    at: str
    """RFC 3339"""
    level: str
    event: str
    fields: Mapping[str, str]


class LogRing:
    """The latest `LINES`."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=LINES)
        self._numbers = count(1)

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Keep the line; it goes on as it came."""
        self._lines.append(
            LogLine(
                seq=next(self._numbers),
                at=str(event.get("timestamp", "")),
                level=str(event.get("level", "info")),
                event=_text(event.get("event", "")),
                fields={key: _shown(key, value) for key, value in event.items() if key not in _OWN},
            )
        )
        return event

    def latest(self, *, level: str = "info", before: int | None = None, limit: int = 100) -> list[LogLine]:
        """The newest first, of this level or a graver one, older than the line `before`."""
        least = LEVELS.index(level)
        found: list[LogLine] = []
        for line in reversed(self._lines.copy()):
            if len(found) == limit:
                break
            if (before is None or line.seq < before) and _rank(line.level) >= least:
                found.append(line)
        return found


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("error")


def _shown(key: str, value: object) -> str:
    lower = key.lower()
    if lower in PERSONAL or any(word in lower for word in SECRET_WORDS):
        return WITHHELD
    return _text(value)


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]} …"
