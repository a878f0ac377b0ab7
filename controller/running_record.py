"""What a running daemon remembers of itself, for people who ask how it is: how long its cycles take, since
when which link is there, which source stopped and why. Bounded by the numbers of these and by `KEPT`.

Decides nothing; all calls are on the loop's thread.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import quantiles

KEPT = 300
"""cycles"""
REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One far side."""

    link: str
    connected: bool
    since: datetime
    """of the state it is in, or of our start"""
    losses: int
    """times that it went, since our start"""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source of readings."""

    source: str
    restarts: int
    last_reason: str | None
    """why it stopped last"""
    last_stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class CycleStatus:
    """How long cycles take, of the latest `KEPT`; None before the first."""

    cycles: int
    """since our start"""
    failures: int
    last_failed_at: datetime | None
    """by the site's clock, as all times here"""
    late: int
    """that took longer than their period"""
    late_lately: int
    """of the latest `KEPT`"""
    latest_s: float | None
    median_s: float | None
    p99_s: float | None


class RunningRecord:
    """Of one process."""

    def __init__(self, sources: Sequence[str], period_s: float) -> None:
        self._period_s = period_s
        self._seconds: deque[float] = deque(maxlen=KEPT)
        self._cycles = self._failures = self._late = 0
        self._last_failed_at: datetime | None = None
        self._links: dict[str, LinkStatus] = {}
        self._sources = {name: SourceStatus(name, 0, None, None) for name in sources}

    def cycle_took(self, seconds: float) -> None:
        """Of real time."""
        self._cycles += 1
        self._late += seconds > self._period_s
        self._seconds.append(seconds)

    def cycle_failed(self, now: datetime) -> None:
        """One raised what nobody expected."""
        self._failures += 1
        self._last_failed_at = now

    def links_are(self, connected: Mapping[str, bool], now: datetime) -> None:
        """As each far side is now."""
        for name, is_there in connected.items():
            known = self._links.get(name)
            if known is None:
                self._links[name] = LinkStatus(name, is_there, now, 0)
            elif known.connected != is_there:
                losses = known.losses + (not is_there)
                self._links[name] = LinkStatus(name, is_there, now, losses)

    def source_stopped(self, name: str, reason: str, now: datetime) -> None:
        """It will be started again."""
        known = self._sources.get(name, SourceStatus(name, 0, None, None))
        self._sources[name] = replace(
            known, restarts=known.restarts + 1, last_reason=reason[:REASON_CHARACTERS], last_stopped_at=now
        )

    @property
    def links(self) -> tuple[LinkStatus, ...]:
        """In the order of their names."""
        return tuple(self._links[name] for name in sorted(self._links))

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        """In the order in which they were built."""
        return tuple(self._sources.values())

    @property
    def cycles(self) -> CycleStatus:
        """How long they take."""
        seconds = self._seconds
        cuts = quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [*seconds] * 99
        return CycleStatus(
            cycles=self._cycles,
            failures=self._failures,
            last_failed_at=self._last_failed_at,
            late=self._late,
            late_lately=sum(took_s > self._period_s for took_s in seconds),
            latest_s=seconds[-1] if seconds else None,
            median_s=cuts[49] if cuts else None,
            p99_s=cuts[98] if cuts else None,
        )
