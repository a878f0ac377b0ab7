"""Getting no more messages: the page, the one click, STOP, and what the journal is told."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest

from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.opt_out import opt_out_routes
from controller.api.problems import add_problem_handlers
from controller.api.wrong_tokens import MOST_WRONG
from controller.bookkeeping import Bookkeeper
from controller.entries import ConsentWithdrawn
from controller.live import Live
from controller.metrics import Metrics
from controller.people.contacts_desk import ContactsDesk
from controller.stores.port import StoreUnavailable
from controller.stores.sqlite import SqliteStore
from customers.consent_links import ConsentKey
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact
from customers.errors import ContactsUnavailable
from customers.opt_out_links import OptOutLinks
from tests.builders import FEEDER, START, FakeClock, inline
from tests.controller.api.conftest import calling

TOKEN = "correct horse battery staple"
BEARER = {"authorization": f"Bearer {TOKEN}"}
CANARY = "zq7canary"
LINKS = OptOutLinks("https://p.example.org", ConsentKey(bytes(range(64))))
PAGE = "/people/opt-out"


class Store(SqliteStore):
    """One that cannot be written now and then."""

    down = False

    def commit(self, *args: object, **kwargs: object) -> list[int]:
        if self.down:
            raise StoreUnavailable("disk full")
        return super().commit(*args, **kwargs)  # type: ignore[arg-type,return-value]


class Site:
    """The routes, and what is behind them."""

    def __init__(self, folder: Path) -> None:
        self.path, self.locked = folder / "contacts.sqlite3", False
        self.store = Store(folder / "journal.sqlite3", durable=False)
        self.metrics = Metrics()
        self.keeper = Bookkeeper(self.store, inline, self.metrics, Live([FEEDER]))
        self.desk = ContactsDesk(self.contacts, self.keeper, FakeClock(), inline, self.ready, links=LINKS)
        self.app = FastAPI()
        add_problem_handlers(self.app)
        doors = Doors(OperatorKey(TOKEN.encode()))
        self.app.include_router(opt_out_routes(self.desk.opt_outs, doors, FakeClock()))

    def contacts(self) -> ContactStore:
        if self.locked:
            raise ContactsUnavailable("locked")
        return ContactStore(self.path)

    async def ready(self) -> None:
        if not self.keeper.epoch:
            await self.keeper.take_over("me", "0", [FEEDER], START)

    def withdrawn_on(self, customer: str = "C-001") -> date | None:
        with closing(ContactStore(self.path)) as contacts:
            return contacts.all("listed", Access("test", "", START), customer)[0].withdrawn_on

    def journaled(self) -> list[tuple[str, str]]:
        told = [n.entry for n in self.store.replay()]
        return [(one.customer, one.via) for one in told if isinstance(one, ConsentWithdrawn)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    held = [
        Contact(f"C-{n:03}", CANARY, f"{CANARY}@example.org", f"+49 151 100000{n}", consented_on=START.date())
        for n in (1, 2)
    ]
    with closing(made.contacts()) as contacts:
        contacts.put(held, Access("test", "", START))
    return made


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(site.app) as client:
        yield client


async def test_looking_changes_nothing_and_the_button_does(site: Site, client: httpx.AsyncClient) -> None:
    token = LINKS.seal("C-001")
    for _ in range(2):
        shown = await client.get(PAGE, params={"t": token})
    assert shown.status_code == 200
    assert f'<form method="post" action="opt-out?t={token}">' in shown.text
    assert "script" not in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert (site.withdrawn_on(), site.journaled()) == (None, [])
    for _ in range(2):
        noted = await client.post(PAGE, params={"t": token})
        assert (noted.status_code, "you get no more messages" in noted.text) == (200, True)
    assert "您将不再收到" in noted.text
    assert (site.withdrawn_on(), site.withdrawn_on("C-002")) == (START.date(), None)
    assert site.journaled() == [("C-001", "link")]


@pytest.mark.parametrize(
    "body",
    [{"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}],
)
async def test_the_one_click_of_a_mail_program(
    site: Site, client: httpx.AsyncClient, body: dict[str, dict[str, object]]
) -> None:
    answer = await client.post(LINKS.link("C-001").removeprefix("https://p.example.org"), **body)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
    assert site.journaled() == [("C-001", "link")]


async def test_a_right_link_tells_nobody_whether_somebody_is_held(client: httpx.AsyncClient) -> None:
    held = await client.post(PAGE, params={"t": LINKS.seal("C-001")})
    stranger = await client.post(PAGE, params={"t": LINKS.seal("C-777")})
    assert (held.status_code, held.text) == (stranger.status_code, stranger.text)


async def test_wrong_links_look_alike_and_too_many_are_turned_away(client: httpx.AsyncClient) -> None:
    wrong = ["", "x", LINKS.seal("C-001")[:-1], LINKS.key.key.hex()]
    answers = [await client.get(PAGE, params={"t": token}) for token in wrong]
    answers += [await client.post(PAGE, params={"t": token}) for token in wrong]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    for _ in range(MOST_WRONG):
        last = await client.post(PAGE, params={"t": "x"})
    assert last.status_code == 429
    assert (await client.get(PAGE, params={"t": LINKS.seal("C-001")})).status_code == 200


async def test_stop_from_a_phone(site: Site, client: httpx.AsyncClient) -> None:
    order = {"phone": "0151 1000002", "who": "gateway"}
    answer = await client.post("/api/v1/notices/stop", json=order, headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, {"noted": True})
    assert (site.withdrawn_on("C-002"), site.withdrawn_on()) == (START.date(), None)
    assert site.journaled() == [("C-002", "sms")]
    nobody = await client.post("/api/v1/notices/stop", json={**order, "phone": "0151 9"}, headers=BEARER)
    assert nobody.json() == {"noted": False}


async def test_an_operator_enters_it(site: Site, client: httpx.AsyncClient) -> None:
    path, order = "/api/v1/customers/C-001/opt-out", {"who": "desk", "why": "by phone"}
    answers = [await client.post(path, json=order, headers=BEARER) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"noted": True}, {"noted": False}]
    assert site.journaled() == [("C-001", "api")]


async def test_a_no_of_somebody_of_whom_nothing_is_held_is_noted(
    site: Site, client: httpx.AsyncClient
) -> None:
    order = {"who": "desk", "why": "has the app"}
    told = [
        (await client.post(f"/api/v1/customers/{customer}/opt-out", json=order, headers=BEARER)).json()
        for customer in ("C-777", "C-777", "x" * 500, "C%0A1")
    ]
    assert [one["noted"] for one in told] == [True, False, False, False]
    assert site.journaled() == [("C-777", "api")]


@pytest.mark.parametrize("path", ["/api/v1/notices/stop", "/api/v1/customers/C-001/opt-out"])
async def test_programs_need_the_token_and_the_right_body(
    site: Site, client: httpx.AsyncClient, path: str
) -> None:
    body = {"phone": "0151 1000001", "who": "g"} if "stop" in path else {"who": "g", "why": "w"}
    assert (await client.post(path, json=body)).status_code == 401
    assert (await client.post(path, json={"x": 1}, headers=BEARER)).status_code == 422
    assert (await client.post(path, data=body, headers=BEARER)).status_code == 415
    assert site.withdrawn_on() is None


async def test_while_the_journal_cannot_be_written_a_no_counts_all_the_same(
    site: Site, client: httpx.AsyncClient
) -> None:
    await site.ready()
    site.store.down = True
    assert (await client.post(PAGE, params={"t": LINKS.seal("C-001")})).status_code == 200
    assert (site.withdrawn_on(), site.journaled()) == (START.date(), [])
    site.store.down = False
    await site.desk.catch_up()
    await site.desk.catch_up()
    assert site.journaled() == [("C-001", "link")]


async def test_while_the_journal_cannot_be_read_a_no_counts_all_the_same(
    site: Site, client: httpx.AsyncClient
) -> None:
    async def down() -> None:
        raise StoreUnavailable("disk full")

    site.desk.opt_outs._ready = down
    assert (await client.post(PAGE, params={"t": LINKS.seal("C-001")})).status_code == 200
    assert site.withdrawn_on() == START.date()
    site.desk.opt_outs._ready = site.ready
    await site.desk.catch_up()
    assert site.journaled() == [("C-001", "link")]


async def test_contacts_that_cannot_be_written_say_come_again(site: Site, client: httpx.AsyncClient) -> None:
    site.locked = True
    assert (await client.post(PAGE, params={"t": LINKS.seal("C-001")})).status_code == 503
    order = {"phone": "0151 1000001", "who": "g"}
    assert (await client.post("/api/v1/notices/stop", json=order, headers=BEARER)).status_code == 503


async def test_nothing_of_anybody_leaves(
    site: Site, client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    pages = [await client.get(PAGE, params={"t": LINKS.seal("C-001")})]
    pages.append(await client.post(PAGE, params={"t": LINKS.seal("C-001")}))
    pages.append(
        await client.post("/api/v1/notices/stop", json={"phone": "01511000002", "who": "g"}, headers=BEARER)
    )
    logged = "".join(capfd.readouterr())
    assert "consent_withdrawn" in logged
    journal = "".join(repr(n.entry) for n in site.store.replay())
    metrics = generate_latest(site.metrics.registry).decode()
    for secret in (CANARY, "1000001", "1000002"):
        assert secret not in logged + journal + metrics + "".join(page.text for page in pages)
