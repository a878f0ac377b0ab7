"""By what a request is settled: its programme's rates and baseline, or the site's own."""

from dataclasses import replace

import pytest

from controller.proving.settlement_terms import RULES, Terms, rule_named, terms_of
from controller.settings import Rewards
from customers.programmes import Programme
from tests.controller.record_builders import ended

SITE = Rewards(programme="site", points_per_kwh=100, minor_units_per_kwh=25, interval_s=300.0)
GOLD = Programme("gold", points_per_kwh=300, minor_units_per_kwh=0, baseline="high 5 of 10")
PLAIN = Programme("plain", points_per_kwh=50, minor_units_per_kwh=7)


def test_each_programme_has_its_own_and_all_else_is_the_sites() -> None:
    terms = terms_of(SITE, [GOLD, PLAIN])
    assert (terms(None).rewards, terms(None).rule) == (SITE, None)
    assert terms("gone") == terms(None)
    gold = terms("gold")
    assert (gold.rewards.programme, gold.rewards.points_per_kwh, gold.rewards.minor_units_per_kwh) == (
        "gold", 300, 0,
    )  # fmt: skip
    assert gold.rewards.interval_s == 300.0
    assert gold.rule is RULES["high 5 of 10"]
    assert (terms("plain").rewards.points_per_kwh, terms("plain").rule) == (50, None)


def test_a_baseline_that_nobody_published_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"there is no baseline 'best of all'; expected one of high 5 of 10, "
    ):
        terms_of(SITE, [Programme("x", baseline="best of all")])
    assert rule_named("meter before").name == "meter before"
    assert len(RULES) == 10


def test_only_a_person_has_to_say_the_yes_that_a_programme_needs() -> None:
    device, person = ended(), ended(resource="person")
    assert [Terms(SITE, needs_yes=True).counts(one) for one in (device, person)] == [True, False]
    assert Terms(SITE, needs_yes=True).counts(replace(person, said_yes=True))
    assert Terms(SITE).counts(person)
