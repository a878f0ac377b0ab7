"""The shift log over the API, on a real journal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from controller.access.roles import Role
from controller.api.problems import add_problem_handlers
from controller.api.shifts import shift_reading_routes, shift_writing_routes
from controller.entries import OperatorActed, ShiftHandedOver
from controller.shifts import shift_desk
from controller.shifts.shift_desk import ShiftDesk
from tests.builders import inline
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.api.fake_views import FakeViews
from tests.controller.record_builders import opened
from tests.controller.rewards.reward_worlds import DeskWorld

NOTE = {"text": "Cable 3 is warm", "feeder": "street"}


async def _ready() -> None:
    return None


@dataclass
class ShiftWorld(DeskWorld):
    """A shift desk on a store in memory."""

    async def start(self) -> "ShiftWorld":
        await super().start()
        self.shifts = ShiftDesk(
            self.keeper,
            asyncio.Lock(),
            self.clock,
            feeders=("street", "lane"),
            store=self.store,
            offload=inline,
            ready=_ready,
        )
        return self

    @asynccontextmanager
    async def as_of(
        self, role: Role = "operator", feeders: set[str] | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = FastAPI()
        add_problem_handlers(app)
        app.include_router(shift_reading_routes(self.shifts))
        gate = DoorsOf("mara", role, feeders)
        app.include_router(shift_writing_routes(self.shifts, gate, FakeViews(idle=("lane",))))
        async with calling(app) as client:
            yield client


@pytest.fixture
async def world() -> ShiftWorld:
    return await ShiftWorld().start()


@pytest.fixture
async def client(world: ShiftWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with world.as_of() as client:
        yield client


async def hand_over(client: httpx.AsyncClient, shift: int, **more: Any) -> httpx.Response:
    body = {"shift": shift, "takes_over": "jo", **more}
    return await client.post("/api/v1/shift/hand-over", json=body)


async def test_notes_are_kept_with_who_and_marked(world: ShiftWorld, client: httpx.AsyncClient) -> None:
    written = await client.post("/api/v1/shift/notes", json=NOTE)
    assert (written.status_code, written.json()["who"], written.json()["note"]) == (201, "mara", 1)
    marked = await client.post("/api/v1/shift/notes/1/mark", json={"mark": "done"})
    assert (marked.json()["done"], marked.json()["marked_by"]) == (True, "mara")
    size = world.keeper.books.seq
    again = await client.post("/api/v1/shift/notes/1/mark", json={"mark": "done"})
    assert (again.json(), world.keeper.books.seq) == (marked.json(), size)
    shift = (await client.get("/api/v1/shift")).json()
    assert (shift["shift"], shift["who"], shift["notes"]) == (0, None, [marked.json()])


async def test_the_present_shift_comes_with_an_etag(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/shift")
    known = {"if-none-match": first.headers["etag"]}
    assert (await client.get("/api/v1/shift", headers=known)).status_code == 304
    await client.post("/api/v1/shift/notes", json=NOTE)
    assert (await client.get("/api/v1/shift", headers=known)).status_code == 200


async def test_a_hand_over_keeps_what_stood_and_begins_the_next(
    world: ShiftWorld, client: httpx.AsyncClient
) -> None:
    act = OperatorActed(
        at=world.clock.now(), who="mara", why="works", action="exclude", feeder="street", target="C1"
    )
    await world.keeper.write((opened(feeder="street"), act))
    await client.post("/api/v1/shift/notes", json=NOTE | {"pinned": True})
    begun = await hand_over(client, 0, remarks="the pump")
    assert (begun.status_code, begun.json()["shift"], begun.json()["who"]) == (200, 1, "jo")
    assert [note["text"] for note in begun.json()["notes"]] == [NOTE["text"]]
    (past,) = (await client.get("/api/v1/shifts")).json()["items"]
    assert (past["shift"], past["handed_over_by"], past["remarks"]) == (0, "mara", "the pump")
    told = (await client.get("/api/v1/shifts/0")).json()
    assert [(one["kind"], one["what"]) for one in told["standing"]] == [
        ("event", "E-dorf-20260112T180000Z"),
        ("excluded", "C1"),
    ]
    assert told["standing"][1]["why"] == "works"
    assert [note["note"] for note in told["notes"]] == [1]
    assert (told["summary"]["events_total"], told["summary"]["acts_total"]) == (1, 1)
    restarted = await ShiftWorld(store=world.store).start()
    assert restarted.keeper.books.shifts == world.keeper.books.shifts


async def test_a_shift_that_was_handed_over_already_is_not_ended_twice(client: httpx.AsyncClient) -> None:
    assert (await hand_over(client, 0)).status_code == 200
    again = await hand_over(client, 0)
    assert (again.status_code, "that is 1" in again.json()["detail"]) == (409, True)


async def test_the_summary_follows_the_journal(world: ShiftWorld, client: httpx.AsyncClient) -> None:
    await world.keeper.write((opened(feeder="street"),))
    assert (await client.get("/api/v1/shift/summary")).json()["events_total"] == 1
    await hand_over(client, 0)
    fresh = (await client.get("/api/v1/shift/summary")).json()
    assert (fresh["events_total"], fresh["complete"], fresh["entries"]) == (0, True, 1), "its own begin alone"
    await client.post("/api/v1/shift/notes", json=NOTE)
    assert (await client.get("/api/v1/shift/summary")).json()["entries"] == fresh["entries"] + 1


async def test_of_a_very_long_shift_the_latest_part_is_told(
    world: ShiftWorld, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift_desk, "MOST_ENTRIES", 2)
    for _ in range(4):
        await client.post("/api/v1/shift/notes", json=NOTE)
    summary = (await client.get("/api/v1/shift/summary")).json()
    assert (summary["entries"], summary["complete"]) == (2, False)
    await hand_over(client, 0)
    told = (await client.get("/api/v1/shifts/0")).json()
    assert (told["summary"]["complete"], told["shift"]["notes"]) == (False, 4)


async def test_past_shifts_come_in_pages_the_latest_first(client: httpx.AsyncClient) -> None:
    for shift in range(5):
        await hand_over(client, shift)
    seen: list[int] = []
    after: str | None = None
    while True:
        query = {"limit": "2"} | ({} if after is None else {"after": after})
        page = (await client.get("/api/v1/shifts", params=query)).json()
        seen += [one["shift"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [4, 3, 2, 1, 0]
    assert (await client.get("/api/v1/shifts/5")).status_code == 404


WRONG: list[tuple[str, dict[str, Any], int]] = [
    ("/notes", {"text": ""}, 422),
    ("/notes", {"text": "x" * 2001}, 422),
    ("/notes", {"text": "x", "feeder": "nowhere"}, 404),
    ("/notes", {"text": "x", "who": "jo"}, 422),
    ("/notes/1/mark", {"mark": "done"}, 404),
    ("/notes/1/mark", {"mark": "gone"}, 422),
    ("/hand-over", {"shift": 1, "takes_over": "jo"}, 409),
    ("/hand-over", {"shift": 0}, 422),
]


async def test_what_cannot_be_done_is_refused_and_not_written(
    world: ShiftWorld, client: httpx.AsyncClient
) -> None:
    size = world.keeper.books.seq
    for path, body, status in WRONG:
        assert (await client.post(f"/api/v1/shift{path}", json=body)).status_code == status, (path, body)
    assert world.keeper.books.seq == size


async def test_only_operators_write_and_about_their_own_feeders(world: ShiftWorld) -> None:
    async with world.as_of("viewer") as client:
        assert (await client.post("/api/v1/shift/notes", json=NOTE)).status_code == 403
        assert (await client.get("/api/v1/shift")).status_code == 200
    async with world.as_of("operator", {"lane"}) as client:
        assert (await client.post("/api/v1/shift/notes", json=NOTE)).status_code == 403
        assert (await client.post("/api/v1/shift/notes", json=NOTE | {"feeder": "lane"})).status_code == 201


async def test_a_shift_takes_only_so_many_notes(
    world: ShiftWorld, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift_desk, "MOST_NOTES", 2)
    monkeypatch.setattr(shift_desk, "MOST_PINNED", 1)
    await client.post("/api/v1/shift/notes", json=NOTE | {"pinned": True})
    assert (await client.post("/api/v1/shift/notes", json=NOTE | {"pinned": True})).status_code == 409
    assert (await client.post("/api/v1/shift/notes", json=NOTE)).status_code == 201
    assert (await client.post("/api/v1/shift/notes/2/mark", json={"mark": "pinned"})).status_code == 409
    assert (await client.post("/api/v1/shift/notes", json=NOTE)).status_code == 409
    assert (await hand_over(client, 0)).status_code == 200
    assert (await client.post("/api/v1/shift/notes", json=NOTE)).status_code == 201


async def test_without_a_journal_nothing_is_noted(world: ShiftWorld, client: httpx.AsyncClient) -> None:
    world.store.broken = True
    answer = await client.post("/api/v1/shift/notes", json=NOTE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await client.get("/api/v1/shift")).json()["notes"] == []
    assert not [one for one in world.store.replay() if isinstance(one.entry, ShiftHandedOver)]
