"""The channel over our own VTN's repository: one event of each request, and answers of VENs only."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from devices.errors import CommandRejected, Unreachable
from devices.openadr.channel_settings import OpenAdrDevice
from devices.openadr.events_out import limit_event, read_limit
from devices.openadr.objects import SCOPES, Actor
from devices.openadr.ports import Body
from devices.openadr.repository import Repository
from devices.openadr.words import checked_request
from tests.devices.live import until
from tests.devices.openadr.channel_rig import DEVICE, ShiftedClock, new_repository, running
from tests.devices.openadr.openapi_document import faults
from tests.devices.openadr.reports import report


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def vtn(clock: ShiftedClock) -> Repository:
    return new_repository(clock)


def window_s(event: Body) -> float:
    command = read_limit(event)
    assert command is not None
    return (command.end - command.start).total_seconds()


async def test_it_makes_ready_what_events_need(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        assert [program["programName"] for program in await vtn.find("program", {})] == ["Gridward"]
        assert {ven["venName"] for ven in await vtn.find("ven", {})} == {"home-1", "home-2"}
        resources = await vtn.find("resource", {})
        assert {r["resourceName"]: r["targets"] for r in resources} == {
            "wallbox": ["RESOURCE_NAME:wallbox"],
            "wallbox-2": ["RESOURCE_NAME:wallbox-2"],
        }
        assert len(await rig.standing()) == 2


async def test_twice_ready_is_the_same_as_once(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock):
        before = {kind: await vtn.find(kind, {}) for kind in ("program", "ven", "resource", "event")}
    async with running(vtn, clock):
        assert {kind: await vtn.find(kind, {}) for kind in ("program", "ven", "resource", "event")} == before


async def test_a_ven_that_is_there_keeps_what_it_has(vtn: Repository, clock: ShiftedClock) -> None:
    names = {"objectType": "BL_VEN_REQUEST", "clientID": "client-1", "venName": "home-1"}
    attributes = [{"type": "X", "values": ["y"]}]
    await vtn.create("ven", {**names, "targets": ["group-1"], "attributes": attributes})
    device = OpenAdrDevice("f1", "ev1", "home-1")
    async with running(vtn, clock, devices=(device,)):
        (ven,) = await vtn.find("ven", {})
        assert ven["targets"] == ["group-1", "VEN_NAME:home-1"]
        assert (ven["clientID"], ven["attributes"]) == ("client-1", attributes)


async def test_a_limit_is_one_event_and_its_versions_replace_each_other(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (first,) = await rig.events()
        assert faults("3.1.1", "event", first) == []
        assert window_s(first) == pytest.approx(600, abs=1)
        await rig.channel.send(rig.command(sequence=3, limit_kw=5.0, seconds=1200))
        (second,) = await rig.events()
        assert second["id"] == first["id"]
        assert second["intervals"][0] == {
            "id": 3,
            "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [5.0]}],
        }
        assert window_s(second) == pytest.approx(1200, abs=1)
        assert rig.answers == []  # that the VTN has it says nothing of the VEN
        assert rig.channel.sent == 2


async def test_a_release_shortens_the_event_and_ends_when_the_ven_says_so(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        rig.hear(report(event["id"], 2, SETPOINT=6.0, OPERATING_STATE="RUNNING_CURTAILED"))
        await rig.channel.send(rig.command(sequence=3, seconds=0))
        (released,) = await rig.events()
        command = read_limit(released)
        assert command is not None
        assert released["id"] == event["id"]
        assert command.limit_kw == 6.0
        assert command.start < command.end <= clock.now()
        assert rig.answers == [("r1", "accepted", None)]
        rig.hear(report(event["id"], 2, OPERATING_STATE="NORMAL"))
        assert rig.answers == [("r1", "accepted", None)]  # still of the version before
        rig.hear(report(event["id"], 3, OPERATING_STATE="NORMAL"))
        assert rig.answers[1:] == [("r1", "ended", "released")]


async def test_that_a_limit_ended_says_its_ven_and_nobody_else(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command(seconds=0))
        (event,) = await rig.events()
        assert rig.answers == []
        rig.hear(report(event["id"], 2, OPERATING_STATE="NORMAL"))
        assert rig.answers == [("r1", "ended", "released")]


async def test_a_release_of_what_the_ven_has_let_go_is_over_at_once(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        rig.hear(report(event["id"], 2, OPERATING_STATE="RUNNING_OPTED_OUT"))
        await rig.channel.send(rig.command(sequence=3, seconds=0))
        assert rig.answers == [("r1", "refused", "opted out"), ("r1", "ended", "not held any more")]


async def test_another_request_takes_the_place_without_a_gap(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command(request="r1"))
        await rig.channel.send(rig.command(request="r1p", direction="production", limit_kw=0.0))
        rig.faulty.asked.clear()
        await rig.channel.send(rig.command(request="r2", sequence=1))
        assert [each for each in rig.faulty.asked if each[1] == "event"] == [
            ("create", "event"),
            ("replace", "event"),
        ]
        ends = {c.request: c.end for c in map(read_limit, await rig.events()) if c is not None}
        assert ends["r1"] <= clock.now() < ends["r2"]
        assert clock.now() < ends["r1p"]
        assert rig.answers == [("r1", "ended", "replaced")]


async def test_a_repetition_says_again_what_the_ven_has_said(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        command = rig.command()
        await rig.channel.send(command)
        (event,) = await rig.events()
        rig.hear(report(event["id"], 2, SETPOINT=6.0))
        await rig.channel.send(command)
        assert rig.answers == [("r1", "accepted", None)] * 2
        assert len(await rig.events()) == 1


# ---- restarts and losses ---------------------------------------------------------------------------------


async def test_after_a_restart_the_event_is_found_again(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as before:
        await before.channel.send(before.command(sequence=4))
        (event,) = await before.events()
    await reported(vtn, report(event["id"], 4, SETPOINT=6.0, OPERATING_STATE="RUNNING_CURTAILED"))
    async with running(vtn, clock) as rig:
        await until(lambda: rig.answers == [("r1", "accepted", None)])
        with pytest.raises(CommandRejected, match="stale epoch"):
            await rig.channel.send(rig.command(epoch=1, sequence=9))
        with pytest.raises(CommandRejected, match="stale sequence"):
            await rig.channel.send(rig.command(sequence=3))
        await rig.channel.send(rig.command(sequence=5, limit_kw=5.0))
        (again,) = await rig.events()
        assert again["id"] == event["id"]


async def reported(vtn: Repository, body: Body, name: str = "") -> None:
    """The VEN brings its report to the VTN itself."""
    kept = ("eventID", "clientName", "resources", "payloadDescriptors")
    request = {**{key: body[key] for key in kept}, "reportName": name}
    ven = Actor("client-1", "VEN", SCOPES["3.1.1", "VEN"])
    await vtn.insert(ven, "report", checked_request("report", request))


async def test_an_answer_of_the_vtn_that_was_lost_makes_no_second_event(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        command = rig.command()
        rig.faulty.lost.add("create")
        with pytest.raises(Unreachable):
            await rig.channel.send(command)
        assert len(await rig.events()) == 1
        rig.faulty.lost.clear()
        await rig.channel.send(command)
        (event,) = await rig.events()
        rig.faulty.lost.add("replace")
        with pytest.raises(Unreachable):
            await rig.channel.send(replace(command, sequence=3, limit_kw=5.0))
        rig.hear(report(event["id"], 3, SETPOINT=5.0))
        assert rig.answers == [("r1", "accepted", None)]


async def test_of_two_events_of_one_request_the_newer_stays(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        program = event["programID"]
        newer = rig.command(sequence=3, limit_kw=5.0)
    settings = rig.channel._settings
    await vtn.create("event", limit_event(newer, DEVICE, program, settings))
    with capture_logs() as logs:
        async with running(vtn, clock) as rig:
            (left,) = await rig.events()
    assert left["intervals"][0]["id"] == 3
    assert "two events of one request in the vtn" in [line["event"] for line in logs]


async def test_an_event_that_somebody_took_away_is_made_again(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, polled=True) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        await vtn.delete("event", event["id"])
        await rig.channel.send(rig.command(sequence=3))
        assert len(await rig.events()) == 1


@pytest.mark.parametrize("polled", [False, True])
async def test_a_program_that_somebody_took_away_is_made_again(
    vtn: Repository, clock: ShiftedClock, polled: bool
) -> None:
    async with running(vtn, clock, polled=polled) as rig:
        (program,) = await vtn.find("program", {})
        await vtn.delete("program", program["id"])
        with pytest.raises(CommandRejected):
            await rig.channel.send(rig.command())
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        (again,) = await vtn.find("program", {})
        assert event["programID"] == again["id"] != program["id"]
        assert {each["programID"] for each in await rig.standing()} == {again["id"]}


async def test_what_the_vtn_refuses_is_rejected_and_what_it_does_not_answer_is_unreachable(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        rig.faulty.refuses_to = {"create"}
        with pytest.raises(CommandRejected):
            await rig.channel.send(rig.command())
        rig.faulty.refuses_to, rig.faulty.dead = set(), True
        with pytest.raises(Unreachable):
            await rig.channel.send(rig.command())
        assert not rig.channel.connected
        rig.faulty.dead = False
        await rig.channel.send(rig.command())
        assert rig.channel.connected
        assert len(await rig.events()) == 1


async def test_a_version_that_the_vtn_refuses_leaves_the_one_before(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        rig.hear(report(event["id"], 2, SETPOINT=6.0))
        rig.faulty.refuses_to.add("replace")
        with pytest.raises(CommandRejected):
            await rig.channel.send(rig.command(sequence=3, limit_kw=5.0))
        rig.hear(report(event["id"], 2, SETPOINT=6.0, OPERATING_STATE="RUNNING_CURTAILED"))
        assert (rig.statuses[-1].limit_kw, rig.statuses[-1].request) == (6.0, "r1")


async def test_a_vtn_that_is_lost_and_back_is_told_of_once(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        with capture_logs() as logs:
            rig.faulty.dead = True
            for _ in range(3):
                with pytest.raises(Unreachable):
                    await rig.channel.send(rig.command())
            rig.faulty.dead = False
            await rig.channel.send(rig.command())
        assert [line["log_level"] for line in logs] == ["warning", "info"]


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_kw": 4.1},
        {"limit_kw": float("nan")},
        {"limit_kw": float("inf")},
        {"sequence": 0},
        {"epoch": 1, "sequence": 9},
    ],
)
async def test_what_must_not_go_out_does_not(
    vtn: Repository, clock: ShiftedClock, changes: dict[str, float]
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command(request="r0", limit_kw=6.0))
        events = await rig.events()
        with pytest.raises(CommandRejected):
            await rig.channel.send(rig.command(**changes))
        assert await rig.events() == events


async def test_a_request_keeps_its_direction(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        with pytest.raises(CommandRejected, match="bounds production"):
            await rig.channel.send(rig.command(sequence=3, direction="production"))


async def test_a_device_that_is_not_here_is_rejected(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        with pytest.raises(CommandRejected, match="not reached by OpenADR"):
            await rig.channel.send(replace(rig.command(), device="ev9"))


# ---- reports ---------------------------------------------------------------------------------------------


async def test_a_standing_report_is_a_reading_and_a_status(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        event_id = next(e["id"] for e in await rig.standing() if e["targets"] == ["RESOURCE_NAME:wallbox"])
        at = clock.now() - timedelta(seconds=20)
        rig.hear(report(event_id, 7, at=at, READING=3.3, OPERATING_STATE="NORMAL"))
        (reading,), (status,) = rig.readings, rig.statuses
        assert (reading.meter, reading.p_kw, reading.at) == ("m1", 3.3, at)
        assert (status.online, status.p_kw, status.limit_kw, status.request) == (True, 3.3, None, None)
        clock.ahead = timedelta(minutes=10)
        rig.hear(report(event_id, 8, OPERATING_STATE="NORMAL"))
        assert rig.statuses[1].p_kw is None  # absent is not zero, and old is not now


async def test_a_status_shows_what_is_held_in_both_directions(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        await rig.channel.send(rig.command(request="r2", direction="production", limit_kw=2.0))
        for event in await rig.events():
            value = event["intervals"][0]["payloads"][0]["values"][0]
            rig.hear(report(event["id"], 2, report_id=event["id"], SETPOINT=value))
        status = rig.statuses[-1]
        assert (status.limit_kw, status.request) == (6.0, "r1")
        assert (status.production_limit_kw, status.production_request) == (2.0, "r2")
        assert sorted(rig.answers) == [("r1", "accepted", None), ("r2", "accepted", None)]


@pytest.mark.parametrize(
    ("special", "reason"),
    [
        ({"client": "client-2"}, "unauthorised"),
        ({"client": None, "ven": "home-2"}, "unauthorised"),
        ({"resource": "boiler"}, "malformed"),
        ({"units": "W"}, "malformed"),
    ],
)
async def test_a_report_of_somebody_else_or_of_nonsense_is_refused(
    vtn: Repository, clock: ShiftedClock, special: dict[str, str], reason: str
) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        rig.hear(report(event["id"], 2, SETPOINT=6.0, **special))  # type: ignore[arg-type]
        assert rig.refused == [reason]
        assert rig.answers == []
        rig.hear(report(event["id"], 9, SETPOINT=6.0))
        assert rig.refused == [reason, "malformed"]  # there is no interval 9
        rig.hear(report(event["id"], 2, SETPOINT=6.0))
        assert rig.answers == [("r1", "accepted", None)]


async def test_reports_about_events_of_others_are_passed_over(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        rig.hear(report("somebody-else-s", 2, SETPOINT=6.0))
        assert rig.deliveries == []
        assert rig.channel.received == 0


async def test_a_flood_is_refused_and_does_not_drown_others(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, reports_burst=3, reports_per_s=0.001) as rig:
        standing = {e["targets"][0]: e["id"] for e in await rig.standing()}
        mine, theirs = standing["RESOURCE_NAME:wallbox"], standing["RESOURCE_NAME:wallbox-2"]
        for _ in range(5):
            rig.hear(report(mine, 1, READING=1.0))
        assert rig.refused == ["flood", "flood"]
        rig.hear(report(theirs, 1, ven="home-2", client="client-2", resource="wallbox-2", READING=2.0))
        assert rig.statuses[-1].device == "ev2"


async def test_reports_that_are_found_are_heard_once(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, polled=True, poll_reports_s=0.02) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        for p_kw in range(5):
            await reported(vtn, report(event["id"], 2, READING=float(p_kw), SETPOINT=6.0), str(p_kw))
            if p_kw == 0:
                await until(lambda: rig.channel.received == 1)
        await until(lambda: 4.0 in [reading.p_kw for reading in rig.readings])
        received = rig.channel.received
        asked = len(rig.faulty.asked)
        await until(lambda: len(rig.faulty.asked) > asked + 9)  # polled some times more
        assert rig.channel.received == received
        assert rig.answers == [("r1", "accepted", None)]


async def test_of_very_many_reports_that_are_found_the_newest_are_heard(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock, reports_burst=10) as rig:
        event_id = next(e["id"] for e in await rig.standing() if e["targets"] == ["RESOURCE_NAME:wallbox"])
        at = clock.now()
        bodies = [
            report(event_id, 1, report_id=f"rep{n}", modified=at + timedelta(seconds=n), READING=float(n))
            for n in reversed(range(100))
        ]
        rig.channel._hearing.hear_found(bodies)
        assert [reading.p_kw for reading in rig.readings] == [95.0, 96.0, 97.0, 98.0, 99.0]
        assert rig.channel._hearing.skipped == 95
        rig.channel._hearing.hear_found(bodies)
        assert len(rig.readings) == 5


async def test_a_ven_whose_clock_is_off_gets_releases_only(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        for ahead in (timedelta(hours=1), timedelta(hours=-1)):
            at = clock.now() + ahead
            rig.hear(report(event["id"], 2, at=at, OPERATING_STATE="RUNNING_CURTAILED"))
            with pytest.raises(Unreachable, match="clock"):
                await rig.channel.send(rig.command(sequence=3))
            rig.hear(report(event["id"], 2, at=clock.now(), OPERATING_STATE="RUNNING_CURTAILED"))
            await rig.channel.send(rig.command(sequence=3))
        rig.hear(report(event["id"], 3, at=clock.now() + timedelta(hours=1), READING=5.0, SETPOINT=6.0))
        assert rig.refused == ["out_of_range"]  # a measurement from the future
        await rig.channel.send(rig.command(sequence=4, seconds=0))


async def test_a_silent_ven_is_offline_and_told_of_once(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, silent_after_s=0.1) as rig:
        event_id = next(e["id"] for e in await rig.standing() if e["targets"] == ["RESOURCE_NAME:wallbox"])
        rig.hear(report(event_id, 1, READING=1.0))
        await until(lambda: [status.online for status in rig.statuses] == [True, False])
        assert rig.statuses[1].at is None
        await asyncio.sleep(0.3)
        rig.hear(report(event_id, 2, READING=1.0))
        assert [status.online for status in rig.statuses] == [True, False, True]


async def test_what_is_over_for_long_is_taken_away(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, tidy_every_s=0.05) as rig:
        await rig.channel.send(rig.command())
        standing = {each["id"] for each in await rig.standing()}
        clock.ahead = timedelta(hours=23)
        rig.faulty.asked.clear()
        await until(lambda: len(rig.faulty.asked) > 3)
        assert len(await rig.events()) == 1
        clock.ahead = timedelta(hours=25)
        await until(lambda: ("delete", "event") in rig.faulty.asked)
        await until(lambda: len(rig.channel._keeper.standing) == 2 and not list(rig.channel._keeper.book))
        assert await rig.events() == []
        assert not standing & {each["id"] for each in await rig.standing()}


async def test_an_epoch_that_was_only_found_bars_limits_but_no_release(
    vtn: Repository, clock: ShiftedClock
) -> None:
    async with running(vtn, clock, tidy_every_s=0.05) as rig:
        await rig.channel.send(rig.command())
        (own,) = await rig.events()
        period = {"start": "2026-11-26T20:00:00Z", "duration": "PT1H"}
        limit = [{"id": 1, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}]
        forged = {"programID": own["programID"], "eventName": "gridward/f1/ev1/x/999999999"}
        await vtn.create("event", {**forged, "intervalPeriod": period, "intervals": limit})
        await until(lambda: rig.channel._keeper.found_epoch == 999999999)
        with pytest.raises(CommandRejected, match="stale epoch"):
            await rig.channel.send(rig.command(sequence=3))
        await rig.channel.send(rig.command(sequence=3, seconds=0))


async def test_what_is_found_in_the_vtn_is_no_flood(vtn: Repository, clock: ShiftedClock) -> None:
    async with running(vtn, clock, reports_burst=8, reports_per_s=0.001) as rig:
        await rig.channel.send(rig.command())
        (event,) = await rig.events()
        hearing = rig.channel._hearing
        for turn in range(5):
            hearing.hear_found(
                report(event["id"], 2, report_id=f"{turn}-{n}", SETPOINT=6.0) for n in range(4)
            )
        assert hearing.refused == {}
        assert hearing.received == 20
