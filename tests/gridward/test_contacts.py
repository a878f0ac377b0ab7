"""`gridward contacts`: a canary's name is nowhere once it was erased, and everywhere it was read is noted."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest

from controller.api.contacts import contacts_routes
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.api.problems import add_problem_handlers
from controller.bookkeeping import Bookkeeper
from controller.entries import PersonalDataErased
from controller.live import Live
from controller.metrics import Metrics
from controller.people.contacts_desk import ContactsDesk
from controller.stores.audit import audit
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import SqliteStore
from customers.contact_store import ContactStore
from customers.contacts import Access
from customers.errors import ContactsUnavailable
from gridward.api_client import ApiClient, ApiRefused
from gridward.cli import main
from tests.builders import FEEDER, START, FakeClock, inline
from tests.customers.test_contact_store import contact
from tests.gridward.sites import write_site

CANARY = "Zaphira Quellwasser"
TOKEN = "a token for tests only"
ROWS = (
    "customer,name,email,phone,postal,language,ended_on\n"
    f"C-001,{CANARY},z@example.org,+49 30 1234,Street 1,en,\n"
    "C-002,=cmd|x,b@example.org,,a;=1,en,2020-01-01\n"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOGNAME", "tester")
    (tmp_path / "contacts.csv").write_text(ROWS, encoding="utf-8")
    site = write_site(tmp_path)
    assert main(["contacts", "import", str(site), str(tmp_path / "contacts.csv")]) == 0
    (tmp_path / "contacts.csv").unlink()
    return site


def journal_of(site: Path) -> Path:
    """A store as a daemon leaves it."""
    path = site.parent / "state" / "gridward.sqlite3"
    store = SqliteStore(path, durable=False)
    store.take_over("test")
    store.close()
    return path


def erased_in(path: Path) -> list[tuple[str, str, str]]:
    with closing(SqliteRecord.open(path)) as record:
        assert audit(record).fault is None
        entries = [numbered.entry for numbered in record.replay()]
    return [(one.customer, one.cause, one.who) for one in entries if isinstance(one, PersonalDataErased)]


def command(name: str, site: Path, *more: str) -> int:
    return main(["contacts", name, str(site), *more])


def test_list_and_log(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert command("list", site, "--who", "service desk", "--why", "a call") == 0
    assert f"C-001  {CANARY}  z@example.org" in capsys.readouterr().out
    assert command("log", site, "C-001") == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split("  ", 1)[1] for line in told] == ["imported  tester", "listed    service desk  a call"]
    assert command("list", site, "--json") == 0
    assert json.loads(capsys.readouterr().out)["contacts"][0]["name"] == CANARY


def test_an_export_runs_nothing_and_is_taken_back_as_it_was(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = site.parent / "out.csv"
    assert command("export", site, "--out", str(out)) == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["name"] for row in rows] == [CANARY, "'=cmd|x"]
    assert (rows[0]["phone"], rows[1]["postal"]) == ("'+49 30 1234", "a;'=1")
    assert out.stat().st_mode & 0o777 == 0o600
    before = (
        sqlite3.connect(site.parent / "state" / "contacts.sqlite3")
        .execute("SELECT * FROM contacts")
        .fetchall()
    )
    assert command("import", site, str(out)) == 0
    after = (
        sqlite3.connect(site.parent / "state" / "contacts.sqlite3")
        .execute("SELECT * FROM contacts")
        .fetchall()
    )
    assert after == before
    assert command("export", site, "--out", str(out), "--customer", "C-009") == 2
    assert "nothing is held of 'C-009'" in capsys.readouterr().err
    assert command("export", site, "--out", str(site)) == 2


def test_erased_is_nowhere_and_the_journal_knows(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = journal_of(site)
    assert command("erase", site, "C-001", "--who", "privacy desk", "--why", "asked by letter") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == "C-001: erased"
    assert erased_in(journal) == [("C-001", "request", "privacy desk")]
    backup = site.parent / "backup.sqlite3"
    with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    for file in site.parent.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file
            assert b"z@example.org" not in file.read_bytes(), file
    assert CANARY not in captured.out + captured.err
    assert command("log", site, "C-001") == 0
    assert "erased    privacy desk  asked by letter" in capsys.readouterr().out
    assert command("erase", site, "C-001", "--why", "again") == 2
    assert "nothing is held of 'C-001'" in capsys.readouterr().err


def test_who_erases_says_why(site: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        command("erase", site, "C-001")
    assert stopped.value.code == 2


def test_a_daemon_that_cannot_be_asked_is_told_later(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = journal_of(site)
    running = SqliteStore(journal, durable=False)
    assert command("erase", site, "C-001", "--why", "asked") == 0
    assert "C-001: erased; the journal is told later: " in capsys.readouterr().out
    with closing(ContactStore(site.parent / "state" / "contacts.sqlite3")) as contacts:
        assert contacts.customers() == {"C-002"}
    running.close()
    assert erased_in(journal) == []
    assert command("purge", site, "--json", "--who", "cron") == 0
    assert json.loads(capsys.readouterr().out) == {
        "erased": ["C-002"], "journaled": True, "not_supplied": [],
    }  # fmt: skip
    assert erased_in(journal) == [("C-001", "request", "tester"), ("C-002", "retention", "cron")]


class Answering:
    """A daemon's API, as the client sees it."""

    posted: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012
    refuses = False

    def __init__(self, contacts: Path) -> None:
        self.contacts = contacts

    def post(self, path: str, body: dict[str, str]) -> None:
        if self.refuses:
            raise ApiRefused(503, "the contacts cannot be written")
        self.posted.append((path, body))
        with closing(ContactStore(self.contacts)) as contacts:
            contacts.journaled(contacts.to_journal())


@pytest.mark.parametrize("refuses", [False, True])
def test_a_daemon_that_runs_is_asked(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refuses: bool
) -> None:
    journal = journal_of(site)
    daemon = Answering(site.parent / "state" / "contacts.sqlite3")
    daemon.posted, daemon.refuses = [], refuses
    monkeypatch.setattr(ApiClient, "of", lambda site: daemon)
    assert command("erase", site, "C-001", "--who", "ann", "--why", "asked", "--json") == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(told) == {"erased": ["C-001"], "journaled": not refuses}
    expected = ("/api/v1/customers/C-001/erase-contacts", {"who": "ann", "why": "asked"})
    assert daemon.posted == ([] if refuses else [expected])
    assert erased_in(journal) == [], "the daemon is the one writer"


def test_without_a_journal_nothing_is_made_up(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("purge", site) == 0
    assert "1 erased; the journal is told later: there is no journal yet" in capsys.readouterr().out
    assert not (site.parent / "state" / "gridward.sqlite3").exists()


def test_who_is_not_supplied_here_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = site.parent / "more.csv"
    more.write_text("customer,name\nC-777,Ann\n", encoding="utf-8")
    assert command("import", site, str(more)) == 0
    assert command("purge", site) == 0
    assert "not supplied here, and without ended_on where that is not set: C-777" in capsys.readouterr().out


def test_a_column_that_is_not_in_the_file_stays_and_an_empty_cell_erases(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = site.parent / "more.csv"
    more.write_text("customer,name,phone,language\nC-001,Ann,,zh\nC-003,Bob,,\n", encoding="utf-8")
    assert command("import", site, str(more)) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert "2 taken; not in the file, so it stays as it was: email, postal, consented_on" in told
    with closing(ContactStore(site.parent / "state" / "contacts.sqlite3")) as contacts:
        held = contacts.all("listed", Access("test", "", START))
    assert (held[0].name, held[0].language, held[0].phone) == ("Ann", "zh", None)
    assert (held[0].email, held[0].postal) == ("z@example.org", "Street 1")
    assert [one.customer for one in held] == ["C-001", "C-002", "C-003"]
    assert held[2].email is None


def test_wrong_input_says_where(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = site.parent / "wrong.csv"
    wrong.write_text("customer,name,email\nC-001,Ann,nobody\n", encoding="utf-8")
    assert command("import", site, str(wrong)) == 2
    assert "wrong.csv, row 2, email: expected an e-mail address" in capsys.readouterr().err
    assert main(["contacts", "list", str(site.parent / "none.toml")]) == 2


# --- over the API
# -----------------------------------------------------------------------------------------------------------


class Down(SqliteStore):
    """A store that cannot be written."""

    down = False

    def commit(self, *args: object, **kwargs: object) -> list[int]:
        if self.down:
            raise StoreUnavailable("disk full")
        return super().commit(*args, **kwargs)  # type: ignore[arg-type,return-value]


class Api:
    """The route, and what is behind it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "contacts.sqlite3"
        self.store = Down(folder / "journal.sqlite3", durable=False)
        self.metrics = Metrics()
        self.keeper = Bookkeeper(self.store, inline, self.metrics, Live([FEEDER]))
        self.clock = FakeClock()
        self.desk = ContactsDesk(self.contacts, self.keeper, self.clock, inline, self.ready)
        self.app = FastAPI()
        add_problem_handlers(self.app)
        self.app.include_router(contacts_routes(self.desk, Doors(OperatorKey(TOKEN.encode()))))

    def contacts(self) -> ContactStore:
        return ContactStore(self.path)

    async def ready(self) -> None:
        if not self.keeper.epoch:
            await self.keeper.take_over("me", "0", [FEEDER], START)

    async def erase(self, customer: str, token: str = TOKEN, **body: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(
                f"/api/v1/customers/{customer}/erase-contacts",
                json={"who": "ann", "why": "asked", **body},
                headers={"authorization": f"Bearer {token}"},
            )


@pytest.fixture
def api(tmp_path: Path) -> Api:
    api = Api(tmp_path)
    with closing(api.contacts()) as contacts:
        contacts.put([contact(1, CANARY), contact(2)], Access("test", "", START))
    return api


async def test_the_daemon_erases_and_journals(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    answer = await api.erase("C-001")
    assert (answer.status_code, answer.json()) == (
        200,
        {"customer": "C-001", "erased": True, "journaled": True},
    )
    assert [n.entry.customer for n in api.store.replay() if isinstance(n.entry, PersonalDataErased)] == [
        "C-001"
    ]
    assert CANARY.encode() not in api.path.read_bytes()
    assert CANARY.encode() not in generate_latest(api.metrics.registry)
    logged = "".join(capfd.readouterr())
    assert "personal_data_erased" in logged
    assert CANARY not in logged
    assert (await api.erase("C-001")).status_code == 404


@pytest.mark.parametrize(
    ("customer", "token", "body", "status"),
    [
        ("C-001", "wrong", {}, 401),
        ("C-009", TOKEN, {}, 404),
        ("C-001", TOKEN, {"why": ""}, 422),
        ("C-001", TOKEN, {"name": "x"}, 422),
    ],
)
async def test_what_is_refused(
    api: Api, customer: str, token: str, body: dict[str, str], status: int
) -> None:
    answer = await api.erase(customer, token, **body)
    assert answer.status_code == status
    assert CANARY not in answer.text
    with closing(api.contacts()) as contacts:
        assert contacts.customers() == {"C-001", "C-002"}


async def test_a_journal_that_is_down_keeps_nobodys_data(api: Api) -> None:
    await api.ready()
    api.store.down = True
    answer = await api.erase("C-001")
    assert (answer.status_code, answer.json()["journaled"]) == (200, False)
    with closing(api.contacts()) as contacts:
        assert contacts.customers() == {"C-002"}
    api.store.down = False
    await api.desk.catch_up()
    assert [n.entry.customer for n in api.store.replay() if isinstance(n.entry, PersonalDataErased)] == [
        "C-001"
    ]


async def test_contacts_that_cannot_be_used_are_a_503(api: Api) -> None:
    api.path.write_bytes(b"no database at all, and long enough to be taken for one" * 100)
    answer = await api.erase("C-001")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    await api.desk.catch_up()  # a start goes on without them


async def test_where_the_bytes_could_not_be_overwritten_it_is_not_said_that_nothing_was_done(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: ContactStore) -> None:
        raise ContactsUnavailable("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(ContactStore, "_build_anew", full)
        answer = await api.erase("C-001")
    assert answer.status_code == 503
    assert "nothing was done" not in answer.text
    assert "again" in answer.text
    assert CANARY.encode() not in api.path.read_bytes(), "deleted content is overwritten at once"
    assert (await api.erase("C-001")).json() == {"customer": "C-001", "erased": True, "journaled": True}


async def test_an_erasure_that_the_journal_has_is_one_although_the_contacts_cannot_note_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise ContactsUnavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(ContactStore, "journaled", locked)
        answer = await api.erase("C-001")
    assert (answer.status_code, answer.json()["journaled"]) == (200, True)
    await api.desk.catch_up()  # told at least once: here a second time
    with closing(api.contacts()) as contacts:
        assert contacts.to_journal() == ()
