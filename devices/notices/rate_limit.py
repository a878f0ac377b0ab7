"""How many words one person gets. Pure.

A limit counts every word that a way took, of whatever kind, over the last hour and the last 24 hours. What
comes on top of it:

* Courtesy is dropped first: thanks and explanations have half of each limit, rounded up, so that they never
  use what a request may need. A courtesy that is over is given up for good, not sent later.
* A notice or a follow-up that is over is given up as well: it would be of no use later.
* What takes a notice back always goes out, and counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.messages import NoticeKind
from devices.notices.words import Taken

COURTESY: frozenset[NoticeKind] = frozenset({"thanks", "explanation"})
NEVER_LIMITED: frozenset[NoticeKind] = frozenset({"taken_back"})
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """None: as many as there are."""

    per_hour: int | None = None
    per_day: int | None = None

    def allows(self, kind: NoticeKind, taken: Iterable[Taken], now: datetime) -> bool:
        """Whether one more word of this kind may go out, after these."""
        if kind in NEVER_LIMITED:
            return True
        times = [one.at for one in taken]
        for most, span in ((self.per_hour, HOUR), (self.per_day, DAY)):
            if most is None:
                continue
            allowed = -(-most // 2) if kind in COURTESY else most
            if sum(now - span < at for at in times) >= allowed:
                return False
        return True


NO_LIMIT = RateLimit()
