"""Seeds put the controller's settings off their defaults: all that change decisions, and only to what can be
meant.
"""

from collections import Counter

import pytest
from msgspec import structs

from controller import settings
from controller.settings_checks import sense_faults
from simulations.faults.options import Options, draw_options
from simulations.faults.run import run
from simulations.faults.site import site_of
from simulations.faults.site_settings import site_with
from simulations.faults.tuning import TUNABLE

SECTIONS = ("cycle", "limits", "events", "look_ahead", "requests", "safety", "rewards")
LEFT_OUT = {
    "cycle.period_s": "drawn by itself",
    "cycle.referee_every": "no load flow is refereed here",
    "cycle.compiled": "the same load flow, faster",
    "look_ahead.act_early": "drawn by itself",
    "look_ahead.every_s": "of announcements, which move nobody",
    "look_ahead.announce_probability": "the same",
    "look_ahead.withdraw_probability": "the same",
    "look_ahead.announce_looks": "the same",
    "look_ahead.time_zone": "of programmes, and nobody here is in one",
    "safety.fleet_share_per_minute": "with one feeder the feeder's share alone counts",
    "rewards.programme": "a name",
    "rewards.currency": "a name",
    "rewards.holidays": "of published baselines, which nobody here has",
    "rewards.dispute_days": "of people, not of the automatic",
    "rewards.redemption_days": "the same",
    "rewards.earning": "a programme's terms have tests of their own",
    "rewards.catalogue": "the same",
    "rewards.tier": "the same",
    "rewards.expiry": "the same",
}
DRAWN = [draw_options(seed) for seed in range(1000)]


def test_every_setting_that_changes_decisions_is_drawn_or_left_out_for_a_reason() -> None:
    site = settings.Site(name="any", feeder=())
    known = {f"{section}.{name}" for section in SECTIONS for name in structs.asdict(getattr(site, section))}
    assert known == TUNABLE.keys() | LEFT_OUT.keys()
    assert not TUNABLE.keys() & LEFT_OUT.keys()


def test_most_seeds_keep_all_defaults_and_each_setting_is_off_often_enough() -> None:
    off = Counter(name for one in DRAWN for name, _ in one.settings)
    assert sum(not one.settings for one in DRAWN) > 500
    assert {name for name in TUNABLE if off[name] < 10} == set()
    usual = site_with(300.0, act_early=False)
    for one in DRAWN[:200]:
        site = site_of(Options(seed=0, settings=one.settings))
        for name, value in one.settings:
            section, _, field = name.partition(".")
            assert getattr(getattr(site, section), field) == value
    assert usual == site_of(Options(seed=0))


def test_what_is_drawn_can_be_meant() -> None:
    for one in DRAWN[:300]:
        assert not [fault for place, fault in sense_faults(site_of(one)) if place[0] in SECTIONS]


def test_what_is_not_so_common_is_there_in_some_seeds() -> None:
    for name, least, most in (("sunny", 100, 200), ("mixed", 100, 200), ("voltages", 180, 320)):
        assert least < sum(getattr(one, name) for one in DRAWN) < most, name
    assert 40 < sum(one.cable > 1 for one in DRAWN) < 120
    assert all(one.voltages for one in DRAWN if one.cable > 1)


@pytest.mark.parametrize("given", [{"requests.attempts": 1}, (("requests.attempts", 1),)])
def test_settings_are_taken_as_json_has_them_and_the_options_stay_a_value(given: object) -> None:
    options = Options(seed=1, settings=given)  # type: ignore[arg-type]
    assert options == Options(**options.differing())
    assert len({options, Options(**options.differing())}) == 1
    assert site_of(options).requests.attempts == 1


def test_a_setting_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="wind"):
        site_with(300.0, act_early=False, tuned=(("requests.wind", 1.0),))


def test_tight_voltages_leave_the_judge_as_much_room_as_usual_ones() -> None:
    """Reactive power goes with a device here, and stays in the controller's load flow: 0.001 pu at 18 kW."""
    tight = Options(seed=620, period_s=300.0, cycles=4, sunny=True, settings=(("limits.max_v_pu", 1.02),))
    outcome = run(tight)
    assert outcome.promise is None, outcome.what
    assert outcome.counts["feed-in held"] > 0
