"""The whole loop in fake time: overload, event, requests, answers, release, credit; and the same with a crash anywhere."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from controller import settings
from controller.daemon import Daemon
from controller.entries import (
    ControllerStarted,
    DataAlarm,
    Entry,
    EventClosed,
    EventOpened,
    EventShort,
    LedgerPosted,
    OperatorActed,
    ReadingsRefused,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
    RequestSettled,
)
from controller.errors import Replaced
from controller.stores.port import FeederSample, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from devices.messages import LimitCommand, Reading, Refused
from devices.ports import Deliver
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from grid_model.referee import Referee
from grid_model.results import LoadFlowResult, not_converged
from tests.builders import (
    FEEDER,
    HOUSES,
    SECRET,
    Crash,
    FakeClock,
    Field,
    control,
    inline,
    registry,
    site,
    small_network,
)

PERIOD_S = 10.0


class FailingStore(SqliteStore):
    """A real store that dies at its N-th commit, before or after it is durable; or is out of order for a while."""

    def __init__(self) -> None:
        super().__init__(IN_MEMORY, durable=False)
        self.commits = 0
        self.die_at: tuple[int, str] | None = None
        self.dead = False
        self.broken = False

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        if self.dead:
            raise Crash
        if self.broken:
            raise StoreUnavailable("disk full")
        self.commits += 1
        dies = self.die_at is not None and self.die_at[0] == self.commits
        if dies and self.die_at == (self.commits, "before"):
            self.dead = True
            raise Crash
        numbers = super().commit(entries, samples)
        if dies:
            self.dead = True
            raise Crash
        return numbers


@dataclass
class World:
    """A daemon and its field on one clock."""

    of: settings.Site
    notices: frozenset[int] = frozenset()
    critical: frozenset[int] = frozenset()
    clock: FakeClock = field(default_factory=FakeClock)
    store: FailingStore = field(default_factory=FailingStore)

    def __post_init__(self) -> None:
        self.field = Field(self.clock)
        self.field.on_send = self._count_send
        self.sends, self.die_at_send = 0, 0
        self.overloads: list[float] = []
        self.daemon = self.start()

    def start(self) -> Daemon:
        """A new process on the same record."""
        self.store.dead, self.store.die_at = False, None
        who = registry(critical=self.critical, notices=self.notices)
        return Daemon(
            self.of,
            [control(self.of, who)],
            store=self.store,
            sources=[],
            commands=self.field,
            notices=self.field,
            clock=self.clock,
            offload=inline,
            secret=SECRET,
        )

    async def tick(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.field.speak(self.daemon.intake.deliver)
            await self.daemon.cycle()
            view = self.daemon.feeder_view(FEEDER)
            assert view is not None
            self.overloads.append(max((t.loading_percent for t in view.transformers), default=0.0))
            await self.clock.sleep(PERIOD_S)

    def entries(self, *kinds: type) -> list[Entry]:
        return [n.entry for n in self.store.replay() if isinstance(n.entry, kinds)]

    def charge(self, kw: float = 11.0) -> None:
        for house in self.field.houses[: HOUSES - 4]:
            house.ev_kw = kw

    def _count_send(self, command: LimitCommand) -> None:
        self.sends += 1
        if self.sends == self.die_at_send:
            self.store.dead = True
        if self.store.dead:
            raise asyncio.CancelledError  # the process is gone: nobody learns how this sending ended


def evening(**tables: object) -> settings.Site:
    return site(cycle=settings.Cycle(period_s=PERIOD_S), **tables)


@pytest.fixture
def world() -> World:
    return World(evening(), notices=frozenset({17, 18}))


async def test_the_whole_loop_from_overload_to_credit(world: World) -> None:
    world.charge()
    world.field.houses[17].person_cut_kw = 2.0
    await world.tick(6)
    opened = world.entries(EventOpened)
    assert len(opened) == 1
    planned = world.entries(RequestPlanned)
    assert {p.resource for p in planned} == {"device", "person"}
    assert world.overloads[0] > 100
    assert world.overloads[-1] <= 100
    held = world.field.held()
    assert held
    assert all(limit >= 4.2 for limit in held.values())
    assert [n.customer for n in world.field.notices] == ["C18", "C17"]

    await world.tick(60)
    world.charge(1.0)
    await world.tick(120)

    assert world.field.held() == {}
    assert len(world.entries(EventClosed)) == 1
    settled = world.entries(RequestSettled)
    assert sorted(s.request for s in settled) == sorted(p.request for p in planned)
    credited = {s.request: s.points for s in settled if s.outcome == "credited"}
    posted = world.entries(LedgerPosted)
    assert sorted(p.request for p in posted) == sorted(credited)
    by_customer = {p.customer: credited.get(p.request, 0) for p in planned}
    assert by_customer["C17"] > 0
    assert by_customer["C18"] == 0
    assert sum(world.store.balances().values()) == 0
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.totals.credited_points == sum(credited.values())
    assert len(world.daemon.trend(FEEDER)) == len(world.overloads)


async def test_releases_are_staggered_and_never_overload(world: World) -> None:
    world.charge()
    await world.tick(100)
    world.charge(9.0)
    await world.tick(200)
    released = [e.at for e in world.entries(RequestChanged) if e.reason == "released"]
    assert len(released) >= 4
    assert all(
        later - earlier >= timedelta(seconds=60)
        for earlier, later in zip(released, released[1:], strict=False)
    )
    assert max(world.overloads[6:]) <= 100
    assert world.field.held() == {}


async def test_limits_are_renewed_while_the_overload_lasts(world: World) -> None:
    world.charge()
    await world.tick(6 * 60)
    assert max(world.overloads[6:]) <= 100
    assert [e for e in world.entries(RequestChanged) if e.reason == "renewed"]
    assert world.field.held()


async def test_an_event_ends_with_the_programmes_longest_duration() -> None:
    world = World(evening(events=settings.Events(max_duration_s=3600.0)))
    world.charge()
    await world.tick(6 * 62)
    assert world.field.held() == {}
    assert world.entries(EventShort)
    opened = world.entries(EventOpened)[0]
    ends = [e.end for e in world.entries(RequestPlanned, RequestChanged)]
    assert max(ends) <= opened.at + timedelta(seconds=3600)
    released = [e.at for e in world.entries(RequestChanged) if e.reason == "released"]
    assert released[0] < released[-1]
    assert world.entries(EventClosed) == []


async def test_a_device_that_refuses_is_left_alone_and_others_give_more(world: World) -> None:
    world.charge()
    for number in range(0, 16, 2):
        world.field.houses[number].refuses = True
    await world.tick(30)
    refused = [e.request for e in world.entries(RequestMoved) if e.state == "refused"]
    assert refused
    targets = {p.request: p.target for p in world.entries(RequestPlanned)}
    asked = [targets[request] for request in refused]
    assert len(asked) == len(set(asked))
    assert world.overloads[-1] <= 100


async def test_a_device_that_vanishes_is_asked_again_then_given_up(world: World) -> None:
    world.charge()
    for number in range(6, 10):
        world.field.houses[number].silent = True
    # what it said a moment ago still counts: the device is chosen, then says nothing
    for number in range(16):
        world.field.houses[number].silent = False
    await world.tick(2)
    for number in range(6, 10):
        world.field.houses[number].silent = True
    await world.tick(30)
    unanswered = {e.request for e in world.entries(RequestMoved) if e.state == "unanswered"}
    assert unanswered
    attempts = {}
    for sent in world.entries(RequestSent):
        attempts[sent.request] = max(sent.attempt, attempts.get(sent.request, 0))
    assert all(attempts[request] == world.of.requests.attempts for request in unanswered)
    assert world.overloads[-1] <= 100
    await world.tick(200)
    outcomes = {s.request: s.outcome for s in world.entries(RequestSettled)}
    assert all(outcomes[request] == "refused_or_silent" for request in unanswered)


async def test_a_device_that_accepts_and_does_not_obey_is_made_up_for(world: World) -> None:
    world.charge()
    for number in (7, 8, 9):
        world.field.houses[number].obeys = False
    await world.tick(40)
    assert world.overloads[-1] <= 100


async def test_what_cannot_be_cleared_is_told_once(world: World) -> None:
    world.charge()
    for house in world.field.houses:
        house.base_kw = 12.0
    await world.tick(30)
    assert len(world.entries(EventShort)) == 1
    assert all(limit >= 4.2 for limit in world.field.held().values())


async def test_critical_customers_are_never_asked() -> None:
    world = World(evening(), critical=frozenset(range(8, 16)), notices=frozenset(range(8, 20)))
    world.charge()
    await world.tick(30)
    asked = {p.customer for p in world.entries(RequestPlanned)}
    assert asked
    assert asked.isdisjoint({f"C{n:02d}" for n in range(8, 16)})


# --- operators -------------------------------------------------------------------------------------------------------


async def test_release_all_frees_everybody_at_once_and_stays(world: World) -> None:
    world.charge()
    await world.tick(6)
    assert world.field.held()
    told = len(world.field.commands)
    act = await world.daemon.operate(FEEDER, "release_all", None, "Ann", "fire drill")
    await asyncio.sleep(0.01)
    assert isinstance(act, OperatorActed)
    assert world.field.held() == {}
    assert len(world.field.commands) > told
    await world.tick(30)
    assert world.overloads[-1] > 100
    assert world.field.held() == {}
    assert world.store.balances() is not None
    states = world.daemon.books.count_by_state(FEEDER)
    assert "active" not in states


async def test_a_released_target_is_not_limited_again_in_this_event(world: World) -> None:
    world.charge()
    await world.tick(6)
    device = next(iter(world.field.held()))
    await world.daemon.operate(FEEDER, "release", device, "Ann", "a complaint")
    await world.tick(60)
    assert device not in world.field.held()
    assert world.overloads[-1] <= 100


async def test_an_excluded_target_stays_out_until_handed_back(world: World) -> None:
    await world.daemon.operate(FEEDER, "exclude", "EV09", "Ann", "repair")
    world.charge()
    await world.tick(60)
    assert world.field.held()
    assert "EV09" not in {p.target for p in world.entries(RequestPlanned)}


async def test_automatic_off_asks_nobody_and_lets_limits_end(world: World) -> None:
    world.charge()
    await world.tick(6)
    await world.daemon.operate(FEEDER, "automatic_off", None, "Ann", "switching")
    count = len(world.entries(RequestPlanned))
    await world.tick(6 * 30)
    assert len(world.entries(RequestPlanned)) == count
    assert world.field.held() == {}
    assert not [e for e in world.entries(RequestChanged) if e.reason in ("renewed", "tightened")]
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "done")
    await world.tick(6)
    assert len(world.entries(RequestPlanned)) > count


@pytest.mark.parametrize(
    ("action", "target", "who", "why", "expected"),
    [
        ("explode", None, "Ann", "x", "expected one of"),
        ("release", None, "Ann", "x", "expected a target"),
        ("release", "EV99", "Ann", "x", "EV99"),
        ("release_all", None, " ", "x", "who and why"),
    ],
)
async def test_an_order_that_makes_no_sense_says_what_was_expected(
    world: World, action: str, target: str | None, who: str, why: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        await world.daemon.operate(FEEDER, action, target, who, why)
    assert world.entries(OperatorActed) == []


async def test_an_order_for_an_unknown_feeder_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="F9"):
        await world.daemon.operate("F9", "release_all", None, "Ann", "x")


# --- data ------------------------------------------------------------------------------------------------------------


async def test_too_few_meters_means_alarm_and_no_action(world: World) -> None:
    world.charge()
    for house in world.field.houses[:8]:
        house.meter_works = False
    await world.tick(10)
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)] == [("too_few_meters", True)]
    assert world.entries(RequestPlanned) == []
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert view.quality.alarm
    for house in world.field.houses:
        house.meter_works = True
    await world.tick(10)
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)][-1] == ("too_few_meters", False)
    assert world.entries(RequestPlanned)


async def test_a_load_flow_that_does_not_converge_means_alarm_and_no_action(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.charge()
    await world.tick(6)
    held = world.field.held()
    told = len(world.field.commands)

    def diverges(self: FactoredLoadFlow, p_kw: Floats, q_kvar: Floats, **_: float) -> LoadFlowResult:
        return not_converged(small_network(), 20)

    monkeypatch.setattr(FactoredLoadFlow, "solve", diverges)
    monkeypatch.setattr(Referee, "solve", diverges)
    for _ in range(12):
        world.field.speak(world.daemon.intake.deliver)
        await world.daemon.cycle()
        await world.clock.sleep(PERIOD_S)
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert not view.converged
    assert view.transformers == ()
    assert ("diverged", True) in [(a.kind, a.raised) for a in world.entries(DataAlarm)]
    assert len(world.field.commands) == told, "nothing is widened or renewed on a guess"
    assert world.field.held() == held
    monkeypatch.undo()
    await world.tick(60)
    assert [a.raised for a in world.entries(DataAlarm)] == [True, False]
    assert world.overloads[-1] <= 100


async def test_bad_input_is_counted_and_journaled_without_a_flood(world: World) -> None:
    world.charge()
    for _ in range(5):
        for _ in range(50):
            world.daemon.intake.deliver(Reading(FEEDER, "M00", world.clock.now(), float("nan")))
            world.daemon.intake.deliver(Reading(FEEDER, "M99", world.clock.now(), 1.0))
            world.daemon.intake.deliver(Reading("F9", "M00", world.clock.now(), 1.0))
            world.daemon.intake.deliver(Refused("gridward/F1/x", "malformed", "not JSON", b"{"))
        await world.tick()
    refused = world.entries(ReadingsRefused)
    assert {(r.feeder, r.reason) for r in refused} == {
        (FEEDER, "not_finite"),
        (FEEDER, "unknown_meter"),
        (None, "unknown_feeder"),
        (None, "malformed"),
    }
    assert len(refused) == 4
    await world.tick(6)
    assert sum(r.count for r in world.entries(ReadingsRefused)) == 4 * 250
    assert world.entries(RequestPlanned)


# --- the record ------------------------------------------------------------------------------------------------------


async def test_with_the_record_down_nothing_goes_out_but_releases(world: World) -> None:
    world.charge()
    await world.tick(1)
    world.store.broken = True
    await world.tick(5)
    assert world.field.commands == []
    view = world.daemon.feeder_view(FEEDER)
    assert view is not None
    assert "journal" in (view.quality.alarm or "")
    world.store.broken = False
    await world.tick(5)
    assert world.field.held()

    world.store.broken = True
    act = await world.daemon.operate(FEEDER, "release_all", None, "Ann", "disk full")
    await asyncio.sleep(0.01)
    assert world.field.held() == {}
    with pytest.raises(StoreUnavailable):
        await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "not now")
    await world.tick(3)
    world.store.broken = False
    await world.tick(3)
    assert world.entries(OperatorActed) == [act]
    assert world.field.held() == {}
    again = world.start()
    await again.start()
    assert again.books == world.daemon.books or again.books.epoch == world.daemon.books.epoch + 1


async def test_proven_releases_go_out_while_the_record_is_down(world: World) -> None:
    world.charge()
    await world.tick(80)
    assert world.field.held()
    world.charge(1.0)
    world.store.broken = True
    await world.tick(60)
    assert len(world.field.held()) < len(world.daemon.books.open_requests(FEEDER))
    world.store.broken = False
    await world.tick(120)
    assert world.field.held() == {}
    assert len(world.entries(EventClosed)) == 1


async def test_a_replaced_controller_stops_commanding(world: World) -> None:
    world.charge()
    await world.tick(2)
    world.store._connection.execute("UPDATE control SET epoch = epoch + 1")
    told = len(world.field.commands)
    world.field.speak(world.daemon.intake.deliver)
    with pytest.raises(Replaced):
        await world.daemon.cycle()
    assert len(world.field.commands) == told


# --- crashes ---------------------------------------------------------------------------------------------------------


async def _evening_with_crash(where: str, number: int) -> World:
    """A short evening; at the N-th commit or sending the process dies and starts again at once."""
    quick = evening(
        requests=settings.Requests(duration_s=300.0, renew_before_s=60.0, min_between_s=120.0),
        events=settings.Events(close_after_s=60.0),
        safety=settings.Safety(release_share_per_minute=0.25),
    )
    world = World(quick, notices=frozenset({17}))
    world.field.houses[17].person_cut_kw = 2.0
    world.field.houses[8].refuses = True
    for house in world.field.houses:
        house.base_kw = 6.0
    world.charge()
    if where == "send":
        world.die_at_send = number
    else:
        world.store.die_at = (number, where)
    for tick in range(75):
        if tick == 36:
            world.charge(1.0)
        said = world.field.messages()
        for _ in range(2):
            for message in said:  # what the dead process had taken, the broker delivers again
                world.daemon.intake.deliver(message)
            with contextlib.suppress(Crash):
                await world.daemon.cycle()
            if not world.store.dead:
                break
            world.daemon = world.start()
        await world.clock.sleep(PERIOD_S)
    return world


def _assert_sound(world: World) -> None:
    """What must hold however often the process died."""
    planned = world.entries(RequestPlanned)
    assert planned
    active: dict[str, str] = {}
    for numbered in world.store.replay():
        entry = numbered.entry
        if isinstance(entry, RequestPlanned):
            assert entry.target not in active, "two limits for one target"
            active[entry.target] = entry.request
        elif isinstance(entry, RequestMoved) and entry.state not in ("sent", "accepted", "active"):
            active = {t: r for t, r in active.items() if r != entry.request}
    assert active == {}
    assert world.field.held() == {}
    keys = [p.key for p in world.entries(LedgerPosted)]
    assert len(keys) == len(set(keys))
    settled = [s.request for s in world.entries(RequestSettled)]
    assert sorted(settled) == sorted(p.request for p in planned)
    assert sum(world.store.balances().values()) == 0
    assert all(c.limit_kw >= 4.2 for c in world.field.commands)


async def test_a_crash_at_any_commit_or_sending_leaves_the_same_ledger() -> None:
    """Fail-at-N over the whole evening: same requests, same credits, never two limits (C13, L7)."""
    calm = await _evening_with_crash("before", 0)
    _assert_sound(calm)
    balances, commits, sends = calm.store.balances(), calm.store.commits, calm.sends
    assert sends >= 10
    starts = 0
    points = [("send", n) for n in range(1, sends + 1)]
    busy = [n for n in range(2, commits + 1) if n <= 20 or n % 5 == 0]
    points += [(where, n) for n in busy for where in ("before", "after")]
    for where, number in points:
        world = await _evening_with_crash(where, number)
        _assert_sound(world)
        assert world.store.balances() == balances, (where, number)
        starts += len(world.entries(ControllerStarted)) - 1
    assert starts == len(points)


async def test_a_restart_does_not_act_before_data_are_fresh(world: World) -> None:
    world.charge()
    await world.tick(6)
    held = world.field.held()
    world.daemon = world.start()
    told = len(world.field.commands)
    await world.daemon.cycle()
    assert len(world.field.commands) == told
    assert world.field.held() == held
    await world.tick(60)
    assert world.overloads[-1] <= 100


# --- the shell -------------------------------------------------------------------------------------------------------


class FallingSource:
    """A source that falls over at once, every time."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, deliver: Deliver) -> None:
        self.runs += 1
        raise RuntimeError("no broker")


async def test_run_restarts_sources_goes_on_and_stops_at_once(world: World) -> None:
    source = FallingSource()
    world.daemon._sources = (source,)
    task = asyncio.create_task(world.daemon.run())
    while source.runs < 5 or world.daemon.feeder_view(FEEDER) is None:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)


async def test_a_pass_that_fails_again_and_again_takes_the_automatic_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.charge()
    await world.tick(1)

    def fails(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("controller.rounds.decide", fails)
    for _ in range(5):
        world.field.speak(world.daemon.intake.deliver)
        await world.daemon.cycle()
        await world.clock.sleep(PERIOD_S)
    monkeypatch.undo()
    assert [(a.kind, a.raised) for a in world.entries(DataAlarm)] == [("controller_fault", True)]
    await world.tick(10)
    assert world.entries(RequestPlanned) == []
    await world.daemon.operate(FEEDER, "automatic_on", None, "Ann", "looked at the log")
    await world.tick(10)
    assert world.entries(RequestPlanned)


async def test_an_unreachable_field_is_tried_again(world: World) -> None:
    world.charge()
    await world.tick(1)
    world.field.unreachable = True
    await world.tick(4)
    assert world.entries(RequestPlanned)
    assert world.entries(RequestSent) == []
    world.field.unreachable = False
    await world.tick(4)
    assert world.field.held()
    assert world.entries(RequestAnswered)


async def test_subscribers_are_told_and_can_leave(world: World) -> None:
    told: list[str] = []
    leave = world.daemon.subscribe(told.append)
    await world.tick(2)
    leave()
    await world.tick(1)
    assert told == [FEEDER, FEEDER]
    assert world.daemon.told()[0].entry == "controller_started"
    assert world.daemon.network(FEEDER) is not None
    assert world.daemon.network("F9") is None
