"""Our own business logic's way to the objects, what is told of changes, and what happens when much comes."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.errors import CommandRejected, ProfileRejected, Unreachable
from devices.openadr.bounds import Bounds
from devices.openadr.changes import Change
from devices.openadr.object_store import ObjectStore
from devices.openadr.objects import SCOPES, Actor, Stored
from devices.openadr.ports import BusinessLogic
from devices.openadr.problems import Problem
from devices.openadr.repository import Repository
from devices.openadr.words import read_request
from tests.devices.live import WITHIN_S, RealClock
from tests.devices.openadr import world as w
from tests.fair_time import turns

VEN = Actor("ven1", "VEN", SCOPES["3.1.1", "VEN"])


@asynccontextmanager
async def repository(store: ObjectStore | None = None, **how: Any) -> AsyncIterator[Repository]:
    opened = Repository(store or ObjectStore(None), RealClock(), **how)
    try:
        yield opened
    finally:
        await opened.close()


async def test_it_is_business_logics_port() -> None:
    async with repository() as objects:
        vtn: BusinessLogic = objects
        program = await vtn.create("program", w.program())
        event = await vtn.create("event", w.event(program["id"], targets=["a"]))
        assert event["objectType"] == "EVENT"
        await vtn.create("ven", {"venName": "home", "clientID": "ven1", "targets": ["a"]})
        changed = await vtn.replace("event", event["id"], w.event(program["id"], priority=2, targets=["b"]))
        assert (changed["id"], changed["priority"]) == (event["id"], 2)
        assert await vtn.find("event", {"programID": program["id"], "targets": "b"}) == [changed]
        assert await vtn.find("event", {"targets": "b,c"}) == []
        assert await vtn.find("program", {"programName": "evening relief"}) == [program]
        await vtn.delete("event", event["id"])
        await vtn.delete("event", event["id"])  # none of this id is no fault
        assert await vtn.find("event", {}) == []
        for attempt in (
            vtn.create("program", w.program()),
            vtn.create("program", {"programName": 5}),
            vtn.replace("program", "none", w.program()),
            vtn.create("report", w.report("3.1.1", program["id"], event["id"])),
        ):
            with pytest.raises(CommandRejected):
                await attempt


async def test_find_has_no_pages() -> None:
    async with repository() as objects:
        for number in range(60):
            await objects.create("program", w.program(programName=f"{number}"))
        assert len(await objects.find("program", {})) == 60


async def test_changes_are_told_once_they_are_on_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    seen: list[tuple[Change, int]] = []

    def count(change: Change) -> None:
        with sqlite3.connect(file) as other:
            (rows,) = other.execute("SELECT count(*) FROM objects").fetchone()
        seen.append((change, rows))

    async with repository(ObjectStore(file)) as objects:
        objects.listen(count)
        program = await objects.create("program", w.program())
        ven = await objects.create("ven", {"venName": "home", "clientID": "ven1", "targets": ["a"]})
        event = await objects.create("event", w.event(program["id"], targets=["a", "b"]))
        body = w.event(program["id"], targets=["b"])
        await objects.replace("event", event["id"], body)
        await objects.delete("ven", ven["id"])
    told = [(change.kind, change.operation, change.ven_ids, change.ven_ids_before, n) for change, n in seen]
    assert told == [
        ("program", "CREATE", (), (), 1),
        ("ven", "CREATE", (ven["id"],), (), 2),
        ("event", "CREATE", (ven["id"],), (), 3),
        ("event", "UPDATE", (), (ven["id"],), 3),
        ("ven", "DELETE", (ven["id"],), (), 2),
    ]
    assert seen[3][0].before == event


async def test_a_change_names_vens_by_their_resources_and_vouched_names_too() -> None:
    async with repository(ven_names={"home": "ven1"}) as objects:
        changes: list[Change] = []
        program = await objects.create("program", w.program())
        one = await objects.create("ven", {"venName": "home", "clientID": "ven1"})
        two = await objects.create("ven", {"venName": "other", "clientID": "ven2"})
        body = {"venID": two["id"], "clientID": "ven2", "resourceName": "charger", "targets": ["r"]}
        await objects.create("resource", body)
        objects.listen(changes.append)
        await objects.create("event", w.event(program["id"], targets=["r", "VEN_NAME:home"]))
        assert set(changes[0].ven_ids) == {one["id"], two["id"]}


class FullDisk(ObjectStore):
    """Takes nothing."""

    def write(self, puts: Sequence[Any], drops: Sequence[Any]) -> None:
        raise Unreachable("disk full")


async def test_what_the_disk_does_not_take_did_not_happen() -> None:
    async with repository(FullDisk(None)) as objects:
        changes: list[Change] = []
        objects.listen(changes.append)
        with pytest.raises(Unreachable, match="disk full"):
            await objects.create("program", w.program())
        assert (await objects.find("program", {}), changes) == ([], [])


async def test_a_write_that_is_cancelled_is_still_whole(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    async with repository(ObjectStore(file)) as objects:
        await objects.open()
        writing = asyncio.create_task(objects.create("program", w.program()))
        while not objects._turn.locked():
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        in_memory = await objects.find("program", {})
    async with repository(ObjectStore(file)) as objects:
        assert await objects.find("program", {}) == in_memory
        assert len(in_memory) == 1


async def test_who_is_cancelled_while_the_disk_refuses_is_cancelled() -> None:
    async with repository(FullDisk(None)) as objects:
        await objects.open()
        writing = asyncio.create_task(objects.create("program", w.program()))
        while not objects._turn.locked():
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing


class SlowDisk(ObjectStore):
    """Is read when it is told to, and knows whether somebody comes in between."""

    def __init__(self) -> None:
        super().__init__(None)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.loads = 0

    def load(self) -> list[Stored]:
        self.loads += 1
        self.begun.set()
        self.go_on.wait(WITHIN_S)
        return super().load()


async def test_who_is_cancelled_while_the_file_is_read_leaves_it_read_once() -> None:
    disk = SlowDisk()
    async with repository(disk) as objects:
        opening = asyncio.create_task(objects.open())
        await asyncio.to_thread(disk.begun.wait, WITHIN_S)
        opening.cancel()
        creating = asyncio.create_task(objects.create("program", w.program()))
        await turns()
        disk.go_on.set()
        await creating
        assert disk.loads == 1
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    for content in (b"not a database, but long enough to be one" * 100, None):
        if content is None:
            file.unlink()
            with sqlite3.connect(file) as other:
                other.execute("PRAGMA user_version = 9")
        else:
            file.write_bytes(content)
        objects = Repository(ObjectStore(file), RealClock())
        with pytest.raises(ProfileRejected, match=r"objects\.sqlite3"):
            await objects.open()


def _report(event_id: str, name: str) -> Any:
    import msgspec

    body = w.report("3.1.1", "", event_id, reportName=name)
    return read_request("3.1.1", "report", msgspec.json.encode(body))


async def _reporting(objects: Repository) -> str:
    program = await objects.create("program", w.program())
    event = await objects.create("event", w.event(program["id"]))
    return str(event["id"])


async def test_the_oldest_reports_go(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    bounds = Bounds(per_ven={"report": 3})
    async with repository(ObjectStore(file), bounds=bounds) as objects:
        event_id = await _reporting(objects)
        for number in range(5):
            await objects.insert(VEN, "report", _report(event_id, f"{number}"))
        other = Actor("ven2", "VEN", VEN.scopes)
        await objects.insert(other, "report", _report(event_id, "other"))
    async with repository(ObjectStore(file)) as objects:
        names = [report["reportName"] for report in await objects.find("report", {})]
        assert names == ["other", "4", "3", "2"], "and nobody's reports push out another's"


async def test_reports_are_bounded_in_all() -> None:
    size = 200
    async with repository(bounds=Bounds(kind_bytes=3 * size)) as objects:
        event_id = await _reporting(objects)
        for number in range(6):
            client = Actor(f"ven{number}", "VEN", VEN.scopes)
            await objects.insert(client, "report", _report(event_id, f"{number}"))
        kept = [report["reportName"] for report in await objects.find("report", {})]
        assert kept == ["5", "4", "3"][: len(kept)]
        assert 0 < objects._held.bytes_of["report"] <= 3 * size


async def test_a_report_goes_once_whichever_bound_it_is_over() -> None:
    bounds = Bounds(per_ven={"report": 2}, kind_bytes=850)  # a small one has 256
    async with repository(bounds=bounds) as objects:
        event_id = await _reporting(objects)
        other = Actor("ven2", "VEN", VEN.scopes)
        for client, name in ((VEN, "0"), (VEN, "1"), (other, "other"), (VEN, "large" + "x" * 300)):
            await objects.insert(client, "report", _report(event_id, name))
        kept = [report["reportName"][:5] for report in await objects.find("report", {})]
        assert kept == ["large", "other"]


async def test_events_that_are_over_make_room_and_others_do_not() -> None:
    totals = Bounds().total | {"event": 2}
    async with repository(bounds=Bounds(total=totals)) as objects:
        program = await objects.create("program", w.program())
        past = {"start": "2020-01-01T00:00:00Z", "duration": "PT1H"}
        to_come = {"start": "2126-01-01T00:00:00Z", "duration": "PT1H"}
        over = await objects.create("event", w.event(program["id"], intervalPeriod=past))
        await objects.create("event", w.event(program["id"], intervalPeriod=to_come))
        changes: list[Change] = []
        objects.listen(changes.append)
        await objects.create("event", w.event(program["id"], intervalPeriod=to_come))
        assert [(change.operation, change.body["id"] == over["id"]) for change in changes] == [
            ("DELETE", True),
            ("CREATE", False),
        ]
        with pytest.raises(CommandRejected, match="holds 2 events"):
            await objects.create("event", w.event(program["id"], intervalPeriod=to_come))


async def test_a_ven_has_its_share() -> None:
    bounds = Bounds(per_ven={"subscription": 1, "report": 1, "resource": 1})
    async with repository(bounds=bounds) as objects:
        for number in range(2):
            body = w.subscription(None, clientName=f"{number}")
            import msgspec

            request = read_request("3.1.1", "subscription", msgspec.json.encode(body))
            if number == 0:
                await objects.insert(VEN, "subscription", request)
            else:
                with pytest.raises(Problem, match="may have 1 subscriptions") as caught:
                    await objects.insert(VEN, "subscription", request)
                assert caught.value.status == 403


async def test_resources_follow_their_ven_to_another_client() -> None:
    async with repository() as objects:
        ven = await objects.create("ven", {"venName": "home", "clientID": "ven1"})
        body = {"venID": ven["id"], "clientID": "ven1", "resourceName": "charger"}
        await objects.create("resource", body)
        await objects.replace("ven", ven["id"], {"venName": "home", "clientID": "ven2"})
        (resource,) = await objects.find("resource", {})
        assert resource["clientID"] == "ven2"
        assert objects.search(VEN, "resource") == []


async def test_an_event_of_nonsense_in_the_file_does_not_keep_the_vtn_from_opening(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    async with repository(ObjectStore(file)) as objects:
        program = await objects.create("program", w.program())
        await objects.create("event", w.event(program["id"]))
    with sqlite3.connect(file) as written:
        written.execute(
            "UPDATE objects SET body = CAST(replace(CAST(body AS TEXT), 'PT1H', 'P' || ? || 'D') AS BLOB)",
            ("9" * 4301,),
        )
    written.close()
    async with repository(ObjectStore(file)) as objects:
        assert len(await objects.find("event", {})) == 1


async def test_others_lay_no_hand_on_our_own_program() -> None:
    bl = Actor("bl", "BL", SCOPES["3.1.1", "BL"])
    async with repository(own_program="evening relief") as objects:
        program = await objects.create("program", w.program())
        event = await objects.create("event", w.event(program["id"]))
        body = msgspec.json.encode(w.event(program["id"]))
        for attempt in (
            objects.insert(bl, "event", read_request("3.1.1", "event", body)),
            objects.update(bl, "event", event["id"], read_request("3.1.1", "event", body)),
            objects.remove(bl, "event", event["id"]),
            objects.remove(bl, "program", program["id"]),
        ):
            with pytest.raises(Problem, match="this VTN's own"):
                await attempt
        assert len(await objects.find("event", {})) == 1


async def test_subscribers_of_a_program_are_told_that_it_is_gone() -> None:
    async with repository() as objects:
        program = await objects.create("program", w.program())
        body = msgspec.json.encode(w.subscription(program["id"]))
        await objects.insert(VEN, "subscription", read_request("3.1.1", "subscription", body))
        told: list[str] = []
        objects.notify_by(lambda one: told.append(f"{one.body['operation']} {one.body['objectType']}"))
        await objects.delete("program", program["id"])
        assert told == ["DELETE PROGRAM", "DELETE SUBSCRIPTION"]
