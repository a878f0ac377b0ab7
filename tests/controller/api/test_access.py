"""Who is let in where: sessions, tokens, the operator token, and every role at every command."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
import pytest
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry

from controller.access import passwords
from controller.access.account_store import AccountStore
from controller.access.accounts import Account
from controller.access.roles import ROLES, Role
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.api.gate import COOKIE
from controller.clock import WallClock
from tests.controller.api.conftest import TOKEN, calling
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
        store.put(Account(role, role, QUICK.hash(PASSWORD)))
    store.put(Account("elsewhere", "operator", QUICK.hash(PASSWORD), feeders=frozenset({"another"})))
    yield store
    store.close()


@pytest.fixture
async def client(views: FakeViews, store: AccountStore) -> AsyncIterator[httpx.AsyncClient]:
    desk = SignInDesk(store, WallClock(), inline)
    app = create_app(views, CollectorRegistry(), None, clock=WallClock(), sign_in=desk)
    async with calling(app) as client:
        yield client


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
    stolen = client.cookies[COOKIE]
    assert (await client.delete("/api/v1/session", headers=HERE)).status_code == 204
    client.cookies.set(COOKIE, stolen, domain="console")
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_token_does_what_it_names_and_no_more(client: httpx.AsyncClient) -> None:
    await sign_in(client, "supervisor")
    order = {"name": "scada", "may": ["operate"], "days": 1, "feeders": ["street"]}
    made = (await client.post("/api/v1/tokens", json=order, headers=HERE)).json()
    client.cookies.clear()
    bearer = {"authorization": f"Bearer {made['secret']}"}
    assert (await operate(client, headers=bearer)).json()["who"] == "scada"
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


async def test_accounts_that_cannot_be_read_let_nobody_in(
    client: httpx.AsyncClient, store: AccountStore
) -> None:
    await sign_in(client, "operator")
    store.close()
    answer = await operate(client)
    assert answer.status_code == 503
    assert "sqlite" not in answer.text
