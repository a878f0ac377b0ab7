"""What goes out, again, and not any more."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from controller import settings
from controller.dispatch import Dispatch, NotTaken, Rejected, Sending, Sent, unconfirmed
from controller.entries import RequestAnswered, RequestMoved, RequestPlanned, RequestSent
from controller.memory import fresh_memory
from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, CustomerNotice, LimitCommand
from devices.signing import device_key, verify
from tests.builders import FEEDER, SECRET, START, FakeClock, control
from tests.controller.record_builders import after, ended
from tests.controller.worlds import World, evening


class Channel:
    """Fails in the way it is told to."""

    def __init__(self, error: Exception | None = None, hangs: bool = False) -> None:
        self.error, self.hangs, self.took, self.at_once, self.most = error, hangs, [], 0, 0

    async def send(self, command: LimitCommand) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        self.took.append(command)

    async def notify(self, notice: CustomerNotice) -> None:
        self.took.append(notice)


def _sending(number: int = 1) -> Sending:
    end = START + timedelta(minutes=15)
    command = LimitCommand(FEEDER, f"EV{number}", f"R{number}", 4.2, START, end, 1, 1)
    return Sending(f"R{number}", 1, 1, False, command)


async def _outcomes(channel: Channel, *sendings: Sending) -> tuple[object, ...]:
    dispatch = Dispatch(channel, channel, FakeClock(), SECRET, 5.0)
    dispatch.start(sendings)
    for _ in range(2):  # this clock cuts every waiting short
        await dispatch.wait(5.0)
    return dispatch.outcomes()


async def test_a_command_is_signed_last_for_its_device() -> None:
    channel = Channel()
    assert [type(o) for o in await _outcomes(channel, _sending())] == [Sent]
    (command,) = channel.took
    assert verify(command, device_key(SECRET, "EV1"))
    assert not verify(command, device_key(SECRET, "EV2"))


async def test_nothing_is_tried_again_before_the_books_know_what_came_of_it() -> None:
    channel, record = Channel(), ended(request="R1")
    dispatch = Dispatch(channel, channel, FakeClock(), SECRET, 5.0)
    assert dispatch.may_try(record, START, 30.0)
    dispatch.start([_sending()])
    assert not dispatch.may_try(record, START, 30.0)
    for _ in range(2):
        await dispatch.wait(5.0)
    assert not dispatch.may_try(record, START, 30.0)
    assert dispatch.may_try(ended(request="R2"), START, 30.0)
    assert [type(outcome) for outcome in dispatch.outcomes()] == [Sent]
    assert dispatch.may_try(record, START, 30.0)


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        (Channel(Unreachable("no link")), NotTaken),
        (Channel(RuntimeError("a driver's fault")), NotTaken),
        (Channel(CommandRejected("cannot be encoded")), Rejected),
        (Channel(hangs=True), NotTaken),
    ],
)
async def test_every_failure_has_an_outcome(channel: Channel, kind: type) -> None:
    (outcome,) = await _outcomes(channel, _sending())
    assert isinstance(outcome, kind)


def test_a_release_is_told_until_its_device_confirms_it_or_is_free_by_itself() -> None:
    memory, record = fresh_memory(control()), ended()
    assert not unconfirmed(record, memory, after(60)), "nobody is releasing it"
    released = replace(record, releasing=True, sequence=2)
    assert unconfirmed(released, memory, after(899))
    assert not unconfirmed(released, memory, after(900))
    confirmed = replace(memory, acknowledged={record.request: 2})
    assert not unconfirmed(released, confirmed, after(60))


async def test_no_more_than_so_many_at_a_time() -> None:
    channel = Channel()
    outcomes = await _outcomes(channel, *(_sending(n) for n in range(100)))
    assert len(outcomes) == 100
    assert channel.most == 32


class Silent(Channel):
    """Answers to releases only."""

    async def send(self, command: LimitCommand) -> None:
        if command.end > START:
            await asyncio.Event().wait()
        self.took.append(command)


async def test_a_release_goes_out_though_hundreds_are_silent_to_their_limits() -> None:
    channel = Silent()
    dispatch = Dispatch(channel, channel, FakeClock(), SECRET, 20.0)
    dispatch.start(_sending(n) for n in range(200))
    let_go = replace(_sending(999), releasing=True)
    dispatch.start([replace(let_go, message=replace(let_go.message, end=START))])
    for _ in range(5):
        await asyncio.sleep(0)
    assert [command.request for command in channel.took] == ["R999"]
    await dispatch.stop()


class SlowMail(Channel):
    """Hangs on words to people."""

    async def notify(self, notice: CustomerNotice) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("releasing", [False, True])
async def test_a_slow_mail_server_holds_up_no_device(releasing: bool) -> None:
    channel = SlowMail()
    dispatch = Dispatch(channel, channel, FakeClock(), SECRET, 20.0)
    notice = CustomerNotice(FEEDER, "C-001", "N", 4.2, START, START + timedelta(hours=1), 1, "")
    dispatch.start(Sending(f"N{n}", 1, 1, releasing, notice) for n in range(64))
    dispatch.start([replace(_sending(), releasing=releasing)])
    for _ in range(5):
        await asyncio.sleep(0)
    assert [command.request for command in channel.took] == ["R1"]
    await dispatch.stop()


async def test_what_hangs_does_not_hold_up_the_round_and_can_be_stopped() -> None:
    channel = Channel(hangs=True)
    clock = FakeClock()
    dispatch = Dispatch(channel, channel, clock, SECRET, 5.0)
    dispatch.start([_sending()])
    await asyncio.sleep(0)
    await asyncio.wait_for(dispatch.stop(), 60)
    assert dispatch.outcomes() == ()


@pytest.mark.timeout(60)
async def test_what_was_cancelled_before_it_began_is_not_waited_for() -> None:
    channel = Channel()
    dispatch = Dispatch(channel, channel, FakeClock(), SECRET, 5.0)
    dispatch.start([_sending()])
    (task,) = dispatch._under_way.values()
    task.cancel()
    for _ in range(2):
        await asyncio.sleep(0)
    await dispatch.wait(5.0)
    assert channel.took == []
    assert dispatch._under_way == {}


# In the running loop


@pytest.fixture
def world() -> World:
    return World(evening())


async def test_no_answer_brings_the_same_command_again_then_it_is_given_up(world: World) -> None:
    world.charge()
    await world.tick(1)
    lost = Answers(world)
    await world.tick(20)
    (first, *_) = world.entries(RequestPlanned)
    sent = [c for c in world.field.commands if c.request == first.request]
    assert [c.sequence for c in sent] == [1, 1, 1]
    assert len({(c.limit_kw, c.end, c.epoch) for c in sent}) == 1
    at = [e.at for e in world.entries(RequestSent) if e.request == first.request]
    assert all((later - earlier).total_seconds() >= 30 for earlier, later in itertools.pairwise(at))
    assert lost.dropped


class Answers:
    """From now on the field loses every answer, and every status that shows a limit."""

    def __init__(self, world: World) -> None:
        self.dropped = 0
        for house in world.field.houses:
            house.silent = False
        deliver = world.daemon.intake.deliver

        def lossy(message: object) -> None:
            if isinstance(message, Answer) or getattr(message, "request", None) is not None:
                self.dropped += 1
                return
            deliver(message)  # type: ignore[arg-type]

        world.daemon.intake.deliver = lossy  # type: ignore[method-assign]


async def test_a_status_that_shows_the_limit_stands_for_a_lost_answer(world: World) -> None:
    world.charge()
    deliver = world.daemon.intake.deliver
    world.daemon.intake.deliver = lambda m: None if isinstance(m, Answer) else deliver(m)  # type: ignore[method-assign]
    await world.tick(8)
    assert world.entries(RequestAnswered) == []
    states = {e.state for e in world.entries(RequestMoved)}
    assert {"accepted", "active"} <= states
    assert "unanswered" not in states


async def test_doubled_late_and_foreign_answers_change_nothing(world: World) -> None:
    world.charge()
    await world.tick(6)
    (first, *_) = world.entries(RequestPlanned)
    before = len(world.entries(RequestMoved, RequestAnswered))
    state = world.daemon.books.requests[first.request].state
    for _ in range(20):
        for answer in (
            Answer(FEEDER, first.target, first.request, "accepted"),
            Answer(FEEDER, "EV00", first.request, "ended"),
            Answer(FEEDER, first.target, "E-nothing-R001", "accepted"),
        ):
            world.daemon.intake.deliver(answer)
    await world.tick(1)
    assert len(world.entries(RequestMoved, RequestAnswered)) == before
    assert world.daemon.books.requests[first.request].state == state


async def test_a_release_is_repeated_until_the_device_confirms_it(world: World) -> None:
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    house = world.field.houses[int(device[2:])]
    house.silent = True
    await world.daemon.operate(FEEDER, "release", device, "Ann", "a complaint")
    await world.tick(8)
    assert device in world.field.held()
    house.silent = False
    await world.tick(4)
    assert device not in world.field.held()
    releases = [c for c in world.field.commands if c.device == device and c.sequence == 2]
    assert len(releases) >= 3
    count = len(releases)
    await world.tick(12)
    assert len([c for c in world.field.commands if c.device == device and c.sequence == 2]) == count


async def test_a_device_that_lost_its_limit_is_told_again(world: World) -> None:
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    holder = world.field.holders[device]
    holder._held, holder._known = {}, {}  # it was switched off and on, and kept nothing
    assert device not in world.field.held()
    await world.tick(6)
    assert device in world.field.held()


async def test_the_programmes_own_deadline_ends_what_cannot_be_sent() -> None:
    world = World(evening(requests=settings.Requests(answer_within_s=20.0, attempts=2)))
    world.charge()
    await world.tick(1)
    world.field.unreachable = True
    await world.tick(10)
    failed = [e for e in world.entries(RequestMoved) if e.state == "failed"]
    assert failed
    assert world.field.held() == {}


async def test_notices_carry_a_text_in_the_customers_words() -> None:
    world = World(evening(), notices=frozenset({18}))
    world.charge()
    await world.tick(4)
    (notice,) = world.field.notices
    assert f"{notice.limit_kw:.1f}" in notice.text


async def test_tries_of_requests_that_were_given_up_are_forgotten() -> None:
    channel, clock = Channel(Unreachable("no link")), FakeClock()
    dispatch = Dispatch(channel, channel, clock, SECRET, 5.0)
    for number in range(50):
        dispatch.start([_sending(number)])
        await dispatch.wait(5.0)
        clock.passed_s += 600.0
    assert len(dispatch._tries) <= 6
