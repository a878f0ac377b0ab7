"""The simulated site's settings: times are so many periods, and what a seed puts off its default is put so.

A run with a period of 15 minutes so goes through the same course of events as one with 10 seconds.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from controller import settings

FEEDER = "street"
NETWORK = "pandapower:create_kerber_landnetz_freileitung_1"
REACH_SHARE, PACE_SHARE = 0.45, 0.5

Value = float | bool | None
Tuned = tuple[tuple[str, Value], ...]
"""settings that are off their defaults here, as `section.name`, and what they are"""


def site_with(period_s: float, *, act_early: bool, tuned: Tuned = ()) -> settings.Site:
    """The settings in force. Raises ValueError for a setting that there is not, or a value that it cannot
    have.
    """
    site = settings.Site(
        name="fault simulation",
        feeder=(
            settings.Feeder(
                id=FEEDER,
                network=NETWORK,
                customers=Path("customers.csv"),
                devices=Path("devices.csv"),
                rtu=settings.Rtu(host="substation"),
            ),
        ),
        cycle=settings.Cycle(
            period_s=period_s, fresh_s=2.5 * period_s, max_clock_skew_s=min(period_s, 30.0), estimate=False
        ),
        events=settings.Events(
            persistence_checks=2, close_after_s=2 * period_s, max_duration_s=18 * period_s
        ),
        look_ahead=settings.LookAhead(act_early=act_early, lead_s=period_s, announce=False),
        requests=settings.Requests(
            duration_s=8 * period_s,
            renew_before_s=4 * period_s,
            answer_within_s=1.2 * period_s,
            attempts=2,
            min_between_s=3 * period_s,
            raise_after_s=1.5 * period_s,
            longest_order_s=8 * period_s,
        ),
        safety=settings.Safety(feeder_share_per_minute=REACH_SHARE, release_share_per_minute=PACE_SHARE),
        rewards=settings.Rewards(interval_s=3 * period_s, baseline_holds_s=20 * period_s),
    )
    return _with(site, tuned)


def _with(site: settings.Site, tuned: Tuned) -> settings.Site:
    by_section: dict[str, dict[str, Value]] = {}
    for name, value in tuned:
        section, _, field = name.partition(".")
        by_section.setdefault(section, {})[field] = value
    changed = {section: _section(site, section, values) for section, values in by_section.items()}
    return structs.replace(site, **changed)


def _section(site: settings.Site, section: str, values: Mapping[str, Value]) -> Any:
    before = getattr(site, section, None)
    if not isinstance(before, msgspec.Struct):
        raise ValueError(f"settings: expected sections of SITE.toml, got {section!r}")
    unknown = sorted(values.keys() - structs.asdict(before).keys())
    if unknown:
        raise ValueError(f"settings: expected settings of [{section}], got {', '.join(unknown)}")
    try:
        return msgspec.convert(structs.asdict(before) | dict(values), type(before))
    except msgspec.ValidationError as fault:
        raise ValueError(f"settings: [{section}]: {str(fault).replace('Expected', 'expected')}") from fault
