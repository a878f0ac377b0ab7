"""[6] Gives back what the automatic took below an operator's limit, once there is room: up to that limit, no
further. Pure.

As with releases: load flow first, a while after the limit was changed last, and slowly: one device in
`PACE_WINDOW`. What the automatic keeps past the order's end is not eased but released.
"""

from collections.abc import Iterator
from dataclasses import replace

from controller.bounds import feeds_in
from controller.changing import changed
from controller.entries import RequestChanged
from controller.planning import OBEYED_WITHIN_KW
from controller.release import PACE_WINDOW, Releases, binds, fits_with, held_for_s
from controller.requests import RequestRecord
from controller.situation import Situation
from controller.without_control import comes_back_kw


def with_eased(situation: Situation, freed: Releases) -> Releases:
    """The same releases, and one limit more that goes back up to what was ordered. Nothing is eased in a
    pass that releases somebody.
    """
    rules = situation.control.site.events
    quiet = situation.good and situation.proves and situation.check.worst_ratio < rules.close_below
    if freed.released or not quiet or _eased_lately(situation):
        return freed
    for record in _tightened(situation):
        entry = _eased(situation, record)
        if entry is not None:
            return replace(freed, entries=(*freed.entries, entry), released=frozenset({record.request}))
    return freed


def _tightened(situation: Situation) -> Iterator[RequestRecord]:
    """What stands below its order long enough, the oldest first."""
    for record in situation.limited:
        ordered = record.ordered
        if ordered is None or not record.is_ordered(situation.now):
            continue
        changed_at = record.limits[-1][0]
        is_due = (situation.now - changed_at).total_seconds() >= held_for_s(situation)
        if is_due and record.limit_kw < ordered.limit_kw - OBEYED_WITHIN_KW:
            yield record


def _eased_lately(situation: Situation) -> bool:
    """Whether a limit that was ordered went up within the pace's window."""
    since = situation.now - PACE_WINDOW
    return any(
        len(record.limits) > 1
        and record.limits[-1][0] > since
        and record.limits[-1][1] > record.limits[-2][1]
        for record in situation.limited
        if record.ordered is not None
    )


def _eased(situation: Situation, record: RequestRecord) -> RequestChanged | None:
    """None where it does not fit in, or the gate refuses."""
    assert record.ordered is not None
    limit_kw, more_kw = record.ordered.limit_kw, 0.0
    if binds(situation, record):
        more_kw = limit_kw - record.limit_kw
        if not feeds_in(record):  # nobody knows what the sun gives, so an inverter comes with all of it
            more_kw = min(comes_back_kw(situation, record), more_kw)
    if not fits_with(situation, record, more_kw):
        return None
    return changed(situation, record, "relaxed", limit_kw=limit_kw)
