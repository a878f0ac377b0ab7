"""Orders in two steps and the emergency stop over HTTP, with keys by which a command is done once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import httpx
import msgspec
import pytest
from fastapi import Depends, FastAPI, Request

from controller import settings
from controller.access.principal import KEY_HOLDER, Principal
from controller.access.roles import permissions_of
from controller.api.gate import Doors
from controller.api.idempotency import Idempotency
from controller.api.operate import operate_routes
from controller.api.operator_key import OperatorKey
from controller.api.orders import answer_again, order_reading_routes, order_routes
from controller.api.problems import add_problem_handlers
from controller.entries import EmergencyStopped, OperatorActed, OrderDrafted
from controller.orders.endings import CONTROLLER, RESTARTED, closed, end_code
from tests.builders import FEEDER
from tests.controller.api.conftest import calling
from tests.controller.sunny_world import SunnyWorld
from tests.controller.worlds import World, evening
from tests.fair_time import turns

LIMIT = {"action": "limit", "targets": ["EV03", "EV04"], "limit_kw": 4.2, "why": "cable 3"}
DRAFTS = f"/api/v1/feeders/{FEEDER}/orders"
OPERATE = f"/api/v1/feeders/{FEEDER}/operate"
STOP = "/api/v1/emergency-stop"
AT_ONCE = {"scope": "site", "manner": "at_once", "why": "x"}
TWO = settings.Orders(two_person=("limit",))


class DoorsByHeader(Doors):
    """Whoever the request says; `of` are the only feeders that they may act on, `lost` who may only look."""

    def __init__(self, lost: set[str]) -> None:
        super().__init__(OperatorKey(None))
        self.lost = lost

    async def known(self, request: Request) -> Principal:
        name, of = request.headers.get("x-name", "Ann"), request.headers.get("x-of")
        if name == "the token":
            return KEY_HOLDER
        may = permissions_of("viewer" if name in self.lost | {"Vera"} else "operator")
        return Principal(name, may, None if of is None else frozenset({of}))


def app_of(world: World, lost: set[str] | None = None) -> FastAPI:
    """As `create_app` puts it together."""
    lost = set() if lost is None else lost
    app, gate, desk = FastAPI(), DoorsByHeader(lost), world.daemon.desks.orders

    async def still_operates(name: str, feeder: str) -> bool:
        return name not in lost and feeder == FEEDER

    add_problem_handlers(app)
    again = partial(answer_again, desk)
    app.add_middleware(Idempotency, gate=gate, clock=world.clock, earlier=desk.command, again=again)
    app.include_router(operate_routes(world.daemon, gate, desk))
    app.include_router(order_reading_routes(desk, gate))
    app.include_router(order_routes(desk, world.daemon, gate, still_operates))
    return app


@pytest.fixture
def rules() -> settings.Orders:
    """A test may say others."""
    return settings.Orders()


@pytest.fixture
async def world(rules: settings.Orders) -> World:
    world = World(evening(orders=rules))
    for house in world.field.houses[:6]:
        house.ev_kw = 11.0
    await world.tick(2)
    return world


@pytest.fixture
def lost() -> set[str]:
    """Who may not operate any more; a test adds to it."""
    return set()


@pytest.fixture
async def client(world: World, lost: set[str]) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(world, lost)) as client:
        yield client


def as_(name: str, key: str | None = None) -> dict[str, str]:
    return {"x-name": name} | ({} if key is None else {"idempotency-key": f'"{key}"'})


async def test_whom_an_order_is_about_is_told_to_who_may_see_customers_where_one_signs_in_to_look(
    client: httpx.AsyncClient, world: World
) -> None:
    """Vera may only look."""
    draft = (await client.post(DRAFTS, json=LIMIT | {"targets": ["EV00", "C01"]})).json()["order"]
    await client.post(f"/api/v1/orders/{draft}/confirm", json={"seen": 1})
    doors = DoorsByHeader(set())

    async def looks(request: Request) -> None:
        await doors.admit_somewhere(request, "look")

    app = FastAPI(dependencies=[Depends(looks)])
    app.include_router(order_reading_routes(world.daemon.desks.orders, doors))
    for path in ("/api/v1/orders", f"/api/v1/orders/{draft}"):
        async with calling(app) as looking:
            whole, bare = [(await looking.get(path, headers=as_(name))).json() for name in ("Ann", "Vera")]
        whole, bare = (one["items"][0] if "items" in one else one for one in (whole, bare))
        assert whole["targets"] == ["EV00", "C01"]
        assert bare["targets"] == ["target 1", "target 2"]
        assert (bare["requests"], bare["limit_kw"]) == (whole["requests"], whole["limit_kw"])
        text = msgspec.json.encode(bare).decode()
        assert [name for name in ("EV00", "C00", "EV01", "C01") if f'"{name}"' in text] == []


async def test_drafted_looked_at_confirmed(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post(DRAFTS, json=LIMIT)
    assert answer.status_code == 201
    draft = answer.json()
    assert answer.headers["location"] == f"/api/v1/orders/{draft['order']}"
    assert (draft["state"], draft["who"], draft["needed"], draft["may_confirm"]) == ("open", "Ann", 1, True)
    assert draft["effect"]["curtailed_kw"] == pytest.approx(13.6, abs=0.1)
    assert draft["effect"]["columns_after"] is None
    assert world.entries(OperatorActed) == []
    confirmed = await client.post(f"{answer.headers['location']}/confirm", json={"seen": 1})
    assert confirmed.status_code == 200
    assert confirmed.json()["state"] == "carried_out"
    await world.tick(2)
    assert set(world.field.held()) == {"EV03", "EV04"}
    found = (await client.get(answer.headers["location"])).json()
    assert found["requests"] == {"active": 2}
    late = await client.post(f"{answer.headers['location']}/confirm", json={})
    assert late.status_code == 409
    assert late.headers["content-type"] == "application/problem+json"
    assert late.json()["type"] == "urn:gridward:problem:is_over"


async def test_feed_in_is_drafted_looked_at_confirmed_and_told() -> None:
    world = SunnyWorld()
    world.shine(12.0)
    await world.tick(2)
    roofs = LIMIT | {"targets": ["EV00", "EV05"], "limit_kw": 5.0, "direction": "production"}
    async with calling(app_of(world)) as client:
        draft = (await client.post(DRAFTS, json=roofs)).json()
        assert draft["direction"] == "production"
        effect = draft["effect"]
        assert (effect["less_fed_in_kw"], effect["curtailed_kw"]) == pytest.approx((7.0, -7.0))
        assert [one["direction"] for one in effect["devices"]] == ["production"]
        assert [one["reason"] for one in effect["left_out"]] == ["no_feed_in"]
        assert world.entries(OrderDrafted)[-1].direction == "production"
        confirm = f"/api/v1/orders/{draft['order']}/confirm"
        done = (await client.post(confirm, json={"seen": draft["effect_number"]})).json()
        assert (done["state"], done["left_out"]) == ("carried_out", [["EV00", "no_feed_in"]])
        await turns()
        assert world.field.held_back() == {"EV05": 5.0}
        one_step = roofs | {"targets": ["EV06"]}
        acted = (await client.post(OPERATE, json=one_step)).json()
        assert (acted["direction"], acted["targets"]) == ("production", ["EV06"])
        told = (await client.get("/api/v1/orders")).json()["items"]
        assert [one["direction"] for one in told] == ["production", "production"]
        for wrong, said in (
            (one_step | {"direction": "sideways"}, "direction: expected"),
            (one_step | {"targets": ["EV01"]}, "no feed-in"),
        ):
            for path in (OPERATE, DRAFTS)[: 2 if "direction" in said else 1]:
                refused = await client.post(path, json=wrong)
                assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.text
        assert (await client.post(DRAFTS, json=LIMIT | {"targets": ["EV05"]})).status_code == 201
        assert (await client.post(OPERATE, json=LIMIT | {"targets": ["EV05"]})).status_code == 422


@pytest.mark.parametrize("rules", [TWO])
async def test_the_second_person_over_http(client: httpx.AsyncClient, world: World) -> None:
    direct = await client.post(OPERATE, json=LIMIT)
    assert (direct.status_code, direct.json()["type"]) == (403, "urn:gridward:problem:another_needed")
    draft = (await client.post(DRAFTS, json=LIMIT)).json()
    assert (draft["needed"], draft["may_confirm"]) == (2, False)
    assert "agreed already" in draft["cannot_because"]
    assert draft["cannot_code"] == "has_agreed"
    path = f"/api/v1/orders/{draft['order']}/confirm"
    assert (await client.post(path, json={})).status_code == 403
    assert (await client.post(path, json={"who": "Bob"}, headers=as_("the token"))).status_code == 403
    page = (await client.get("/api/v1/orders", headers=as_("Bob"))).json()
    assert (page["waiting_for_me"], page["items"][0]["may_confirm"]) == (1, True)
    assert world.entries(OperatorActed) == []
    assert (await client.post(path, json={}, headers=as_("Bob"))).json()["agreed"] == ["Ann", "Bob"]
    [act] = world.entries(OperatorActed)
    assert (act.who, act.agreed_by) == ("Ann", ("Bob",))
    freed = await client.post(OPERATE, json={"action": "release_all", "why": "mended"})
    assert freed.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (DRAFTS, LIMIT, as_("Vera"), 403),
        (DRAFTS, LIMIT, {"x-of": "F2"}, 403),
        ("/api/v1/feeders/F9/orders", LIMIT, {}, 404),
        (DRAFTS, LIMIT | {"targets": ["EV99"]}, {}, 422),
        (DRAFTS, LIMIT | {"why": ""}, {}, 422),
        (DRAFTS, {"action": "explode", "why": "x"}, {}, 422),
        (DRAFTS, LIMIT, as_("the token"), 422),
        ("/api/v1/orders/O-none/confirm", {}, {}, 404),
        ("/api/v1/orders/O-none/withdraw", {"why": "x"}, {}, 404),
        (STOP, AT_ONCE, {"x-of": "F1"}, 403),
        (STOP, AT_ONCE | {"scope": "feeders"}, {}, 422),
        (STOP, AT_ONCE | {"feeders": ["F1"]}, {}, 422),
        (STOP, AT_ONCE | {"scope": "feeders", "feeders": ["F1", "F9"]}, {}, 404),
    ],
)
async def test_what_is_refused_does_nothing(  # noqa: PLR0917
    client: httpx.AsyncClient, world: World, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.entries(OrderDrafted, OperatorActed, EmergencyStopped) == []


async def test_only_who_may_act_there_sees_and_decides(client: httpx.AsyncClient) -> None:
    draft = (await client.post(DRAFTS, json=LIMIT)).json()
    elsewhere = {"x-of": "F2"}
    path = f"/api/v1/orders/{draft['order']}"
    assert (await client.get("/api/v1/orders", headers=elsewhere)).json()["items"] == []
    assert (await client.get(path, headers=elsewhere)).status_code == 404
    for end in (f"{path}/confirm", f"{path}/withdraw"):
        answer = await client.post(end, json={"why": "x"} if end.endswith("draw") else {}, headers=elsewhere)
        assert answer.status_code == 403


async def test_the_list_is_paged_and_tagged(client: httpx.AsyncClient) -> None:
    off = {"action": "automatic_off", "why": "x"}
    await client.post(OPERATE, json=off)
    names = [(await client.post(DRAFTS, json=off)).json()["order"] for _ in range(2)]
    first = (await client.get("/api/v1/orders?limit=2")).json()
    assert [item["order"] for item in first["items"]] == names[::-1]
    second = (await client.get(f"/api/v1/orders?limit=2&after={first['next']}")).json()
    assert [(item["kind"], item["action"]) for item in second["items"]] == [("act", "automatic_off")]
    assert second["next"] is None
    assert (await client.get("/api/v1/orders?limit=0")).status_code == 422
    tag = (await client.get("/api/v1/orders")).headers["etag"]
    assert (await client.get("/api/v1/orders", headers={"if-none-match": tag})).status_code == 304
    await client.post(f"/api/v1/orders/{names[0]}/withdraw", json={"why": "x"})
    assert (await client.get("/api/v1/orders", headers={"if-none-match": tag})).status_code == 200


async def test_a_changed_feeder_answers_409_and_has_the_new_effect(
    client: httpx.AsyncClient, world: World
) -> None:
    path = f"/api/v1/orders/{(await client.post(DRAFTS, json=LIMIT)).json()['order']}"
    for house in world.field.houses[6:14]:
        house.ev_kw = 11.0
    await world.tick()
    refused = await client.post(f"{path}/confirm", json={"seen": 1})
    assert (refused.status_code, "changed" in refused.json()["detail"]) == (409, True)
    assert refused.json()["type"] in {
        f"urn:gridward:problem:{kind}" for kind in ("effect_loading", "effect_power")
    }
    again = (await client.get(path)).json()
    assert again["effect_number"] == 2
    assert (await client.post(f"{path}/confirm", json={"seen": 2})).status_code == 200


async def test_the_emergency_stop_over_http(client: httpx.AsyncClient, world: World) -> None:
    await client.post(OPERATE, json=LIMIT)
    await world.tick(2)
    stopped = await client.post(
        "/api/v1/emergency-stop", json={"scope": "site", "manner": "at_once", "why": "fire"}
    )
    await turns()
    assert world.field.held() == {}
    assert (stopped.status_code, stopped.json()["feeders"], stopped.json()["durable"]) == (
        200,
        [FEEDER],
        True,
    )
    held = await client.post(OPERATE, json=LIMIT)
    assert (held.status_code, held.json()["type"]) == (409, "urn:gridward:problem:stop_holds")
    listed = (await client.get("/api/v1/orders")).json()["items"][0]
    assert (listed["action"], listed["held"]) == ("emergency_stop", [FEEDER])
    world.store.broken = True
    again = await client.post(
        "/api/v1/emergency-stop",
        json={"scope": "feeders", "manner": "staggered", "why": "fire", "feeders": [FEEDER]},
    )
    assert (again.status_code, again.json()["durable"]) == (200, False)
    world.store.broken = False
    await client.post(OPERATE, json={"action": "automatic_on", "why": "out"})
    assert (await client.post(OPERATE, json=LIMIT)).status_code == 200


@pytest.mark.parametrize(("path", "kind"), [(DRAFTS, OrderDrafted), (OPERATE, OperatorActed)])
async def test_a_command_under_a_key_is_done_once_and_answered_alike(
    client: httpx.AsyncClient, world: World, path: str, kind: type[OrderDrafted | OperatorActed]
) -> None:
    first = await client.post(path, json=LIMIT, headers=as_("Ann", "k1"))
    await world.tick()
    again = await client.post(path, json=LIMIT, headers=as_("Ann", "k1"))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert len(world.entries(kind)) == 1
    other = await client.post(path, json=LIMIT | {"why": "another"}, headers=as_("Ann", "k1"))
    assert other.status_code == 422
    bobs = await client.post(path, json=LIMIT, headers=as_("Bob", "k1"))
    assert bobs.json()["who"] == "Bob", "a key is of one principal"


@pytest.mark.parametrize("path", [DRAFTS, OPERATE, "/api/v1/emergency-stop"])
async def test_also_after_a_restart(client: httpx.AsyncClient, world: World, path: str) -> None:
    stop = {"scope": "site", "manner": "at_once", "why": "x"}
    body = stop if path.endswith("stop") else LIMIT
    first = await client.post(path, json=body, headers=as_("Ann", "k1"))
    count = world.daemon.books.seq
    world.daemon = world.start()
    async with calling(app_of(world)) as anew:
        again = await anew.post(path, json=body, headers=as_("Ann", "k1"))
        assert again.status_code == first.status_code
        name = "draft" if path == OPERATE else "order"
        assert again.json()[name] == first.json()[name]
        if path != DRAFTS:
            assert again.content == first.content
        else:  # a draft is void by then, and so it is told
            assert again.json()["cannot_code"] == "restarted"
        other = await anew.post(path, json=body | {"why": "another"}, headers=as_("Ann", "k1"))
        assert other.status_code == 422
    assert world.daemon.books.seq == count + 1, "the start, and nothing else"


async def test_a_stop_that_holds_is_always_told_cut_to_the_feeders_of_who_asks(
    client: httpx.AsyncClient, world: World
) -> None:
    keeper = world.daemon.desks.orders.keeper
    stop = EmergencyStopped(
        at=world.clock.now(), stop="S-1", who="Ann", why="fire", manner="at_once", feeders=(FEEDER, "F2")
    )
    await keeper.write((stop,))
    for number in range(210):  # by then it is long out of the latest orders
        at = world.clock.now() + timedelta(seconds=number)
        await keeper.write(
            (OperatorActed(at=at, who="Ann", why="x", action="include", feeder=FEEDER, target="EV00"),)
        )
    every, cut, other = [
        (await client.get("/api/v1/orders", headers={"x-name": "Ann"} | of)).json()["stopped"]
        for of in ({}, {"x-of": FEEDER}, {"x-of": "F3"})
    ]
    assert [(one["feeder"], one["order"], one["who"]) for one in every] == [
        (FEEDER, "S-1", "Ann"),
        ("F2", "S-1", "Ann"),
    ]
    assert [one["feeder"] for one in cut] == [FEEDER]
    assert other == []


async def test_a_stop_is_shown_to_whom_it_concerns_on_any_feeder(
    client: httpx.AsyncClient, world: World
) -> None:
    stop = EmergencyStopped(
        at=world.clock.now(), stop="S-1", who="Ann", why="fire", manner="at_once", feeders=(FEEDER, "F2")
    )
    await world.daemon.desks.orders.keeper.write((stop,))
    theirs = {"x-name": "Ann", "x-of": FEEDER}
    [shown] = (await client.get("/api/v1/orders", headers=theirs)).json()["items"]
    assert (shown["feeders"], shown["held"]) == ([FEEDER], [FEEDER])
    assert (await client.get("/api/v1/orders/S-1", headers=theirs)).json() == shown
    answer = await client.get("/api/v1/orders/S-1", headers={"x-name": "Ann", "x-of": "F3"})
    assert answer.status_code == 404


async def test_who_may_not_operate_is_not_told_that_they_may_confirm(client: httpx.AsyncClient) -> None:
    draft = (await client.post(DRAFTS, json=LIMIT)).json()["order"]
    for headers in ({"x-name": "Vera"}, {"x-name": "Bob", "x-of": "F2"}):
        page = (await client.get("/api/v1/orders", headers=headers)).json()
        assert page["waiting_for_me"] == 0
    told = (await client.get(f"/api/v1/orders/{draft}", headers={"x-name": "Vera"})).json()
    assert not told["may_confirm"]
    assert "may not operate" in told["cannot_because"]
    assert told["cannot_code"] == "may_not_operate"
    assert (await client.get("/api/v1/orders", headers={"x-name": "Bob"})).json()["waiting_for_me"] == 1


async def test_a_cursor_that_is_none_is_said_to_be_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/orders", params={"after": "O-nothing"})
    assert answer.status_code == 422
    assert "O-nothing" in answer.json()["detail"]


@pytest.mark.parametrize("is_after_restart", [False, True])
async def test_who_may_not_operate_any_more_is_told_no_answer_again(
    client: httpx.AsyncClient, world: World, lost: set[str], is_after_restart: bool
) -> None:
    ann = as_("Ann", "k1")
    assert (await client.post(DRAFTS, json=LIMIT, headers=ann)).status_code == 201
    if is_after_restart:
        world.daemon = world.start()
    async with calling(app_of(world, lost)) as anew:
        caller = anew if is_after_restart else client
        lost.add("Ann")
        refused = await caller.post(DRAFTS, json=LIMIT, headers=ann)
        assert (refused.status_code, "order" in refused.json()) == (403, False)
        lost.clear()
        assert (await caller.post(DRAFTS, json=LIMIT, headers=ann)).status_code == 201
    assert len(world.entries(OrderDrafted)) == 1


@pytest.mark.parametrize("rules", [TWO])
async def test_an_agreement_of_who_lost_the_right_since_is_none(
    client: httpx.AsyncClient, world: World, lost: set[str]
) -> None:
    path = f"/api/v1/orders/{(await client.post(DRAFTS, json=LIMIT)).json()['order']}/confirm"
    lost.add("Ann")
    bobs = (await client.post(path, json={}, headers=as_("Bob"))).json()
    assert (bobs["state"], bobs["agreed"], bobs["cannot_code"]) == ("open", ["Bob"], "has_agreed")
    assert world.entries(OperatorActed) == []
    cats = (await client.post(path, json={}, headers=as_("Cat"))).json()
    assert cats["state"] == "carried_out"
    [act] = world.entries(OperatorActed)
    assert act.agreed_by == ("Bob", "Cat")


async def test_why_a_draft_is_over_has_a_code_where_no_person_said_it(
    client: httpx.AsyncClient, world: World
) -> None:
    names = [(await client.post(DRAFTS, json=LIMIT)).json()["order"] for _ in range(3)]
    await client.post(f"/api/v1/orders/{names[0]}/withdraw", json={"why": "not needed"})
    world.clock.passed_s += 1
    await client.post(STOP, json=AT_ONCE)
    told = {one: (await client.get(f"/api/v1/orders/{one}")).json() for one in names}
    assert [(told[one]["reason"], told[one]["reason_code"]) for one in names] == [
        ("not needed", None),
        ("emergency stop", "emergency_stop"),
        ("emergency stop", "emergency_stop"),
    ]
    record = world.daemon.desks.orders.judge.record(names[2])
    assert end_code(closed(record, "void", CONTROLLER, RESTARTED, world.clock.now())) == "restarted"
    assert end_code(closed(record, "failed", CONTROLLER, "x", world.clock.now())) == "failed"
