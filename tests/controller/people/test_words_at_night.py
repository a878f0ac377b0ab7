"""Who gets no word at night gets none, whatever it is; who got a notice too late is told that it is void."""

from datetime import timedelta

import pytest

from controller import settings
from controller.dispatch import NotTaken, Rejected, Sending, Sent, entries_of, releases_of
from controller.entries import MessageDone, MessagePlanned, RequestChanged, RequestMoved
from devices.errors import CommandRejected, Unreachable
from devices.messages import CustomerNotice
from tests.builders import FEEDER, START, control
from tests.controller.people.people_worlds import PeopleWorld, site
from tests.controller.people.test_people_pass import agreements, notices_to_people, programme
from tests.controller.record_builders import after, books_of, moved, opened, planned

NIGHT = frozenset({"no_night_calls"})
UNTIL_QUIET_S = 30 * 60
"""from the world's start, 21:30 there, until words stop at 22:00"""


def world_of(tagged: bool, **changes: object) -> PeopleWorld:
    world = PeopleWorld(
        site(zone="Asia/Kabul"),
        notices=frozenset({17}),
        agreements=agreements(17, of=programme(hours=ALL_DAY, **changes)),
        tags={17: NIGHT} if tagged else {},
    )
    world.charge()
    return world


ALL_DAY = programme().hours.__class__()


@pytest.mark.parametrize("tagged", [True, False])
async def test_a_notice_that_could_not_go_out_in_time_is_not_sent_at_night(tagged: bool) -> None:
    world = world_of(tagged)
    world.clock.passed_s = UNTIL_QUIET_S - 50.0
    real = world.field.notify

    async def away(notice: CustomerNotice) -> None:
        raise Unreachable("away")

    world.field.notify = away  # type: ignore[method-assign]
    await world.tick(6)
    world.field.notify = real  # type: ignore[method-assign]
    assert START + timedelta(seconds=UNTIL_QUIET_S) <= world.clock.now()
    assert notices_to_people(world)
    await world.tick(12)
    assert bool(world.field.notices) is not tagged


@pytest.mark.parametrize("tagged", [True, False])
async def test_a_word_that_takes_back_waits_for_the_end_of_the_night(tagged: bool) -> None:
    world = world_of(tagged, notice_s=3600.0)
    await world.tick(6 * 29)
    world.charge(0.0)
    await world.tick(6 * 51)
    asked = notices_to_people(world)["C17"]
    assert world.daemon.books.requests[asked.request].state == "overridden"
    assert world.clock.now() > asked.end
    assert [n.kind for n in world.field.notices] == (["notice"] if tagged else ["notice", "taken_back"])


@pytest.mark.parametrize("tagged", [True, False])
async def test_thanks_that_could_not_go_out_before_night_wait_until_morning(tagged: bool) -> None:
    world = world_of(tagged)
    world.field.houses[17].person_cut_kw = 2.0
    await world.tick(6 * 10)
    real = world.field.notify

    async def away(notice: CustomerNotice) -> None:
        raise Unreachable("away")

    world.field.notify = away  # type: ignore[method-assign]
    while world.clock.now() < START + timedelta(seconds=UNTIL_QUIET_S):
        await world.tick(1)
    (thanks,) = [m for m in world.entries(MessagePlanned) if m.kind == "thanks"]
    world.field.notify = real  # type: ignore[method-assign]
    await world.tick(6 * 12)
    assert bool(world.words("thanks")) is not tagged
    world.clock.passed_s += 9.5 * 3600
    await world.tick(12)
    assert len(world.words("thanks")) == 1
    assert [d.outcome for d in world.entries(MessageDone) if d.message == thanks.message] == ["sent"]


def test_with_the_journal_down_a_word_that_takes_back_waits_as_well() -> None:
    plain = settings.LookAhead(act_early=False, time_zone="UTC")
    late = settings.LookAhead(act_early=False, time_zone="Asia/Shanghai")
    for zone, goes in ((plain, 1), (late, 0)):
        of = PeopleWorld(site(), tags={17: NIGHT})
        controls = {FEEDER: control(site(zone=zone.time_zone), of._registry())}
        notice = planned(resource="person", kind="person", target="C17", customer="C17", feeder=FEEDER)
        books = books_of(opened(feeder=FEEDER), notice)
        assert len(releases_of([_released(notice.request)], books, controls, 1)) == goes


def _released(request: str) -> RequestChanged:
    return RequestChanged(
        at=START, request=request, limit_kw=4.2, end=START, epoch=1, sequence=2, reason="released"
    )


def _sending(request: str) -> Sending:
    message = CustomerNotice(
        feeder="dorf",
        customer="C-001",
        request=request,
        limit_kw=2.0,
        start=after(0),
        end=after(900),
        sequence=1,
        text="",
    )
    return Sending(request, 1, 1, False, message)


@pytest.mark.parametrize("state", ["failed", "overridden"])
def test_a_notice_that_came_after_it_was_given_up_is_taken_back(state: str) -> None:
    notice = planned(resource="person", kind="person")
    books = books_of(opened(), notice, moved(notice.request, state, after(100)))
    entries, _ = entries_of([Sent(_sending(notice.request), after(105))], books, after(110))
    books.apply_all(entries)
    (change,) = [e for e in entries if isinstance(e, RequestChanged)]
    assert (change.reason, change.sequence) == ("released", 2)
    assert [r.request for r in books.unsent()] == [notice.request]


def test_a_notice_that_came_in_time_or_was_answered_no_is_not_taken_back() -> None:
    notice = planned(resource="person", kind="person")
    books = books_of(opened(), notice)
    entries, _ = entries_of([Sent(_sending(notice.request), after(5))], books, after(6))
    assert not [e for e in entries if isinstance(e, RequestChanged)]
    books.apply(moved(notice.request, "refused", after(100)))
    entries, _ = entries_of([Sent(_sending(notice.request), after(105))], books, after(110))
    assert not [e for e in entries if isinstance(e, RequestChanged)]


def test_the_journal_holds_a_word_of_ours_and_nothing_that_a_channel_says() -> None:
    notice = planned(resource="person", kind="person")
    books = books_of(opened(), notice)
    entries, _ = entries_of([Rejected(_sending(notice.request), "rejected")], books, after(6))
    assert [e.reason for e in entries if isinstance(e, RequestMoved)] == ["rejected"]
    entries, _ = entries_of([NotTaken(_sending(notice.request), "timeout")], books, after(6))
    assert entries == []


async def test_what_a_channel_says_does_not_get_into_the_journal() -> None:
    world = world_of(False)

    async def rejects(notice: CustomerNotice) -> None:
        raise CommandRejected("Jane Doe, +49 30 1234567, is not known")

    world.field.notify = rejects  # type: ignore[method-assign]
    await world.tick(8)
    request = notices_to_people(world)["C17"].request
    (moved_to,) = [m for m in world.entries(RequestMoved) if m.request == request]
    assert (moved_to.state, moved_to.reason) == ("failed", "rejected")
