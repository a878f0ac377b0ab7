from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controller.books import Books
from controller.entries import (
    Ordered,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestSent,
    RequestSettled,
    RequestState,
)
from controller.errors import IllegalMove
from controller.proving.settlement import settle
from controller.requests import (
    MOVES,
    OPEN,
    RequestRecord,
    Trigger,
    deadline,
    due,
    event_id,
    may_follow,
    next_state,
    on_answer,
    on_sent,
    request_id,
    settlement_due,
    span_of,
)
from controller.settings import Requests, Rewards
from tests.controller.record_builders import T0, after, ended, opened, planned

REQUESTS = Requests(answer_within_s=30.0, attempts=3)
STATES: tuple[RequestState, ...] = get_args(RequestState)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)


def record(state: RequestState, resource: str = "device", **changes: object) -> RequestRecord:
    base = ended(resource=resource)
    return replace(base, state=state, moved_at=T0, active_at=None, ended_at=None, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("resource", ["device", "person"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_the_table_lacks_is_an_error(state: RequestState, trigger: Trigger, resource: str) -> None:
    foreign = ("sent", "silent") if resource == "person" else ("sent", "started")
    if (state, trigger) in MOVES and (state, trigger) != foreign:
        after_it = next_state(state, trigger, resource)  # type: ignore[arg-type]
        assert after_it == MOVES[state, trigger]
        assert may_follow(state, after_it, resource)  # type: ignore[arg-type]
    else:
        with pytest.raises(IllegalMove, match=f"{state} cannot take the step '{trigger}'"):
            next_state(state, trigger, resource)  # type: ignore[arg-type]


def test_every_state_can_be_reached_and_settled_is_the_end() -> None:
    assert {to for _, to in MOVES.items()} | {"planned"} == set(STATES)
    assert all(begin != "settled" for begin, _ in MOVES)


def test_nothing_becomes_active_without_start_and_nothing_opens_after_its_life() -> None:
    assert {trigger for (_, trigger), to in MOVES.items() if to == "active"} == {"started"}
    reopening = {
        (begin, trigger) for (begin, trigger), to in MOVES.items() if begin not in OPEN and to in OPEN
    }
    assert reopening == {("unanswered", "accepted"), ("failed", "accepted")}


@given(
    state=st.sampled_from(STATES), resource=st.sampled_from(["device", "person"]), attempts=st.integers(1, 10)
)
def test_deadlines_alone_lead_every_request_to_its_settlement(
    state: RequestState, resource: str, attempts: int
) -> None:
    requests = Requests(attempts=attempts)
    current = record(state, resource)
    for _ in range(6):
        by = deadline(current, requests)
        assert by is not None
        assert due(current, requests, by - timedelta(microseconds=1)) is None
        assert not settlement_due(current, requests, by - timedelta(microseconds=1))
        trigger = due(current, requests, by)
        if trigger is None:
            assert settlement_due(current, requests, by)
            return
        current = replace(current, state=next_state(current.state, trigger, current.resource), moved_at=by)
    pytest.fail(f"{state} did not end")


def test_the_deadline_of_every_state() -> None:
    assert deadline(record("planned"), REQUESTS) == after(90)
    assert deadline(record("sent"), REQUESTS) == after(90)
    assert deadline(record("sent", "person"), REQUESTS) == T0
    assert deadline(record("accepted"), REQUESTS) == T0
    assert deadline(record("active"), REQUESTS) == after(900)
    assert deadline(record("ended"), REQUESTS) == after(30)
    assert deadline(record("unanswered"), REQUESTS) == after(900)
    assert deadline(record("refused"), REQUESTS) == T0


def test_a_short_request_is_not_waited_for_beyond_its_end() -> None:
    assert deadline(record("sent", end=after(60)), REQUESTS) == after(60)


@pytest.mark.parametrize(
    ("state", "answer", "at_s", "held_by", "expected"),
    [
        ("planned", "accepted", 1, None, "accepted"),
        ("sent", "accepted", 1, None, "accepted"),
        ("accepted", "accepted", 1, None, None),
        ("active", "accepted", 1, None, None),
        ("unanswered", "accepted", 100, None, "accepted"),
        ("unanswered", "accepted", 100, "E-other-R001", None),
        ("unanswered", "accepted", 900, None, None),
        ("failed", "accepted", 100, None, "accepted"),
        ("refused", "accepted", 1, None, None),
        ("overridden", "accepted", 1, None, None),
        ("ended", "accepted", 1, None, None),
        ("active", "refused", 1, None, "refused"),
        ("refused", "refused", 1, None, None),
        ("active", "ended", 1, None, "ended"),
        ("ended", "ended", 1, None, None),
        ("sent", "perhaps", 1, None, None),
    ],
)
def test_what_an_answer_stands_for(
    state: RequestState, answer: str, at_s: float, held_by: str | None, expected: Trigger | None
) -> None:
    assert on_answer(record(state), answer, after(at_s), held_by) == expected


def test_ids_are_functions_of_what_they_name() -> None:
    assert event_id("dorf", T0) == "E-dorf-20260112T180000Z"
    assert request_id("E-dorf-20260112T180000Z", 7) == "E-dorf-20260112T180000Z-R007"


class RequestLife(RuleBasedStateMachine):
    """One charger, asked again and again, over a link that loses, doubles and reorders its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.books.apply(opened())
        self.now = T0
        self.number = 0
        self.answers: list[tuple[str, str]] = []
        self.settlements: list[str] = []

    def open_one(self) -> RequestRecord | None:
        return self.books.held_by("dorf", "ev")

    def move(self, record: RequestRecord, trigger: Trigger | None) -> None:
        if trigger is not None:
            state = next_state(record.state, trigger, record.resource)
            self.books.apply(RequestMoved(at=self.now, request=record.request, state=state, reason=trigger))

    @rule()
    def plan(self) -> None:
        if self.open_one() is None:
            self.number += 1
            times = {"at": self.now, "start": self.now, "end": self.now + timedelta(seconds=300)}
            self.books.apply(planned(self.number, target="ev", service_point="load:1", **times))

    @rule(device_answers=st.lists(st.sampled_from(["accepted", "refused", "ended"]), max_size=3))
    def send(self, device_answers: list[str]) -> None:
        for record in self.books.unsent():
            sent = RequestSent(at=self.now, request=record.request, sequence=record.sequence, attempt=1)
            self.books.apply(sent)
            self.move(record, on_sent(record))
            self.answers += [(record.request, answer) for answer in device_answers]

    @rule(data=st.data())
    def deliver_any_answer(self, data: st.DataObject) -> None:
        if self.answers:
            request, answer = data.draw(st.sampled_from(self.answers))  # stays there: it may come again
            record = self.books.requests[request]
            held = self.open_one()
            self.books.apply(RequestAnswered(at=self.now, request=request, answer=answer, reason=None))
            self.move(record, on_answer(record, answer, self.now, held.request if held else None))

    @rule()
    def operator_releases(self) -> None:
        record = self.open_one()
        if record is not None:
            self.books.apply(
                RequestChanged(
                    at=self.now,
                    request=record.request,
                    limit_kw=4.2,
                    end=self.now,
                    epoch=1,
                    sequence=record.sequence + 1,
                    reason="overridden",
                )
            )
            self.move(record, "overridden")

    @rule(seconds=st.sampled_from([1, 31, 95, 400]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.take_due_steps()

    def take_due_steps(self) -> None:
        for record in self.books.unsettled("dorf"):
            current = record
            while (trigger := due(current, REQUESTS, self.now)) is not None:
                self.move(current, trigger)
                current = self.books.requests[record.request]
            if settlement_due(current, REQUESTS, self.now):
                told = settle(
                    current,
                    beside=self.books.beside(current),
                    samples=[],
                    position=0,
                    rewards=Rewards(),
                    now=self.now,
                )
                self.books.apply_all(told)
                self.settlements.append(record.request)

    @invariant()
    def one_open_request_for_the_target(self) -> None:
        assert len(self.books.open_requests("dorf")) <= 1

    @invariant()
    def every_life_has_a_deadline(self) -> None:
        assert all(deadline(record, REQUESTS) is not None for record in self.books.unsettled("dorf"))

    def teardown(self) -> None:
        self.now += timedelta(days=1)
        self.take_due_steps()
        for _ in range(3):
            self.now += timedelta(seconds=60)
            self.take_due_steps()
        assert not self.books.unsettled("dorf")
        assert sorted(self.settlements) == sorted(self.books.requests)
        assert sum(self.books.count_by_state("dorf").values()) == self.number


TestRequestLife = RequestLife.TestCase
TestRequestLife.settings = profile(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("state", ["ended", "overridden", "unanswered", "failed", "refused"])
def test_a_step_of_a_clock_that_was_ahead_is_settled_once_the_device_is_free(state: RequestState) -> None:
    """The step was noted a day ahead; by the latest end that the device was told it is over all the same."""
    told = record(state)
    ahead = replace(told, moved_at=told.end + timedelta(days=1))
    over = timedelta(seconds=REQUESTS.answer_within_s)
    assert not settlement_due(ahead, REQUESTS, told.end - timedelta(seconds=1))
    assert settlement_due(ahead, REQUESTS, told.end + over)


def test_what_an_operator_ordered_holds_until_its_end_or_its_release() -> None:
    """While it is being released it comes back like any other: nobody else is freed into its power."""
    told = record("active", ordered=Ordered(order="O-1", by="Ann", limit_kw=5.0, until=after(600)))
    assert told.is_ordered(after(599))
    assert not told.is_ordered(after(600))
    assert not replace(told, releasing=True).is_ordered(after(599))
    assert not replace(told, state="ended").is_ordered(after(599))


def test_a_device_is_free_by_the_later_end_of_what_a_clock_ahead_and_the_right_one_told_it() -> None:
    told_ahead = record("active", ahead=(after(86400), after(300)), held_until=after(87300))
    assert told_ahead.end == after(900)
    assert told_ahead.free_by(after(60)) == after(900)
    assert replace(told_ahead, end=after(120)).free_by(after(60)) == after(300)
    assert told_ahead.free_by(after(86400)) == after(87300), "by then that clock's end counts"


def test_a_call_lasts_until_the_no_or_else_until_its_end() -> None:
    """What nobody answered counts in full: the device may hold the limit."""
    refused = replace(record("refused"), moved_at=after(60))
    assert span_of(refused) == (T0, after(60))
    early = replace(refused, planned=planned(start=after(300)))
    assert span_of(early) == (after(300), after(300)), "before it began"
    assert span_of(record("unanswered")) == (T0, after(900))
    assert span_of(replace(refused, sent_sequence=0)) is None


@pytest.mark.parametrize("answer", ["accepted", "refused", "ended"])
def test_an_answer_to_a_request_that_is_over_tells_nothing(answer: str) -> None:
    silent = record("unanswered")
    entry, *_ = settle(silent, beside=(), samples=(), position=None, rewards=Rewards(), now=after(1000))
    assert isinstance(entry, RequestSettled)
    assert on_answer(silent, answer, after(800), None) == answer
    assert on_answer(replace(silent, settled=entry), answer, after(800), None) is None
