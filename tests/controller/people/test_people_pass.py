"""The whole way of a notice, with a daemon in fake time: asked, answered, reminded, settled, thanked."""

from datetime import date, time, timedelta

import pytest

from controller.entries import (
    EventClosed,
    MessageDone,
    MessagePlanned,
    NoticeAnswered,
    RequestMoved,
    RequestPlanned,
    RequestSettled,
)
from controller.people.people_desk import NoNotice, Noted, TooLate
from customers.programmes import Agreements, Enrolment, Hours, Programme, Window
from tests.builders import START
from tests.controller.people.people_worlds import PeopleWorld, site, token_in

DAY = START.date()
EVENING = Hours(weekday=(Window(time(16), time(22)),), weekend=())


def programme(**changes: object) -> Programme:
    values: dict[str, object] = {
        "programme": "relief",
        "names": {"en": "Evening relief"},
        "hours": EVENING,
        "points_per_kwh": 120,
        "minor_units_per_kwh": 30,
        "follow_up_s": 120.0,
    }
    return Programme(**(values | changes))  # type: ignore[arg-type]


def agreements(*houses: int, of: Programme | None = None, since: date = DAY) -> Agreements:
    one = of or programme()
    return Agreements(
        {one.programme: one}, tuple(Enrolment(f"C{n:02d}", one.programme, since) for n in houses)
    )


def world_of(*houses: int, **changes: object) -> PeopleWorld:
    world = PeopleWorld(
        site(), notices=frozenset(houses), agreements=agreements(*houses, of=programme(**changes))
    )
    world.charge()
    return world


def notices_to_people(world: PeopleWorld) -> dict[str, RequestPlanned]:
    return {p.customer: p for p in world.entries(RequestPlanned) if p.resource == "person"}


async def test_one_says_no_by_link_and_is_left_alone_one_takes_part_and_is_thanked() -> None:
    world = world_of(17, 18, 19)
    world.field.houses[17].person_cut_kw = 2.0
    await world.tick(6)
    asked = notices_to_people(world)
    assert set(asked) == {"C17", "C18", "C19"}
    assert {p.programme for p in asked.values()} == {"relief"}

    no = asked["C18"].request
    invitation = await world.desk.look(world.token(no))
    assert invitation is not None
    assert invitation.open
    assert "below" in invitation.text
    outcome = await world.desk.answer_by_token(world.token(no))
    assert isinstance(outcome, Noted)
    assert world.daemon.books.requests[no].state == "ended"
    again = await world.desk.answer_by_token(world.token(no))
    assert isinstance(again, Noted)
    assert again.again

    await world.tick(60)
    world.charge(1.0)
    await world.tick(120)
    assert [p.customer for p in world.entries(RequestPlanned) if p.customer == "C18"] == ["C18"]
    assert [(a.request, a.answer, a.via) for a in world.entries(NoticeAnswered)] == [
        (no, "opted_out", "link")
    ]

    settled = {s.request: s for s in world.entries(RequestSettled)}
    credit = settled[asked["C17"].request]
    assert credit.points > 0
    (thanks,) = world.words("thanks")
    assert f"{credit.reduced_kwh:.2f} kWh less" in thanks
    assert f"{credit.points} points" in thanks
    kinds = {m.customer: m.kind for m in world.entries(MessagePlanned) if m.kind != "follow_up"}
    assert kinds == {"C17": "thanks", "C19": "explanation"}
    assert {d.outcome for d in world.entries(MessageDone)} == {"sent"}


async def test_who_does_not_follow_is_reminded_once_and_nobody_else() -> None:
    world = world_of(17, 18)
    world.field.houses[17].person_cut_kw = 2.0
    await world.tick(60)
    follow_ups = [m for m in world.entries(MessagePlanned) if m.kind == "follow_up"]
    assert [m.customer for m in follow_ups] == ["C18"]
    assert follow_ups[0].at - notices_to_people(world)["C18"].start >= timedelta(seconds=120)
    (text,) = world.words("follow_up")
    assert "4.0 kW now" in text


async def test_before_the_start_a_no_refuses_and_the_notice_keeps_to_its_notice_time() -> None:
    world = world_of(17, notice_s=600.0)
    await world.tick(4)
    asked = notices_to_people(world)["C17"]
    assert asked.start - asked.at == timedelta(seconds=600)
    assert world.daemon.books.requests[asked.request].state == "sent"
    outcome = await world.desk.answer_by_token(world.token(asked.request))
    assert isinstance(outcome, Noted)
    assert [m.state for m in world.entries(RequestMoved) if m.request == asked.request] == ["sent", "refused"]
    await world.tick(30)
    (settled,) = [s for s in world.entries(RequestSettled) if s.request == asked.request]
    assert settled.outcome == "refused_or_silent"
    assert world.words("explanation") == []


@pytest.mark.parametrize(
    ("changes", "asked_in_second"),
    [
        ({}, True),
        ({"calls_per_day": 1}, False),
        ({"calls_per_season": 1}, False),
        ({"rest_s": 6 * 3600.0}, False),
        ({"calls_per_day": 2}, True),
    ],
)
async def test_one_at_their_call_limit_is_not_asked(
    changes: dict[str, object], asked_in_second: bool
) -> None:
    world = world_of(17, **changes)
    await world.tick(40)
    world.charge(0.0)
    await world.tick(200)
    first = [p for p in world.entries(RequestPlanned) if p.resource == "person"]
    assert len(first) == 1
    world.daemon = world.start()  # what was called is in the journal, not in memory
    await world.tick(40)
    world.charge()
    await world.tick(40)
    events = {p.event for p in world.entries(RequestPlanned)}
    assert len(events) == 2
    asked = [p for p in world.entries(RequestPlanned) if p.resource == "person"]
    assert (len(asked) == 2) is asked_in_second


async def test_a_yes_is_noted_and_a_late_answer_changes_nothing() -> None:
    world = world_of(17, answer="opt_in", notice_s=600.0)
    await world.tick(6)
    asked = notices_to_people(world)["C17"]
    yes, no = world.token(asked.request, "opted_in"), world.token(asked.request)
    invitation = await world.desk.look(yes)
    assert invitation is not None
    assert invitation.needs_yes
    assert isinstance(await world.desk.answer_by_token(yes), Noted)
    assert world.daemon.books.requests[asked.request].consent == "opted_in"
    await world.tick(220)
    assert isinstance(await world.desk.answer_by_token(no), TooLate)
    assert world.daemon.books.requests[asked.request].consent == "opted_in"
    late = await world.desk.look(no)
    assert late is not None
    assert not late.open


async def test_a_yes_is_too_late_once_the_request_has_begun_and_a_no_is_not() -> None:
    world = world_of(17, answer="opt_in")
    await world.tick(6)
    request = notices_to_people(world)["C17"].request
    await world.tick(20)
    assert world.daemon.books.requests[request].state == "active"
    yes, no = world.token(request, "opted_in"), world.token(request)
    invitation = await world.desk.look(yes)
    assert invitation is not None
    assert not invitation.open
    outcome = await world.desk.answer_by_token(yes)
    assert isinstance(outcome, TooLate)
    assert outcome.record is not None
    assert outcome.record.is_open
    assert world.entries(NoticeAnswered) == []
    assert isinstance(await world.desk.answer_by_token(no), Noted)


async def test_a_link_is_void_after_the_end_it_was_made_for() -> None:
    world = world_of(17)
    await world.tick(6)
    request = notices_to_people(world)["C17"].request
    assert world.links is not None
    old = token_in(world.links.link(request, "opted_out", world.clock.now()))
    assert isinstance(await world.desk.answer_by_token(old), TooLate)
    assert world.entries(NoticeAnswered) == []
    assert isinstance(await world.desk.answer_by_token(world.token(request)), Noted)


async def test_only_notices_to_people_can_be_answered() -> None:
    world = world_of(17)
    await world.tick(6)
    device = next(p for p in world.entries(RequestPlanned) if p.resource == "device")
    assert isinstance(await world.desk.answer(device.request, "opted_out", "api"), NoNotice)
    assert isinstance(await world.desk.answer("E-1-R001", "opted_out", "api"), NoNotice)
    assert isinstance(await world.desk.answer_by_token("AAAA"), NoNotice)
    assert await world.desk.look("AAAA") is None
    assert world.entries(NoticeAnswered) == []


async def test_an_answer_survives_the_process() -> None:
    world = world_of(17, 18)
    await world.tick(6)
    no = notices_to_people(world)["C17"].request
    await world.desk.answer_by_token(world.token(no))
    world.daemon = world.start()
    await world.tick(20)
    assert world.daemon.books.requests[no].consent == "opted_out"
    assert [p.request for p in world.entries(RequestPlanned) if p.customer == "C17"] == [no]


async def test_what_has_not_begun_when_the_event_could_be_over_is_taken_back() -> None:
    world = world_of(17, notice_s=3600.0)
    await world.tick(6)
    asked = notices_to_people(world)["C17"]
    world.charge(0.0)
    await world.tick(6 * 30)
    (closed,) = world.entries(EventClosed)
    assert closed.at < asked.start
    assert world.daemon.books.requests[asked.request].state == "overridden"
    assert len([n for n in world.field.notices if "has room again" in n.text]) == 1
    assert [m.kind for m in world.entries(MessagePlanned)] == []


async def test_what_has_begun_is_not_taken_back() -> None:
    world = world_of(17)
    await world.tick(6)
    world.charge(0.0)
    await world.tick(6 * 30)
    assert len(world.entries(EventClosed)) == 1
    asked = notices_to_people(world)["C17"]
    states = [m.state for m in world.entries(RequestMoved) if m.request == asked.request]
    assert states == ["sent", "active", "ended", "settled"]
