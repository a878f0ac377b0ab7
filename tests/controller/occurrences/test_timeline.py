"""The timeline of an event that a real daemon lived through."""

from datetime import timedelta
from functools import cache

import msgspec

from controller import entries as e
from controller import settings
from controller.occurrences.bodies import EventBody, Step
from controller.occurrences.index import EventIndex
from controller.occurrences.phases import PHASES
from controller.occurrences.timeline import body_of
from controller.stores.port import Numbered
from tests.builders import HOUSES, START, site
from tests.controller.occurrences.lived import lived
from tests.controller.occurrences.test_index import appeared, index_of, opened
from tests.controller.worlds import PERIOD_S


@cache
def told() -> EventBody:
    journal, index = lived().journal, EventIndex()
    for numbered in journal:
        index.take(numbered)
    (event,) = index._events.values()
    facts = [journal[number - 1] for number in event.numbers]
    samples = lived().world.store.samples
    return body_of(
        event,
        facts,
        lived().site,
        lambda f, a, b: [s.at for s in samples(f, a, b + timedelta(microseconds=1))],
    )


def steps(key: str) -> list[Step]:
    return [step for step in told().steps if step.key == key]


def test_it_goes_from_detection_to_settlement() -> None:
    body = told()
    first, last = body.steps[0], body.steps[-1]
    assert (first.key, first.phase, last.phase) == ("violation_appeared", "detection", "settlement")
    phases = {step.phase for step in body.steps}
    assert phases == set(PHASES) - {"afterwards"}
    seqs = [step.seq for step in body.steps if step.seq is not None]
    assert seqs == sorted(seqs)
    assert body.summary.closed_at is not None
    assert body.summary.settled == body.summary.devices + body.summary.people == len(body.requests)


def test_each_entry_of_the_event_is_a_step_with_its_sentence_and_numbers() -> None:
    started = 1  # the controller, before the event
    assert {s.seq for s in told().steps} - {None} == {n.seq for n in lived().journal} - {started}
    assert all(step.text and step.values for step in told().steps)
    (opening,) = steps("event_opened")
    assert (opening.values["element"], opening.severity) == ("trafo:0", "alarm")
    assert "asked" not in steps("request_planned")[0].values


def test_how_long_it_persisted_is_told_before_it_opens() -> None:
    (persisted,) = steps("persisted")
    place = told().steps.index(persisted)
    assert told().steps[place + 1].key == "event_opened"
    assert persisted.values["checks"] == persisted.values["needed"] == 3
    assert persisted.values["lasted_s"] == 2 * PERIOD_S
    assert "for 20 s, in 3 checks" in persisted.text


def test_what_opened_at_once_says_so() -> None:
    facts = [Numbered(1, replace_kind(appeared())), Numbered(2, opened("E-F1-x", value=130.0, kind="o"))]
    index = index_of(*(fact.entry for fact in facts))
    body = body_of(index._events["E-F1-x"], facts, site(), lambda *_: [START])
    (step,) = [s for s in body.steps if s.key.startswith("persisted")]
    assert (step.key, step.values["at_once"], step.values["checks"]) == ("persisted.at_once", True, 1)


def replace_kind(entry: e.ViolationAppeared) -> e.ViolationAppeared:
    return msgspec.structs.replace(entry, kind="o")


def test_a_round_tells_who_was_asked_why_and_who_was_left_alone() -> None:
    (one,) = told().rounds
    devices = [row for row in told().requests if row.resource == "device"]
    people = [row for row in told().requests if row.resource == "person"]
    assert [asked.request for asked in one.asked] == [row.request for row in told().requests]
    assert (len(people), one.expected, one.element) == (2, False, "trafo:0")
    assert all(asked.cut_kw == round(asked.p_before_kw - asked.limit_kw, 3) for asked in one.asked)
    assert all(asked.effect_per_kw and asked.share_percent for asked in one.asked)
    assert one.left is not None
    left = {reason.reason: reason.count for reason in one.left}
    assert left["protected"] == 1
    assert len(devices) + sum(left.values()) == HOUSES - 4


def test_a_round_of_a_journal_without_rounds_is_its_requests() -> None:
    journal, index = lived().journal, EventIndex()
    facts = [n for n in journal if not isinstance(n.entry, e.RoundPlanned)]
    for numbered in facts:
        index.take(numbered)
    (event,) = index._events.values()
    body = body_of(event, facts[1:], lived().site)
    (one,) = body.rounds
    assert (one.seq, one.left, one.cut_kw) == (None, None, told().rounds[0].cut_kw)
    assert [asked.request for asked in one.asked] == [row.request for row in told().requests]


def test_requests_with_their_lives() -> None:
    devices = [row for row in told().requests if row.resource == "device"]
    for row in devices:
        assert [state for state, _ in row.states] == [
            "planned", "sent", "accepted", "active", "ended", "settled",
        ]  # fmt: skip
        assert row.settled is not None
        assert (row.limits[0], row.state) == ((row.states[0][1], row.limits[0][1]), "settled")
    credited = [row.settled.points for row in told().requests if row.settled is not None]
    assert sum(credited) == told().summary.points > 0


def test_phases_begin_in_order_and_end() -> None:
    spans = {span.phase: span for span in told().phases}
    assert list(spans) == ["detection", "asking", "holding", "releasing", "settlement"]
    starts = [span.start for span in told().phases]
    assert starts == sorted(starts)
    assert all(span.until is not None for span in told().phases)
    assert spans["detection"].until == told().summary.opened_at
    assert spans["releasing"].until == told().summary.closed_at


def test_a_release_says_whether_the_load_flow_allowed_it() -> None:
    assert [step.values["load_flow_checked"] for step in steps("request_changed.released")] != []
    assert all(step.values["load_flow_checked"] for step in steps("request_changed.released"))
    hurried = msgspec.structs.replace(lived().site, events=settings.Events(max_duration_s=50.0))
    journal, index = lived().journal, EventIndex()
    for numbered in journal:
        index.take(numbered)
    (event,) = index._events.values()
    late = body_of(event, journal[1:], hurried)
    released = [step for step in late.steps if step.key == "request_changed.released"]
    assert not any(step.values["load_flow_checked"] for step in released)


def test_many_steps_are_bounded_and_the_events_own_stay() -> None:
    journal, index = lived().journal, EventIndex()
    for numbered in journal:
        index.take(numbered)
    (event,) = index._events.values()
    few = body_of(event, journal[1:], lived().site, most=20)
    own = [step.key for step in told().steps if step.request is None]
    assert len(few.steps) == 20 < few.steps_total == len(told().steps)
    assert [step.key for step in few.steps if step.request is None] == own
    of_requests = [step.seq for step in told().steps if step.request is not None]
    assert [step.seq for step in few.steps if step.request is not None] == of_requests[: 20 - len(own)]


def test_where_no_checks_are_kept_any_more_nothing_is_said_of_their_number() -> None:
    facts = [Numbered(1, replace_kind(appeared())), Numbered(2, opened("E-F1-x", value=130.0, kind="o"))]
    index = index_of(*(fact.entry for fact in facts))
    body = body_of(index._events["E-F1-x"], facts, site(), lambda *_: [])
    (step,) = [s for s in body.steps if s.key.startswith("persisted")]
    assert (step.key, step.values["at_once"], step.values["checks"]) == ("persisted", None, None)
    assert "at once" not in step.text
