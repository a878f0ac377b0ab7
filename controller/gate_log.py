"""[6] Which refusals of the safety gate the log was told: each reason once while it lasts, not in every pass.
Pure.

A pass asks the gate anew for what it refused before, such as a limit that may not go up. The metric counts
each; people read that it began, and how often it was until it was over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

OVER_AFTER = timedelta(seconds=60)
"""So long after the last refusal it is over, and the next one is told."""


@dataclass(frozen=True, slots=True)
class _Lasting:
    latest_at: datetime
    count: int


@dataclass(frozen=True)
class GateLog:
    """Per reason, of one feeder. Replaced, never changed."""

    lasting: Mapping[str, _Lasting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateNews:
    """What the log is to be told now, by reason with how many refusals."""

    began: Mapping[str, int]
    over: Mapping[str, int]


def gate_news(log: GateLog, refused: Mapping[str, int], now: datetime) -> tuple[GateLog, GateNews]:
    """Of one pass, or of what was to be sent; `refused`: by reason how often."""
    over = {
        reason: one.count
        for reason, one in log.lasting.items()
        if reason not in refused and now - one.latest_at >= OVER_AFTER
    }
    began = {reason: count for reason, count in refused.items() if reason not in log.lasting}
    lasting = {
        reason: _Lasting(min(one.latest_at, now), one.count)  # of a clock that was ahead
        for reason, one in log.lasting.items()
        if reason not in over
    }
    for reason, count in refused.items():
        before = lasting.get(reason)
        lasting[reason] = _Lasting(now, count + (0 if before is None else before.count))
    return GateLog(lasting), GateNews(began, over)
