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
    assert books.calls_of("dorf", "C-001", "relief").count(T0) == 0
    books.apply(sent(notice.request))
    history = books.calls_of("dorf", "C-001", "relief")
    assert history.count(T0) == 1
    assert history.count(after(1)) == 0
    assert history.began_in(EVENT) == notice.start
    assert history.last_until == notice.end
    assert books.calls_of("dorf", "C-002", "relief").count(T0) == 0


def test_several_requests_of_one_event_are_one_call_until_the_last_ends() -> None:
    one = planned(1, customer="C-001", programme="flex")
    two = planned(2, customer="C-001", programme="flex", end=after(1200))
    books = books_of(opened(), one, sent(one.request), two, sent(two.request))
    history = books.calls_of("dorf", "C-001", "flex")
    assert history.count(T0) == 1
    assert history.last_until == after(1200)
    books.apply(changed(one.request, 700, 1800, "renewed"))
    assert books.calls_of("dorf", "C-001", "flex").last_until == after(1800)
    books.apply(moved(two.request, "sent", after(701)))
    assert books.calls_of("dorf", "C-001", "flex").last_until == after(1800)
    assert books.calls("dorf") == {("C-001", "flex"): books.calls_of("dorf", "C-001", "flex")}
    assert books.calls("other") == {}


def changed(request: str, at_s: float, end_s: float, reason: str, sequence: int = 2) -> RequestChanged:
    return RequestChanged(
        at=after(at_s),
        request=request,
        limit_kw=4.2,
        end=after(end_s),
        epoch=1,
        sequence=sequence,
        reason=reason,  # type: ignore[arg-type]
    )


def test_what_was_taken_back_before_it_began_was_no_call() -> None:
    notice = planned(resource="person", kind="person", programme="relief", start=after(600), end=after(1500))
    books = books_of(opened(), notice, sent(notice.request), moved(notice.request, "sent", after(6)))
    assert books.calls_of("dorf", "C-001", "relief").count(T0) == 1
    books.apply(changed(notice.request, 300, 300, "released"))
    books.apply(moved(notice.request, "overridden", after(300)))
    history = books.calls_of("dorf", "C-001", "relief")
    assert (history.count(T0), history.last_until, history.last_start) == (0, None, None)


def test_who_said_no_before_it_began_was_called() -> None:
    notice = planned(resource="person", kind="person", programme="relief", start=after(600), end=after(1500))
    books = books_of(opened(), notice, sent(notice.request), moved(notice.request, "sent", after(6)))
    books.apply(moved(notice.request, "refused", after(60)))
    history = books.calls_of("dorf", "C-001", "relief")
    assert (history.count(T0), history.last_until) == (1, after(600))


def test_who_was_freed_early_rests_from_then_on() -> None:
    one = planned(1, customer="C-001", programme="flex", end=after(1800))
    books = books_of(opened(), one, sent(one.request), moved(one.request, "sent", after(6)))
    books.apply_all([moved(one.request, s, after(7)) for s in ("accepted", "active")])
    books.apply(changed(one.request, 400, 400, "released"))
    books.apply(moved(one.request, "ended", after(401)))
    assert books.calls_of("dorf", "C-001", "flex").last_until == after(400)


def test_calls_are_kept_when_the_events_detail_is_forgotten() -> None:
    books = books_of()
    for number in range(30):
        event, at_s = f"E-{number}", number * 100.0
        request = planned(
            number,
            customer="C-001",
            programme="flex",
            event=event,
            start=after(at_s),
            at=after(at_s),
            end=after(at_s + 50),
        )
        books.apply_all(
            [
                opened(event, at=after(at_s)),
                request,
                sent(request.request, at_s),
                moved(request.request, "sent", after(at_s)),
                closed(event, at=after(at_s + 50)),
            ]
        )
    assert books.calls_of("dorf", "C-001", "flex").count(T0) == 30


def test_calls_under_the_sites_own_terms_are_not_kept() -> None:
    one = planned(1, customer="C-001")
    assert books_of(opened(), one, sent(one.request)).calls("dorf") == {}


def test_what_is_older_than_a_season_is_forgotten_and_all_is_bounded() -> None:
    history = CallHistory()
    for number in range(MOST_KEPT + 50):
        start = T0 + timedelta(hours=number)
        history = history.with_call(f"E-{number}", start, start)
    assert history.count(T0) == MOST_KEPT
    assert len(history.before) == 8 * (MOST_KEPT - len(history.latest))
    for number in range(5):
        late = T0 + timedelta(days=400 + number)
        history = history.with_call(f"E-late-{number}", late, late)
    assert history.count(T0) == 5


def test_older_calls_are_counted_by_when_they_began() -> None:
    history = CallHistory()
    for number in (0, 2, 1, 3, 4, 5, 6):  # one that was told early began late
        start = after(number * 3600 + 0.5)
        history = history.with_call(f"E-{number}", start, start + timedelta(hours=3 * (number == 0)))
    assert [history.count(after(hour * 3600)) for hour in range(7)] == [7, 6, 5, 4, 3, 2, 1]
    assert history.count(T0, after(3 * 3600)) == 3
    assert history.last_until == after(6 * 3600 + 0.5)
    assert history.last_start == after(6 * 3600 + 0.5)


def test_the_rest_counts_from_an_older_call_that_ended_later() -> None:
    history = CallHistory().with_call("E-0", T0, after(99_999))
    for number in range(1, 6):
        history = history.with_call(f"E-{number}", after(number), after(number))
    assert history.last_until == after(99_999)


def test_a_call_that_tells_nothing_new_leaves_the_history_as_it_is() -> None:
    history = CallHistory().with_call("E-1", T0, after(900))
    assert history.with_call("E-1", T0, after(900)) is history
    assert history.without("E-2") is history


def test_a_period_has_an_end() -> None:
    history = CallHistory().with_call("E-1", T0, T0).with_call("E-2", after(60), after(60))
    assert history.count(T0, after(60)) == 1
