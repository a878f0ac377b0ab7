"""The shift log over the API, on a real journal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from msgspec import structs

from controller.access.roles import Role
from controller.api import shift_bodies
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.api.shifts import shift_reading_routes, shift_writing_routes
from controller.entries import OperatorActed, Ordered, RequestChanged, ShiftHandedOver
from controller.in_turn import InTurn
from controller.shifts import shift_desk
from controller.shifts.shift_desk import ShiftDesk
from tests.builders import inline
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.api.fake_views import FakeViews
from tests.controller.record_builders import after, closed, opened, planned
from tests.controller.rewards.reward_worlds import DeskWorld

NOTE = {"text": "Cable 3 is warm", "feeder": "street"}


async def _ready() -> None:
    return None


@dataclass
class ShiftWorld(DeskWorld):
    """A shift desk on a store in memory."""

    async def may_take_over(self, name: str) -> bool:
        return name in {"jo", "mara"}

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
        gate = DoorsOf("mara", role, feeders)
        app.include_router(shift_reading_routes(self.shifts, gate))
        views = FakeViews(idle=("lane",))
        app.include_router(shift_writing_routes(self.shifts, gate, views, self.may_take_over))
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
    seen = (await client.get("/api/v1/shift")).json()["seen"] or "nothing"
    body = {"shift": shift, "takes_over": "jo", "seen": seen, **more}
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


async def test_nothing_is_handed_over_that_nobody_looked_at(
    world: ShiftWorld, client: httpx.AsyncClient
) -> None:
    for happens in ("a matter", "a note"):
        seen = (await client.get("/api/v1/shift")).json()["seen"]
        if happens == "a note":
            await client.post("/api/v1/shift/notes", json=NOTE)
        else:
            await world.keeper.write((opened(feeder="lane"),))
        refused = await hand_over(client, 0, seen=seen)
        assert (refused.status_code, "look at it first" in refused.json()["detail"]) == (409, True), happens
        assert world.keeper.books.shifts.shift == 0
    assert (await hand_over(client, 0)).json()["shift"] == 1


async def test_what_went_away_meanwhile_holds_nobody_up(world: ShiftWorld, client: httpx.AsyncClient) -> None:
    await world.keeper.write((opened(feeder="lane"),))
    seen = (await client.get("/api/v1/shift")).json()["seen"]
    await world.keeper.write((closed(feeder="lane"),))
    assert (await hand_over(client, 0, seen=seen)).json()["standing"] == []


async def test_a_limit_that_was_prolonged_is_to_be_looked_at(
    world: ShiftWorld, client: httpx.AsyncClient
) -> None:
    ordered = Ordered(order="O1", by="mara", limit_kw=4.2, until=after(900))
    plan = planned(feeder="street", ordered=ordered)
    await world.keeper.write((opened(feeder="street"), plan))
    seen = (await client.get("/api/v1/shift")).json()["seen"]
    longer = RequestChanged(
        at=after(60),
        request=plan.request,
        limit_kw=4.2,
        end=plan.end,
        epoch=1,
        sequence=2,
        reason="renewed",
        ordered=structs.replace(ordered, until=after(1800)),
    )
    await world.keeper.write((longer,))
    assert (await hand_over(client, 0, seen=seen)).status_code == 409
    assert (await hand_over(client, 0)).json()["shift"] == 1


async def test_of_what_stands_only_so_much_is_listed_and_the_rest_counted(
    world: ShiftWorld, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shift_bodies, "MOST_HANDED", 2)
    monkeypatch.setattr(shift_desk, "MOST_HANDED", 2)
    for number, feeder in enumerate(("street", "street", "street", "lane")):
        target = f"C{number}"
        act = OperatorActed(
            at=world.clock.now(), who="mara", why="works", action="exclude", feeder=feeder, target=target
        )
        await world.keeper.write((act,))
    shift = (await client.get("/api/v1/shift")).json()
    assert (len(shift["standing"]), shift["more"]) == (2, 2)
    async with world.as_of("viewer", {"lane"}) as theirs:
        part = (await theirs.get("/api/v1/shift")).json()
        assert (len(part["standing"]), part["more"], part["seen"]) == (1, 0, None)
    await hand_over(client, 0)
    told = (await client.get("/api/v1/shifts/0")).json()
    assert (len(told["standing"]), told["more"]) == (2, 2)
    for feeder, listed, more in (("street", 2, 1), ("lane", 0, 1)):
        async with world.as_of("viewer", {feeder}) as theirs:
            part = (await theirs.get("/api/v1/shifts/0")).json()
            assert (len(part["standing"]), part["more"]) == (listed, more), "of their feeders"


async def test_a_reading_that_takes_too_long_goes_on_for_the_next_who_asks(
    world: ShiftWorld, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, readings, turn = asyncio.Event(), 0, InTurn()

    async def held(function: Any, *args: Any) -> Any:
        nonlocal readings
        readings += 1
        await go_on.wait()
        return await turn.do(function, *args)

    await hand_over(client, 0)
    monkeypatch.setattr(world.shifts, "_offload", held)
    monkeypatch.setattr(shift_desk, "READ_WITHIN_S", 0.0)
    for _ in range(2):
        for path in ("/shift/summary", "/shifts/0"):
            answer = await client.get(f"/api/v1{path}")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
    monkeypatch.setattr(shift_desk, "READ_WITHIN_S", 15.0)
    go_on.set()
    assert (await client.get("/api/v1/shift/summary")).json()["complete"]
    assert (await client.get("/api/v1/shifts/0")).json()["shift"]["taken_over_by"] == "jo"
    assert readings == 2


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
    ("/hand-over", {"shift": 1, "takes_over": "jo", "seen": "x"}, 409),
    ("/hand-over", {"shift": 0, "seen": "x"}, 422),
    ("/hand-over", {"shift": 0, "takes_over": "jo"}, 422),
    ("/hand-over", {"shift": 0, "takes_over": "  ", "seen": "x"}, 422),
    ("/hand-over", {"shift": 0, "takes_over": "nobody we know", "seen": "x"}, 422),
    ("/notes", {"text": " \n "}, 422),
    ("/notes", {"text": "x", "who": " "}, 422),
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


async def test_what_concerns_all_feeders_takes_somebody_for_all_of_them(world: ShiftWorld) -> None:
    async with world.as_of() as client:
        for feeder in ("street", "lane", None):
            body = NOTE | {"feeder": feeder}
            assert (await client.post("/api/v1/shift/notes", json=body)).status_code == 201
    done, pinned = {"mark": "done"}, NOTE | {"feeder": None, "pinned": True}
    async with world.as_of("operator", {"lane"}) as client:
        size = world.keeper.books.seq
        assert (await hand_over(client, 0)).status_code == 403
        assert (await client.post("/api/v1/shift/notes/1/mark", json=done)).status_code == 403
        assert (await client.post("/api/v1/shift/notes/3/mark", json=done)).status_code == 403
        assert (await client.post("/api/v1/shift/notes", json=pinned)).status_code == 403
        assert world.keeper.books.seq == size
        assert (await client.post("/api/v1/shift/notes/2/mark", json=done)).status_code == 200
        assert (await client.post("/api/v1/shift/notes/9/mark", json=done)).status_code == 404
    async with world.as_of() as client:
        assert (await client.post("/api/v1/shift/notes", json=pinned)).status_code == 201
        assert (await client.post("/api/v1/shift/notes/3/mark", json=done)).status_code == 200


async def test_who_has_some_feeders_reads_of_these_and_of_none_in_particular(world: ShiftWorld) -> None:
    await world.keeper.write((opened(feeder="street"), opened("E-lane-1", feeder="lane")))
    async with world.as_of() as client:
        for feeder in ("street", "lane", None):
            await client.post("/api/v1/shift/notes", json=NOTE | {"feeder": feeder, "pinned": True})
        whole = (await client.get("/api/v1/shift")).json()
        assert [one["feeder"] for one in whole["notes"]] == ["street", "lane", None]
        assert {one["feeder"] for one in whole["standing"]} == {"street", "lane"}
    async with world.as_of("viewer", {"lane"}) as client:
        part = (await client.get("/api/v1/shift")).json()
        assert [one["feeder"] for one in part["notes"]] == ["lane", None]
        assert [one["feeder"] for one in part["standing"]] == ["lane"]
        assert (await client.get("/api/v1/shift/summary")).status_code == 403
    async with world.as_of() as client:
        await hand_over(client, 0)
        assert (await client.get("/api/v1/shifts/0")).json()["summary"]["events_total"] == 2
    async with world.as_of("viewer", {"lane"}) as client:
        told = (await client.get("/api/v1/shifts/0")).json()
        assert [one["feeder"] for one in told["notes"]] == ["lane", None]
        assert [one["feeder"] for one in told["standing"]] == ["lane"]
        assert told["summary"] is None


async def test_the_shift_log_is_for_somebody_who_is_known(world: ShiftWorld) -> None:
    app = FastAPI()
    app.include_router(shift_reading_routes(world.shifts, Doors(OperatorKey(b"a secret of this site"))))
    async with calling(app) as client:
        for path in ("/shift", "/shift/summary", "/shifts", "/shifts/0"):
            assert (await client.get(f"/api/v1{path}")).status_code == 401, path


async def test_blanks_are_nobodys_name(world: ShiftWorld) -> None:
    secret = "a secret of this site"
    app, gate = FastAPI(), Doors(OperatorKey(secret.encode()))
    add_problem_handlers(app)
    app.include_router(shift_writing_routes(world.shifts, gate, FakeViews()))
    shown = {"authorization": f"Bearer {secret}"}
    async with calling(app) as client:
        for who, status in ((" ", 422), ("mara", 201)):
            body = {"text": "quiet", "who": who}
            answer = await client.post("/api/v1/shift/notes", json=body, headers=shown)
            assert answer.status_code == status, who


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
