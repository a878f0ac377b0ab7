"""The routes of past events and recorded states."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.api import events as routes
from controller.api.events import event_routes
from controller.api.gate import Gate
from controller.api.problems import add_problem_handlers
from controller.clock import WallClock
from controller.occurrences.event_desk import EventDesk
from controller.requests import event_id
from tests.builders import FEEDER, START
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.occurrences.lived import lived
from tests.controller.occurrences.test_timeline import told

VIEWER, OPERATOR = DoorsOf("v", "viewer"), DoorsOf("o", "operator")
OPENED_AT = START + timedelta(seconds=100)
EVENT_ID = event_id(FEEDER, OPENED_AT)
EVENT = f"/api/v1/events/{EVENT_ID}"
SPAN = f"from={OPENED_AT:%FT%TZ}&to={OPENED_AT + timedelta(minutes=2):%FT%TZ}"
RECORDED = f"/api/v1/feeders/{FEEDER}/recorded"


def app_of(gate: Gate, desk: EventDesk | None = None) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)

    async def may_look(request: Request) -> None:
        await gate.admit_somewhere(request, "look")

    router: APIRouter = event_routes(desk or lived().desk(), gate, WallClock())
    app.include_router(router, dependencies=[Depends(may_look)])
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(VIEWER)) as client:
        yield client


async def got(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_list_its_filters_and_its_tag(client: httpx.AsyncClient) -> None:
    listed = await got(client, f"/api/v1/events?{SPAN}&feeder={FEEDER}&state=closed&limit=1")
    (row,) = listed["items"]
    assert (row["event"], row["element"], listed["next"]) == (EVENT_ID, "trafo:0", None)
    assert (await got(client, "/api/v1/events?from=2016-02-01T00:00:00Z"))["items"] == []
    assert (await got(client, "/api/v1/events?kind=undervoltage"))["items"] == []
    assert (await got(client, "/api/v1/events?after=1"))["items"] == []
    first = await client.get("/api/v1/events")
    again = await client.get("/api/v1/events", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_one_event_compressed_as_it_is(client: httpx.AsyncClient) -> None:
    body = await got(client, EVENT)
    assert body["summary"]["event"] == EVENT_ID
    assert len(body["steps"]) == body["steps_total"] == len(told().steps)
    assert body["rounds"][0]["left"]
    client.headers["accept-encoding"] = "identity"
    plain = await client.get(EVENT)
    client.headers["accept-encoding"] = "gzip"
    async with client.stream("GET", EVENT) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(raw)) == plain.json()
    assert len(raw) < len(plain.content) / 4


async def test_what_is_known_already_is_not_compressed_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = (await client.get(EVENT)).headers["etag"]
    monkeypatch.setattr(routes.gzip, "compress", None)
    answer = await client.get(EVENT, headers={"if-none-match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (304, tag)


async def test_its_steps_page_by_page() -> None:
    path, seen = f"{EVENT}/steps?limit=40", []
    while path:
        async with calling(app_of(OPERATOR)) as client:
            page = await got(client, path)
        seen += page["items"]
        path = page["next"] and f"{EVENT}/steps?limit=40&after={page['next']}"
    assert [step["text"] for step in seen] == [step.text for step in told().steps]
    request = told().requests[0].request
    async with calling(app_of(OPERATOR)) as client:
        one = (await got(client, f"{EVENT}/steps?request={request}&phase=settlement"))["items"]
    assert {(step["request"], step["phase"]) for step in one} == {(request, "settlement")}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/events/E-none", 404, "no event 'E-none'"),
        ("/api/v1/events/E-none/steps", 404, "no event"),
        ("/api/v1/events/E-none/export", 404, "no event"),
        ("/api/v1/events?from=2016-01-01T00:00:00", 422, "timezone"),
        ("/api/v1/events?from=0001-01-01T00:00:00%2B14:00", 422, "from: expected a time of our days"),
        ("/api/v1/events?to=1990-01-01T00:00:00Z", 422, "to: expected a time of our days"),
        ("/api/v1/events?after=x", 422, "after"),
        (f"{EVENT}/export?format=pdf", 422, "format"),
        (
            "/api/v1/feeders/F9/recorded?from=2016-01-01T00:00:00Z&to=2016-01-01T00:00:00Z",
            404,
            "no feeder 'F9'",
        ),
        (
            f"{RECORDED}?from=2016-01-02T00:00:00Z&to=2016-01-01T00:00:00Z",
            422,
            "to: expected a time not before",
        ),
        (
            f"{RECORDED}?from=2016-01-01T00:00:00Z&to=2016-01-14T00:00:00Z&step_s=60",
            422,
            "step_s: expected at least",
        ),
        (f"{RECORDED}?from=2015-12-01T00:00:00Z&to=2016-02-01T00:00:00Z", 422, "at most 14 days"),
        (f"{RECORDED}?from=2016-01-01T00:00:00Z", 422, "to"),
        (f"{RECORDED}?{SPAN}&service_points=true", 403, "'customers'"),
        (f"{EVENT}/export?named=true", 403, "'customers'"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, path: str, status: int, said: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


async def test_recorded_states_with_what_was_asked_then(client: httpx.AsyncClient) -> None:
    body = await got(client, f"{RECORDED}?{SPAN}&step_s=60")
    assert (len(body["times"]), body["step_s"], body["service_point_kw"]) == (3, 60.0, None)
    assert {span["request"] for span in body["requests"]} == {row.request for row in told().requests}
    async with calling(app_of(OPERATOR)) as operator:
        body = await got(operator, f"{RECORDED}?{SPAN}&step_s=60&service_points=true")
    assert len(body["service_point_kw"][0]) == len(body["service_points"])


async def test_files(client: httpx.AsyncClient) -> None:
    for query, name, kind in (
        ("", f"{EVENT_ID}.zip", "application/zip"),
        ("?format=json", f"{EVENT_ID}.json", "application/json"),
        ("?format=csv&table=timeline", f"{EVENT_ID}-timeline.csv", "text/csv; charset=utf-8"),
    ):
        answer = await client.get(f"{EVENT}/export{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert b"C17" not in answer.content
    async with calling(app_of(OPERATOR)) as operator:
        assert b"C17" in (await operator.get(f"{EVENT}/export?format=csv&named=true")).content


LOOKED = ("customer", "target", "service_point")


async def test_who_may_not_see_customers_is_told_numbers_and_nothing_of_single_households() -> None:
    rows = {row.request: row for row in told().requests}
    names = {getattr(row, name) for row in rows.values() for name in LOOKED}
    async with calling(app_of(VIEWER)) as client:
        answers = [await client.get(path) for path in (EVENT, f"{EVENT}/steps", f"{RECORDED}?{SPAN}")]
        body, steps, recorded = (answer.json() for answer in answers)
        exported = (await client.get(f"{EVENT}/export?format=json")).json()["event"]
    assert [name for name in names for answer in answers if f'"{name}"' in answer.text] == []
    for one in (body, exported):
        assert {(row["baseline_kw"], row["settled"]) for row in one["requests"]} == {(None, None)}
        settled = [step["values"] for step in one["steps"] if step["key"].startswith("request_settled")]
        assert {tuple(values) for values in settled} == {("outcome", "kind")}
    assert steps["items"] == body["steps"][:200]
    assert body["summary"]["points"] == told().summary.points > 0
    by_number = {span["request"]: span["target"] for span in recorded["requests"]}
    assert by_number == {row["request"]: row["target"] for row in body["requests"]}
    async with calling(app_of(OPERATOR)) as client:
        body, recorded = await got(client, EVENT), await got(client, f"{RECORDED}?{SPAN}")
    assert {span["target"] for span in recorded["requests"]} == {row.target for row in rows.values()}
    assert all(row["settled"]["points"] == rows[row["request"]].settled.points for row in body["requests"])  # type: ignore[union-attr]


async def test_where_nobody_has_to_sign_in_who_does_not_is_told_as_little() -> None:
    class Nobody(DoorsOf):
        async def known(self, request: Request) -> Principal:
            raise HTTPException(401)

    for gate, said in ((Nobody("v", "viewer"), "customer 1"), (OPERATOR, told().requests[0].customer)):
        app = FastAPI()
        app.include_router(event_routes(lived().desk(), gate, WallClock()))
        async with calling(app) as client:
            assert (await got(client, EVENT))["requests"][0]["customer"] == said


async def test_who_has_other_feeders_sees_none_of_these() -> None:
    async with calling(app_of(DoorsOf("o", "operator", {"F2"}))) as elsewhere:
        assert (await got(elsewhere, "/api/v1/events"))["items"] == []
        for path in (EVENT, f"{EVENT}/steps", f"{EVENT}/export", f"{RECORDED}?{SPAN}"):
            assert (await elsewhere.get(path)).status_code == 403
    async with calling(app_of(DoorsOf("o", "operator", {FEEDER}))) as here:
        assert len((await got(here, "/api/v1/events"))["items"]) == 1
        assert (await here.get(f"{RECORDED}?{SPAN}")).status_code == 200


async def test_a_record_that_cannot_be_read_is_503_and_so_is_one_that_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calling(app_of(VIEWER)) as client:
        lived().record.fault = OSError("the disk is gone")
        try:
            answer = await client.get(EVENT)
        finally:
            lived().record.fault = None
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    desk = lived().desk()
    monkeypatch.setattr(routes, "WITHIN_S", 0.01)
    async with desk.archive._turn._one_at_a_time, calling(app_of(VIEWER, desk)) as client:
        answer = await client.get(EVENT)
        assert (answer.status_code, "goes on" in answer.json()["detail"]) == (503, True)
    await asyncio.sleep(0)
