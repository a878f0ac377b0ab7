"""Which of the controller's settings a seed puts off their defaults, and to what.

Every setting that changes what the controller decides is here, with the range that it is drawn from; the ends
of a range, where faults live, are drawn more often than what lies between. Most seeds keep all defaults, for
with everything off at once one setting hides what another would have shown. What cannot be meant together
(`controller/settings_checks.py`) is left at its default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from controller.settings_checks import sense_faults
from simulations.faults.site_settings import Tuned, Value, site_with

SEEDS_OFF = 0.4
"""of the seeds: some of the settings are off their defaults"""
SETTING_OFF = 0.12
"""of these seeds, for each setting"""
SELDOM, OFTEN = 0.05, 0.3
_AT_AN_END = 0.3
"""of what is drawn from a range"""

Draw = Callable[[np.random.Generator, float], Value]
"""from the generator and the period in s"""


@dataclass(frozen=True)
class Tunable:
    """One setting. `off`: how often it is, in seeds in which some are."""

    draw: Draw
    off: float = SETTING_OFF


def _at(rng: np.random.Generator, least: float, most: float) -> float:
    share = float(rng.random())
    if rng.random() < _AT_AN_END:
        share = float(share < 0.5)
    return least + (most - least) * share


def _between(least: float, most: float, off: float = SETTING_OFF) -> Tunable:
    return Tunable(lambda rng, _: round(_at(rng, least, most), 3), off)


def _periods(least: float, most: float) -> Tunable:
    return Tunable(lambda rng, period_s: round(period_s * _at(rng, least, most), 3))


def _whole(least: int, most: int) -> Tunable:
    return Tunable(lambda rng, _: round(_at(rng, least, most)))


def _is(value: bool, off: float = SETTING_OFF) -> Tunable:
    return Tunable(lambda *_: value, off)


TUNABLE: Mapping[str, Tunable] = {
    "cycle.fresh_s": _periods(1.0, 6.0),
    "cycle.min_fresh_share": _between(0.0, 1.0),
    "cycle.max_clock_skew_s": _periods(0.05, 2.0),
    "cycle.feeder_sum_tolerance": _between(0.0, 0.5),
    "cycle.estimate": _is(True, SELDOM),
    "limits.loading_percent": _between(60.0, 110.0),
    "limits.min_v_pu": _between(0.91, 0.955),
    "limits.max_v_pu": _between(1.02, 1.08),
    "events.persistence_checks": _whole(1, 5),
    "events.at_once_percent": _between(100.0, 200.0),
    "events.close_below": _between(0.6, 1.0),
    "events.close_after_s": _periods(0.1, 8.0),
    "events.max_duration_s": _periods(8.0, 60.0),
    "look_ahead.lead_s": _periods(0.1, 5.0),
    "look_ahead.act_probability": _between(0.01, 0.5),
    "look_ahead.early_checks": _whole(1, 4),
    "look_ahead.room_share": _between(0.0, 1.0, OFTEN),
    "look_ahead.announce": _is(True, SELDOM),
    "requests.target_share": _between(0.6, 0.95),
    "requests.act_above_share": _between(0.95, 1.0),
    "requests.duration_s": _periods(3.0, 18.0),
    "requests.renew_before_s": _periods(0.5, 7.0),
    "requests.answer_within_s": _periods(0.2, 3.0),
    "requests.attempts": _whole(1, 5),
    "requests.believed_for_s": _periods(0.1, 10.0),
    "requests.min_between_s": _periods(0.0, 12.0),
    "requests.min_cut_kw": _between(0.0, 3.0),
    "requests.limit_feed_in": _is(False, OFTEN),
    "requests.raise_limits": _is(False),
    "requests.raise_after_s": _periods(0.01, 6.0),
    "requests.fairness_spread": _between(0.0, 1.0),
    "requests.fairness_strength": _between(0.0, 1.0),
    "requests.fairness_days": _whole(1, 90),
    "requests.reserve_probability": _between(0.5, 0.99),
    "requests.longest_order_s": _periods(0.5, 20.0),
    "requests.notices": _is(False),
    "requests.notice_cut_share": _between(0.0, 1.0),
    "requests.notice_min_kw": _between(0.0, 3.0),
    "safety.feeder_share_per_minute": _between(0.0, 1.0),
    "safety.release_share_per_minute": _between(0.0, 1.0),
    "rewards.points_per_kwh": _whole(0, 1000),
    "rewards.minor_units_per_kwh": _whole(0, 100),
    "rewards.interval_s": _periods(0.5, 10.0),
    "rewards.baseline_holds_s": _periods(0.5, 30.0),
    "rewards.min_measured_share": _between(0.0, 1.0),
    "rewards.budget_points": _whole(0, 50),
    "rewards.budget_minor_units": _whole(0, 20),
}
"""Every setting that changes decisions, but for what the simulation draws by itself (`cycle.period_s`,
`look_ahead.act_early`) and what it does not reach (docs/fault_simulation.md)."""


def draw_settings(rng: np.random.Generator, period_s: float) -> Tuned:
    """What is off its default under one seed, as far as it can be meant."""
    if rng.random() >= SEEDS_OFF:
        return ()
    drawn: dict[str, Value] = {}
    for name, tunable in TUNABLE.items():
        value = tunable.draw(rng, period_s)
        if rng.random() < tunable.off:
            drawn[name] = value
    return _sensible(drawn, period_s)


def _sensible(drawn: dict[str, Value], period_s: float) -> Tuned:
    """Without what contradicts another: the setting that is named as wrong goes first, else the latest."""
    sections = {name.partition(".")[0] for name in TUNABLE}
    while True:
        tuned = tuple(drawn.items())
        site = site_with(period_s, act_early=False, tuned=tuned)
        wrong = [".".join(map(str, place)) for place, _ in sense_faults(site) if place[0] in sections]
        if not wrong:
            return tuned
        named = [name for name in wrong if name in drawn]
        del drawn[named[0] if named else tuned[-1][0]]
