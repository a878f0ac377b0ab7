"""Which profile counts on an emulated charger, by the specifications."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simulations.charging_profiles import HeldProfile, ProfileBook, read_profile

AT = datetime(2026, 1, 12, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAIN = HeldProfile(1, 0, "overall", 1, AT, AT + HOUR, AT, 3600.0, ((0.0, 4.2),))


def book(*profiles: HeldProfile, refused: bool = False) -> ProfileBook:
    made = ProfileBook(same_level_is_refused=refused)
    for profile in profiles:
        assert made.set(profile)
    return made


def test_a_profile_counts_from_its_start_until_its_end_and_nothing_bounds_then() -> None:
    held = book(PLAIN)
    assert held.limit_kw(1, AT - timedelta(seconds=1)) == math.inf
    assert held.limit_kw(1, AT) == 4.2
    assert held.limit_kw(1, AT + HOUR - timedelta(seconds=1)) == 4.2
    assert held.limit_kw(1, AT + HOUR) == math.inf


@pytest.mark.parametrize("field", ["valid_to", "duration_s"])
def test_either_end_is_an_end(field: str) -> None:
    shorter = {"valid_to": AT + HOUR / 2, "duration_s": 1800.0}
    held = book(replace(PLAIN, **{field: shorter[field]}))  # type: ignore[arg-type]
    assert held.limit_kw(1, AT + HOUR / 2) == math.inf


def test_the_highest_level_of_a_purpose_counts_and_purposes_bound_each_other() -> None:
    low = replace(PLAIN, number=2, level=0, periods=((0.0, 1.0),))
    default = replace(PLAIN, number=3, purpose="default", periods=((0.0, 3.0),))
    own = replace(PLAIN, number=4, purpose="transaction", place=1, periods=((0.0, 3.5),))
    assert book(PLAIN, low).limit_kw(1, AT) == 4.2
    assert book(PLAIN, low, default).limit_kw(1, AT) == 3.0
    assert book(PLAIN, low, default, own).limit_kw(1, AT) == 3.5
    assert book(PLAIN, own, default).limit_kw(2, AT) == 3.0


def test_the_same_number_is_replaced_and_the_same_place_by_version() -> None:
    rival = replace(PLAIN, number=2, periods=((0.0, 6.0),))
    assert book(PLAIN, replace(PLAIN, periods=((0.0, 5.0),)), refused=True).limit_kw(1, AT) == 5.0
    old = book(PLAIN, rival)
    assert (len(old), old.limit_kw(1, AT)) == (1, 6.0)
    new = book(PLAIN, refused=True)
    assert not new.set(rival)
    assert new.limit_kw(1, AT) == 4.2
    assert new.set(replace(rival, valid_from=AT + HOUR, valid_to=AT + 2 * HOUR))


def test_clearing() -> None:
    held = book(PLAIN, replace(PLAIN, number=2, purpose="default"))
    assert held.clear(number=1)
    assert not held.clear(number=1)
    assert not held.clear(place=1)
    assert held.clear(place=0, purpose="TxDefaultProfile", level=1)
    assert len(held) == 0


def test_a_profile_is_read_in_either_versions_form() -> None:
    schedule = {
        "start_schedule": "2026-01-12T18:00:00.000Z",
        "duration": 900,
        "charging_rate_unit": "A",
        "charging_schedule_period": [{"start_period": 0, "limit": 6.1}, {"start_period": 600, "limit": 10}],
    }
    common = {"stack_level": 3, "charging_profile_purpose": "TxDefaultProfile"}
    old = {**common, "charging_profile_id": 7, "charging_schedule": schedule}
    new = {**common, "id": 7, "charging_schedule": [schedule]}
    for wire in (old, new):
        profile = read_profile(2, wire, AT, 0.23)
        assert (profile.number, profile.place, profile.level) == (7, 2, 3)
        assert profile.limit_kw(AT) == pytest.approx(4.209)
        assert profile.limit_kw(AT + timedelta(seconds=600)) == pytest.approx(6.9)
        assert profile.limit_kw(AT + timedelta(seconds=900)) is None
