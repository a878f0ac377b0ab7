import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller import ledger
from controller.entries import Entry, LedgerPosted, RequestMoved, RequestSettled, RequestState
from controller.requests import RequestRecord
from controller.settings import Rewards
from controller.settlement import settle
from tests.controller.record_builders import Sample, after, ended, samples

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
    )
    assert isinstance(posted, LedgerPosted)
    assert posted.request == ended().request
    assert (ledger.customer_account("C-001"), "points", 170) in posted.postings
    assert moved == RequestMoved(at=NOW, request=ended().request, state="settled", reason="settled")


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
