"""What is known of a customer that steers who may be asked, and how: each tag and its meaning, as data. Pure.

A tag says something about the household; what follows from it stands in `TAGS` and nowhere else. Several tags
of a customer count together, the more careful one first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache


@dataclass(frozen=True, slots=True)
class Manner:
    """How a customer is treated. The default is how everybody is."""

    protected: bool = False
    """never limited and never asked"""
    only_by_notice: bool = False
    """no device of theirs is limited: they decide themselves"""
    asked_last: bool = False
    """asked when those who are not tagged so do not suffice"""
    least_kw: float = 0.0
    """no notice asks them to go below this"""
    quiet: tuple[time, time] | None = None
    """local time from (included) until (not) which they get no word"""
    takes_night_calls: bool = False
    """agreed to get words also in the site's quiet hours"""
    drives_electric: bool = False
    """the notice names the car as what could wait"""


NIGHT = (time(22), time(7))
TAGS: Mapping[str, Manner] = {
    "medical": Manner(protected=True),
    "critical": Manner(protected=True),
    "sensitive_to_outages": Manner(only_by_notice=True, asked_last=True, least_kw=2.0),
    "elderly": Manner(asked_last=True, least_kw=1.0),
    "no_night_calls": Manner(quiet=NIGHT),
    "night_calls_ok": Manner(takes_night_calls=True),
    "ev_owner": Manner(drives_electric=True),
}


@cache
def manner(tags: frozenset[str]) -> Manner:
    """What all tags of a customer mean together. KeyError for one that is not in the table."""
    meant = [TAGS[tag] for tag in sorted(tags)]
    return Manner(
        protected=any(m.protected for m in meant),
        only_by_notice=any(m.only_by_notice for m in meant),
        asked_last=any(m.asked_last for m in meant),
        least_kw=max((m.least_kw for m in meant), default=0.0),
        quiet=next((m.quiet for m in meant if m.quiet is not None), None),
        takes_night_calls=any(m.takes_night_calls for m in meant),
        drives_electric=any(m.drives_electric for m in meant),
    )


def is_quiet(treated: Manner, local: time, hours: tuple[time, time] | None = None) -> bool:
    """Whether a customer gets no word at this local time of day: by their tags, or by the site's quiet
    `hours` unless they agreed to be called then.
    """
    if _is_within(treated.quiet, local):
        return True
    return not treated.takes_night_calls and _is_within(hours, local)


def _is_within(hours: tuple[time, time] | None, local: time) -> bool:
    if hours is None:
        return False
    begin, end = hours
    return begin <= local < end if begin <= end else local >= begin or local < end
