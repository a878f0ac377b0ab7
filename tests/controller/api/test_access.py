"""Who is let in where: sessions, tokens, the operator token, and every role at every command."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
import msgspec
import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from controller.access import passwords
from controller.access.account_store import AccountStore
from controller.access.accounts import Account
from controller.access.roles import ROLES, Role
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.clock import WallClock
from tests.controller.api.conftest import COOKIE, TOKEN, calling
from tests.controller.api.fake_views import FakeViews

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four horses and a barge"
HERE = {"sec-fetch-site": "same-origin"}
PAUSE = {"action": "automatic_off", "why": "a test"}
_P, _T = ParamSpec("_P"), TypeVar("_T")


async def inline(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return function(*args, **kwargs)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountStore]:
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    passwords.nobodys.cache_clear()
    store = AccountStore(tmp_path / "accounts.sqlite3")
    for role in ROLES:
        store.add(Account(role, role, QUICK.hash(PASSWORD)))
    for name, role in (("elsewhere", "operator"), ("boss.elsewhere", "supervisor")):
        store.add(Account(name, role, QUICK.hash(PASSWORD), feeders=frozenset({"another"})))  # type: ignore[arg-type]
    yield store
    store.close()


@pytest.fixture
async def client(views: FakeViews, store: AccountStore) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(views, store)) as client:
        yield client


def app_of(views: FakeViews, store: AccountStore, **api: object) -> FastAPI:
    """With other settings under [api]."""
    views._site = msgspec.structs.replace(
        views._site,
        api=msgspec.structs.replace(views._site.api, **api),  # type: ignore[arg-type]
    )
    desk = SignInDesk(store, WallClock(), inline)
    registries = {"street": views.registry}
    return create_app(
        views, CollectorRegistry(), None, clock=WallClock(), registries=registries, sign_in=desk
    )


async def sign_in(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post("/api/v1/session", json={"name": name, "password": PASSWORD}, headers=HERE)


async def operate(client: httpx.AsyncClient, feeder: str = "street", **more: object) -> httpx.Response:
    headers = more.pop("headers", HERE)
    return await client.post(f"/api/v1/feeders/{feeder}/operate", json=PAUSE | more, headers=headers)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
async def test_only_who_may_operate_does(client: httpx.AsyncClient, views: FakeViews, role: Role) -> None:
    assert (await sign_in(client, role)).status_code == 200
    expected = 200 if role in ("operator", "supervisor") else 403
    answer = await operate(client)
    assert answer.status_code == expected, answer.text
    if expected == 200:
        assert answer.json()["who"] == role
    assert (await client.get("/api/v1/tokens")).status_code == (200 if role == "supervisor" else 403)


async def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(
    client: httpx.AsyncClient,
) -> None:
    answer = await sign_in(client, "operator")
    cookie = answer.headers["set-cookie"]
    assert COOKIE in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert answer.json()["may"] == ["answer", "customers", "look", "operate"]
    assert (await client.get("/api/v1/session")).json()["name"] == "operator"


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "none"}],
)
async def test_an_order_from_another_site_s_page_is_refused(
    client: httpx.AsyncClient, views: FakeViews, headers: dict[str, str]
) -> None:
    await sign_in(client, "operator")
    assert (await operate(client, headers=headers)).status_code == 403
    assert views.told() == ()
    assert (await operate(client, headers={"origin": "http://console"})).status_code == 200


async def test_nobody_orders_in_somebody_else_s_name(client: httpx.AsyncClient, views: FakeViews) -> None:
    await sign_in(client, "operator")
    answer = await operate(client, who="supervisor")
    assert answer.status_code == 422
    assert "expected 'operator'" in answer.json()["detail"]
    assert (await operate(client, who="operator")).status_code == 200
    (told,) = views.told()
    assert told.text.startswith("operator did automatic_off")


async def test_who_has_other_feeders_has_none_of_these(client: httpx.AsyncClient) -> None:
    await sign_in(client, "elsewhere")
    assert (await operate(client)).status_code == 403
    assert (await operate(client, "another")).status_code == 404  # it is none: but not refused


async def test_what_is_of_all_feeders_is_not_for_who_has_some(client: httpx.AsyncClient) -> None:
    await sign_in(client, "boss.elsewhere")
    order = {"name": "scada", "may": ["operate"], "days": 1, "feeders": ["another"]}
    assert (await client.post("/api/v1/tokens", json=order, headers=HERE)).status_code == 403
    assert (await client.get("/api/v1/tokens")).status_code == 403


async def test_wrong_words_are_refused_alike_and_then_slowly(client: httpx.AsyncClient) -> None:
    told = set()
    for name in ("operator", "nobody", "operator", "nobody", "operator"):
        answer = await client.post("/api/v1/session", json={"name": name, "password": "x"})
        assert answer.status_code == 401
        told.add(answer.json()["detail"])
    assert told == {"name, password or code is not right"}
    answer = await sign_in(client, "operator")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_signing_out_ends_it(client: httpx.AsyncClient) -> None:
    await sign_in(client, "operator")
    kept = client.cookies[COOKIE]
    for headers in ({}, {"sec-fetch-site": "cross-site"}):
        assert (await client.delete("/api/v1/session", headers=headers)).status_code == 403
        assert (await client.get("/api/v1/session")).status_code == 200
    assert (await client.delete("/api/v1/session", headers=HERE)).status_code == 204
    assert (await client.delete("/api/v1/session")).status_code == 204  # there is none
    client.cookies.clear()
    client.cookies.set(COOKIE, kept)
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_token_does_what_it_names_and_no_more(client: httpx.AsyncClient) -> None:
    await sign_in(client, "supervisor")
    order = {"name": "scada", "may": ["operate"], "days": 1, "feeders": ["street"]}
    made = (await client.post("/api/v1/tokens", json=order, headers=HERE)).json()
    client.cookies.clear()
    bearer = {"authorization": f"Bearer {made['secret']}"}
    assert (await operate(client, headers=bearer)).json()["who"] == "token:scada"
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 403
    await sign_in(client, "supervisor")
    listed = (await client.get("/api/v1/tokens")).json()["tokens"]
    assert [one["token"] for one in listed] == [made["token"]]
    assert made["secret"] not in str(listed)
    assert (await client.delete(f"/api/v1/tokens/{made['token']}", headers=HERE)).status_code == 204
    client.cookies.clear()
    assert (await operate(client, headers=bearer)).status_code == 401
    assert (await client.delete(f"/api/v1/tokens/{made['token']}")).status_code == 401


async def test_the_operator_token_opens_as_before_but_says_who(client: httpx.AsyncClient) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert (await operate(client, headers=bearer)).status_code == 422
    assert (await operate(client, headers=bearer, who="Ada")).json()["who"] == "Ada"
    assert (await client.get("/api/v1/tokens", headers=bearer)).status_code == 403
    assert (await client.get("/api/v1/session", headers=bearer)).json()["name"] is None
    assert (await operate(client, headers={"authorization": "Bearer no"})).status_code == 401
    assert (await operate(client)).status_code == 401


async def test_a_wrong_token_is_told_so_also_where_there_is_no_operator_token(
    views: FakeViews, store: AccountStore
) -> None:
    async with calling(app_of(views, store, operator_token_file=None)) as client:
        answer = await operate(client, headers={"authorization": "Bearer mistyped"})
        assert (answer.status_code, answer.json()["detail"]) == (401, "this token is void")


async def test_a_header_for_a_proxy_does_not_hide_the_session(client: httpx.AsyncClient) -> None:
    await sign_in(client, "operator")
    for_the_proxy = {"authorization": "Basic cHJveHk6eA=="}
    assert (await operate(client, headers=HERE | for_the_proxy)).status_code == 200
    assert (await operate(client, headers=for_the_proxy)).status_code == 403


async def test_who_is_turned_away_stands_in_the_log(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        await operate(client)
        await sign_in(client, "viewer")
        await operate(client)
    refused = [one for one in logs if one["event"] == "refused"]
    assert refused == [
        {"event": "refused", "log_level": "warning", "status": status, "name": name,
         "permission": "operate", "feeder": "street", "address": "127.0.0.1"}
        for status, name in ((401, None), (403, "viewer"))
    ]  # fmt: skip


async def test_behind_a_proxy_that_ends_tls_the_cookie_goes_over_tls_alone(
    views: FakeViews, store: AccountStore
) -> None:
    async with calling(app_of(views, store, public_url="https://grid.example")) as client:
        answer = await sign_in(client, "operator")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-gridward_session=")
        assert "; Secure" in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        shown = {"cookie": cookie.partition(";")[0], **HERE}
        assert (await operate(client, headers=shown)).status_code == 200
        ended = (await client.delete("/api/v1/session", headers=shown)).headers["set-cookie"]
        assert "Secure" in ended  # else the browser keeps it
        assert (await operate(client, headers=shown)).status_code == 401


async def test_a_site_may_want_sign_in_for_looking_too(views: FakeViews, store: AccountStore) -> None:
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        views.step()
        paths = ("feeders", "feeders/street/network", "feeders/street/state", "feeders/street/trend", "told")
        for path in paths:
            assert (await client.get(f"/api/v1/{path}")).status_code == 401
        assert (await client.get("/api/v1/stream")).status_code == 401
        await sign_in(client, "viewer")
        for path in paths:
            assert (await client.get(f"/api/v1/{path}")).status_code == 200
        document = (await client.get("/api/v1/openapi.json")).json()
        assert document["paths"]["/api/v1/told"]["get"]["security"]


async def test_one_feeder_is_for_who_has_it_where_looking_takes_signing_in(
    views: FakeViews, store: AccountStore
) -> None:
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        views.step()
        await sign_in(client, "elsewhere")
        of_one = "/api/v1/feeders/street"
        for path in ("layout", "network", "state", "trend", "contributions?element=line:0"):
            assert (await client.get(f"{of_one}/{path}")).status_code == 403, path
        for asked in ("", "?form=columns&feeder=street", "?feeder=street"):
            assert (await client.get(f"/api/v1/stream{asked}")).status_code == 403, asked
        for path in ("feeders", "overview", "told"):
            assert (await client.get(f"/api/v1/{path}")).status_code == 200, path


@pytest.mark.parametrize(
    ("must_sign_in", "name", "sees"),
    [(True, "viewer", False), (True, "operator", True), (False, "viewer", True)],
)
async def test_whose_a_service_point_is_takes_who_may_see_customers_where_one_signs_in_to_look(
    views: FakeViews, store: AccountStore, must_sign_in: bool, name: Role, sees: bool
) -> None:
    async with calling(app_of(views, store, sign_in_to_look=must_sign_in)) as client:
        views.step()
        await sign_in(client, name)
        of_one = "/api/v1/feeders/street"
        points = (await client.get(f"{of_one}/layout")).json()["service_points"]
        assert len(points["customer"]) == len(points["critical"]) == len(points["name"])
        assert (any(points["customer"]), any(points["critical"])) == (sees, sees)
        packed = await client.get(f"{of_one}/layout", headers={"accept-encoding": "gzip"})
        assert packed.json()["service_points"] == points
        buses = (await client.get(f"{of_one}/network")).json()["buses"]
        houses = [house for bus in buses for house in bus["service_points"]]
        assert (any(one["customer"] for one in houses), any(one["critical"] for one in houses)) == (
            sees,
            sees,
        )
        made_up = (await client.get(f"{of_one}/contributions?element=line:0")).json()
        assert any(one["customer"] for one in made_up["causes"]) is sees
        assert made_up["causes"][0]["service_point"]


async def test_the_document_says_how_one_gets_in(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    assert sorted(document["components"]["securitySchemes"]) == ["bearer", "session"]
    assert document["components"]["securitySchemes"]["session"]["name"] == COOKIE
    either = [{"bearer": []}, {"session": []}]
    for path, method, expected in (
        ("/api/v1/feeders/{feeder}/operate", "post", either),
        ("/api/v1/tokens", "get", either),
        ("/api/v1/session", "get", either),
        ("/api/v1/session", "post", []),
        ("/api/v1/feeders", "get", None),
    ):
        assert document["paths"][path][method].get("security") == expected, path
    for path in ("/api/v1/tokens", "/api/v1/session"):
        assert all("503" in one["responses"] for one in document["paths"][path].values())


async def test_accounts_that_cannot_be_read_let_nobody_in(
    client: httpx.AsyncClient, store: AccountStore
) -> None:
    await sign_in(client, "operator")
    store.close()
    with structlog.testing.capture_logs() as logs:
        answer = await operate(client)
    assert answer.status_code == 503
    assert "sqlite" not in answer.text
    assert ["accounts.sqlite3" in one["error"] for one in logs] == [True]
