"""[6] How much power was moved lately: what the gate's budgets and the pace of releases are counted by. Pure.

Read off the requests themselves, which the journal holds: so a restart forgets nothing of it. What a clock
that was ahead has noted, and is to come by the clock of now, does not count.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from controller import settings
from controller.requests import RequestRecord


def cut_kw(record: RequestRecord) -> float:
    """What the request takes away from its target: what it took before, less its limit."""
    return max(record.planned.p_before_kw - record.limit_kw, 0.0)


def limited_kw_since(records: Iterable[RequestRecord], since: datetime, now: datetime) -> float:
    """Power that limits on devices took away after `since`: new requests and tightened ones."""
    return sum(
        _lowered_kw(record, record.planned.p_before_kw, record.planned.p_before_kw, since, now)
        for record in records
        if record.resource == "device"
    )


def below_orders_kw_since(records: Iterable[RequestRecord], since: datetime, now: datetime) -> float:
    """The same of requests that orders made, but only what went below these: that was the automatic's. What
    its device took when the order came says nothing here: it may have begun to take all of its limit since.
    """
    return sum(
        # the first limit was the person's own
        _lowered_kw(record, record.limits[0][1], record.ordered.limit_kw, since, now)
        for record in records
        if record.ordered is not None
    )


def _lowered_kw(
    record: RequestRecord, before_kw: float, highest_kw: float, since: datetime, now: datetime
) -> float:
    total, before_kw = 0.0, min(before_kw, highest_kw)
    for at, limit_kw in record.limits:
        if since < at <= now:
            total += max(before_kw - limit_kw, 0.0)
        before_kw = min(highest_kw, limit_kw)
    return total


def taken_away_kw(record: RequestRecord) -> float:
    """The most that the request ever took away from its target: what was raised since is on its way back."""
    lowest_kw = min((limit_kw for _, limit_kw in record.limits), default=record.limit_kw)
    return max(record.planned.p_before_kw - lowest_kw, 0.0)


def lowest_kw_since(record: RequestRecord, since: datetime) -> float:
    """The lowest limit that was in force at some time after `since`."""
    before = [limit_kw for at, limit_kw in record.limits if at <= since][-1:]
    return min((*before, *(limit_kw for at, limit_kw in record.limits if at > since), record.limit_kw))


def freed_at(record: RequestRecord) -> datetime | None:
    """Since when its target may take what it likes; None while it is limited."""
    if record.releasing:
        return record.end
    return None if record.is_open else record.ended_at


def given_back_kw_since(records: Iterable[RequestRecord], since: datetime, now: datetime) -> float:
    """Power that devices were given back after `since`: by a release, because a request's end came, or by a
    higher limit.
    """
    total = 0.0
    for record in records:
        if record.resource == "device":
            total += _raised_kw_since(record, since, now)
            freed = freed_at(record)
            total += cut_kw(record) if freed is not None and since < freed <= now else 0.0
    return total


def _raised_kw_since(record: RequestRecord, since: datetime, now: datetime) -> float:
    before_kw = record.planned.p_before_kw
    return sum(
        max(min(limit_kw, before_kw) - lower_kw, 0.0)
        for (_, lower_kw), (at, limit_kw) in pairwise(record.limits)
        if since < at <= now
    )


def renewed_within(site: settings.Site) -> timedelta:
    """So long before its end a limit that must stand longer is renewed."""
    return timedelta(seconds=max(site.requests.renew_before_s, 2 * site.cycle.period_s))


def all_back_s(site: settings.Site) -> float:
    """How long it takes at the allowed pace until all that was taken away is given back."""
    share = site.safety.release_share_per_minute
    return 60.0 / share if share > 0 else 0.0


def lapse_spread_s(site: settings.Site) -> float:
    """Over how long the ends of requests that are planned together are spread.

    A device frees itself at its end also when nobody is there any more to release it in order: then at least
    not all of them in the same minute (C6).
    """
    return min(all_back_s(site), site.requests.duration_s)
