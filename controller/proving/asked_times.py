"""[7] When the meters of a feeder were asked lately: published baselines leave these days out. Pure.

A part of the books: it is told when a request ends that was in force, and forgets all that is older than any
rule looks back.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

KEEP = timedelta(days=180)
"""not a setting, because every replay of a journal must forget alike"""

Span = tuple[datetime, datetime]


@dataclass(slots=True)
class AskedTimes:
    """One feeder's."""

    _spans: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    """by service point, in the order they ended"""

    def add(self, service_point: str, begin: datetime, end: datetime) -> None:
        """A request that was in force has ended."""
        kept = (span for span in self._spans.get(service_point, ()) if span[1] > end - KEEP)
        self._spans[service_point] = (*kept, (begin, end))

    def spans(self, service_point: str) -> tuple[Span, ...]:
        """When the meter was asked."""
        return self._spans.get(service_point, ())

    def fork(self) -> "AskedTimes":
        """A copy that can be written to without touching this one."""
        return AskedTimes(dict(self._spans))
