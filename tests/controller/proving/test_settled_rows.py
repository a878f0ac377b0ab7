"""The list of settlements: what holds now, the newest first, by filter and page."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs

from controller.entries import RequestSettled, SettledRules, SettlementCorrected
from controller.proving.settled_rows import SettledRow, Wanted
from controller.proving.settled_rows import page as page_of
from controller.requests import RequestRecord
from tests.controller.record_builders import after, ended


def page(
    records: list[RequestRecord], wanted: Wanted, *, after: str | None, limit: int
) -> tuple[list[SettledRow], str | None]:
    return page_of(records, wanted, after=after, limit=limit, currency="EUR-cent")


def settled(number: int, *, at: datetime | None = None, **changes: Any) -> RequestRecord:
    record = ended(number=number, **changes)
    told = RequestSettled(
        at=at or after(1000 + number),
        request=record.request,
        asked_kwh=1.7,
        reduced_kwh=1.5,
        intervals=1,
        intervals_measured=1,
        compliance_percent=88.2,
        points=150,
        minor_units=37,
        outcome="credited",
    )
    return replace(record, state="settled", settled=told)


def requests(rows: list[Any]) -> list[str]:
    return [row.request[-4:] for row in rows]


def test_only_what_is_settled_and_the_newest_first() -> None:
    rows, following = page([settled(1), ended(number=2), settled(3)], Wanted(), after=None, limit=10)
    assert requests(rows) == ["R003", "R001"]
    assert following is None
    assert (rows[0].points, rows[0].version) == (150, 0)


def test_money_is_in_the_currency_it_was_settled_in() -> None:
    record = settled(1)
    assert record.settled is not None
    rules = SettledRules(100, 25, "CNY-fen", 300.0, 900.0, 0.8)
    told = replace(record, settled=structs.replace(record.settled, rules=rules))
    rows, _ = page([told, settled(2)], Wanted(), after=None, limit=10)
    assert [(row.minor_units, row.currency) for row in rows] == [(37, "EUR-cent"), (37, "CNY-fen")]


def test_a_correction_is_what_holds() -> None:
    record = settled(1)
    assert record.settled is not None
    anew = SettlementCorrected(
        at=after(9000),
        request=record.request,
        feeder="dorf",
        customer="C-001",
        version=2,
        cause="late_readings",
        dispute=None,
        asked_kwh=1.7,
        reduced_kwh=0.4,
        intervals=1,
        intervals_measured=1,
        compliance_percent=23.5,
        points=40,
        minor_units=10,
        outcome="credited",
        reduced_kwh_before=1.5,
        points_before=150,
        minor_units_before=37,
    )
    (row,), _ = page([replace(record, corrected=anew)], Wanted(), after=None, limit=10)
    assert (row.reduced_kwh, row.points, row.version) == (0.4, 40, 2)
    assert row.settled_at == record.settled.at


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(feeders=frozenset({"lane"})), ["R002"]),
        (Wanted(feeders=frozenset()), []),
        (Wanted(customer="C-001"), ["R001"]),
        (Wanted(outcome="nothing_shown"), []),
        (Wanted(feeders=frozenset({"dorf"}), outcome="credited"), ["R003", "R001"]),
    ],
)
def test_filters(wanted: Wanted, found: list[str]) -> None:
    records = [settled(1), settled(2, feeder="lane"), settled(3)]
    assert requests(page(records, wanted, after=None, limit=10)[0]) == found


def test_pages_join_without_a_gap_also_at_one_moment() -> None:
    records = [settled(number, at=after(2000)) for number in range(1, 8)]
    seen: list[str] = []
    following: str | None = None
    while True:
        rows, following = page(records, Wanted(), after=following, limit=3)
        seen += requests(rows)
        if following is None:
            break
    assert seen == [f"R{number:03d}" for number in range(7, 0, -1)]
    assert page(records, Wanted(), after="forgotten", limit=3) == ([], None)
