"""A notice that a server took after its request was given up is taken back, once."""

import pytest

from controller.entries import NoticeDelivered, RequestChanged, RequestSent
from controller.people.late_words import taken_too_late
from devices.messages import NoticeKind
from devices.notices.words import Result
from tests.controller.record_builders import after, books_of, moved, opened, planned

REQUEST = planned().request


def delivered(
    way: str = "email", kind: NoticeKind = "notice", result: Result = "taken", sequence: int = 1
) -> NoticeDelivered:
    return NoticeDelivered(
        at=after(105), request=REQUEST, kind=kind, sequence=sequence, channel=way, result=result
    )


@pytest.mark.parametrize("state", ["failed", "overridden"])
def test_a_late_yes_is_noted_and_taken_back_once(state: str) -> None:
    books = books_of(opened(), planned(resource="person", kind="person"), moved(REQUEST, state, after(100)))
    told = [delivered("email"), delivered("sms")]
    sent, change = entries = taken_too_late(told, books, after(110))
    assert isinstance(sent, RequestSent)
    assert isinstance(change, RequestChanged)
    assert (sent.sequence, change.sequence, change.reason) == (1, 2, "released")
    books.apply_all(entries)
    assert [one.request for one in books.unsent()] == [REQUEST]
    assert taken_too_late(told, books, after(120)) == []


@pytest.mark.parametrize(
    "told",
    [
        delivered(result="timeout"),
        delivered(kind="thanks"),
        delivered(sequence=2),  # none that was planned
    ],
)
def test_all_else_is_no_late_notice(told: NoticeDelivered) -> None:
    books = books_of(
        opened(), planned(resource="person", kind="person"), moved(REQUEST, "failed", after(100))
    )
    assert taken_too_late([told], books, after(110)) == []


def test_nor_is_one_of_a_request_that_lasts_or_is_over_or_forgotten() -> None:
    notice = planned(resource="person", kind="person")
    books = books_of(opened(), notice)
    assert taken_too_late([delivered()], books, after(110)) == []
    books.apply(moved(REQUEST, "failed", after(100)))
    assert taken_too_late([delivered()], books, notice.end) == []
    assert taken_too_late([delivered()], books_of(), after(110)) == []


def test_what_its_sender_knew_of_is_left_to_it() -> None:
    books = books_of(
        opened(),
        planned(resource="person", kind="person"),
        RequestSent(at=after(50), request=REQUEST, sequence=1, attempt=1),
        moved(REQUEST, "overridden", after(100)),
    )
    assert taken_too_late([delivered()], books, after(110)) == []
