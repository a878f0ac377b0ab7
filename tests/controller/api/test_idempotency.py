"""Idempotency keys as the draft has them, on a route that counts how often it ran."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.types import Message

from controller.access.principal import Principal
from controller.access.roles import permissions_of
from controller.api.compression import Compression
from controller.api.idempotency import MOST_BODY_BYTES, Idempotency
from controller.api.kept_answers import (
    KEPT_S,
    MOST_ANSWERS,
    MOST_BYTES,
    MOST_RUNNING,
    KeptAnswer,
    KeptAnswers,
)
from controller.api.problems import add_problem_handlers
from tests.builders import FakeClock
from tests.controller.api.conftest import DoorsOf, calling

KEY = {"idempotency-key": '"k1"'}
MAY = permissions_of("operator")


class Counting:
    """Routes that tell how often they ran."""

    def __init__(self) -> None:
        self.ran, self.status, self.go_on = 0, 200, asyncio.Event()
        self.go_on.set()
        self.app = FastAPI()
        self.app.post("/api/v1/count")(self.count)
        self.app.post("/api/v1/session")(self.count)
        self.app.get("/api/v1/count")(self.count)

    async def count(self, request: Request) -> Response:
        self.ran += 1
        body = await request.body()
        await self.go_on.wait()
        if self.status != 200:
            raise HTTPException(self.status, "x")
        return Response(f"{self.ran} {body.decode()}", headers={"x-of": "the route"})


@pytest.fixture
def counting() -> Counting:
    counting = Counting()
    add_problem_handlers(counting.app)
    gate = DoorsOf("Ann", "operator")
    counting.app.add_middleware(Idempotency, gate=gate, clock=FakeClock(), earlier=None, again=None)
    return counting


@pytest.fixture
async def client(counting: Counting) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(counting.app) as client:
        yield client


async def post(
    client: httpx.AsyncClient, body: str = "a", headers: dict[str, str] | None = None
) -> httpx.Response:
    return await client.post("/api/v1/count", content=body, headers=KEY if headers is None else headers)


async def test_the_same_answer_with_its_headers(client: httpx.AsyncClient, counting: Counting) -> None:
    first, again = await post(client), await post(client)
    assert (first.text, again.text, counting.ran) == ("1 a", "1 a", 1)
    assert again.headers["x-of"] == "the route"
    assert again.headers["idempotency-replayed"] == "true"
    bare = await post(client, headers={"idempotency-key": "k1"})
    assert (bare.text, counting.ran) == ("1 a", 1), "also without its quotes"
    assert (await post(client, headers={})).text == "2 a"


async def test_also_where_answers_are_compressed_on_their_way(counting: Counting) -> None:
    app = FastAPI()
    app.post("/api/v1/count")(counting.count)
    app.add_middleware(
        Idempotency, gate=DoorsOf("Ann", "operator"), clock=FakeClock(), earlier=None, again=None
    )
    app.add_middleware(Compression)
    long = "a" * 5_000
    async with calling(app) as client:
        for headers in ({}, {"accept-encoding": "identity"}, {}):
            answer = await post(client, long, KEY | headers)
            assert answer.text == f"1 {long}"
            has_gzip = answer.headers.get("content-encoding") == "gzip"
            assert has_gzip is not bool(headers)
            assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded


async def test_another_body_another_query_another_key(client: httpx.AsyncClient, counting: Counting) -> None:
    await post(client)
    other = await post(client, "b")
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")
    assert (await client.post("/api/v1/count?x=1", content="a", headers=KEY)).status_code == 422
    assert (await post(client, "b", {"idempotency-key": '"k2"'})).text == "2 b"
    assert counting.ran == 2


async def test_while_the_first_runs_the_second_waits_its_turn(
    client: httpx.AsyncClient, counting: Counting
) -> None:
    counting.go_on.clear()
    first = asyncio.create_task(post(client))
    while not counting.ran:
        await asyncio.sleep(0)
    running = await post(client)
    assert (running.status_code, running.json()["type"]) == (409, "urn:gridward:problem:still_runs")
    counting.go_on.set()
    assert (await first).text == "1 a"
    assert (await post(client)).text == "1 a"


@pytest.mark.parametrize(
    ("status", "kept"), [(404, True), (409, True), (422, True), (403, False), (503, False)]
)
async def test_what_was_not_done_may_be_sent_again(
    client: httpx.AsyncClient, counting: Counting, status: int, kept: bool
) -> None:
    counting.status = status
    assert (await post(client)).status_code == status
    counting.status = 200
    assert (await post(client)).status_code == (status if kept else 200)


async def test_a_route_that_breaks_is_not_kept(client: httpx.AsyncClient, counting: Counting) -> None:
    assert (await post(client, b"\xff".decode("latin-1"))).status_code == 200
    broken = await client.post("/api/v1/count", content=b"\xff", headers={"idempotency-key": '"k3"'})
    assert broken.status_code == 500
    again = await client.post("/api/v1/count", content=b"\xff", headers={"idempotency-key": '"k3"'})
    assert again.status_code == 500, "not 409: it runs no more"


@pytest.mark.parametrize("shown", ['""', '"' + "k" * 129 + '"', "a b", '"a', "a,b", "a;b=1", "kö", ""])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, counting: Counting, shown: str) -> None:
    answer = await post(client, headers={"idempotency-key": shown.encode("latin-1")})  # type: ignore[dict-item]
    assert (answer.status_code, counting.ran) == (400, 0)
    twice = await client.post("/api/v1/count", headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
    assert twice.status_code == 400


async def test_an_emergency_stop_does_not_wait_for_room(
    client: httpx.AsyncClient, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.api.kept_answers.MOST_RUNNING", 0)
    counting.app.post("/api/v1/emergency-stop")(counting.count)
    assert (await post(client)).status_code == 429
    stopped = await client.post("/api/v1/emergency-stop", content="a", headers=KEY)
    assert (stopped.status_code, counting.ran) == (200, 1)


async def test_a_command_that_is_cut_off_half_way_is_not_done_and_leaves_its_key_free(
    client: httpx.AsyncClient, counting: Counting
) -> None:
    sent: list[Message] = []
    cut_off: list[Message] = [
        {"type": "http.request", "body": b"whole", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return cut_off.pop(0) if cut_off else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in KEY.items()]
    await counting.app(
        {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/count",
            "raw_path": b"/api/v1/count",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
        },
        receive,
        send,
    )
    assert (counting.ran, sent) == (0, []), "nobody is there to hear an answer"
    whole = await post(client, "whole of it")
    assert (whole.status_code, whole.text, counting.ran) == (200, "1 whole of it", 1)
    assert "idempotency-replayed" not in whole.headers


async def test_secrets_are_never_kept_and_reading_has_no_key(
    client: httpx.AsyncClient, counting: Counting
) -> None:
    for path, method in (("/api/v1/session", "POST"), ("/api/v1/count", "GET")):
        for _ in range(2):
            assert "idempotency-replayed" not in (await client.request(method, path, headers=KEY)).headers
    assert counting.ran == 4


async def test_too_much_is_refused_before_it_is_kept(client: httpx.AsyncClient, counting: Counting) -> None:
    answer = await post(client, "x" * (MOST_BODY_BYTES + 1))
    assert (answer.status_code, counting.ran) == (413, 0)


FEW = frozenset({"F1"})


@pytest.mark.parametrize(
    ("then", "now", "is_told"),
    [
        (Principal("Ann", MAY), Principal("Ann", MAY), True),
        (Principal("Ann", MAY, FEW), Principal("Ann", MAY), True),
        (Principal("Ann", MAY, FEW), Principal("Ann", MAY, FEW | {"F2"}), True),
        (Principal("Ann", MAY), Principal("Ann", MAY, FEW), False),
        (Principal("Ann", MAY, FEW | {"F2"}), Principal("Ann", MAY, FEW), False),
        (Principal("Ann", MAY), Principal("Ann", permissions_of("viewer")), False),
    ],
)
async def test_who_has_lost_a_right_is_not_told_it_again(
    counting: Counting, then: Principal, now: Principal, is_told: bool
) -> None:
    doors = DoorsOf("Ann", "operator")
    app = FastAPI()
    app.post("/api/v1/count")(counting.count)
    app.add_middleware(Idempotency, gate=doors, clock=FakeClock(), earlier=None, again=None)
    async with calling(app) as client:
        doors._one = then
        assert (await post(client)).text == "1 a"
        doors._one = now
        again = await post(client)
        assert (again.status_code, counting.ran) == (200 if is_told else 403, 1)
        doors._one = then
        assert (await post(client)).text == "1 a", "once they may again"


steps = st.lists(
    st.tuples(
        st.sampled_from(["begin", "finish", "give_up", "wait"]), st.sampled_from("abc"), st.sampled_from("xy")
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_one_key_is_done_once_and_answers_alike_for_as_long_as_it_is_kept(
    steps: list[tuple[str, str, str]],
) -> None:
    kept, now_s = KeptAnswers(), 0.0
    running: dict[str, str] = {}
    done: dict[str, tuple[str, KeptAnswer, float]] = {}
    for step, key, fingerprint in steps:
        if step == "wait":
            now_s += KEPT_S / 2
        elif step == "begin":
            begun = kept.begin(("Ann", key), fingerprint, now_s)
            before, answer, until_s = done.get(key, ("", None, 0.0))
            if key in running:
                assert begun == ("running" if running[key] == fingerprint else "another")
            elif now_s < until_s:
                assert begun == (answer if before == fingerprint else "another")
            else:
                assert begun == "new"
                running[key] = fingerprint
        elif step == "finish" and key in running:
            answer = KeptAnswer(200, (), f"{key} {now_s}".encode())
            kept.finish(("Ann", key), answer, now_s)
            done[key] = running.pop(key), answer, now_s + KEPT_S
        elif step == "give_up":
            kept.give_up(("Ann", key))
            running.pop(key, None)


def test_it_is_bounded() -> None:
    kept, small = KeptAnswers(), KeptAnswer(200, (), b"")
    for number in range(MOST_ANSWERS + 1):
        assert kept.begin(("Ann", str(number)), "f", 0.0) == "new"
        kept.finish(("Ann", str(number)), small, 0.0)
    assert kept.begin(("Ann", "1"), "f", 0.0) == small
    assert kept.begin(("Ann", "0"), "f", 0.0) == "new", "the oldest is forgotten"
    kept.finish(("Ann", "0"), KeptAnswer(200, (), bytes(MOST_BYTES - 1)), 0.0)
    assert kept.begin(("Ann", "2"), "f", 0.0) == small
    assert kept.begin(("Ann", "new"), "f", 0.0) == "new"
    kept.finish(("Ann", "new"), KeptAnswer(200, (), b"xy"), 0.0)
    assert kept.begin(("Ann", "2"), "f", 0.0) == "new", "until there is room again"
    for number in range(MOST_RUNNING - 1):
        kept.begin(("Bob", str(number)), "f", 0.0)
    assert kept.begin(("Carol", "0"), "f", 0.0) == "full"
