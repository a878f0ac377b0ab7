"""A stream does not outlast the session it came with, and keeps none alive."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from fastapi import Request

from controller.access.account_file import AccountsUnavailable
from controller.access.account_store import AccountStore
from controller.access.principal import Principal
from controller.api import stream_rights
from controller.api.gate import Doors
from tests.controller.api.conftest import COOKIE, calling
from tests.controller.api.fake_views import FakeViews
from tests.controller.api.test_access import HERE, app_of, sign_in, store  # noqa: F401  a fixture
from tests.controller.api.test_stream import serving, until

STREAM = "/api/v1/stream?form=columns"
Ending = Callable[[AccountStore, httpx.AsyncClient], Awaitable[object]]


async def _sign_out(store: AccountStore, client: httpx.AsyncClient) -> None:  # noqa: F811
    await client.delete("/api/v1/session", headers=HERE)


async def _disable(store: AccountStore, client: httpx.AsyncClient) -> None:  # noqa: F811
    store.set_disabled("operator", disabled=True)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What came of each look at whether they may look still; they are soon here."""
    assert stream_rights.ASK_EVERY_S + 10 < 30
    monkeypatch.setattr(stream_rights, "ASK_EVERY_S", 0.02)
    found: list[bool] = []
    real = Doors.still_may

    async def still_may(gate: Doors, request: Request, holds: Callable[[Principal], bool]) -> bool:
        try:
            found.append(await real(gate, request, holds))
        except AccountsUnavailable:
            found.append(False)
            raise
        return found[-1]

    monkeypatch.setattr(Doors, "still_may", still_may)
    return found


async def _other_feeders(store: AccountStore, client: httpx.AsyncClient) -> None:  # noqa: F811
    store.set_feeders("operator", frozenset({"another"}))  # nobody is signed out by that


@pytest.mark.parametrize(
    ("must_sign_in", "ending"),
    [(True, _sign_out), (False, _sign_out), (True, _disable), (False, _disable), (True, _other_feeders)],
)
async def test_it_ends_with_its_session(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
    must_sign_in: bool,
    ending: Ending,
    asked: list[bool],
) -> None:
    app = app_of(views, store, sign_in_to_look=must_sign_in)
    async with calling(app) as client, serving(app) as port:
        await sign_in(client, "operator")
        async with _open(port, client.cookies[COOKIE]) as answer:
            pieces = answer.aiter_bytes()
            await anext(pieces)
            await until(lambda: len(asked) >= 2)
            assert len(app.state.streams) == 1
            await ending(store, client)
            async with asyncio.timeout(5):
                while await anext(pieces, None) is not None:
                    pass
            assert asked[-1] is False


async def test_who_may_look_without_a_session_is_asked_for_none(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
    asked: list[bool],
) -> None:
    app = app_of(views, store)
    async with serving(app) as port, _open(port, "void") as answer:
        pieces = answer.aiter_bytes()
        await anext(pieces)
        views.step()
        assert b"event: overview" in await _next_with(pieces, b'"whole":false')
        assert asked == []


async def test_nobody_opens_one_who_may_not_look(views: FakeViews, store: AccountStore) -> None:  # noqa: F811
    app = app_of(views, store, sign_in_to_look=True)
    async with calling(app) as client:
        assert (await client.get(STREAM)).status_code == 401


async def test_an_open_page_does_not_keep_its_session_alive(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    asked: list[bool],
) -> None:
    used: list[object] = []
    monkeypatch.setattr("controller.access.proofs.NOTE_USE_AFTER", timedelta(0))
    monkeypatch.setattr(store, "used", lambda *args: used.append(args))
    app = app_of(views, store, sign_in_to_look=True)
    async with calling(app) as client, serving(app) as port:
        await sign_in(client, "operator")
        async with _open(port, client.cookies[COOKIE]) as answer:
            pieces = answer.aiter_bytes()
            await anext(pieces)
            await until(lambda: asked.count(True) >= 3)
            assert used == []  # nor does opening it: a page opens it again by itself


async def test_what_an_unattended_page_asks_is_no_use(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[object] = []
    monkeypatch.setattr("controller.access.proofs.NOTE_USE_AFTER", timedelta(0))
    monkeypatch.setattr(store, "used", lambda *args: used.append(args))
    async with calling(app_of(views, store, sign_in_to_look=True)) as client:
        await sign_in(client, "operator")
        unattended = {"x-gridward-unattended": "1"}
        assert (await client.get("/api/v1/overview", headers=unattended)).status_code == 200
        assert (await client.get("/api/v1/session", headers=unattended)).status_code == 200
        assert used == []
        assert (await client.get("/api/v1/overview")).status_code == 200
        assert len(used) == 1


async def test_while_nobody_can_tell_it_goes_on_for_a_while(
    views: FakeViews,
    store: AccountStore,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    asked: list[bool],
) -> None:
    app = app_of(views, store, sign_in_to_look=True)
    async with calling(app) as client, serving(app) as port:
        await sign_in(client, "operator")
        async with _open(port, client.cookies[COOKIE]) as answer:
            pieces = answer.aiter_bytes()
            await anext(pieces)

            def locked(digest: bytes) -> None:
                raise AccountsUnavailable("locked")

            monkeypatch.setattr(store, "session", locked)
            await until(lambda: asked.count(False) >= 3)
            assert len(app.state.streams) == 1
            monkeypatch.setattr(stream_rights, "UNKNOWN_FOR_S", 0.0)
            await until(lambda: len(app.state.streams) == 0)


def _open(port: int, session: str):  # type: ignore[no-untyped-def]
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")
    return client.stream("GET", STREAM, headers={"cookie": f"{COOKIE}={session}"})


async def _next_with(pieces: object, text: bytes) -> bytes:
    async with asyncio.timeout(5):
        async for piece in pieces:  # type: ignore[attr-defined]
            if text in piece:
                return piece  # type: ignore[no-any-return]
    raise AssertionError
