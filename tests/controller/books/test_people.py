"""What the books keep of corrections, disputes, answers to notices and further words."""

from typing import Any

import pytest

from controller import entries as e
from controller.books import Books
from controller.errors import BooksBroken
from tests.controller.record_builders import EVENT, T0, after, books_of, moved, opened, planned

R1, R2 = f"{EVENT}-R001", f"{EVENT}-R002"
SETTLED = (
    opened(),
    planned(),
    planned(2, resource="person", target="C-002", kind="person"),
    moved(R1, "sent", T0),
    moved(R1, "refused", T0),
    e.RequestSettled(
        at=after(30),
        request=R1,
        asked_kwh=1.7,
        reduced_kwh=1.23,
        intervals=1,
        intervals_measured=1,
        compliance_percent=72.0,
        points=123,
        minor_units=30,
        outcome="credited",
    ),
)


def corrected(version: int = 1, request: str = R1, points: int = 200, before: int = 123) -> Any:
    return e.SettlementCorrected(
        at=after(60 * version),
        request=request,
        feeder="dorf",
        customer="C-001",
        version=version,
        cause="late_readings",
        dispute=None,
        asked_kwh=1.7,
        reduced_kwh=points / 100,
        intervals=1,
        intervals_measured=1,
        compliance_percent=90.0,
        points=points,
        minor_units=50,
        outcome="credited",
        reduced_kwh_before=before / 100,
        points_before=before,
        minor_units_before=30 if version == 1 else 50,
    )


def message(name: str = "m1") -> e.MessagePlanned:
    return e.MessagePlanned(at=T0, message=name, request=R2, customer="C-002", kind="thanks")


def dispute() -> e.DisputeOpened:
    return e.DisputeOpened(at=T0, dispute="D1", request=R1, reason="other", who="desk")


def decided() -> e.DisputeClosed:
    return e.DisputeClosed(at=T0, dispute="D1", request=R1, outcome="rejected", who="Li", why="seen")


def test_the_totals_follow_every_correction() -> None:
    books = books_of(*SETTLED, corrected(), corrected(2, points=50, before=200))
    totals = books.totals("dorf", "EUR-cent")
    assert (totals.credited_points, totals.credited_minor_units, totals.curtailed_kwh) == (50, 50, 0.5)
    first = books.requests[R1].settled
    assert first is not None
    assert first.points == 123  # what was settled first stays


def test_a_copy_of_the_books_counts_corrections_of_its_own() -> None:
    books = books_of(corrected(request="E-old-R001"))
    copied = books.fork()
    assert copied == books
    copied.apply(corrected(2, request="E-old-R001"))
    books.apply(corrected(request="E-old-R002"))
    assert (copied.next_correction("E-old-R001"), books.next_correction("E-old-R001")) == (3, 2)
    assert (copied.next_correction("E-old-R002"), books.next_correction("E-old-R002")) == (1, 2)


def test_a_settlement_is_corrected_also_when_its_request_is_forgotten() -> None:
    books = books_of(corrected(request="E-old-R001"))
    assert books.totals("dorf", "EUR-cent").credited_points == 77
    assert books.next_correction("E-old-R001") == 2


def test_an_open_dispute_is_known_until_it_is_decided() -> None:
    books = books_of(*SETTLED, dispute())
    assert [one.dispute for one in books.open_disputes()] == ["D1"]
    books.apply(decided())
    assert books.open_disputes() == ()


def test_the_latest_answer_to_a_notice_counts() -> None:
    yes = e.NoticeAnswered(at=T0, request=R2, answer="opted_in", via="link")
    no = e.NoticeAnswered(at=T0, request=R2, answer="opted_out", via="api")
    assert books_of(*SETTLED, yes, no).requests[R2].consent == "opted_out"


def test_a_message_waits_until_it_is_done_and_is_remembered() -> None:
    books = books_of(*SETTLED, message())
    assert [one.message for one in books.messages_waiting()] == ["m1"]
    books.apply(e.MessageDone(at=T0, message="m1", outcome="sent", reason="taken"))
    assert books.messages_waiting() == ()
    assert books.requests[R2].messages == ("m1",)


@pytest.mark.parametrize(
    ("before", "wrong"),
    [
        pytest.param(SETTLED, corrected(2), id="a version is left out"),
        pytest.param((*SETTLED, corrected()), corrected(), id="the same version twice"),
        pytest.param(SETTLED[:2], corrected(), id="corrected before it is settled"),
        pytest.param((*SETTLED, dispute()), dispute(), id="a dispute opened twice"),
        pytest.param(SETTLED, decided(), id="decided without being open"),
        pytest.param((*SETTLED, message()), message(), id="a message planned twice"),
        pytest.param(
            (*SETTLED, message(), e.MessageDone(at=T0, message="m1", outcome="sent", reason="")),
            message(),
            id="a message planned again after it went out",
        ),
        pytest.param(
            SETTLED,
            e.MessageDone(at=T0, message="m9", outcome="sent", reason=""),
            id="a message done that never waited",
        ),
        pytest.param(
            SETTLED,
            e.NoticeAnswered(at=T0, request=R1, answer="opted_out", via="link"),
            id="a device answers like a person",
        ),
    ],
)
def test_what_cannot_be_changes_nothing(before: tuple[e.Entry, ...], wrong: e.Entry) -> None:
    books = books_of(*before)
    with pytest.raises(BooksBroken):
        books.apply(wrong)
    assert books == books_of(*before)


def test_empty_books_know_no_dispute_and_no_message() -> None:
    assert (Books().open_disputes(), Books().messages_waiting()) == ((), ())
