"""Answers to notices over HTTP: the page behind a link, and the route for programs."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest
import structlog
from fastapi import FastAPI

from controller.api.gate import Doors, Gate
from controller.api.operator_key import OperatorKey
from controller.api.people import people_routes
from controller.api.posted import MAX_BODY_BYTES
from controller.api.problems import add_problem_handlers
from controller.api.security_headers import CONTENT_SECURITY_POLICY, SecurityHeaders
from controller.api.wrong_tokens import MOST_CALLERS, MOST_WRONG, WITHIN_S, WrongTokens
from controller.entries import NoticeAnswered, RequestPlanned
from controller.stores.port import StoreUnavailable
from tests.builders import FakeClock
from tests.controller.api.conftest import DoorsOf, calling
from tests.controller.people.people_worlds import PeopleWorld, site
from tests.controller.people.test_people_pass import agreements, programme

TOKEN = "correct horse battery staple"
BEARER = {"authorization": f"Bearer {TOKEN}"}
PAGE = "/people/answer"


@pytest.fixture
def notice_s() -> float:
    """So long before the start people are asked; a test may say another."""
    return 0.0


@pytest.fixture
async def world(notice_s: float) -> PeopleWorld:
    """Two customers were asked a moment ago."""
    told = agreements(17, 18, of=programme(notice_s=notice_s)) if notice_s else None
    world = PeopleWorld(site(), notices=frozenset({17, 18}), agreements=told)
    world.charge()
    await world.tick(4)
    return world


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def client(world: PeopleWorld, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app_of(world, Doors(OperatorKey(TOKEN.encode())), clock)) as client:
        yield client


def app_of(world: PeopleWorld, gate: Gate, clock: FakeClock) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    app.add_middleware(SecurityHeaders)
    app.include_router(people_routes(world.desk, gate, clock))
    return app


def asked(world: PeopleWorld, customer: str = "C17") -> str:
    return next(p.request for p in world.entries(RequestPlanned) if p.target == customer)


class _Page(HTMLParser):
    """What a page would load, and what it posts where."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.form: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.loads += [value for name, value in named.items() if name in ("src", "srcset", "data")]
        self.loads += [name for name in named if name.startswith("on")]
        if tag == "form":
            self.form = named
        if tag == "input":
            self.fields[named["name"]] = named["value"]
        if tag == "a":
            self.links.append(named["href"])


async def test_the_page_says_what_was_asked_and_looking_changes_nothing(
    world: PeopleWorld, client: httpx.AsyncClient
) -> None:
    token = world.token(asked(world))
    for _ in range(3):
        answer = await client.get(PAGE, params={"t": token})
    assert answer.status_code == 200
    assert "Please keep your use below" in answer.text
    page = _Page(answer.text)
    assert page.fields == {"t": token}
    assert page.form == {"method": "post", "action": "answer"}
    assert "script" not in page.tags
    assert page.loads == []
    assert world.entries(NoticeAnswered) == []
    assert world.daemon.books.requests[asked(world)].state == "active"


async def test_the_button_takes_the_answer_once(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    token, request = world.token(asked(world)), asked(world)
    for _ in range(2):
        answer = await client.post(PAGE, data={"t": token})
        assert answer.status_code == 200
        assert "you do not take part" in answer.text
    assert [(a.request, a.answer, a.via) for a in world.entries(NoticeAnswered)] == [
        (request, "opted_out", "link")
    ]
    assert world.daemon.books.requests[request].state == "ended"
    again = await client.get(PAGE, params={"t": token})
    assert "form" not in _Page(again.text).tags
    assert "you do not take part" in again.text


async def test_the_pages_policy_allows_its_form_and_its_own_style_only(
    world: PeopleWorld, client: httpx.AsyncClient
) -> None:
    answer = await client.get(PAGE, params={"t": world.token(asked(world))})
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    elsewhere = await client.get("/nowhere")
    assert elsewhere.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_the_style_is_the_one_the_policy_names(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    import base64
    import hashlib

    answer = await client.get(PAGE, params={"t": world.token(asked(world))})
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


async def test_a_page_in_the_customers_language(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    from dataclasses import replace

    of = world.desk._controls["F1"]
    speaks = {name: replace(c, language="zh") for name, c in of.customer.items()}
    world.desk._controls = {"F1": replace(of, customer=speaks)}
    token = world.token(asked(world))
    page = (await client.get(PAGE, params={"t": token})).text
    assert '<html lang="zh">' in page
    assert "不，这次不参与" in page
    assert "千瓦以下" in page
    assert "已记录" in (await client.post(PAGE, data={"t": token})).text


async def test_a_late_answer_is_told_kindly(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    token = world.token(asked(world))
    await world.tick(100)
    for answer in (await client.get(PAGE, params={"t": token}), await client.post(PAGE, data={"t": token})):
        assert answer.status_code == 200
        assert "This request is over" in answer.text
    assert world.entries(NoticeAnswered) == []


@pytest.mark.parametrize("notice_s", [600.0])
async def test_after_a_yes_the_no_still_counts(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    request = asked(world)
    yes = await client.post(PAGE, data={"t": world.token(request, "opted_in")})
    assert "you take part" in yes.text
    page = await client.get(PAGE, params={"t": world.token(request)})
    assert "You said that you take part." in page.text
    assert "form" in _Page(page.text).tags
    await client.post(PAGE, data={"t": world.token(request)})
    assert world.daemon.books.requests[request].consent == "opted_out"
    assert world.daemon.books.requests[request].state == "refused"
    late = await client.post(PAGE, data={"t": world.token(request, "opted_in")})
    assert "This request is over" in late.text


async def test_once_it_has_begun_it_is_too_late_to_join(
    world: PeopleWorld, client: httpx.AsyncClient
) -> None:
    request = asked(world)
    await world.tick(20)
    assert world.daemon.books.requests[request].state == "active"
    token = world.token(request, "opted_in")
    for page in (await client.get(PAGE, params={"t": token}), await client.post(PAGE, data={"t": token})):
        assert page.status_code == 200
        assert "too late to join" in page.text
        assert "You are free to use less all the same" in page.text
    path = f"/api/v1/notices/{request}/answer"
    by_api = await client.post(path, json={"answer": "opted_in"}, headers=BEARER)
    assert by_api.status_code == 409
    assert "has begun: it is too late for a yes" in by_api.json()["detail"]
    assert world.entries(NoticeAnswered) == []
    no = await client.get(PAGE, params={"t": world.token(request)})
    assert "form" in _Page(no.text).tags


async def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(
    world: PeopleWorld, client: httpx.AsyncClient
) -> None:
    token = world.token(asked(world))
    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    pages = [await client.get(PAGE, params={"t": wrong}) for wrong in ("", "x", forged, "é", token + "A")]
    pages.append(await client.get(PAGE))
    pages.append(await client.post(PAGE, data={"t": forged}))
    pages.append(
        await client.post(PAGE, content=b"t=" + token.encode(), headers={"content-type": "text/plain"})
    )
    pages.append(await client.post(PAGE, data={}))
    pages.append(
        await client.post(
            PAGE, content=b"\xff\xfe", headers={"content-type": "application/x-www-form-urlencoded"}
        )
    )
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert asked(world) not in pages[0].text
    assert world.entries(NoticeAnswered) == []


async def test_guessing_is_bounded_and_right_links_go_on_working(
    world: PeopleWorld, client: httpx.AsyncClient, clock: FakeClock
) -> None:
    codes = [(await client.get(PAGE, params={"t": f"guess{n}"})).status_code for n in range(MOST_WRONG + 5)]
    assert codes == [404] * MOST_WRONG + [429] * 5
    assert (await client.get(PAGE, params={"t": world.token(asked(world))})).status_code == 200
    clock.passed_s += WITHIN_S
    assert (await client.get(PAGE, params={"t": "guess"})).status_code == 404


def test_callers_are_counted_apart_and_the_count_is_bounded() -> None:
    wrong = WrongTokens()
    assert not any(wrong.too_many("a", 0.0) for _ in range(MOST_WRONG))
    assert wrong.too_many("a", 0.0)
    assert not wrong.too_many("b", 0.0)
    for number in range(2 * MOST_CALLERS):
        wrong.too_many(f"caller {number}", 1.0)
    assert len(wrong) == MOST_CALLERS
    assert not wrong.too_many("a", 1.0)


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(PAGE, data={"t": "x" * MAX_BODY_BYTES})
    assert answer.status_code == 413


async def test_while_the_journal_is_away_the_person_is_told_to_try_again(
    world: PeopleWorld, client: httpx.AsyncClient
) -> None:
    token, request = world.token(asked(world)), asked(world)
    world.store.broken = True
    assert (await client.post(PAGE, data={"t": token})).status_code == 503
    by_api = await client.post(
        f"/api/v1/notices/{request}/answer", json={"answer": "opted_out"}, headers=BEARER
    )
    assert by_api.status_code == 503
    world.store.broken = False
    assert world.daemon.books.requests[request].consent is None
    assert (await client.post(PAGE, data={"t": token})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_while_the_journal_was_not_read_yet_the_page_asks_to_come_back(
    world: PeopleWorld, method: str
) -> None:
    async def not_yet() -> None:
        raise StoreUnavailable("disk full")

    world.desk._ready = not_yet
    app = FastAPI()
    app.include_router(people_routes(world.desk, Doors(OperatorKey(TOKEN.encode())), FakeClock()))
    token = world.token(asked(world))
    async with calling(app) as client:
        answer = await client.request(
            method,
            PAGE,
            params={"t": token} if method == "GET" else None,
            data={"t": token} if method == "POST" else None,
        )
    assert answer.status_code == 503
    assert "again" in answer.text


def test_the_document_names_every_refusal(world: PeopleWorld) -> None:
    app = FastAPI()
    app.include_router(people_routes(world.desk, Doors(OperatorKey(TOKEN.encode())), FakeClock()))
    documented = app.openapi()["paths"]["/api/v1/notices/{request_id}/answer"]["post"]["responses"]
    assert {"401", "403", "404", "409", "413", "415", "422", "503"} <= documented.keys()


async def test_an_answer_by_api(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    request = asked(world)
    path = f"/api/v1/notices/{request}/answer"
    answer = await client.post(path, json={"answer": "opted_out"}, headers=BEARER)
    assert answer.status_code == 200
    noted = {"request": request, "customer": "C17", "answer": "opted_out", "state": "ended"}
    assert answer.json() == {**noted, "again": False}
    assert (await client.post(path, json={"answer": "opted_out"}, headers=BEARER)).json() == {
        **noted,
        "again": True,
    }
    assert [a.via for a in world.entries(NoticeAnswered)] == ["api"]
    late = await client.post(path, json={"answer": "opted_in"}, headers=BEARER)
    assert late.status_code == 409
    assert "is over (ended)" in late.json()["detail"]


async def test_who_has_other_feeders_answers_for_nobody_here(world: PeopleWorld, clock: FakeClock) -> None:
    request, answer = asked(world), {"answer": "opted_out"}
    path = f"/api/v1/notices/{request}/answer"
    async with calling(app_of(world, DoorsOf("anna", "operator", {"another"}), clock)) as elsewhere:
        assert (await elsewhere.post(path, json=answer)).status_code == 403
        assert (await elsewhere.post("/api/v1/notices/R-none/answer", json=answer)).status_code == 404
    assert world.entries(NoticeAnswered) == []
    feeder = world.daemon.books.requests[request].planned.feeder
    async with calling(app_of(world, DoorsOf("anna", "operator", {feeder}), clock)) as here:
        with structlog.testing.capture_logs() as logs:
            assert (await here.post(path, json=answer)).status_code == 200
    assert ("notice_answer", "anna") in [(one["event"], one.get("by")) for one in logs]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b'{"answer": "opted_out"}', 401),
        ({"authorization": "Bearer wrong"}, b'{"answer": "opted_out"}', 401),
        (BEARER, b'{"answer": "maybe"}', 422),
        (BEARER, b'{"answer": "opted_out", "who": "me"}', 422),
        (BEARER, b"{", 422),
        (BEARER, b"\xff", 422),
        (BEARER, b" " * (MAX_BODY_BYTES + 1), 413),
    ],
)
async def test_what_is_wrong_with_an_answer_by_api_changes_nothing(
    world: PeopleWorld, client: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    path = f"/api/v1/notices/{asked(world)}/answer"
    given = await client.post(path, content=body, headers={**headers, "content-type": "application/json"})
    assert given.status_code == status
    assert world.entries(NoticeAnswered) == []


async def test_an_answer_to_what_is_no_notice(world: PeopleWorld, client: httpx.AsyncClient) -> None:
    device = next(p.request for p in world.entries(RequestPlanned) if p.resource == "device")
    for request in (device, "E-1-R1"):
        given = await client.post(
            f"/api/v1/notices/{request}/answer", json={"answer": "opted_out"}, headers=BEARER
        )
        assert given.status_code == 404
    plain = await client.post(
        f"/api/v1/notices/{device}/answer", content=b"no", headers={**BEARER, "content-type": "text/plain"}
    )
    assert plain.status_code == 415


async def test_without_an_operator_token_the_route_is_shut_and_the_links_are_not(world: PeopleWorld) -> None:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(people_routes(world.desk, Doors(OperatorKey.from_file(None)), FakeClock()))
    async with calling(app) as client:
        path = f"/api/v1/notices/{asked(world)}/answer"
        assert (await client.post(path, json={"answer": "opted_out"}, headers=BEARER)).status_code == 403
        assert (await client.get(PAGE, params={"t": world.token(asked(world))})).status_code == 200
