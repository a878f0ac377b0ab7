"""Reports: each request and each credit once, whatever they are summed up by."""

from typing import get_args

import msgspec
import pytest

from controller.booked import Booked, gather
from controller.entries import Entry, LedgerPosted, RequestSettled
from controller.reward_report import By, programme_of, report
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, after, planned
from tests.controller.test_statements import credited, settled

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
