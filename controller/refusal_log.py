"""[1] Tells of refused input without letting a flood of it fill the journal. Pure.

The first refusal of a reason is told at once, further ones together, at most once a minute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.entries import ReadingsRefused
from controller.plausibility import RefusedCount

TOLD_EVERY = timedelta(seconds=60)
_LONGEST_SAMPLE = 300


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What was counted of one reason since it was told."""

    told_at: datetime
    count: int = 0
    sample: str = ""


@dataclass(frozen=True)
class RefusalLog:
    """Per reason, of one feeder. Replaced, never changed."""

    waiting: Mapping[str, _Waiting] = field(default_factory=dict)


def tell(
    log: RefusalLog, feeder: str | None, refused: Mapping[str, RefusedCount], now: datetime
) -> tuple[RefusalLog, tuple[ReadingsRefused, ...]]:
    """The entries that are due now; what is not told yet is kept."""
    waiting, entries = dict(log.waiting), []
    for reason in sorted(waiting.keys() | refused.keys()):
        before, new = waiting.get(reason), refused.get(reason)
        count = (before.count if before else 0) + (new.count if new else 0)
        sample = (before.sample if before else "") or (new.sample if new else "")
        if count and (before is None or now - before.told_at >= TOLD_EVERY):
            entries.append(
                ReadingsRefused(
                    at=now, feeder=feeder, reason=reason, count=count, sample=sample[:_LONGEST_SAMPLE]
                )
            )
            waiting[reason] = _Waiting(now)
        elif before is not None:
            waiting[reason] = _Waiting(before.told_at, count, sample)
    return RefusalLog(waiting), tuple(entries)
