import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.entries import LedgerPosted
from controller.rewards import ledger
from controller.settings import Rewards
from tests.controller.record_builders import T0, after

REWARDS = Rewards(programme="evening", points_per_kwh=100, minor_units_per_kwh=25)


def credit(energy_wh: int, rewards: Rewards = REWARDS, at_s: float = 0) -> LedgerPosted | None:
    return ledger.credit(
        at=after(at_s), feeder="dorf", request="R1", customer="C-017", energy_wh=energy_wh, rewards=rewards
    )


def test_a_credit_as_it_is_booked() -> None:
    posted = credit(1230)
    assert posted is not None
    assert posted.key == "evening/dorf/R1/credit/v1"
    assert posted.postings == (
        ("programme:evening:budget", "points", -123),
        ("customer:C-017", "points", 123),
        ("programme:evening:budget", "EUR-cent", -30),
        ("customer:C-017", "EUR-cent", 30),
    )


def test_what_earns_nothing_is_not_booked() -> None:
    assert credit(9) is None
    only_points = credit(39)
    assert only_points is not None
    assert {unit for _, unit, _ in only_points.postings} == {"points"}


@given(energy_wh=st.integers(0, 10**9), points=st.integers(0, 10**4), minor=st.integers(0, 10**4))
def test_every_transaction_sums_to_zero_and_never_rounds_up(energy_wh: int, points: int, minor: int) -> None:
    posted = credit(energy_wh, Rewards(points_per_kwh=points, minor_units_per_kwh=minor))
    if posted is None:
        assert energy_wh * max(points, minor) < 1000
        return
    assert ledger.faults(posted) == ()
    balances = ledger.balances([posted])
    assert set(ledger.sum_per_unit(balances.items()).values()) == {0}
    assert balances.get(("customer:C-017", "points"), 0) * 1000 <= energy_wh * points
    assert all(isinstance(amount, int) for _, _, amount in posted.postings)


@given(parts=st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_splitting_a_reduction_never_earns_more(parts: list[int]) -> None:
    assert sum(ledger.earned(part, 100) for part in parts) <= ledger.earned(sum(parts), 100)


@pytest.mark.parametrize(
    ("kwh", "wh"), [(1.23, 1230), (0.0, 0), (0.0009999, 0), (0.57, 570), (1.1 + 2.2, 3300), (4.9999, 4999)]
)
def test_energy_is_rounded_down_to_watt_hours_without_binary_noise(kwh: float, wh: int) -> None:
    assert ledger.whole_wh(kwh) == wh


def test_the_same_credit_later_is_the_same_and_another_is_not() -> None:
    first, again, other = credit(1230), credit(1230, at_s=60), credit(1240)
    assert first is not None
    assert again is not None
    assert other is not None
    assert ledger.same_content(first, again)
    assert not ledger.same_content(first, other)
    assert not ledger.same_content(first, msgspec.structs.replace(first, request="R2"))
    assert first.key == other.key


@pytest.mark.parametrize(
    ("postings", "fault"),
    [
        ((), "no postings"),
        ((("a", "points", 1), ("b", "points", -2)), "points do not sum to zero but to -1"),
        ((("a", "points", 1), ("b", "EUR-cent", -1)), "do not sum to zero"),
        ((("a", "points", 0),), "nothing is posted"),
        ((("", "points", 1), ("b", "points", -1)), "without account"),
    ],
)
def test_what_may_not_be_booked(postings: tuple[ledger.Posting, ...], fault: str) -> None:
    wrong = LedgerPosted(at=T0, key="k", postings=postings, reason="", request=None)
    assert any(fault in found for found in ledger.faults(wrong))


def corrected(
    before: tuple[int, int], later: tuple[int, int], version: int = 1, at_s: float = 0
) -> LedgerPosted | None:
    return ledger.correction(
        at=after(at_s), feeder="dorf", request="R1", customer="C-017", version=version, before=before,
        after=later, cause="late_readings", rewards=REWARDS,
    )  # fmt: skip


def test_a_correction_reverses_and_books_anew_in_one_transaction() -> None:
    posted = corrected((123, 30), (100, 30))
    assert posted is not None
    assert (posted.key, posted.corrects) == (
        "evening/dorf/R1/credit/v1/correction/1", "evening/dorf/R1/credit/v1",
    )  # fmt: skip
    assert posted.postings == (
        ("customer:C-017", "points", -123),
        ("programme:evening:budget", "points", 123),
        ("programme:evening:budget", "points", -100),
        ("customer:C-017", "points", 100),
    )
    assert posted.reason == "late readings: correction 1 of what was credited"


AMOUNTS = st.tuples(st.integers(0, 500), st.integers(0, 200))


@given(first=AMOUNTS, then=st.lists(AMOUNTS, max_size=5))
def test_however_often_it_is_corrected_what_holds_is_booked(
    first: tuple[int, int], then: list[tuple[int, int]]
) -> None:
    told = [corrected((0, 0), first), *map(corrected, [first, *then], then, range(2, 9))]
    posted = [one for one in told if one is not None]
    assert all(ledger.faults(one) == () for one in posted)
    booked = ledger.balances(posted)
    holds = then[-1] if then else first
    assert tuple(booked.get(("customer:C-017", unit), 0) for unit in ("points", "EUR-cent")) == holds
    assert set(ledger.sum_per_unit(booked.items()).values()) <= {0}
    assert len({one.key for one in posted}) == len(posted)


def test_a_correction_to_the_same_is_none_and_later_it_is_the_same() -> None:
    assert corrected((123, 30), (123, 30)) is None
    first, again, other = (
        corrected((1, 0), (2, 0)),
        corrected((1, 0), (2, 0), at_s=60),
        corrected((1, 0), (3, 0)),
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert ledger.same_content(first, again)
    assert not ledger.same_content(first, other)
    assert not ledger.same_content(first, msgspec.structs.replace(first, corrects=None))


def test_a_top_up_comes_from_the_programme_s_funding() -> None:
    posted = ledger.top_up(
        at=T0, programme="evening", top_up="2026", unit="EUR-cent", amount=500, who="council"
    )
    assert ledger.faults(posted) == ()
    assert posted.key == "evening/top-up/2026"
    assert ledger.balances([posted]) == {
        ("programme:evening:funding", "EUR-cent"): -500, ("programme:evening:budget", "EUR-cent"): 500,
    }  # fmt: skip
