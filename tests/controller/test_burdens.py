"""What a customer gave lately, by day."""

from datetime import timedelta

from controller.burdens import KEEP_DAYS, Burdens
from tests.controller.record_builders import T0


def test_only_the_last_days_count_and_each_customer_alone() -> None:
    burdens = Burdens()
    for days_ago, kwh in ((40, 8.0), (29, 4.0), (1, 2.0), (0, 1.0), (0, 0.5)):
        burdens.add("C1", T0 - timedelta(days=days_ago), kwh)
    burdens.add("C2", T0, 16.0)
    assert [burdens.given_kwh("C1", T0, days) for days in (1, 2, 29, 30, 41)] == [1.5, 3.5, 3.5, 7.5, 15.5]
    assert burdens.given_kwh("C3", T0, 30) == 0
    assert burdens.given_kwh("C1", T0 + timedelta(days=30), 30) == 0


def test_what_nobody_may_ask_about_is_forgotten() -> None:
    burdens, kept = Burdens(), Burdens()
    for day in range(3 * KEEP_DAYS):
        at = T0 + timedelta(days=day)
        burdens.add("C1", at, 1.0)
        if day >= 2 * KEEP_DAYS:
            kept.add("C1", at, 1.0)
    burdens.add("C1", at, 0.0)
    assert burdens == kept
    assert kept.given_kwh("C1", at, KEEP_DAYS) == KEEP_DAYS
