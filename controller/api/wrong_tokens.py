"""How many wrong tokens a caller may show. Pure: time is passed in.

A right token is never held up by it; what it bounds is how much work guessing makes us. Bounded itself: of
too many callers the one that has been quiet longest is forgotten.
"""

from dataclasses import dataclass

MOST_WRONG = 20
WITHIN_S = 600.0
MOST_CALLERS = 1000


@dataclass(slots=True)
class _Count:
    since_s: float
    wrong: int


class WrongTokens:
    """Counts by caller, over windows of `WITHIN_S`."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def too_many(self, caller: str, now_s: float) -> bool:
        """Count one more wrong token; whether this caller showed more than `MOST_WRONG` lately."""
        count = self._counts.pop(caller, None)
        if count is None or now_s - count.since_s >= WITHIN_S:
            count = _Count(now_s, 0)
        count.wrong += 1
        self._counts[caller] = count
        if len(self._counts) > MOST_CALLERS:
            del self._counts[next(iter(self._counts))]
        return count.wrong > MOST_WRONG

    def __len__(self) -> int:
        return len(self._counts)
