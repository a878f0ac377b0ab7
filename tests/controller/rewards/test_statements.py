"""Statements add up: with their opening balance, with each other, and with the ledger."""

from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.entries import Entry, LedgerPosted, RequestSettled
from controller.errors import RecordBroken
from controller.rewards import ledger
from controller.rewards.booked import Booked, check, gather
from controller.rewards.statements import statement, units
from controller.settings import Rewards
from controller.stores.port import Numbered
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.controller.record_builders import EVENT, T0, after, opened, planned

R1 = f"{EVENT}-R001"
CUSTOMERS = ("C-1", "C-2", "C-3")
UNITS = ("points", "EUR-cent", "CHF-rappen")


def settled(request: str = R1, reduced_kwh: float = 1.246) -> RequestSettled:
    return RequestSettled(
        at=after(930), request=request, asked_kwh=1.7, reduced_kwh=reduced_kwh, intervals=1,
        intervals_measured=1, compliance_percent=73.3, points=124, minor_units=31, outcome="credited",
    )  # fmt: skip


def credited(request: str = R1, energy_wh: int = 1246, at_s: float = 930) -> LedgerPosted:
    posted = ledger.credit(
        at=after(at_s), feeder="dorf", request=request, customer="C-001", energy_wh=energy_wh,
        rewards=Rewards(),
    )  # fmt: skip
    assert posted is not None
    return posted


def correction(at_s: float, points: int) -> LedgerPosted:
    postings = (("programme:evening-relief:budget", "points", -points), ("customer:C-001", "points", points))
    return LedgerPosted(
        at=after(at_s), key=f"correction/{at_s}", postings=postings, reason="meter was exchanged", request=R1
    )


def journal(*entries: Entry) -> Booked:
    return gather(Numbered(seq, entry) for seq, entry in enumerate(entries, start=1))


WHOLE = journal(opened(), planned(), settled(), credited(), correction(86_400, -24))


def test_every_transaction_with_what_it_is_for() -> None:
    found = statement(WHOLE, "C-001")
    credit, corrected = found.lines
    assert (credit.request, credit.event, credit.energy_wh) == (R1, EVENT, 1246)
    assert credit.amounts == {"points": 124, "EUR-cent": 31} == credit.balances
    assert (corrected.amounts, corrected.balances) == ({"points": -24}, {"points": 100})
    assert corrected.energy_wh is None  # the energy was credited once
    assert found.energy_wh == 1246
    assert (found.opening, found.closing) == ({"points": 0, "EUR-cent": 0}, {"points": 100, "EUR-cent": 31})


def test_a_period_holds_its_first_instant_and_not_its_last() -> None:
    later = statement(WHOLE, "C-001", start=after(86_400))
    assert [line.key for line in later.lines] == ["correction/86400"]
    assert (later.opening["points"], later.closing["points"]) == (124, 100)
    earlier = statement(WHOLE, "C-001", end=after(86_400))
    assert [line.key for line in earlier.lines] == [credited().key]
    assert earlier.closing == later.opening


def test_a_customer_whom_nothing_was_booked_for() -> None:
    found = statement(WHOLE, "C-00")
    assert (found.opening, found.lines, found.closing) == ({}, (), {})


def test_points_come_before_money() -> None:
    assert units(["EUR-cent", "points", "CHF-rappen", "points"]) == ("points", "CHF-rappen", "EUR-cent")


def test_tables_that_are_not_what_the_journal_says() -> None:
    postings = [(posted.key, posted.postings) for posted in WHOLE.posted]
    tables = {key: (seq, lines) for seq, (key, lines) in enumerate(postings, start=4)}
    check(WHOLE, tables | {"booked meanwhile": (6, ())})
    (first, lines), _ = postings
    for wrong in (
        tables | {"made up": (3, ())},
        {key: held for key, held in tables.items() if key != first},
        tables | {first: (4, lines[:-1])},
    ):
        with pytest.raises(RecordBroken, match="not those of the journal"):
            check(WHOLE, wrong)


@st.composite
def transactions(draw: st.DrawFn) -> list[LedgerPosted]:
    """Any amounts, to and from several customers at once, at any time: clocks do go back."""
    posted = []
    sizes = st.integers(-(10**15), 10**15).filter(bool)
    move = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(UNITS), sizes)
    for number, (hours, moves) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 96), st.lists(move, min_size=1, max_size=4)), max_size=12))
    ):
        postings: list[ledger.Posting] = []
        for customer, unit, amount in moves:
            postings.append((ledger.budget_account("p"), unit, -amount))
            postings.append((ledger.customer_account(customer), unit, amount))
        at = T0 + timedelta(hours=hours)
        posted.append(
            LedgerPosted(at=at, key=f"k{number}", postings=tuple(postings), reason="any", request=None)
        )
    return posted


@given(posted=transactions(), cut_h=st.integers(-1, 97), wide_h=st.integers(0, 50))
def test_statements_add_up(posted: list[LedgerPosted], cut_h: int, wide_h: int) -> None:
    with closing(SqliteStore(IN_MEMORY)) as store:
        store.take_over("test")
        store.commit(posted)
        booked, balances = gather(store.replay()), store.balances()
        check(booked, store.transactions())
    cut, end = T0 + timedelta(hours=cut_h), T0 + timedelta(hours=cut_h + wide_h)
    together: Counter[str] = Counter()
    for customer in CUSTOMERS:
        part, whole = statement(booked, customer, cut, end), statement(booked, customer)
        moved = Counter(part.opening)
        for line in part.lines:
            moved.update(line.amounts)
            assert line.balances == {unit: moved[unit] for unit in line.amounts}
        assert dict(moved) == part.closing
        before, behind = statement(booked, customer, end=cut), statement(booked, customer, start=end)
        assert part.opening == dict.fromkeys(part.closing, 0) | before.closing
        assert len(before.lines) + len(part.lines) + len(behind.lines) == len(whole.lines)
        account = ledger.customer_account(customer)
        assert whole.closing == {u: n for (name, u), n in balances.items() if name == account}
        together.update(whole.closing)
    budget = ledger.budget_account("p")
    assert all(together[unit] + balances.get((budget, unit), 0) == 0 for unit in UNITS)
    assert not any(ledger.sum_per_unit(balances.items()).values())
