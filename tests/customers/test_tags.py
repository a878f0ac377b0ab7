"""What each tag means, and that it holds for the household's devices as well."""

from datetime import time

import pytest

from customers.registry import Customer, Device, Registry
from customers.tags import NIGHT, TAGS, Manner, is_quiet, manner


def test_without_tags_everybody_is_treated_alike() -> None:
    assert manner(frozenset()) == Manner()


def test_several_tags_count_together_the_more_careful_first() -> None:
    treated = manner(frozenset({"sensitive_to_outages", "elderly", "no_night_calls", "ev_owner"}))
    assert treated == Manner(
        only_by_notice=True, asked_last=True, least_kw=2.0, quiet=NIGHT, drives_electric=True
    )


@pytest.mark.parametrize("tag", ["medical", "critical"])
def test_protected_customers_are_critical_whatever_the_column_says(tag: str) -> None:
    assert Customer("C-1", "load:0", "M-1", critical=False, tags=frozenset({tag})).critical


@pytest.mark.parametrize(
    ("tag", "spared"),
    [("medical", True), ("sensitive_to_outages", True), ("elderly", False), ("ev_owner", False)],
)
def test_whose_devices_are_never_limited(tag: str, spared: bool) -> None:
    customer = Customer("C-1", "load:0", "M-1", tags=frozenset({tag}))
    device = Device("ev-1", "load:0", "ev_charger", 11.0, 4.2)
    assert Registry((customer,), (device,)).is_protected(device) is spared
    assert customer.critical is (tag == "medical")


@pytest.mark.parametrize(
    ("at", "quiet"), [("21:59", False), ("22:00", True), ("00:00", True), ("06:59", True), ("07:00", False)]
)
def test_the_night_goes_over_midnight(at: str, quiet: bool) -> None:
    assert is_quiet(manner(frozenset({"no_night_calls"})), time.fromisoformat(at)) is quiet
    assert not is_quiet(Manner(), time.fromisoformat(at))


def test_a_sites_quiet_hours_hold_for_all_but_who_agreed() -> None:
    hours = (time(20), time(6))
    agreed = manner(frozenset({"night_calls_ok"}))
    assert is_quiet(Manner(), time(21), hours)
    assert not is_quiet(Manner(), time(19), hours)
    assert not is_quiet(agreed, time(21), hours)
    both = manner(frozenset({"night_calls_ok", "no_night_calls"}))
    assert is_quiet(both, time(23), hours), "the more careful one first"


def test_a_quiet_time_within_a_day() -> None:
    noon = Manner(quiet=(time(12), time(14)))
    assert [is_quiet(noon, time(hour)) for hour in (11, 12, 13, 14)] == [False, True, True, False]


def test_each_tag_means_something() -> None:
    assert [tag for tag, meant in TAGS.items() if meant == Manner()] == []
