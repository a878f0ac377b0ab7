"""Reports: each request and each credit once, whatever they are summed up by."""

from typing import get_args

import msgspec
import pytest

from controller.entries import Entry, LedgerPosted, RequestSettled, SettledInterval, SettlementCorrected
from controller.rewards import ledger
from controller.rewards.booked import Booked, gather
from controller.rewards.reward_report import By, programme_of, report
from controller.settings import Rewards
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, after, planned
from tests.controller.rewards.test_statements import credited, settled

OTHER = "E-dorf-20260113T180000Z"


def request(number: int) -> str:
    return f"{EVENT}-R{number:03d}"


def unproven(number: int) -> RequestSettled:
    return msgspec.structs.replace(
        settled(request(number), 0.0), outcome="too_little_data", intervals_measured=0, asked_kwh=2.0
    )


def gift() -> LedgerPosted:
    """For no request, from two programmes."""
    return LedgerPosted(
        at=after(1000),
        key="gift",
        postings=(
            ("programme:a:budget", "points", -3),
            ("programme:b:budget", "points", -4),
            ("customer:C-009", "points", 7),
        ),
        reason="anniversary",
        request=None,
    )


@pytest.fixture
def booked() -> Booked:
    entries: tuple[Entry, ...] = (
        planned(1),
        planned(2, event=OTHER),
        planned(3, customer="C-001", p_before_kw=3.0),  # took less than its limit: nothing was asked of it
        settled(request(1)),
        credited(request(1)),
        unproven(2),
        gift(),
    )
    return gather(Numbered(seq, entry) for seq, entry in enumerate(entries, start=1))


def test_by_customer(booked: Booked) -> None:
    rows = {row.group: row for row in report(booked, "customer").rows}
    one = rows["C-001"]
    assert (one.requests, one.settled, one.asked_w, one.asked_wh, one.verified_wh) == (2, 1, 6800, 1700, 1246)
    assert (one.compliance_permille, one.measured_permille) == (732, 1000)
    assert one.credited == {"points": 124, "EUR-cent": 31}
    assert rows["C-009"].requests == 0
    assert rows["C-009"].credited == {"points": 7}


def test_a_person_was_asked_for_what_their_meter_would_have_shown_less_the_limit() -> None:
    person = planned(1, resource="person", kind="person", p_before_kw=9.0, baseline_kw=8.0, limit_kw=4.5)
    device = planned(2, p_before_kw=11.0, baseline_kw=8.0, limit_kw=4.5)
    asked = gather(Numbered(seq, entry) for seq, entry in enumerate((person, device), start=1)).asked
    assert [one.asked_w for one in asked.values()] == [3500, 6500]


def test_a_meter_that_told_too_little_is_no_lack_of_compliance(booked: Booked) -> None:
    two = {row.group: row for row in report(booked, "customer").rows}["C-002"]
    assert (two.too_little_data, two.asked_wh, two.measured_permille) == (1, 2000, 0)
    assert two.compliance_permille is None
    assert report(booked, "customer").total.compliance_permille == 732


def test_by_event(booked: Booked) -> None:
    rows = report(booked, "event").rows
    assert [(row.group, row.requests, row.credited["points"]) for row in rows] == [
        (EVENT, 2, 124), (OTHER, 1, 0), (None, 0, 7),
    ]  # fmt: skip


def test_by_programme(booked: Booked) -> None:
    rows = report(booked, "programme").rows
    assert [(row.group, row.requests, row.credited["points"]) for row in rows] == [
        ("evening-relief", 1, 124), (None, 2, 7),
    ]  # fmt: skip


def test_a_transaction_of_several_programmes_is_of_none() -> None:
    assert programme_of(gift()) is None
    assert programme_of(credited()) == "evening-relief"


@pytest.mark.parametrize("by", get_args(By))
def test_the_sum_is_the_same_by_whatever(booked: Booked, by: By) -> None:
    found = report(booked, by)
    assert found.total == report(booked, "customer").total
    assert found.total.requests == 3
    assert found.total.credited == {"points": 131, "EUR-cent": 31}
    assert found.seq == 7


def test_an_empty_journal() -> None:
    found = report(gather(()), "event")
    assert found.rows == ()
    assert found.total.compliance_permille is None


def test_what_customers_use_or_let_expire_is_no_credit_taken_back() -> None:
    def posted(key: str, *postings: tuple[str, str, int]) -> LedgerPosted:
        return LedgerPosted(at=after(0), key=key, postings=postings, reason="", request=None)

    own, held, budget = "customer:C", "redemption:X", "programme:p:budget"
    told = (
        posted("fact", (budget, "points", -300), (own, "points", 300)),
        posted(
            "held",
            (own, "points", -200), (held, "points", 200), (budget, "EUR-cent", -150), (held, "EUR-cent", 150),
        ),
        posted(
            "ended",
            (held, "points", -200), ("points:redeemed", "points", 200),
            (held, "EUR-cent", -150), (own, "EUR-cent", 150),
        ),
        posted("expired", (own, "points", -100), ("points:expired", "points", 100)),
        posted("payout", (own, "EUR-cent", -150), ("payout:1", "EUR-cent", 150)),
    )  # fmt: skip
    booked = gather(Numbered(seq, entry) for seq, entry in enumerate(told, start=1))
    (row,) = report(booked, "customer").rows
    assert {unit: amount for unit, amount in row.credited.items() if amount} == {"points": 300}


def of_two_intervals(number: int, **changes: object) -> RequestSettled:
    """1.2 kWh asked in a quarter that was measured, and as much in one that was not."""
    begin = after(0)
    intervals = (
        SettledInterval(begin, 600, 450, 900, 900),
        SettledInterval(after(900), 200, 0, 300, 900, proven=False),
    )
    return msgspec.structs.replace(
        settled(request(number), 0.45), asked_kwh=1.2, intervals=2, intervals_measured=1, points=45,
        minor_units=11, by_interval=intervals, programme="gold", **changes,
    )  # fmt: skip


def corrected_later(number: int) -> tuple[SettlementCorrected, LedgerPosted]:
    told = SettlementCorrected(
        at=after(5000), request=request(number), feeder="dorf", customer=f"C-{number:03d}", version=1,
        cause="late_readings", dispute=None, asked_kwh=1.2, reduced_kwh=0.85, intervals=2,
        intervals_measured=2, compliance_percent=70.8, points=85, minor_units=21, outcome="credited",
        reduced_kwh_before=0.45, points_before=45, minor_units_before=11, programme="gold",
        by_interval=(
            SettledInterval(after(0), 600, 450, 900, 900), SettledInterval(after(900), 600, 400, 900, 900),
        ),
    )  # fmt: skip
    posted = ledger.correction(
        at=after(5000), feeder="dorf", request=request(number), customer=f"C-{number:03d}", version=1,
        before=(45, 11), after=(85, 21), cause="late_readings", rewards=Rewards(programme="gold"),
    )  # fmt: skip
    assert posted is not None
    return told, posted


def gold() -> LedgerPosted:
    posted = ledger.credit(
        at=after(930), feeder="dorf", request=request(1), customer="C-001", energy_wh=450,
        rewards=Rewards(programme="gold"),
    )  # fmt: skip
    assert posted is not None
    return posted


def told_by(*entries: Entry) -> Booked:
    return gather(Numbered(seq, entry) for seq, entry in enumerate(entries, start=1))


def test_only_intervals_that_were_measured_are_judged() -> None:
    row = report(told_by(planned(1), of_two_intervals(1), gold()), "event").total
    assert (row.asked_wh, row.judged_wh, row.verified_wh) == (1200, 600, 450)
    assert (row.compliance_permille, row.measured_permille) == (750, 500)


def test_corrections_count_by_whatever_it_is_summed_up() -> None:
    booked = told_by(planned(1), of_two_intervals(1), gold(), *corrected_later(1))
    for by, group in (("event", EVENT), ("customer", "C-001"), ("programme", "gold")):
        (row,) = report(booked, by).rows  # type: ignore[arg-type]
        assert (row.group, row.settled, row.corrected) == (group, 1, 1)
        assert (row.verified_wh, row.judged_wh, row.intervals_measured) == (850, 1200, 2)
        assert row.credited == {"points": 85, "EUR-cent": 21}


def test_the_energy_of_a_correction_is_the_difference() -> None:
    told, posted = corrected_later(1)
    booked = told_by(planned(1), of_two_intervals(1), gold(), told, posted)
    assert [booked.energy_wh(one) for one in booked.posted] == [450, 400]
    assert booked.holding(request(1)) == told
    assert booked.holding(request(2)) is None


def test_the_programme_is_named_also_where_nothing_was_credited() -> None:
    nothing = of_two_intervals(1, outcome="nothing_shown")
    (row,) = report(
        told_by(planned(1), msgspec.structs.replace(nothing, points=0, minor_units=0)), "programme"
    ).rows
    assert row.group == "gold"
    (row,) = report(told_by(planned(1, programme="silver")), "programme").rows
    assert row.group == "silver"


def test_what_customers_use_or_let_expire_is_not_taken_off_what_they_were_credited() -> None:
    used = LedgerPosted(
        at=after(6000), key="points/C-001/expired/2027-01", request=None, reason="expired",
        postings=(("customer:C-001", "points", -45), (ledger.EXPIRED, "points", 45)),
    )  # fmt: skip
    assert report(told_by(planned(1), of_two_intervals(1), gold(), used), "customer").total.credited == {
        "points": 45, "EUR-cent": 11,
    }  # fmt: skip
