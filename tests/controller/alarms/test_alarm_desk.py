"""The desk in a running daemon: raised by what happens, done by people, kept over a restart."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from controller import settings
from controller.alarms.alarm_desk import AlarmDesk, Seen
from controller.alarms.alarm_errors import AlarmMoved, AlarmRefused, UnknownAlarm
from controller.alarms.alarm_history import Wanted
from controller.alarms.alarm_list import AlarmView
from controller.alarms.conditions import Condition
from controller.entries import AlarmAcknowledged, AlarmRaised, AlarmReturned, AlarmUnshelved, DataAlarm
from controller.stores.port import StoreUnavailable
from tests.builders import FEEDER, site
from tests.controller.worlds import PERIOD_S, World, evening


def desk(world: World) -> AlarmDesk:
    return world.daemon.desks.alarms


def states(world: World) -> dict[str, str]:
    return {one.kind: one.state for one in desk(world).views()}


def only(world: World, kind: str) -> AlarmView:
    (one,) = [one for one in desk(world).views() if one.kind == kind]
    return one


async def overloaded_by_hand(world: World) -> AlarmView:
    """Nobody relieves an overload, because an operator said so."""
    await world.tick()
    await world.daemon.operate(FEEDER, "automatic_off", None, "mara", "works on the cable")
    world.charge()
    await world.tick(6)
    return only(world, "overload_unattended")


async def test_an_evening_that_the_automatic_masters_needs_nobody() -> None:
    world = World(evening())
    world.charge()
    await world.tick(12)
    assert states(world) == {}
    assert not world.entries(AlarmRaised)


async def test_an_overload_that_nobody_relieves_does() -> None:
    world = World(evening())
    changes: list[str] = []
    end = desk(world).subscribe(lambda: changes.append(desk(world).summary().newest.kind))  # type: ignore[union-attr]
    one = await overloaded_by_hand(world)
    assert (one.priority, one.state, one.feeder) == ("high", "unacknowledged", FEEDER)
    assert changes[-1] == "overload_unattended"
    sample = world.daemon.metrics.registry.get_sample_value
    assert sample("gridward_alarms_active", {"priority": "high", "acknowledged": "no"}) == 1
    assert sample("gridward_alarms_total", {"priority": "high"}) == 1
    assert sample("gridward_automatic", {"feeder": FEEDER}) == 0
    end()
    before = len(changes)
    assert await desk(world).acknowledge([Seen(one.alarm, 1)], who="mara", why="I see") == {
        one.alarm: "acknowledged"
    }
    assert sample("gridward_alarms_active", {"priority": "high", "acknowledged": "yes"}) == 1
    assert len(changes) == before
    assert await desk(world).acknowledge([Seen(one.alarm, 1)], who="jo") == {one.alarm: "again"}
    assert [entry.who for entry in world.entries(AlarmAcknowledged)] == ["mara"]
    world.charge(0.0)
    await world.tick(16)
    assert "overload_unattended" not in states(world)


async def test_only_what_was_seen_is_acknowledged() -> None:
    world = World(evening())
    one = await overloaded_by_hand(world)
    assert await desk(world).acknowledge(
        [Seen(one.alarm, 2), Seen("overload-000000000000", 1)], who="mara"
    ) == {one.alarm: "moved", "overload-000000000000": "unknown"}
    assert not world.entries(AlarmAcknowledged)


async def test_a_shelf_has_an_end_and_a_restart_forgets_nothing() -> None:
    world = World(evening())
    one = await overloaded_by_hand(world)
    now = world.clock.now()
    view = await desk(world).shelve(
        Seen(one.alarm, 1), until=now + timedelta(seconds=60), who="mara", why="works"
    )
    assert view.state == "shelved"
    world.daemon = world.start()
    await world.tick()
    assert only(world, "overload_unattended").shelved is not None
    assert len(world.entries(AlarmRaised)) == len({entry.alarm for entry in world.entries(AlarmRaised)})
    await world.tick(6)
    assert only(world, "overload_unattended").state == "unacknowledged"
    assert [entry.cause for entry in world.entries(AlarmUnshelved)] == ["expired"]


async def test_back_from_the_shelf_by_hand() -> None:
    world = World(evening())
    one = await overloaded_by_hand(world)
    until = world.clock.now() + timedelta(hours=8)
    await desk(world).shelve(Seen(one.alarm), until=until, who="mara", why="works")
    view = await desk(world).unshelve(one.alarm, who="jo", why="done")
    assert view is not None
    assert view.state == "unacknowledged"
    await desk(world).unshelve(one.alarm, who="jo")
    assert [entry.who for entry in world.entries(AlarmUnshelved)] == ["jo"]


async def test_what_cannot_be_shelved() -> None:
    world = World(evening(alarms=settings.Alarms(longest_shelf_s=600.0)))
    one = await overloaded_by_hand(world)
    now = world.clock.now()
    for until in (now, now + timedelta(seconds=601)):
        with pytest.raises(AlarmRefused, match="until: expected"):
            await desk(world).shelve(Seen(one.alarm), until=until, who="mara", why="x")
    later = now + timedelta(seconds=9)
    with pytest.raises(AlarmMoved):
        await desk(world).shelve(Seen(one.alarm, 7), until=later, who="mara", why="x")
    with pytest.raises(UnknownAlarm):
        await desk(world).shelve(Seen("overload-000000000000"), until=later, who="mara", why="x")


async def test_that_the_journal_cannot_be_written_is_told_from_memory_and_noted_later() -> None:
    world = World(evening())
    await world.tick()
    world.store.broken = True
    await world.tick(2)
    one = only(world, "journal_unwritable")
    assert (one.priority, one.state) == ("critical", "unacknowledged")
    with pytest.raises(StoreUnavailable):
        await desk(world).acknowledge([Seen(one.alarm)], who="mara")
    with pytest.raises(AlarmRefused, match="cannot be shelved"):
        await desk(world).shelve(
            Seen(one.alarm), until=world.clock.now() + timedelta(seconds=9), who="mara", why="x"
        )
    world.store.broken = False
    await world.tick(2)
    assert states(world)["journal_unwritable"] == "returned_unacknowledged"
    (raised,) = [entry for entry in world.entries(AlarmRaised) if entry.kind == "journal_unwritable"]
    (returned,) = world.entries(AlarmReturned)
    assert raised.at == one.since < returned.at
    await desk(world).acknowledge([Seen(one.alarm)], who="mara")
    assert "journal_unwritable" not in states(world)


async def test_links_late_cycles_and_what_others_tell() -> None:
    world = World(evening())

    class Link:
        connected = False

    desk(world).telling._links["broker"] = Link()
    stands: list[Condition] = [Condition("emergency_stop", None, "", "all released by mara")]
    desk(world).telling.add_source(lambda now: stands)
    await world.tick(3)
    assert states(world) == {"emergency_stop": "unacknowledged"}
    for _ in range(8):
        desk(world).telling.cycle_took(12.5)
        await desk(world).round()
        world.clock.passed_s += 10
    assert states(world).keys() == {"emergency_stop", "link_down", "cycle_late"}


async def test_a_fault_of_a_source_stops_no_cycle() -> None:
    world = World(evening())

    def broken(now: object) -> Iterator[Condition]:
        raise RuntimeError("a bug")

    desk(world).telling.add_source(broken)
    await world.tick(2)
    assert world.daemon.feeder_view(FEEDER) is not None


async def test_the_history_is_newest_first_and_comes_in_pages() -> None:
    world = World(evening())
    one = await overloaded_by_hand(world)
    await desk(world).acknowledge([Seen(one.alarm)], who="mara", why="I see")
    whole = await desk(world).history(Wanted(), before=None, limit=100)
    assert whole.next is None
    assert [entry.seq for entry in whole.items] == sorted((entry.seq for entry in whole.items), reverse=True)
    assert (whole.items[0].change, whole.items[0].who, whole.items[0].why) == (
        "acknowledged",
        "mara",
        "I see",
    )
    paged, before = [], None
    for _ in range(9):
        page = await desk(world).history(Wanted(), before=before, limit=1)
        paged += page.items
        if page.next is None:
            break
        before = int(page.next)
    assert paged == list(whole.items)
    mine = Wanted(kind="overload_unattended", change="raised", priority="high", feeder=FEEDER)
    (found,) = (await desk(world).history(mine, before=None, limit=9)).items
    assert (found.text, found.alarm) == (one.text, one.alarm)
    for none in (
        Wanted(feeders=frozenset()),
        Wanted(end=found.at),
        Wanted(start=world.clock.now() + timedelta(seconds=1)),
        Wanted(alarm="x"),
    ):
        assert (await desk(world).history(none, before=None, limit=9)).items == ()


async def test_no_more_than_a_few_read_the_journal_at_once() -> None:
    world = World(evening())
    await world.tick()
    held = asyncio.Event()

    async def slow(function: object, *args: object, **kwargs: object) -> object:
        await held.wait()
        return None

    desk(world)._history._background = slow  # type: ignore[assignment]
    reading = [asyncio.create_task(desk(world).history(Wanted(), before=None, limit=1)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="too many"):
        await desk(world).history(Wanted(), before=None, limit=1)
    held.set()
    await asyncio.gather(*reading)


async def test_a_second_outage_is_another_occurrence_of_the_one_alarm() -> None:
    world = World(evening())
    await world.tick()
    for occurrence in (1, 2):
        world.store.broken = True
        await world.tick(2)
        one = only(world, "journal_unwritable")
        assert (one.state, one.stands, one.occurrence) == ("unacknowledged", True, occurrence)
        world.store.broken = False
        await world.tick(2)
        one = only(world, "journal_unwritable")
        assert (one.state, one.occurrence) == ("returned_unacknowledged", occurrence)


async def test_while_the_journal_cannot_be_written_what_is_urgent_is_shown_all_the_same() -> None:
    world = World(evening())
    await world.tick()
    world.store.broken = True

    class Link:
        connected = False

    desk(world).telling._links["broker"] = Link()
    await world.tick(6)
    assert only(world, "link_down").state == "unacknowledged"
    with pytest.raises(StoreUnavailable):
        await desk(world).acknowledge([Seen(only(world, "link_down").alarm)], who="mara")
    assert not world.entries(AlarmRaised)
    world.store.broken = False
    await world.tick(2)
    assert only(world, "link_down").occurrence == 1
    assert "link_down" in {entry.kind for entry in world.entries(AlarmRaised)}


async def test_limits_that_are_broken_while_the_journal_cannot_be_written_are_shown() -> None:
    world = World(evening())
    await world.tick()
    assert desk(world).summary().frozen_since is None
    world.store.broken = True
    world.charge()
    await world.tick(6)
    one = only(world, "overload_unattended")
    assert one.text.endswith("outside their limits, and nothing is sent while the journal cannot be written")
    assert desk(world).summary().frozen_since == only(world, "journal_unwritable").since
    assert "overload" not in states(world)  # of low priority: what was there before is what is shown
    world.store.broken = False
    await world.tick(16)
    assert desk(world).summary().frozen_since is None
    assert "overload_unattended" not in states(world)


def few_meters(world: World, works: bool) -> None:
    for house in world.field.houses[:8]:
        house.meter_works = works


def silent_substation(world: World, works: bool) -> None:
    world.field.substation = works


def wrong_sum(world: World, works: bool) -> None:
    world.field.substation_scale = 1.0 if works else 1.5


BAD = [("too_few_meters", few_meters), ("substation_silent", silent_substation), ("feeder_sum", wrong_sum)]


@pytest.mark.parametrize(("kind", "works"), BAD, ids=[kind for kind, _ in BAD])
async def test_data_that_go_bad_while_the_journal_cannot_be_written_are_shown(
    kind: str, works: Callable[[World, bool], None]
) -> None:
    world = World(site(rtu=True, cycle=settings.Cycle(period_s=PERIOD_S)))
    world.field.substation = True
    await world.tick(3)
    assert states(world) == {}
    world.store.broken = True
    works(world, False)
    await world.tick(6)
    one = only(world, kind)
    assert (one.state, one.feeder, one.priority) == ("unacknowledged", FEEDER, "medium")
    assert one.text.startswith(f"{FEEDER}: ")
    with pytest.raises(StoreUnavailable):
        await desk(world).acknowledge([Seen(one.alarm)], who="mara")
    world.store.broken = False
    await world.tick(2)
    assert (only(world, kind).occurrence, only(world, kind).stands) == (1, True)
    assert [entry.kind for entry in world.entries(AlarmRaised)] == ["journal_unwritable", kind]
    works(world, True)
    await world.tick(9)
    assert not only(world, kind).stands


async def test_what_went_bad_and_good_while_the_journal_could_not_be_written_leaves_no_trace() -> None:
    world = World(evening())
    await world.tick(3)
    world.store.broken = True
    for good in (False, True):
        few_meters(world, good)
        await world.tick(6)
        assert only(world, "too_few_meters").stands is not good
    world.store.broken = False
    await world.tick(2)
    assert not world.entries(DataAlarm)
    assert "too_few_meters" not in states(world)


async def test_what_is_out_of_service_is_told_beside_the_list() -> None:
    world = World(evening(alarms=settings.Alarms(out_of_service=("overload_unattended", "diverged"))))
    await world.tick()
    await world.daemon.operate(FEEDER, "automatic_off", None, "mara", "works on the cable")
    world.charge()
    await world.tick(6)
    assert "overload_unattended" not in states(world)
    told = [(one.kind, one.priority, one.stands) for one in desk(world).out_of_service()]
    assert told == [("overload_unattended", "high", True), ("diverged", "medium", False)]


async def test_prometheus_counts_only_what_somebody_was_told() -> None:
    world = World(evening(alarms=settings.Alarms(operators=3)))
    one = await overloaded_by_hand(world)
    sample = world.daemon.metrics.registry.get_sample_value
    assert sample("gridward_alarm_operators") == 3
    assert desk(world).rate(1).flood_above == 30
    until = world.clock.now() + timedelta(hours=2)
    await desk(world).shelve(Seen(one.alarm), until=until, who="mara", why="works")
    world.charge(0.0)
    await world.tick(16)
    world.charge()
    await world.tick(6)
    again = [entry.at for entry in world.entries(AlarmRaised) if entry.alarm == one.alarm]
    assert len(again) == 2
    assert sample("gridward_alarms_total", {"priority": "high"}) == 1
    world.daemon = world.start()
    desk(world).telling.add_source(lambda now: [Condition("emergency_stop", None, "S-1", "held")])
    await world.tick()
    sample = world.daemon.metrics.registry.get_sample_value
    assert sample("gridward_alarms_total", {"priority": "high"}) == 1  # nothing twice


async def test_alarms_go_on_where_the_cycle_fails_and_say_so_from_the_third_on() -> None:
    world = World(evening())
    await world.tick()

    async def fails(*args: object) -> None:
        raise RuntimeError("a bug")

    world.daemon._guarding.after_round = fails  # type: ignore[method-assign]

    class Link:
        connected = False

    desk(world).telling._links["broker"] = Link()
    for at in range(6):
        await world.daemon._guarded_cycle()
        assert ("controller_fault" in states(world)) is (at >= 2)
        await world.clock.sleep(10)
    assert states(world).keys() >= {"controller_fault", "link_down"}
    del world.daemon._guarding.after_round
    for _ in range(2):
        await world.daemon._guarded_cycle()
        await world.clock.sleep(10)
    assert states(world)["controller_fault"] == "returned_unacknowledged"


async def test_the_list_is_made_once_a_second_and_filtered_for_each_who_looks() -> None:
    world = World(evening())
    await overloaded_by_hand(world)
    assert desk(world).views() is desk(world).views()
    assert desk(world).views(frozenset({"other"})) == ()
    before = desk(world).views()
    await world.clock.sleep(1)
    assert desk(world).views() is not before
