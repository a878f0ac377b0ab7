"""[6] How much power was moved lately: what the gate's budgets and the pace of releases are counted by. Pure.

Read off the requests themselves, which the journal holds: so a restart forgets nothing of it.
"""

from collections.abc import Iterable
from datetime import datetime

from controller import settings
from controller.requests import RequestRecord


def cut_kw(record: RequestRecord) -> float:
    """What the request takes away from its target: what it took before, less its limit."""
    return max(record.planned.p_before_kw - record.limit_kw, 0.0)


def limited_kw_since(records: Iterable[RequestRecord], since: datetime) -> float:
    """Power that limits on devices took away after `since`: new requests and tightened ones."""
    total = 0.0
    for record in records:
        if record.resource == "device":
            before = record.planned.p_before_kw
            for at, limit_kw in record.limits:
                if at > since:
                    total += max(before - limit_kw, 0.0)
                before = min(before, limit_kw)
    return total


def freed_at(record: RequestRecord) -> datetime | None:
    """Since when its target may take what it likes; None while it is limited."""
    if record.releasing:
        return record.end
    return None if record.is_open else record.ended_at


def freed_kw_since(records: Iterable[RequestRecord], since: datetime) -> float:
    """Power that devices were given back after `since`, by a release or because a request's end came."""
    return sum(
        cut_kw(record)
        for record in records
        if record.resource == "device" and (at := freed_at(record)) is not None and at > since
    )


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
