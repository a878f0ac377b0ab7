"""[6] What a clock that was ahead has told, once it has been put right. Pure.

A limit that was told by it carries an end in its future. Its device counts down what was left, and is free by
then; the books would believe it held until the clock comes there: the customer shown as limited, and never
asked. So such a request is over as long after the clock of now has come to it as it had been told for, and a
release stands behind it: for a device that had a right start to count from, and does hold what it was told,
and for a person who was told a time of tomorrow. What did not go out does not go out any more.

A release that it told ends a limit no later than that would have ended by itself, which may be ahead still by
the clock of now: it is told again.

That nobody is freed at once has two reasons. Many together would come back into an overload; and a clock that
was put back for a while looks the same: then all goes on once it is right.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from controller.requests import RequestRecord


def told_ahead(
    records: Iterable[RequestRecord], before: Mapping[str, datetime], now: datetime
) -> dict[str, datetime]:
    """Requests that a clock told which was ahead, and since when that is known; `before`: what was known."""
    return {r.request: min(before.get(r.request, now), now) for r in records if r.is_told_ahead(now)}


def is_overdue(record: RequestRecord, since: datetime, now: datetime) -> bool:
    """Whether such a request has lasted as long as it was told for, or never went out."""
    if record.state in ("refused", "ended", "overridden", "settled"):
        return False
    return record.sent_sequence == 0 or now >= since + record.told_for


def frees_nobody_yet(record: RequestRecord, now: datetime) -> bool:
    """Whether a clock that was ahead has told a release which is none any more."""
    return record.releasing and record.is_told_ahead(now) and record.end > now
