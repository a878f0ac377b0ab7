import hashlib
import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.entries import (
    Entry,
    LedgerPosted,
    RequestMoved,
    RequestSettled,
    RequestState,
    SettledInterval,
    SettledRules,
)
from controller.proving.settlement import settle
from controller.requests import RequestRecord
from controller.rewards import ledger
from controller.settings import Rewards
from tests.controller.record_builders import T0, Sample, after, ended, samples

REWARDS = Rewards(points_per_kwh=100, minor_units_per_kwh=25)
NOW = after(930)


def settled(
    record: RequestRecord,
    shown: list[Sample],
    *,
    beside: tuple[RequestRecord, ...] = (),
    position: int | None = 0,
    rewards: Rewards = REWARDS,
    now_s: float = 930,
) -> tuple[Entry, ...]:
    return settle(record, beside=beside, samples=shown, position=position, rewards=rewards, now=after(now_s))


def test_what_the_meter_shows_is_credited_in_one_go() -> None:
    settlement, posted, moved = settled(ended(), samples(5.2))
    assert settlement == RequestSettled(
        at=NOW,
        request=ended().request,
        asked_kwh=1.7,
        reduced_kwh=1.7,
        intervals=1,
        intervals_measured=1,
        compliance_percent=100.0,
        points=170,
        minor_units=42,
        outcome="credited",
        programme="evening-relief",
        by_interval=(
            SettledInterval(start=T0, asked_wh=1700, reduced_wh=1700, measured_s=900, active_s=900),
        ),
        rules=SettledRules(100, 25, "EUR-cent", 900.0, 1800.0, 0.8),
        readings=encoded([(1768240800_000000 + k * 5_000000, struct.pack("<f", 5.2)) for k in range(180)]),
    )
    assert isinstance(posted, LedgerPosted)
    assert posted.request == ended().request
    assert (ledger.customer_account("C-001"), "points", 170) in posted.postings
    assert moved == RequestMoved(at=NOW, request=ended().request, state="settled", reason="settled")


def encoded(rows: list[tuple[int, bytes]]) -> str:
    """(microseconds since 1970, power) in order of time."""
    times, powers = (
        b"".join(column) for column in zip(*((struct.pack("<q", t), p) for t, p in rows), strict=True)
    )
    return hashlib.blake2b(times + powers, digest_size=16).hexdigest()


def test_the_samples_that_were_seen_can_be_held_against_the_settlement() -> None:
    shown = [math.nan if k == 3 else float(k % 7) for k in range(180)]
    powers = [b"\x00\x00\xc0\x7f" if k == 3 else struct.pack("<f", k % 7) for k in range(180)]
    rows = [(1768240800_000000 + k * 5_000000, power) for k, power in enumerate(powers)]
    seen = readings_of(samples(shown))
    assert seen == encoded(rows)
    assert readings_of(samples(shown)[::-1]) == seen
    assert readings_of(samples(shown)[1:]) != seen
    assert readings_of(samples([*shown[:-1], 0.5])) != seen
    assert readings_of([*samples(shown), Sample(after(-301), samples(1.0)[0].p_kw)]) == seen
    assert readings_of([*samples(shown), Sample(after(-299), samples(1.0)[0].p_kw)]) != seen
    never = replace(ended(), state="refused", active_at=None, ended_at=None)
    assert readings_of(samples(shown), never) is None


def readings_of(shown: list[Sample], record: RequestRecord | None = None) -> str | None:
    settlement = settled(record or ended(), shown)[0]
    assert isinstance(settlement, RequestSettled)
    return settlement.readings


def test_no_reduction_no_credit() -> None:
    settlement, moved = settled(ended(), samples(12.0))
    assert isinstance(settlement, RequestSettled)
    assert (settlement.outcome, settlement.points, settlement.reduced_kwh) == ("nothing_shown", 0, 0.0)
    assert isinstance(moved, RequestMoved)


@pytest.mark.parametrize("missing", [0.25, 1.0])
def test_too_little_data_proves_nothing(missing: float) -> None:
    values = [math.nan if k < 180 * missing else 0.0 for k in range(180)]
    settlement, _ = settled(ended(), samples(values))
    assert isinstance(settlement, RequestSettled)
    assert (settlement.outcome, settlement.points, settlement.reduced_kwh) == ("too_little_data", 0, 0.0)


def test_no_samples_at_all_and_no_such_meter() -> None:
    for told in (settled(ended(), []), settled(ended(), samples(0.0), position=None)):
        assert isinstance(told[0], RequestSettled)
        assert told[0].outcome == "too_little_data"


@pytest.mark.parametrize("state", ["refused", "unanswered", "failed", "overridden"])
def test_who_never_took_part_is_settled_without_credit_and_stays_what_it_is(state: RequestState) -> None:
    record = replace(ended(), state=state, active_at=None, ended_at=None)
    (settlement,) = settled(record, samples(0.0))
    assert isinstance(settlement, RequestSettled)
    assert settlement.outcome == "refused_or_silent"
    assert (settlement.points, settlement.minor_units, settlement.asked_kwh) == (0, 0, 0.0)


def test_what_was_given_before_an_override_counts() -> None:
    record = replace(ended(), state="overridden", ended_at=after(450))
    settlement, posted, moved = settled(record, samples(5.2))
    assert isinstance(settlement, RequestSettled)
    assert settlement.reduced_kwh == 0.85
    assert isinstance(posted, LedgerPosted)
    assert isinstance(moved, RequestMoved)


def test_settling_again_later_is_the_same_transaction() -> None:
    first, again = settled(ended(), samples(7.3)), settled(ended(), samples(7.3), now_s=5000)
    assert isinstance(first[1], LedgerPosted)
    assert isinstance(again[1], LedgerPosted)
    assert ledger.same_content(first[1], again[1])


def test_what_is_over_is_not_settled_again_and_what_is_open_not_yet() -> None:
    settlement = settled(ended(), samples(5.2))[0]
    assert isinstance(settlement, RequestSettled)
    assert settled(replace(ended(), settled=settlement), samples(5.2)) == ()
    with pytest.raises(AssertionError, match="while it is active"):
        settled(replace(ended(), state="active"), samples(5.2))


def test_without_rewards_the_reduction_is_still_told() -> None:
    told = settled(ended(), samples(5.2), rewards=Rewards(points_per_kwh=0, minor_units_per_kwh=0))
    assert isinstance(told[0], RequestSettled)
    assert (told[0].reduced_kwh, told[0].points) == (1.7, 0)
    assert not any(isinstance(entry, LedgerPosted) for entry in told)


@given(values=st.lists(st.floats(0, 30, width=32) | st.just(math.nan), min_size=180, max_size=180))
@profile(max_examples=50, deadline=None)
def test_settlement_and_ledger_always_agree(values: list[float]) -> None:
    told = settled(ended(), samples(values))
    settlement = told[0]
    assert isinstance(settlement, RequestSettled)
    posted = [entry for entry in told if isinstance(entry, LedgerPosted)]
    balances = ledger.balances(posted)
    assert balances.get(("customer:C-001", "points"), 0) == settlement.points
    assert balances.get(("customer:C-001", "EUR-cent"), 0) == settlement.minor_units
    assert set(ledger.sum_per_unit(balances.items()).values()) <= {0}
    assert settlement.reduced_kwh <= settlement.asked_kwh + 1e-9
    assert settlement.points <= settlement.reduced_kwh * 100 + 1e-6


def over_three_intervals(values: list[float]) -> RequestSettled:
    """Active from 18:10 to 18:35, asked for 6.8 kW less, read every 100 s from 18:10 on."""
    record = replace(ended(end=after(2100)), active_at=after(600), ended_at=after(2100), end=after(2100))
    shown = samples(values, every_s=100.0, begin_s=600, end_s=2100)
    told = settled(record, shown, rewards=Rewards(baseline_holds_s=7200))[0]
    assert isinstance(told, RequestSettled)
    return told


def test_each_interval_is_measured_against_what_was_asked_in_it() -> None:
    # 18:10 to 18:15: 12 - 9 = 3 kW for 300 s = 250 Wh of 566.67 asked; to 18:30: 12 - 5.2, all 1700 Wh;
    # to 18:35: 14 kW, more than the baseline: nothing, and nothing is taken off the others.
    told = over_three_intervals([9.0] * 3 + [5.2] * 9 + [14.0] * 3)
    assert [(i.start, i.asked_wh, i.reduced_wh, i.measured_s, i.active_s) for i in told.by_interval] == [
        (T0, 566, 250, 300, 300),
        (after(900), 1700, 1700, 900, 900),
        (after(1800), 566, 0, 300, 300),
    ]
    assert told.reduced_kwh == 1.95
    assert told.compliance_percent == 68.9  # 1950 of 566 + 1700 + 566
    assert (told.points, told.minor_units) == (195, 48)
    assert told.asked_kwh == pytest.approx(6.8 * 1500 / 3600, abs=1e-6)


def test_an_interval_of_which_too_little_was_read_proves_nothing_and_the_others_count() -> None:
    told = over_three_intervals([math.nan] + [5.2] * 14)
    assert [(i.reduced_wh, i.proven) for i in told.by_interval] == [(0, False), (1700, True), (566, True)]
    assert (told.intervals, told.intervals_measured) == (3, 2)
    assert told.reduced_kwh == 2.266
    assert told.compliance_percent == 100.0


def test_a_gap_in_the_middle_costs_its_interval_only() -> None:
    record = replace(ended(end=after(1800)), ended_at=after(1800), end=after(1800))
    shown = samples(5.2, end_s=500) + samples(5.2, begin_s=900, end_s=1800)
    told = settled(record, shown, rewards=Rewards(baseline_holds_s=7200))[0]
    assert isinstance(told, RequestSettled)
    assert [(i.reduced_wh, i.measured_s, i.proven) for i in told.by_interval] == [
        (0, 510, False), (1700, 900, True),
    ]  # fmt: skip


@given(
    values=st.lists(st.floats(0, 30, width=32) | st.just(math.nan), min_size=60, max_size=60),
    begin_s=st.integers(0, 900),
    seed=st.integers(0, 1000),
)
@profile(max_examples=60, deadline=None)
def test_the_published_figures_add_up_and_the_order_of_samples_does_not_matter(
    values: list[float], begin_s: int, seed: int
) -> None:
    record = replace(ended(end=after(3000)), active_at=after(begin_s), ended_at=after(3000), end=after(3000))
    shown = samples(values, every_s=50.0, end_s=3000)
    rewards = Rewards(baseline_holds_s=36000)
    told = settled(record, shown, rewards=rewards)
    shuffled = [shown[k] for k in np.random.default_rng(seed).permutation(len(shown))]
    assert settled(record, shuffled, rewards=rewards) == told
    settlement = told[0]
    assert isinstance(settlement, RequestSettled)
    assert sum(i.reduced_wh for i in settlement.by_interval) == round(settlement.reduced_kwh * 1000)
    assert settlement.reduced_kwh * 1000 == pytest.approx(sum(i.reduced_wh for i in settlement.by_interval))
    assert all(0 <= i.reduced_wh <= i.asked_wh for i in settlement.by_interval)
    assert all(i.measured_s <= i.active_s for i in settlement.by_interval)
    assert not any(i.reduced_wh for i in settlement.by_interval if not i.proven)
    assert 0.0 <= settlement.compliance_percent <= 100.0
    assert settlement.intervals_measured == sum(i.proven for i in settlement.by_interval)


def test_of_a_request_that_hardly_any_sample_shows_no_interval_is_proven() -> None:
    """The meter was read for the first of its two quarters of an hour only."""
    shown = samples([5.2] * 180 + [math.nan] * 180, end_s=1800)
    settlement = settled(ended(end=after(1800)), shown, now_s=1860)[0]
    assert isinstance(settlement, RequestSettled)
    assert [one.measured_s for one in settlement.by_interval] == [900, 0]
    assert (settlement.outcome, settlement.reduced_kwh) == ("too_little_data", 0.0)
    part = samples([5.2] * 300 + [math.nan] * 60, end_s=1800)
    settlement = settled(ended(end=after(1800)), part, now_s=1860)[0]
    assert isinstance(settlement, RequestSettled)
    assert [one.proven for one in settlement.by_interval] == [True, False], "enough, but not of the second"
