"""Who may operate, and what an order must be."""

from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.order_bodies import MOST_ORDER_BYTES
from controller.clock import WallClock
from controller.stores.port import StoreUnavailable
from tests.controller.api.conftest import TOKEN, calling
from tests.controller.api.fake_views import FakeViews

PATH = "/api/v1/feeders/street/operate"
ORDER = {"action": "automatic_off", "who": "R. Meier", "why": "works on cable 3"}
BEARER = {"authorization": f"Bearer {TOKEN}"}


async def test_an_order_is_carried_out_and_its_entry_returned(
    views: FakeViews, client: httpx.AsyncClient
) -> None:
    answer = await client.post(PATH, json=ORDER, headers=BEARER)
    assert answer.status_code == 200
    assert {name: value for name, value in answer.json().items() if value not in (None, [])} == {
        "entry": "operator_acted", "at": "2016-01-12T16:30:00Z", "feeder": "street", **ORDER,
    }  # fmt: skip
    assert views.automatic is False


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": "Bearer kö".encode("latin-1")},
    ],
)
async def test_without_the_token_nothing_happens(
    views: FakeViews, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post(PATH, json=ORDER, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert views.automatic is True


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "read-only"),
        ("short", "16 characters"),
        ("", "16 characters"),
    ],
)
async def test_without_a_usable_token_file_nobody_may_operate(
    tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    views = FakeViews(token_file=None if content is None else file)
    app = create_app(views, CollectorRegistry(), None, clock=WallClock())
    async with calling(app) as client:
        answer = await client.post(PATH, json=ORDER, headers={"authorization": f"Bearer {content}"})
    assert answer.status_code == 403
    assert said in answer.json()["detail"]


async def test_an_unreadable_token_file_is_said_without_its_path(tmp_path: Path) -> None:
    views = FakeViews(token_file=tmp_path / "absent")
    async with calling(create_app(views, CollectorRegistry(), None, clock=WallClock())) as client:
        answer = await client.post(PATH, json=ORDER, headers=BEARER)
    assert answer.status_code == 403
    assert "No such file" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "Expected `object`"),
        (b'{"action": "explode", "who": "a", "why": "b"}', "action: expected one of '"),
        (b'{"action": "release_all", "why": "b"}', "who"),
        (b'{"action": "release_all", "who": "", "why": "b"}', "length >= 1"),
        (b'{"action": "release_all", "who": "a", "why": "b", "force": true}', "force"),
        (b'{"action": "release_all", "who": "a", "why": "b", "target": 3}', "$.target"),
        (b'{"action": "release", "who": "a", "why": "b", "target": "R1"}', "expected an open request"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"action": "release_all", "who": "a\\u0000", "why": "b"}', "$.who"),
    ],
)
async def test_a_malformed_order_says_what_was_expected(
    client: httpx.AsyncClient, body: bytes, said: str
) -> None:
    answer = await client.post(PATH, content=body, headers=BEARER | {"content-type": "application/json"})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


async def test_order_of_wrong_type_size_place_or_method(client: httpx.AsyncClient) -> None:
    plain = await client.post(PATH, content=b"{}", headers=BEARER | {"content-type": "text/plain"})
    assert plain.status_code == 415
    large = await client.post(PATH, json=ORDER | {"why": "x" * MOST_ORDER_BYTES}, headers=BEARER)
    assert large.status_code == 413
    elsewhere = await client.post("/api/v1/feeders/nowhere/operate", json=ORDER, headers=BEARER)
    assert elsewhere.status_code == 404
    got = await client.get(PATH)
    assert (got.status_code, got.headers["content-type"]) == (405, "application/problem+json")


async def test_a_journal_that_cannot_be_written_is_said(views: FakeViews, client: httpx.AsyncClient) -> None:
    async def full(*order: object) -> None:
        raise StoreUnavailable("disk full")

    views.operate = full  # type: ignore[assignment, method-assign]
    answer = await client.post(PATH, json=ORDER, headers=BEARER)
    assert answer.status_code == 503
    assert "nothing was done" in answer.json()["detail"]
