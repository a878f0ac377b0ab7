"""What a meter proves of feeding in less: a roof fed in 9 kW, its house took 1 kW, it was held to 4 kW."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.proving.settlement import settle
from controller.proving.verification import Steps
from controller.requests import RequestRecord
from controller.settings import Rewards
from controller.stores.port import LateReading
from tests.controller.proving.verifying import reduced_kwh, verified
from tests.controller.record_builders import T0, after, ended, planned, samples, with_limits

ROOF = {
    "kind": "pv_inverter",
    "direction": "production",
    "p_before_kw": 9.0,
    "baseline_kw": -8.0,
    "limit_kw": 4.0,
}
HELD_KW = -3.0
"""at the meter, held to 4 kW"""


def test_what_was_held_back_is_proven_as_long_as_the_sun_is_believed_to_stand() -> None:
    told = verified(ended(**ROOF), samples(HELD_KW))
    assert told.asked_kwh == pytest.approx(5.0 / 4)
    assert reduced_kwh(told) == pytest.approx(5.0 / 4, rel=1e-6)


def test_the_sun_is_taken_for_falling_from_the_start() -> None:
    """9 kW at first, none after half an hour: 4 kW after 5/9 of it, and nothing held back from then on."""
    told = verified(ended(**ROOF), samples(HELD_KW), baseline_holds_s=1800.0)
    seconds = np.arange(5.0, 905.0, 5.0)
    expected = np.maximum(5.0 - 9.0 * seconds / 1800, 0.0).sum() * 5 / 3600
    assert reduced_kwh(told) == pytest.approx(expected, rel=1e-6)
    long = ended(**ROOF, end=after(3600))
    assert reduced_kwh(
        verified(long, samples(HELD_KW, end_s=3600), baseline_holds_s=1800.0)
    ) == pytest.approx(5.0**2 / 9 / 2 * 0.5, rel=0.01)


@pytest.mark.parametrize("shown_kw", [-8.0, -9.0, 0.0, -2.0, 5.0])
def test_what_the_limit_did_not_do_earns_nothing(shown_kw: float) -> None:
    """It feeds in as before, or more; a cloud came; somebody charges a car."""
    assert reduced_kwh(verified(ended(**ROOF), samples(shown_kw))) == 0.0


def test_half_obeyed_is_half_proven() -> None:
    assert reduced_kwh(verified(ended(**ROOF), samples(-5.5))) == pytest.approx(2.5 / 4, rel=1e-6)


def test_a_raised_limit_asks_for_less_from_then_on() -> None:
    record = with_limits(ended(**ROOF), (0, 4.0), (450, 7.0))
    told = verified(record, samples([HELD_KW] * 90 + [-6.0] * 90))
    assert reduced_kwh(told) == pytest.approx((5.0 + 2.0) / 8, rel=1e-6)


def test_a_limit_on_taking_at_the_same_meter_earns_by_its_own_direction() -> None:
    """A charger gave its 5 kW, the inverter nothing: the meter shows 5 kW less, and no less feed-in. What the
    roof was asked for is no part of that.
    """
    roof = ended(**ROOF)
    charger = ended(
        number=2, service_point=roof.planned.service_point, p_before_kw=10.0, limit_kw=5.0, baseline_kw=-8.0
    )
    shown = samples(-13.0)
    assert reduced_kwh(verified(roof, shown, (charger,))) == 0.0
    assert reduced_kwh(verified(charger, shown, (roof,))) == pytest.approx(5.0 / 4)


def _others(record: RequestRecord, *told: tuple[float, float], most_kw: float = 11.0) -> RequestRecord:
    """Others behind the meter may do so much, and did what was heard of them: (second, kW) each."""
    plan = msgspec.structs.replace(record.planned, beside_kw=most_kw)
    return replace(record, planned=plan, beside=tuple((after(second), kw) for second, kw in told))


@pytest.mark.parametrize(("takes_kw", "proven_kw"), [(0.0, 5.0), (2.0, 3.0), (11.0, 0.0)])
def test_what_a_charger_behind_the_meter_takes_meanwhile_is_no_feed_in_held_back(
    takes_kw: float, proven_kw: float
) -> None:
    """The roof obeys, or does not while a car begins to charge: the meter shows the same."""
    told = verified(_others(ended(**ROOF), (0, takes_kw)), samples(HELD_KW))
    assert reduced_kwh(told) == pytest.approx(proven_kw / 4, rel=1e-6)


def test_it_counts_from_a_while_before_it_was_heard_until_it_is_over() -> None:
    told = verified(_others(ended(**ROOF), (300, 2.0), (600, 0.0)), samples(HELD_KW))
    assert reduced_kwh(told) == pytest.approx((900 * 5.0 - (300 + 60) * 2.0) / 3600, rel=1e-6)


def test_while_nobody_listened_it_may_have_been_all() -> None:
    record = _others(ended(**ROOF), most_kw=2.0)
    late = [LateReading("dorf", "M1", after(60.0 * n), HELD_KW) for n in range(15)]
    assert reduced_kwh(verified(record, samples(float("nan")), late=late)) == pytest.approx(3.0 / 4, rel=1e-6)
    assert reduced_kwh(verified(record, samples(HELD_KW))) == pytest.approx(5.0 / 4, rel=1e-6)


def test_what_a_roof_feeds_in_more_is_nothing_that_a_charger_left() -> None:
    """11 kW of a car less 2 kW of the sun; the car is held to 4.2 kW, or the sun gives 6.8 kW more."""
    charger = ended(p_before_kw=11.0, limit_kw=4.2, baseline_kw=9.0)
    shown = samples(9.0 - 6.8)
    assert reduced_kwh(verified(_others(charger), shown)) == pytest.approx(6.8 / 4, rel=1e-6)
    assert reduced_kwh(verified(_others(charger, (0, 4.0)), shown)) == pytest.approx(2.8 / 4, rel=1e-6)
    assert reduced_kwh(verified(_others(charger, (0, 7.0)), shown)) == 0.0


def test_a_cloud_that_leaves_more_than_the_limit_earns_nothing_where_other_roofs_tell_it() -> None:
    """The sun leaves 6 of 9 kW: 2 of them are held back."""
    sun = Steps(T0.timestamp(), 900.0, np.array([1 / 3]))
    assert reduced_kwh(verified(ended(**ROOF), samples(HELD_KW), sun=sun)) == pytest.approx(0.5, rel=1e-6)
    gone = Steps(T0.timestamp(), 900.0, np.array([0.6]))
    assert reduced_kwh(verified(ended(**ROOF), samples(HELD_KW), sun=gone)) == 0.0


@profile(max_examples=40, deadline=None)
@given(sun_share=st.lists(st.floats(0.0, 1.2), min_size=15, max_size=15), obeys=st.booleans())
def test_under_any_clouds_no_more_than_was_held_back_where_other_roofs_are_read(
    sun_share: list[float], obeys: bool
) -> None:
    possible_kw = 9.0 * np.repeat(sun_share, 12)
    meter_kw = 1.0 - (np.minimum(possible_kw, 4.0) if obeys else possible_kw)
    sun = Steps(T0.timestamp(), 60.0, 1.0 - np.minimum(sun_share, 1.0))
    proven = reduced_kwh(verified(ended(**ROOF), samples(meter_kw.tolist()), sun=sun))
    held_back_kwh = float(np.maximum(possible_kw - 4.0, 0.0).sum()) * 5 / 3600 if obeys else 0.0
    assert proven <= held_back_kwh + 1e-9


def test_two_inverters_at_one_meter_share_what_it_shows() -> None:
    """18 kW of two roofs, 1 kW taken, both held to 4 kW: the meter shows 10 kW less; half obeyed, 5 kW."""
    one = ended(**(ROOF | {"baseline_kw": -17.0}))
    point = one.planned.service_point
    other = ended(number=2, service_point=point, **(ROOF | {"baseline_kw": -17.0}))
    for record, beside in ((one, other), (other, one)):
        assert reduced_kwh(verified(record, samples(-7.0), (beside,))) == pytest.approx(5.0 / 4, rel=1e-6)
        assert reduced_kwh(verified(record, samples(-6.0 + 5.0), (beside,))) == 0.0
        falling = verified(record, samples(-12.0), (beside,), baseline_holds_s=9000.0)
        assert reduced_kwh(falling) < 2.5 / 4 - 0.9 * 9.0 * 0.1 / 2 / 4  # what the sun left, of both
    assert reduced_kwh(verified(one, samples(-7.0))) == 0.0, "alone it was asked for 5 kW"


def test_an_inverter_that_refused_beside_it_changes_nothing() -> None:
    one = ended(**ROOF)
    other = ended(number=2, service_point=one.planned.service_point, **ROOF)
    refused = replace(other, state="refused", active_at=None, ended_at=None)
    assert reduced_kwh(verified(one, samples(HELD_KW), (refused,))) == pytest.approx(5.0 / 4, rel=1e-6)


def test_it_is_credited_once_by_the_rates_of_the_site() -> None:
    record = replace(ended(**ROOF), active_at=planned().start)
    shown = samples(HELD_KW, begin_s=-60)
    told = settle(
        record, beside=(), samples=shown, position=0, rewards=Rewards(baseline_holds_s=1e9), now=after(960)
    )
    assert told[0].reduced_kwh == pytest.approx(1.25, abs=0.002)  # type: ignore[union-attr]
    assert [type(entry).__name__ for entry in told] == ["RequestSettled", "LedgerPosted", "RequestMoved"]


@profile(max_examples=60, deadline=None)
@given(
    sun_kw=st.lists(st.floats(0.0, 15.0), min_size=180, max_size=180),
    load_kw=st.lists(st.floats(1.0, 3.0), min_size=180, max_size=180),
    falls=st.floats(0.0, 9.0),
)
def test_never_more_than_the_meter_shows_nor_than_was_asked(
    sun_kw: list[float], load_kw: list[float], falls: float
) -> None:
    """Whatever sun and house do; and of a sun that only falls, no more than was truly held back."""
    fed_in_kw = np.minimum(sun_kw, 4.0)
    meter_kw = np.array(load_kw) - fed_in_kw
    proven = reduced_kwh(verified(ended(**ROOF), samples(meter_kw.tolist()), baseline_holds_s=1800.0))
    assert 0 <= proven <= min(5.0 / 4, float(np.maximum(meter_kw + 8.0, 0.0).sum()) * 5 / 3600) + 1e-9
    falling_kw = 9.0 - falls * np.arange(180) * 5 / 1800  # to nothing in half an hour at the fastest
    shown = samples((1.0 - np.minimum(falling_kw, 4.0)).tolist())
    held_back_kwh = float(np.maximum(falling_kw - 4.0, 0.0).sum()) * 5 / 3600
    assert reduced_kwh(verified(ended(**ROOF), shown, baseline_holds_s=1800.0)) <= held_back_kwh + 1e-9
