"""When a customer was called, as the books keep it."""

from datetime import timedelta

from controller.entries import RequestChanged, RequestSent
from controller.people.calls import MOST_KEPT, CallHistory
from tests.controller.record_builders import EVENT, T0, after, books_of, closed, moved, opened, planned


def sent(request: str, at_s: float = 5.0) -> RequestSent:
    return RequestSent(at=after(at_s), request=request, sequence=1, attempt=1)


def test_a_request_counts_once_it_went_out() -> None:
    notice = planned(resource="person", kind="person", programme="relief")
    books = books_of(opened(), notice)
    assert books.calls_of("dorf", "C-001", "relief").calls == ()
    books.apply(sent(notice.request))
    history = books.calls_of("dorf", "C-001", "relief")
    assert history.count(T0) == 1
    assert history.count(after(1)) == 0
    assert history.called_in(EVENT)
    assert history.last_until == notice.end
    assert books.calls_of("dorf", "C-001", None).calls == ()
    assert books.calls_of("dorf", "C-002", "relief").calls == ()


def test_several_requests_of_one_event_are_one_call_until_the_last_ends() -> None:
    one, two = planned(1, customer="C-001"), planned(2, customer="C-001", end=after(1200))
    books = books_of(opened(), one, sent(one.request), two, sent(two.request))
    history = books.calls_of("dorf", "C-001", None)
    assert history.count(T0) == 1
    assert history.last_until == after(1200)
    later = RequestChanged(
        at=after(700),
        request=one.request,
        limit_kw=4.2,
        end=after(1800),
        epoch=1,
        sequence=2,
        reason="renewed",
    )
    books.apply(later)
    assert books.calls_of("dorf", "C-001", None).last_until == after(1800)
    books.apply(moved(two.request, "sent", after(701)))
    assert books.calls_of("dorf", "C-001", None).last_until == after(1800)
    assert books.calls("dorf") == {("C-001", None): books.calls_of("dorf", "C-001", None)}
    assert books.calls("other") == {}


def test_calls_are_kept_when_the_events_detail_is_forgotten() -> None:
    books = books_of()
    for number in range(30):
        event, at_s = f"E-{number}", number * 100.0
        request = planned(number, customer="C-001", event=event, start=after(at_s), at=after(at_s))
        books.apply_all(
            [
                opened(event, at=after(at_s)),
                request,
                sent(request.request, at_s),
                moved(request.request, "sent", after(at_s)),
                closed(event, at=after(at_s + 50)),
            ]
        )
    assert books.calls_of("dorf", "C-001", None).count(T0) == 30


def test_what_is_older_than_a_season_is_forgotten_and_all_is_bounded() -> None:
    history = CallHistory()
    for number in range(MOST_KEPT + 50):
        start = T0 + timedelta(hours=number)
        history = history.with_call(f"E-{number}", start, start)
    assert len(history.calls) == MOST_KEPT
    late = T0 + timedelta(days=400)
    assert [call.event for call in history.with_call("E-late", late, late).calls] == ["E-late"]


def test_a_call_that_tells_nothing_new_leaves_the_history_as_it_is() -> None:
    history = CallHistory().with_call("E-1", T0, after(900))
    assert history.with_call("E-1", T0, after(900)) is history


def test_a_period_has_an_end() -> None:
    history = CallHistory().with_call("E-1", T0, T0).with_call("E-2", after(60), after(60))
    assert history.count(T0, after(60)) == 1
