"""Which further words are due, from the books alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.entries import MessagePlanned, NoticeAnswered
from controller.people.messages_due import MOST_PER_ROUND, TOLD_WITHIN, messages_due, meter_kw
from controller.requests import RequestRecord
from customers.programmes import Programme
from customers.registry import Registry
from tests.builders import FEEDER, START, control
from tests.controller.passes import Passes
from tests.controller.people.notice_builders import RELIEF, REQUEST, after, books_of, feeder, notice, settled
from tests.controller.record_builders import moved, planned


@pytest.mark.parametrize(
    ("p_kw", "at_s", "due"),
    [
        (3.2, 300, True),
        (3.1, 300, False),
        (None, 300, False),
        (3.2, 299, False),
        (3.2, 780, True),
        (3.2, 781, False),
    ],
)
def test_a_follow_up_when_the_meter_shows_more_than_asked(p_kw: float | None, at_s: float, due: bool) -> None:
    found = messages_due(feeder(), books_of(notice()), lambda _: p_kw, after(at_s))
    assert [(m.kind, m.message, m.p_kw) for m in found] == (
        [("follow_up", f"{REQUEST}/follow_up/1", p_kw)] if due else []
    )


def test_a_follow_up_comes_once() -> None:
    books = books_of(notice())
    (first,) = messages_due(feeder(), books, lambda _: 5.0, after(300))
    books.apply(first)
    assert messages_due(feeder(), books, lambda _: 5.0, after(600)) == ()


@pytest.mark.parametrize(
    ("programme", "answer", "due"),
    [
        (RELIEF, "opted_in", True),
        (replace(RELIEF, answer="opt_in"), None, False),
        (replace(RELIEF, answer="opt_in"), "opted_in", True),
        (replace(RELIEF, follow_up_s=None), None, False),
    ],
)
def test_only_who_takes_part_is_reminded(programme: Programme, answer: str | None, due: bool) -> None:
    books = books_of(notice())
    if answer is not None:
        books.apply(NoticeAnswered(at=START, request=REQUEST, answer=answer, via="api"))  # type: ignore[arg-type]
    assert bool(messages_due(feeder(programme), books, lambda _: 5.0, after(300))) is due


def test_devices_are_not_reminded() -> None:
    device = notice(resource="device", kind="ev_charger", target="EV17")
    books = books_of(
        [device[0], device[1], moved(REQUEST, "accepted", START), moved(REQUEST, "active", START)]
    )
    assert messages_due(feeder(), books, lambda _: 5.0, after(300)) == ()


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        ("credited", ["thanks"]),
        ("nothing_shown", ["explanation"]),
        ("too_little_data", ["explanation"]),
        ("refused_or_silent", []),
    ],
)
def test_after_the_settlement_thanks_or_why_not_once(outcome: str, kinds: list[str]) -> None:
    books = books_of(notice(), settled(outcome))
    found = messages_due(feeder(), books, lambda _: None, after(970))
    assert [(m.kind, m.reduced_kwh, m.points) for m in found] == [(kind, 0.42, 42) for kind in kinds]
    books.apply_all(found)
    assert messages_due(feeder(), books, lambda _: None, after(980)) == ()
    assert len(books.messages_waiting()) == len(kinds)


@pytest.mark.parametrize(("outcome", "told"), [("credited", 1), ("nothing_shown", 0)])
def test_who_said_no_is_thanked_for_what_they_gave_and_needs_no_explanation(outcome: str, told: int) -> None:
    no = NoticeAnswered(at=after(300), request=REQUEST, answer="opted_out", via="link")
    books = books_of(notice(), [no], settled(outcome))
    assert len(messages_due(feeder(), books, lambda _: None, after(970))) == told


def test_thanks_wait_until_morning_where_the_night_is_quiet_and_then_end() -> None:
    of = feeder(tags=frozenset({"no_night_calls"}), zone="Asia/Shanghai")  # 01:16 there
    books = books_of(notice(), settled())
    assert messages_due(of, books, lambda _: None, after(970)) == ()
    assert len(messages_due(of, books, lambda _: None, after(6 * 3600))) == 1
    assert messages_due(feeder(), books, lambda _: None, after(961) + TOLD_WITHIN) == ()


@pytest.mark.parametrize("change", [{"takes_notices": False}, {"critical": True}])
def test_who_must_not_be_told_is_not(change: dict[str, bool]) -> None:
    of = feeder()
    customers = tuple(replace(c, **change) for c in of.registry.customers)  # type: ignore[arg-type]
    silent = control(of.site, Registry(customers, of.registry.devices, of.registry.agreements))
    assert messages_due(silent, books_of(notice(), settled()), lambda _: None, after(970)) == ()


def test_a_round_plans_a_bounded_number() -> None:
    many = [notice(number, target=f"P{number}", service_point="sp00") for number in range(60)]
    found = messages_due(feeder(), books_of(*many), lambda _: 5.0, after(300))
    assert len(found) == MOST_PER_ROUND
    assert all(isinstance(one, MessagePlanned) for one in found)


def test_what_a_meter_shows_counts_while_it_is_fresh() -> None:
    passes = Passes(feeder())
    passes.step()
    books = books_of(notice())
    record: RequestRecord = books.requests[REQUEST]
    state, at = passes.memory.state, START
    assert meter_kw(passes.of, state, record, at) == pytest.approx(4.0)
    assert meter_kw(passes.of, state, record, at + timedelta(seconds=16)) is None
    gone = replace(record, planned=planned(service_point="elsewhere"))
    assert meter_kw(passes.of, state, gone, at) is None


def test_what_is_forgotten_waits_for_no_word() -> None:
    books = books_of(notice(), settled())
    assert len(books.untold(FEEDER)) == 1
    books._forget(books.requests[REQUEST])
    assert books.untold(FEEDER) == ()
