"""The effect of orders over the API: who may ask, what is asked, what is answered."""

import httpx
import pytest
from fastapi import FastAPI

from controller.order_effects import NotNow, ProposedOrder
from tests.controller.api.conftest import TOKEN
from tests.controller.api.fake_views import FakeViews

PATH = "/api/v1/feeders/street/what-if"
BEARER = {"authorization": f"Bearer {TOKEN}"}
LIMIT = {
    "action": "limit",
    "targets": ["EV-001", "C002"],
    "limit_kw": 5.0,
    "until": "2016-01-12T20:00:00+01:00",
}


async def test_the_effect_is_answered_and_nothing_is_ordered(
    views: FakeViews, client: httpx.AsyncClient
) -> None:
    views.step(40)
    asked: list[ProposedOrder] = []
    answering = views.what_if

    async def what_if(feeder: str, *orders: ProposedOrder) -> object:
        asked.extend(orders)
        return await answering(feeder, *orders)

    views.what_if = what_if  # type: ignore[method-assign, assignment]
    told = len(views.sentences)
    answer = await client.post(PATH, json={"orders": [LIMIT, {"action": "automatic_off"}]}, headers=BEARER)
    assert answer.status_code == 200
    body = answer.json()
    assert [(d["device"], d["limit_kw"], d["floor_kw"]) for d in body["devices"]] == [
        ("EV-001", 5.0, 4.2), ("EV-002", 5.0, 4.2),
    ]  # fmt: skip
    assert body["columns_after"] is None
    assert body["before"]["highest_loading_percent"] >= body["after"]["highest_loading_percent"]
    assert [one.action for one in asked] == ["limit", "automatic_off"]
    assert asked[0].until is not None
    assert asked[0].until.isoformat() == "2016-01-12T19:00:00+00:00"
    assert len(views.sentences) == told
    drawn = await client.post(PATH, json={"orders": [LIMIT], "columns": True}, headers=BEARER)
    assert len(drawn.json()["columns_after"]["v_pu"]) == len(views.net.buses.ids)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"orders": []}, 422, "orders"),
        ({"orders": [{"action": "explode"}]}, 422, "action"),
        ({"orders": [{"action": "limit", "target": "EV-001"}]}, 422, "limit_kw"),
        ({"orders": [{**LIMIT, "limit_kw": -1}]}, 422, "limit_kw"),
        ({"orders": [{**LIMIT, "until": "2016-01-12T20:00:00"}]}, 422, "until"),
        ({"orders": [{**LIMIT, "targets": ["EV-001"] * 201}]}, 422, "targets"),
        ({"orders": [{**LIMIT, "target": "EV-999"}]}, 422, "EV-999"),
        ({"orders": [LIMIT] * 21}, 422, "orders"),
        ({"orders": [LIMIT], "who": "me"}, 422, "who"),
    ],
)
async def test_what_makes_no_sense_is_named(
    views: FakeViews, client: httpx.AsyncClient, body: dict[str, object], status: int, said: str
) -> None:
    views.step()
    answer = await client.post(PATH, json=body, headers=BEARER)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


async def test_nobody_unknown_may_ask(client: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await client.post(PATH, json={"orders": [LIMIT]})).status_code == 401
    elsewhere = await client.post(PATH.replace("street", "lane"), json={"orders": [LIMIT]}, headers=BEARER)
    assert elsewhere.status_code == 404


async def test_no_answer_now_says_when_to_ask_again(views: FakeViews, client: httpx.AsyncClient) -> None:
    async def busy(feeder: str, *orders: ProposedOrder) -> object:
        raise NotNow("4 are being looked at: ask again in a moment")

    views.what_if = busy  # type: ignore[method-assign, assignment]
    answer = await client.post(PATH, json={"orders": [LIMIT]}, headers=BEARER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "ask again" in answer.json()["detail"]
