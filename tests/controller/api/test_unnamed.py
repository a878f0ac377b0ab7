"""A feeder to who may look and not see customers: all its figures, and nobody's ids, by every way."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import httpx
import msgspec
import pytest

from controller import entries as e
from controller.access.account_store import AccountStore
from controller.api.encoding import to_json
from controller.api.health import Pulse
from controller.api.overview_board import OverviewBoard
from controller.api.scope import Sight
from controller.api.stream import Streams
from controller.api.stream_blocks import Blocks
from controller.api.unnamed import unnamed
from controller.live import CHANGES
from controller.narration.personal import INSTEAD, OF_NOBODY, impersonal
from tests.controller.api.conftest import COOKIE, calling
from tests.controller.api.fake_views import FakeViews
from tests.controller.api.test_access import app_of, sign_in, store  # noqa: F401  a fixture
from tests.controller.api.test_console_stream import Page, Standing
from tests.controller.api.test_stream import Reader, serving

NOBODYS: Sight = frozenset()
ELSEWHERE: Sight = frozenset({"another"})
HERE: Sight = frozenset({"street"})
SAME_PAGE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def views() -> FakeViews:
    """In the evening's middle: some were asked, some have earned."""
    views = FakeViews()
    views.step_until(lambda view: view.located and any(one.points for one in view.requests))
    return views


def ids(views: FakeViews) -> set[str]:
    assert views.view is not None
    assert views.view.located
    asked = {name for one in views.view.requests for name in (one.target, one.customer) if name is not None}
    return asked | {customer.customer for customer in views.registry.customers}


def named_in(text: str, views: FakeViews) -> list[str]:
    return [name for name in ids(views) if f'"{name}"' in text]


def _plain(value: object) -> Any:
    return msgspec.json.decode(to_json(value))


async def test_the_state_names_customers_to_who_may_see_them_alone(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
) -> None:
    told = {}
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        for name in ("viewer", "engineer", "operator", "auditor"):
            await sign_in(client, name)
            told[name] = (await client.get("/api/v1/feeders/street/state")).text
    for name in ("operator", "auditor"):
        assert msgspec.json.decode(told[name]) == _plain(views.view)
    for name in ("viewer", "engineer"):
        assert named_in(told[name], views) == []
    whole, bare = (msgspec.json.decode(told[name]) for name in ("operator", "viewer"))
    assert {field for field in whole if whole[field] != bare[field]} == {"located", "requests"}
    left_out = {"target", "customer", "service_point", "reduced_kwh", "points"}
    assert [one | dict.fromkeys(left_out) for one in whole["requests"]] == bare["requests"]
    assert {field for one in whole["requests"] for field in left_out if one[field]} == left_out
    assert [one | {"customer": None} for one in whole["located"]] == bare["located"]


async def test_a_stream_of_states_does_so_too(views: FakeViews, store: AccountStore) -> None:  # noqa: F811
    app = app_of(views, store, sign_in_to_look=True)
    async with calling(app) as client, serving(app) as port:
        for name, sees in (("viewer", False), ("operator", True)):
            await sign_in(client, name)
            event = await _first(port, client.cookies[COOKIE])
            assert views.view is not None
            assert event.view == (views.view if sees else unnamed(views.view))
            assert event.told == tuple(views.sentences if sees else map(impersonal, views.sentences))


async def test_sentences_about_customers_say_less_to_who_may_not_see_them(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
) -> None:
    views.sentences.append(replace(views.sentences[-1], entry="operator_acted", text="excluded C-1"))
    views.sentences.append(replace(views.sentences[-1], text="automatic off", personal=False))
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        for name, sees in (("viewer", False), ("elsewhere", False), ("auditor", True)):
            await sign_in(client, name)
            shown = views.sentences if sees else list(map(impersonal, views.sentences))
            assert (await client.get("/api/v1/told")).json() == _plain(shown)
            path = "/api/v1/overview?since=2016-01-01T00:00:00Z"
            changes = (await client.get(path)).json()["changes"]["latest"]
            assert [one["text"] for one in reversed(changes)] == [o.text for o in shown if o.entry in CHANGES]
        assert impersonal(views.sentences[-1]).text == "automatic off"


def test_each_sentence_is_about_somebody_or_nobody() -> None:
    tags = {kind: str(kind.__struct_config__.tag) for kind in get_args(e.Entry)}
    assert {tag for kind, tag in tags.items() if kind not in OF_NOBODY} == set(INSTEAD)


async def _first(port: int, session: str) -> Any:
    shown = {"cookie": f"{COOKIE}={session}"}
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("GET", "/api/v1/stream?feeder=street", headers=shown) as answer,
    ):
        return await Reader(answer).event()


async def test_the_console_s_stream_is_made_twice_for_each_change_however_many_follow(
    views: FakeViews,
) -> None:
    clock = Standing(datetime(2016, 1, 1, tzinfo=UTC), 100)
    blocks = Blocks(views, OverviewBoard(views, Pulse(views, clock)))
    streams = Streams(views, clock, blocks)
    sights: list[Sight] = [None, HERE, NOBODYS, ELSEWHERE]
    pages = [(sight, Page(streams, sight=sight)) for sight in sights * 8]
    known: dict[int, dict[str, Any]] = {}
    for _ in range(4):
        before, told = blocks.made, views.sentences[-1].seq
        seen = [(sight, dict(await page.events())) for sight, page in pages]
        assert blocks.made - before <= 2 * len(seen[0][1])
        for number, (sight, events) in enumerate(seen):
            feeder = events["feeder"]
            rows = feeder["requests"]
            held = known.setdefault(number, {})
            held.update({row["request"]: row for row in rows["rows"]})
            assert views.view is not None
            wanted = views.view if sight in (None, HERE) else unnamed(views.view)
            assert [held[one.request] for one in wanted.requests] == _plain(wanted.requests)
            assert feeder["located"] == _plain(wanted.located)
            shown = views.sentences if sight is None else list(map(impersonal, views.sentences))
            assert events["told"]["told"] == _plain(shown[-len(events["told"]["told"]) :])
        views.step_until(lambda _, told=told: views.sentences[-1].seq > told)


async def test_what_if_tells_how_many_customers_it_would_affect_and_not_whom(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
) -> None:
    order = {
        "action": "limit",
        "targets": ["EV-001", "EV-002"],
        "limit_kw": 5.0,
        "until": "2016-01-12T21:00:00Z",
    }
    told = {}
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        for name in ("viewer", "operator"):
            await sign_in(client, name)
            path = "/api/v1/feeders/street/what-if"
            answer = await client.post(
                path, json={"orders": [order]}, headers={"sec-fetch-site": "same-origin"}
            )
            told[name] = answer.json()
    assert len(told["operator"]["devices"]) == len(told["operator"]["customers"]) == 2
    assert told["viewer"] == told["operator"] | {
        "devices": [], "critical_customers": [], "customers": ["customer 1", "customer 2"],
    }  # fmt: skip
