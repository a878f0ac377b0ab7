"""How customers are reached: consent, what they were told, and that each look is noted."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from customers.address_book import KEPT_FOR, ContactAddresses, standing
from customers.consent_links import ConsentKey, ConsentLinks
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact, Told
from customers.opt_out_links import OptOutLinks

NOW = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
DAY = date(2026, 1, 12)
CANARY = "zq7canary"
LINKS = OptOutLinks("https://p.example.org/", ConsentKey(bytes(range(64))))


def contact(**more: object) -> Contact:
    return Contact("C-001", CANARY, f"{CANARY}@example.org", "+49 1", **{"consented_on": DAY, **more})  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(ContactStore(tmp_path / "c.sqlite3")) as store:
        store.put([contact(channels=("sms",), push="key")], Access("test", "", NOW))
    return tmp_path / "c.sqlite3"


def book(path: Path, zone: str = "UTC") -> ContactAddresses:
    return ContactAddresses(
        lambda: ContactStore(path), languages={"C-001": "zh"}, zone=ZoneInfo(zone), links=LINKS
    )


def test_who_is_asked_for_comes_in_this_order_and_is_noted(path: Path) -> None:
    stranger, known, again = book(path).find([("C-009", "x"), ("C-001", "notice R1"), ("C-001", "y")], NOW)
    assert (stranger.customer, stranger.standing, stranger.language) == ("C-009", "not_held", "en")
    assert (known.standing, known.language, known.email) == ("agreed", "zh", f"{CANARY}@example.org")
    assert (known.channels, known.push, again.standing) == (("sms",), "key", "agreed")
    assert known.opt_out_link == LINKS.link("C-001")
    assert CANARY not in repr(known)
    with closing(ContactStore(path)) as store:
        noted = [(one.who, one.action, one.why) for one in store.log("C-001")]
        assert store.log("C-009") == ()
    assert noted[1:] == [("gridward", "used", "notice R1"), ("gridward", "used", "y")]


@pytest.mark.parametrize(
    ("given", "stands"),
    [
        ({}, "agreed"),
        ({"consented_on": None}, "no_consent"),
        ({"consented_on": date(2026, 1, 13)}, "no_consent"),
        ({"withdrawn_on": DAY}, "opted_out"),
        ({"withdrawn_on": date(2026, 1, 13)}, "agreed"),
        ({"ended_on": DAY}, "agreed"),
        ({"ended_on": date(2026, 1, 11)}, "ended"),
        ({"ended_on": date(2026, 1, 11), "withdrawn_on": DAY}, "opted_out"),
    ],
)
def test_consent_decides(given: dict[str, object], stands: str) -> None:
    assert standing(contact(**given), DAY) == stands


@pytest.mark.parametrize(
    ("held", "no_on", "stands"),
    [
        (contact(), DAY, "opted_out"),
        (contact(), date(2026, 1, 11), "agreed"),
        (contact(), date(2026, 1, 13), "agreed"),
        (contact(consented_on=None), DAY, "opted_out"),
        (None, DAY, "opted_out"),
        (None, date(2026, 1, 13), "not_held"),
        (None, None, "not_held"),
    ],
)
def test_what_they_said_themselves_counts_whatever_the_row_says(
    held: Contact | None, no_on: date | None, stands: str
) -> None:
    assert standing(held, DAY, no_on) == stands


def test_who_is_not_held_and_said_no_is_found_so(path: Path) -> None:
    with closing(ContactStore(path)) as store:
        store.withdraw("C-009", DAY, "link", Access("customer", "", NOW))
    (stranger,) = book(path).find([("C-009", "x")], NOW)
    assert stranger.standing == "opted_out"


def test_days_are_those_of_the_people_who_live_there(path: Path) -> None:
    with closing(ContactStore(path)) as store:
        store.put([contact(consented_on=date(2026, 1, 13))], Access("test", "", NOW))
    (here,) = book(path).find([("C-001", "")], NOW)
    (there,) = book(path, "Asia/Shanghai").find([("C-001", "")], NOW)  # it is 2 o'clock on the 13th
    assert (here.standing, there.standing) == ("no_consent", "agreed")


def test_what_people_were_told_is_kept_for_a_while(path: Path) -> None:
    lately = Told("C-001", "email", "notice 1 R1", NOW - timedelta(hours=1))
    long_ago = Told("C-001", "email", "notice 1 R0", NOW - timedelta(hours=25))
    book(path).note([long_ago])
    book(path).note([lately])
    book(path).note([])
    (found,) = book(path).find([("C-001", "")], NOW)
    assert found.told == (lately,)
    book(path).note([Told("C-002", "email", "x", long_ago.at + KEPT_FOR + timedelta(seconds=1))])
    with closing(ContactStore(path)) as store:
        (looked,) = store.use([("C-001", Access("test", "", NOW))], NOW - timedelta(days=99))
    assert looked.told == (lately,)


def test_tokens_are_nobody_elses_and_no_answers() -> None:
    token = LINKS.seal("C-001")
    assert LINKS.link("C-001") == f"https://p.example.org/people/opt-out?t={token}"
    assert LINKS.open(token) == "C-001"
    consents = ConsentLinks(LINKS.public_url, LINKS.key)
    assert consents.key.open(token) is None
    answer = consents.link("R1", "opted_out", NOW).partition("t=")[2]
    assert LINKS.open(answer) is None
    other = OptOutLinks(LINKS.public_url, ConsentKey(bytes(64)))
    assert other.open(token) is None
    for wrong in ("", "AA", token[:-2], token + "A", token[:-1] + "!", "A" * 2000):
        assert LINKS.open(wrong) is None
    assert OptOutLinks.beside(None) is None
    assert OptOutLinks.beside(consents) == LINKS
