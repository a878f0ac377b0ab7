from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller import entries as e
from controller.books import KEEP_CLOSED_EVENTS, Books
from controller.errors import BooksBroken
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, T0, after, books_of, closed, moved, opened, planned

R1, R2 = f"{EVENT}-R001", f"{EVENT}-R002"


def changed(
    sequence: int, reason: str = "renewed", end_s: float = 1800, limit_kw: float = 4.2, at_s: float = 60
) -> e.RequestChanged:
    return e.RequestChanged(
        at=after(at_s),
        request=R1,
        limit_kw=limit_kw,
        end=after(end_s),
        epoch=1,
        sequence=sequence,
        reason=reason,
    )


def sent(sequence: int = 1, attempt: int = 1, at_s: float = 0) -> e.RequestSent:
    return e.RequestSent(at=after(at_s), request=R1, sequence=sequence, attempt=attempt)


def settled(request: str = R1, points: int = 123, at_s: float = 1000) -> e.RequestSettled:
    return e.RequestSettled(
        at=after(at_s),
        request=request,
        asked_kwh=1.7,
        reduced_kwh=points / 100,
        intervals=1,
        intervals_measured=1,
        compliance_percent=72.0,
        points=points,
        minor_units=30,
        outcome="credited",
    )


ACTIVE = (
    opened(),
    planned(),
    sent(),
    moved(R1, "sent", T0),
    moved(R1, "accepted", after(1)),
    moved(R1, "active", after(2)),
)
WHOLE = (*ACTIVE, moved(R1, "ended", after(910)), settled(), moved(R1, "settled", after(1000)))


def test_a_life_as_the_journal_tells_it() -> None:
    record = books_of(*WHOLE).requests[R1]
    assert (record.state, record.active_at, record.ended_at) == ("settled", after(2), after(900))
    assert record.is_over
    assert record.limits == ((T0, 4.2),)


def test_what_counts_stops_at_the_end_however_late_it_was_noted() -> None:
    late = books_of(*ACTIVE, moved(R1, "ended", after(5000)))
    assert late.requests[R1].ended_at == after(900)


def test_open_requests_and_who_holds_a_target() -> None:
    books = books_of(*ACTIVE, planned(2))
    assert [r.request for r in books.open_requests("dorf")] == [R1, R2]
    held = books.held_by("dorf", "ev-001")
    assert held is not None
    assert held.request == R1
    assert books.held_by("dorf", "ev-001", "person") is None
    assert books.held_by("other", "ev-001") is None
    books.apply(moved(R1, "ended", after(800)))
    assert books.held_by("dorf", "ev-001") is None
    assert books.last_released_at("dorf", "ev-001") == after(800)
    assert [r.request for r in books.unsettled("dorf")] == [R1, R2]


def test_the_outbox_holds_what_was_noted_and_not_sent() -> None:
    books = books_of(opened(), planned())
    assert [r.sequence for r in books.unsent()] == [1]
    books.apply(sent())
    assert books.unsent() == ()
    books.apply(changed(2))
    assert [r.sequence for r in books.unsent()] == [2]
    books.apply(sent(2))
    assert books.unsent() == ()


def test_a_release_goes_out_even_when_the_request_is_over_but_a_renewal_does_not() -> None:
    released = books_of(*ACTIVE, changed(2, "overridden", end_s=60), moved(R1, "overridden", after(60)))
    assert [r.sequence for r in released.unsent()] == [2]
    assert released.requests[R1].ended_at == after(60)
    renewed = books_of(*ACTIVE, changed(2), moved(R1, "ended", after(70)))
    assert renewed.unsent() == ()


def test_limits_keep_their_history_and_a_release_changes_none() -> None:
    books = books_of(
        *ACTIVE, changed(2, "tightened", limit_kw=2.0), changed(3, "released", end_s=90, at_s=90)
    )
    record = books.requests[R1]
    assert record.limits == ((T0, 4.2), (after(60), 2.0))
    assert (record.end, record.held_until, record.limit_kw) == (after(90), after(1800), 2.0)


def test_requests_at_one_meter_stand_beside_each_other() -> None:
    books = books_of(opened(), planned(1), planned(2, service_point="load:1"), planned(3))
    assert [r.request for r in books.beside(books.requests[R1])] == [R2]


def test_operators_orders() -> None:
    books = Books()
    assert books.automatic("dorf")
    orders = {"who": "Li", "why": "work on the line", "feeder": "dorf"}
    books.apply(e.OperatorActed(at=T0, action="automatic_off", target=None, **orders))
    assert not books.automatic("dorf")
    assert books.automatic("other")
    books.apply(e.OperatorActed(at=T0, action="automatic_on", target=None, **orders))
    assert books.automatic("dorf")


def test_violations_and_alarms_run_until_they_are_cleared() -> None:
    appeared = e.ViolationAppeared(
        at=T0, feeder="dorf", element="line:3", kind="line_overload", value=127.4, limit=100.0
    )
    alarm = e.DataAlarm(at=T0, feeder="dorf", kind="diverged", raised=True, text="no convergence")
    books = books_of(appeared, alarm)
    assert books.violations("dorf") == (appeared,)
    assert books.alarms("dorf") == (alarm,)
    books.apply(e.ViolationCleared(at=T0, feeder="dorf", element="line:3", kind="line_overload"))
    books.apply(e.DataAlarm(at=T0, feeder="dorf", kind="diverged", raised=False, text="converges"))
    assert books.violations("dorf") == ()
    assert books.alarms("dorf") == ()


def test_totals_and_states_count_everything() -> None:
    answer = e.RequestAnswered(at=T0, request=R1, answer="accepted", reason=None)
    refused = e.ReadingsRefused(at=T0, feeder="dorf", reason="stale", count=3, sample="M-001")
    books = books_of(*ACTIVE, answer, answer, refused, planned(2), *WHOLE[len(ACTIVE) :])
    totals = books.totals("dorf", "EUR-cent")
    assert (totals.events, totals.requests_planned, totals.requests_sent, totals.requests_answered) == (
        1,
        2,
        1,
        1,
    )
    assert (totals.credited_points, totals.credited_minor_units, totals.curtailed_kwh) == (123, 30, 1.23)
    assert totals.readings_refused == 3
    assert books.count_by_state("dorf") == {"planned": 1, "settled": 1}


@pytest.mark.parametrize(
    ("story", "entry", "fault"),
    [
        ((), planned(), "not running"),
        ((opened(), closed()), planned(), "not running"),
        ((opened(),), opened("E-dorf-2"), "is there"),
        ((opened(),), closed("E-dorf-2"), "not the running one"),
        ((opened(), planned()), planned(), "planned twice"),
        ((opened(), planned()), planned(2, target="ev-001"), "already"),
        ((), sent(), "not known"),
        ((opened(), planned()), sent(2), "never planned"),
        ((opened(), planned()), changed(1), "after 1"),
        ((opened(), planned()), moved(R1, "active", T0), "from planned to active"),
        (ACTIVE, settled(), "while it is active"),
        (WHOLE, settled(), "twice"),
        (
            (e.ControllerStarted(at=T0, epoch=2, version="1", feeders=()),),
            e.ControllerStarted(at=T0, epoch=2, version="1", feeders=()),
            "epoch 2",
        ),
    ],
)
def test_what_cannot_have_happened_changes_nothing(
    story: tuple[e.Entry, ...], entry: e.Entry, fault: str
) -> None:
    books = books_of(*story)
    with pytest.raises(BooksBroken, match=fault):
        books.apply(entry)
    assert books == books_of(*story)


def test_numbered_entries_come_without_gaps() -> None:
    books = Books()
    books.apply(Numbered(1, opened()))
    for seq in (1, 3):
        with pytest.raises(BooksBroken, match=f"entry {seq} cannot follow entry 1"):
            books.apply(Numbered(seq, planned()))
    books.apply(Numbered(2, planned()))
    assert books.seq == 2


def many_events(count: int) -> list[e.Entry]:
    """One after the other, each with two requests: one credited, one refused."""
    story: list[e.Entry] = []
    for number in range(count):
        event, at = f"E-dorf-{number:04d}", T0 + timedelta(hours=number)
        one, two = f"{event}-R001", f"{event}-R002"
        times = {"event": event, "at": at, "start": at, "end": at + timedelta(seconds=900)}
        story += [
            opened(event, at=at),
            planned(1, **times, request=one),
            planned(2, **times, request=two),
            moved(one, "sent", at),
            moved(one, "accepted", at),
            moved(one, "active", at),
            moved(two, "refused", at),
            settled(two, points=0),
            moved(one, "ended", at + timedelta(seconds=900)),
            closed(event, at=at + timedelta(seconds=901)),
            settled(one),
            moved(one, "settled", at + timedelta(seconds=1000)),
        ]
    return story


def test_memory_is_bounded_and_the_totals_forget_nothing() -> None:
    books = books_of(*many_events(KEEP_CLOSED_EVENTS + 30))
    assert len(books.events) <= KEEP_CLOSED_EVENTS + 1
    assert len(books.requests) == 2 * len(books.events)
    totals = books.totals("dorf", "EUR-cent")
    assert totals.credited_points == 123 * (KEEP_CLOSED_EVENTS + 30)
    assert books.count_by_state("dorf") == {
        "refused": KEEP_CLOSED_EVENTS + 30,
        "settled": KEEP_CLOSED_EVENTS + 30,
    }


def test_an_old_event_is_kept_while_a_request_is_unsettled() -> None:
    story = [
        entry
        for entry in many_events(KEEP_CLOSED_EVENTS + 5)
        if getattr(entry, "request", "") != "E-dorf-0000-R002"
    ]
    story.insert(1, planned(9, event="E-dorf-0000", request="E-dorf-0000-R009"))
    books = books_of(*story)
    assert "E-dorf-0000-R009" in books.requests
    assert "E-dorf-0001-R001" not in books.requests


@given(cut=st.integers(0, len(many_events(25))))
@profile(max_examples=40, deadline=None)
def test_replay_gives_what_was_built_step_by_step(cut: int) -> None:
    story = many_events(25)
    lived = books_of(*story[:cut])
    restarted = books_of(*story[:cut])
    assert lived == restarted
    lived.apply_all(story[cut:])
    restarted.apply_all(story[cut:])
    assert lived == restarted == books_of(*story)


def test_a_notice_is_not_counted_as_unanswered() -> None:
    notice = planned(resource="person", kind="person")
    books = books_of(opened(), notice, e.RequestSent(at=T0, request=notice.request, sequence=1, attempt=1))
    assert books.totals("dorf", "EUR-cent").requests_planned == 1
    assert books.totals("dorf", "EUR-cent").requests_sent == 0


def test_settlements_tell_who_gave_and_who_keeps_their_word() -> None:
    whole = books_of(*WHOLE)
    assert whole.given_kwh("dorf", "C-001", after(2000), 30) == pytest.approx(1.23)
    assert whole.given_kwh("other", "C-001", after(2000), 30) == 0
    assert whole.compliance("dorf", "ev-001") > whole.compliance("other", "ev-001") > 0.9


def test_who_gives_keeps_their_word_also_where_a_kwh_earns_nothing() -> None:
    shown = msgspec.structs.replace(settled(), points=0, minor_units=0, outcome="nothing_shown")
    unpaid = books_of(*ACTIVE, moved(R1, "ended", after(910)), shown)
    paid = books_of(*ACTIVE, moved(R1, "ended", after(910)), settled())
    assert unpaid.compliance("dorf", "ev-001") == paid.compliance("dorf", "ev-001")
    idle = books_of(*ACTIVE, moved(R1, "ended", after(910)), msgspec.structs.replace(shown, reduced_kwh=0.0))
    assert idle.compliance("dorf", "ev-001") < paid.compliance("dorf", "ev-001")


def test_what_an_operator_ended_says_nothing_of_the_device() -> None:
    ended = books_of(*ACTIVE, moved(R1, "overridden", after(60)), settled())
    assert ended.compliance("dorf", "ev-001") == books_of().compliance("dorf", "ev-001")


def test_an_older_journal_that_knows_less_of_a_shortfall_still_replays() -> None:
    said = b'{"entry":"event_short","at":"2026-01-12T18:00:00Z","event":"E","feeder":"dorf",' + (
        b'"element":"trafo:0","value":108.2,"limit":100.0}'
    )
    read = msgspec.json.decode(said, type=e.Entry)
    assert isinstance(read, e.EventShort)
    assert read.missing_kw is None


def test_a_request_settled_after_its_event_is_forgotten_by_all_others_lives_to_its_end() -> None:
    story = many_events(KEEP_CLOSED_EVENTS + 5)
    last = story[-1].at
    one = "E-dorf-0000-R001"
    late = [entry for entry in story if getattr(entry, "request", "") == one][-2:]
    books = books_of(*(entry for entry in story if entry not in late))
    assert not books.requests[one].is_over
    books.apply_all(msgspec.structs.replace(entry, at=last) for entry in late)
    assert one not in books.requests
    assert books.unsettled("dorf") == ()


def test_when_a_meter_was_asked_is_known_after_its_requests_are_forgotten() -> None:
    books = books_of(*many_events(KEEP_CLOSED_EVENTS + 5))
    assert "E-dorf-0000-R001" not in books.requests
    spans = books.asked_spans("dorf", "load:1")
    assert len(spans) == KEEP_CLOSED_EVENTS + 5
    assert spans[0] == (T0, T0 + timedelta(seconds=900))
    assert books.asked_spans("dorf", "load:2") == ()  # it refused
