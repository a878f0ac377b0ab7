"""A settlement calculated anew: what differs is booked once, what does not is not."""

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.entries import Entry, LedgerPosted, RequestSettled, SettlementCorrected
from controller.proving.meter_readings import MeterReadings
from controller.proving.recalculation import LATE, Cause, by_figure, corrected, held, rewards_of
from controller.proving.settlement import Assessed, assess, settle
from controller.proving.verification import sample_window
from controller.requests import RequestRecord
from controller.rewards import ledger
from controller.settings import Rewards
from tests.controller.record_builders import Sample, after, ended, samples

REWARDS = Rewards(points_per_kwh=100, minor_units_per_kwh=25)
NOW = after(5000)


def first(shown: list[Sample], rewards: Rewards = REWARDS) -> tuple[RequestRecord, list[LedgerPosted]]:
    told = settle(ended(), beside=(), samples=shown, position=0, rewards=rewards, now=after(930))
    settlement = told[0]
    assert isinstance(settlement, RequestSettled)
    return replace(ended(), settled=settlement, state="settled"), posted(told)


def posted(told: tuple[Entry, ...]) -> list[LedgerPosted]:
    return [entry for entry in told if isinstance(entry, LedgerPosted)]


def found(shown: list[Sample], rewards: Rewards = REWARDS) -> Assessed:
    window = sample_window(ended())
    assert window is not None
    return assess(ended(), (), MeterReadings.of(shown).series(0, window), rewards)


def anew(record: RequestRecord, shown: list[Sample], version: int = 1) -> tuple[Entry, ...]:
    return corrected(record, found(shown), version=version, why=LATE, rewards=REWARDS, now=NOW)


def test_a_reading_that_came_late_is_credited_by_a_correction() -> None:
    gap = [math.nan if k < 60 else 5.2 for k in range(180)]  # a third of the samples: nothing is proven
    record, before = first(samples(gap))
    assert before == []
    correction, booked = anew(record, samples(5.2))
    assert isinstance(correction, SettlementCorrected)
    assert (correction.reduced_kwh_before, correction.points_before) == (0.0, 0)
    assert (correction.reduced_kwh, correction.points, correction.minor_units) == (1.7, 170, 42)
    assert (correction.outcome, correction.version, correction.cause) == ("credited", 1, "late_readings")
    assert correction.by_interval[0].reduced_wh == 1700
    assert isinstance(booked, LedgerPosted)
    assert ("customer:C-001", "points", 170) in booked.postings


def test_it_goes_down_as_well() -> None:
    record, before = first(samples(5.2))
    told = anew(record, samples(9.0))  # 12 - 9 = 3 kW for a quarter of an hour
    balances = ledger.balances([*before, *posted(told)])
    assert balances["customer:C-001", "points"] == 75
    assert balances["customer:C-001", "EUR-cent"] == 18
    assert set(ledger.sum_per_unit(balances.items()).values()) == {0}


def test_the_same_readings_again_change_nothing() -> None:
    record, _ = first(samples(5.2))
    assert anew(record, samples(5.2)) == ()
    correction = anew(record, samples(9.0))[0]
    assert isinstance(correction, SettlementCorrected)
    assert anew(replace(record, corrected=correction), samples(9.0), version=2) == ()


def test_a_change_too_small_for_a_point_is_told_without_a_transaction() -> None:
    record, _ = first(
        samples(5.2), rates := msgspec.structs.replace(REWARDS, points_per_kwh=1, minor_units_per_kwh=0)
    )
    told = corrected(record, found(samples(5.21), rates), version=1, why=LATE, rewards=rates, now=NOW)
    (correction,) = told
    assert isinstance(correction, SettlementCorrected)
    assert (correction.reduced_kwh_before, correction.reduced_kwh, correction.points) == (1.7, 1.697, 1)


def test_it_is_calculated_by_the_rules_that_it_was_settled_by() -> None:
    record, _ = first(samples(5.2))
    now_in_force = Rewards(
        points_per_kwh=7, minor_units_per_kwh=1, currency="CHF-rappen", interval_s=300.0, programme="x"
    )
    assert rewards_of(record, now_in_force) == REWARDS
    assert record.settled is not None
    old = msgspec.structs.replace(record.settled, rules=None, programme=None)
    assert rewards_of(replace(record, settled=old), now_in_force) == now_in_force


@pytest.mark.parametrize(
    ("wh", "points", "outcome"), [(0, 0, "nothing_shown"), (850, 85, "credited"), (1700, 170, "credited")]
)
def test_a_figure_that_a_person_decides(wh: int, points: int, outcome: str) -> None:
    record, _ = first([])
    settled = msgspec.structs.replace(held(record), asked_kwh=1.7)
    assert isinstance(settled, RequestSettled)
    record = replace(record, settled=settled)
    decided = by_figure(record, wh, REWARDS)
    told = corrected(record, decided, version=1, why=Cause("dispute", "D-1"), rewards=REWARDS, now=NOW)
    correction = told[0]
    assert isinstance(correction, SettlementCorrected)
    assert (correction.reduced_kwh, correction.points, correction.outcome) == (wh / 1000, points, outcome)
    assert correction.compliance_percent == round(wh / 17, 1)
    assert (correction.dispute, correction.by_interval) == ("D-1", ())
    for impossible in (1701, -1):
        with pytest.raises(ValueError, match="expected 0 to 1700"):
            by_figure(record, impossible, REWARDS)


@given(kw=st.lists(st.floats(0, 15, width=32), min_size=1, max_size=6))
@profile(max_examples=40, deadline=None)
def test_all_corrections_together_come_to_the_last(kw: list[float]) -> None:
    record, booked = first(samples(8.0))
    version = 1
    for power in kw:
        told = anew(record, samples(float(power)), version)
        if told:
            correction = told[0]
            assert isinstance(correction, SettlementCorrected)
            booked += posted(told)
            record, version = replace(record, corrected=correction), version + 1
    balances = ledger.balances(booked)
    now = held(record)
    assert balances.get(("customer:C-001", "points"), 0) == now.points
    assert balances.get(("customer:C-001", "EUR-cent"), 0) == now.minor_units
    assert now.points == found(samples(float(kw[-1]))).points
    assert len({transaction.key for transaction in booked}) == len(booked)
