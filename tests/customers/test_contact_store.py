"""Contacts: what is erased is gone, bytes and all, and whoever looked is noted."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from customers.contact_files import cells, load_contacts
from customers.contact_store import ContactStore
from customers.contact_tables import APPLICATION, FIRST
from customers.contacts import Access, Contact, Looked, Told
from customers.errors import ContactsUnavailable, RegistryRejected

NOW = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
CANARY = "Zaphira Quellwasser"
WHO = Access("service desk", "a call", NOW)


OLD, NO_ON, NEW = date(2025, 1, 1), date(2025, 3, 1), date(2025, 6, 1)


def contact(number: int, name: str = "Somebody", **more: object) -> Contact:
    return Contact(f"C-{number:03d}", name, f"{number}@example.org", "+49 30 1234", "Street 1\nTown", **more)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "contacts.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[ContactStore]:
    store = ContactStore(path)
    yield store
    store.close()


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_what_is_put_is_read_again_and_both_are_noted(store: ContactStore) -> None:
    held = contact(1, CANARY, consented_on=date(2025, 1, 1), ended_on=date(2026, 1, 1))
    assert store.put([held, contact(2)], WHO) == 2
    assert store.all("listed", WHO) == (held, contact(2))
    assert store.all("exported", Access("clerk", "asked for it", NOW), "C-001") == (held,)
    assert [(one.action, one.who, one.why) for one in store.log("C-001")] == [
        ("imported", "service desk", "a call"),
        ("listed", "service desk", "a call"),
        ("exported", "clerk", "asked for it"),
    ]
    assert [one.action for one in store.log("C-002")] == ["imported", "listed"]
    assert store.log("C-009") == ()


def test_the_file_is_its_owners_alone(store: ContactStore, path: Path) -> None:
    store.put([contact(1)], WHO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no log beside it that keeps copies"


def test_what_is_erased_is_in_no_byte_of_the_file(store: ContactStore, path: Path) -> None:
    many = [contact(n, f"Somebody {n} {'x' * (n % 50)}") for n in range(300)]
    store.put([*many, contact(500, CANARY)], WHO)
    assert CANARY.encode() in everything(path)
    assert store.erase(["C-500", "C-501"], "request", WHO) == ("C-500",)
    assert CANARY.encode() not in everything(path)
    assert b"500@example.org" not in everything(path)
    assert store.customers() == {one.customer for one in many}
    assert [one.action for one in store.log("C-500")] == ["imported", "erased"], "that is kept, by the id"


def test_it_is_overwritten_at_once_and_the_file_is_then_built_anew(
    store: ContactStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by itself: a crash between the two leaves nothing to be read, and no unused page stays."""
    store.put([contact(n, CANARY + 400 * "x") for n in range(300)], WHO)
    monkeypatch.setattr(store, "_build_anew", lambda: None)
    store.erase([f"C-{n:03d}" for n in range(299)], "request", WHO)
    monkeypatch.undo()
    assert everything(path).count(CANARY.encode()) == 1
    size_bytes = path.stat().st_size
    store.erase(["C-299"], "request", WHO)
    assert path.stat().st_size < size_bytes
    assert store._connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_what_is_replaced_is_in_no_byte_of_the_file_either(store: ContactStore, path: Path) -> None:
    store.put([contact(n) for n in range(50)] + [contact(500, CANARY)], WHO)
    store.put([contact(500, "New Name")], WHO)
    assert CANARY.encode() not in everything(path)
    assert store.all("listed", WHO, "C-500")[0].name == "New Name"


def test_without_overwriting_the_bytes_would_stay(path: Path) -> None:
    """The reason for the pragma and the building anew: a plain table keeps what was deleted."""
    path.parent.mkdir()
    with sqlite3.connect(path) as plain:
        plain.execute("PRAGMA secure_delete = OFF")
        plain.execute("CREATE TABLE t (name TEXT)")
        plain.executemany("INSERT INTO t VALUES (?)", [(CANARY,), ("other",)])
    plain.execute("DELETE FROM t WHERE name = ?", (CANARY,))
    plain.commit()
    plain.close()
    assert CANARY.encode() in everything(path)


def test_an_erasure_waits_for_the_journal_until_that_has_it(store: ContactStore, path: Path) -> None:
    store.put([contact(1), contact(2)], WHO)
    store.erase(["C-001"], "request", WHO)
    store.erase(["C-002"], "retention", WHO)
    waiting = store.to_journal()
    assert [(one.customer, one.cause, one.who, one.at) for one in waiting] == [
        ("C-001", "request", "service desk", NOW),
        ("C-002", "retention", "service desk", NOW),
    ]
    store.journaled(waiting[:1])
    again = ContactStore(path)
    assert again.to_journal() == waiting[1:]
    again.close()


def test_retention_ends_so_long_after_the_supply(store: ContactStore) -> None:
    ends = {1: None, 2: date(2025, 1, 11), 3: date(2025, 1, 12), 4: date(2027, 1, 1)}
    store.put([contact(n, ended_on=ended) for n, ended in ends.items()], WHO)
    assert store.overdue(timedelta(days=365), date(2026, 1, 12)) == ("C-002",)
    store.erase(["C-002"], "retention", WHO)
    assert store.forget_accesses(NOW) == 0
    assert store.forget_accesses(NOW + timedelta(days=1)) == 2
    assert len(store.log("C-001")) == 1, "of those who are held nothing is forgotten"


def test_a_contact_shows_nobody_when_it_is_printed() -> None:
    shown = repr(contact(1, CANARY))
    assert "C-001" in shown
    assert not any(word in shown for word in (CANARY, "@", "1234", "Street"))


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(ContactsUnavailable, match=r"other\.sqlite3: .*no contacts of Gridward"):
        ContactStore(other)
    (tmp_path / "text").write_text("no database at all", encoding="utf-8")
    with pytest.raises(ContactsUnavailable):
        ContactStore(tmp_path / "text")


# --- consent that is taken back
# -----------------------------------------------------------------------------------------------------------

DAY = date(2026, 1, 12)


def test_a_no_is_noted_once_and_waits_for_the_journal(store: ContactStore) -> None:
    store.put([contact(1, consented_on=date(2025, 1, 1)), contact(2)], WHO)
    asked = Access("customer", "link in a message", NOW)
    assert store.withdraw("C-001", DAY, "link", asked)
    assert not store.withdraw("C-001", DAY + timedelta(days=1), "sms", asked)
    (held,) = store.all("listed", WHO, "C-001")
    assert held.withdrawn_on == DAY
    assert [(one.who, one.action) for one in store.log("C-001")][1] == ("customer", "withdrawn")
    (waiting,) = store.to_tell()
    assert (waiting.customer, waiting.via, waiting.at) == ("C-001", "link", NOW)
    store.told([waiting])
    assert store.to_tell() == ()


def test_a_no_of_a_later_day_is_brought_forward(store: ContactStore) -> None:
    store.put([contact(1, withdrawn_on=DAY + timedelta(days=9))], WHO)
    assert store.withdraw("C-001", DAY, "link", WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == DAY


@pytest.mark.parametrize(
    ("consented_on", "withdrawn_on", "after"),
    [
        (date(2025, 1, 1), None, DAY),
        (None, None, DAY),
        (DAY, None, DAY),
        (date(2026, 1, 13), None, None),
        (date(2025, 1, 1), date(2025, 6, 1), date(2025, 6, 1)),
    ],
)
def test_a_new_row_does_not_undo_a_no(
    store: ContactStore, consented_on: date | None, withdrawn_on: date | None, after: date | None
) -> None:
    store.put([contact(1, consented_on=date(2025, 1, 1))], WHO)
    store.withdraw("C-001", DAY, "link", WHO)
    store.put([contact(1, consented_on=consented_on, withdrawn_on=withdrawn_on)], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == after


@pytest.mark.parametrize(
    ("columns", "row", "after"),
    [
        (("email",), {}, (OLD, NO_ON)),
        (("consented_on",), {"consented_on": NO_ON}, (NO_ON, NO_ON)),
        (("consented_on",), {"consented_on": NEW}, (NEW, None)),
        (("consented_on", "withdrawn_on"), {"consented_on": None}, (None, NO_ON)),
    ],
    ids=["neither", "no later consent", "a later consent", "emptied"],
)
def test_a_row_without_some_columns_keeps_consent_and_no(
    store: ContactStore,
    columns: tuple[str, ...],
    row: dict[str, date],
    after: tuple[date | None, date | None],
) -> None:
    store.put([contact(1, consented_on=OLD, withdrawn_on=NO_ON, channels=("sms",), push="k")], WHO)
    store.put([Contact("C-001", "Ann", **row)], WHO, frozenset({"customer", "name", *columns}))  # type: ignore[arg-type]
    (held,) = store.all("listed", WHO)
    assert (held.consented_on, held.withdrawn_on) == after
    assert (held.name, held.phone, held.channels, held.push) == ("Ann", "+49 30 1234", ("sms",), "k")


def test_a_new_row_does_not_put_off_a_no(store: ContactStore) -> None:
    row = contact(1, consented_on=date(2025, 1, 1))
    store.put([row], WHO)
    store.withdraw("C-001", DAY, "link", WHO)
    store.put([replace(row, withdrawn_on=date(2026, 6, 30))], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == DAY
    store.put([replace(row, consented_on=date(2026, 2, 1), withdrawn_on=date(2026, 6, 30))], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == date(2026, 6, 30)


def test_a_no_that_a_row_held_is_moved_by_a_row_but_not_after_they_said_so_themselves(
    store: ContactStore,
) -> None:
    row = contact(1, consented_on=date(2025, 1, 1), withdrawn_on=date(2026, 1, 1))
    store.put([row], WHO)
    later = replace(row, withdrawn_on=date(2026, 1, 5))
    store.put([later], WHO)
    assert store.all("listed", WHO)[0] == later
    assert store.withdraw("C-001", DAY, "link", WHO)
    assert store.all("listed", WHO)[0] == later, "it stands since the 5th"
    store.put([replace(row, withdrawn_on=date(2026, 6, 30))], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == DAY


@pytest.mark.parametrize(("consented_on", "after"), [(date(2025, 1, 1), DAY), (date(2026, 1, 13), None)])
def test_a_no_outlives_an_erasure(store: ContactStore, consented_on: date, after: date | None) -> None:
    store.put([contact(1, consented_on=date(2025, 1, 1))], WHO)
    store.withdraw("C-001", DAY, "link", WHO)
    store.erase(["C-001"], "request", WHO)
    assert store.use([("C-001", WHO)], NOW) == (Looked(None, DAY),)
    store.put([contact(1, consented_on=consented_on)], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == after


def test_a_no_of_somebody_who_is_not_held_is_kept_by_their_id_alone(store: ContactStore) -> None:
    assert store.withdraw("C-009", DAY, "api", WHO)
    assert not store.withdraw("C-009", DAY + timedelta(days=1), "api", WHO)
    assert [(one.customer, one.via) for one in store.to_tell()] == [("C-009", "api")]
    assert store.use([("C-009", WHO)], NOW) == (Looked(None, DAY),)
    assert (store.customers(), store.log("C-009")) == (frozenset(), ())
    store.put([contact(9, consented_on=DAY)], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on == DAY
    store.put([contact(9, consented_on=DAY + timedelta(days=2))], WHO)
    assert store.all("listed", WHO)[0].withdrawn_on is None
    assert store.withdraw("C-009", DAY + timedelta(days=3), "link", WHO)


def test_before_a_consent_has_begun_a_no_is_noted_once(store: ContactStore) -> None:
    store.put([contact(1, consented_on=DAY + timedelta(days=9))], WHO)
    assert [store.withdraw("C-001", DAY, "link", WHO) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("+49301234567", True),
        ("0049 30 1234567", True),
        ("030/1234567", True),
        ("01234567", True),
        ("+49301234568", False),
        ("34567", False),
        ("", False),
        ("+4930123456", False),
    ],
)
def test_who_has_a_phone_number(store: ContactStore, given: str, found: bool) -> None:
    store.put([replace(contact(1), phone="+49 (30) 123-4567"), replace(contact(2), phone=None)], WHO)
    assert store.with_phone(given) == (("C-001",) if found else ())


def test_what_somebody_was_told_is_erased_with_them(store: ContactStore) -> None:
    store.put([contact(1)], WHO)
    store.note_told([Told("C-001", "sms", "notice 1 R1", NOW)], NOW - timedelta(days=1))
    store.erase(["C-001"], "request", WHO)
    assert store.use([("C-001", WHO)], NOW - timedelta(days=9)) == (Looked(None),)


def test_a_file_of_the_first_version_is_renewed(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        for statement in FIRST.split(";"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO contacts (customer, name, email, language, consented_on) "
            "VALUES ('C-001', 'Ann', 'a@b.example', 'en', '2025-01-01')"
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        with closing(ContactStore(path)) as store:
            (held,) = store.all("listed", WHO)
            assert held == Contact("C-001", "Ann", "a@b.example", consented_on=date(2025, 1, 1))
            assert store.to_tell() == ()


def test_a_no_in_a_file_of_the_second_version_counts_on(path: Path, store: ContactStore) -> None:
    store.put([contact(1)], WHO)
    store.withdraw("C-001", DAY, "link", WHO)
    store.erase(["C-001"], "request", WHO)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX withdrawals_of")
        connection.execute("ALTER TABLE withdrawals DROP COLUMN on_day")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with closing(ContactStore(path)) as renewed:
        assert renewed.use([("C-001", WHO)], NOW) == (Looked(None, DAY),)


def test_a_file_of_a_later_version_is_left_alone(store: ContactStore, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ContactsUnavailable, match="it has schema 99, this version reads 3"):
        ContactStore(path)


# --- contacts.csv
# -----------------------------------------------------------------------------------------------------------


def loaded(tmp_path: Path, text: str) -> tuple[Contact, ...]:
    path = tmp_path / "contacts.csv"
    path.write_text(text, encoding="utf-8")
    file = load_contacts(path)
    columns = frozenset(text.partition("\n")[0].split(","))
    assert file.columns == (columns if file.contacts else frozenset())
    return file.contacts


def test_a_file_with_every_column(tmp_path: Path) -> None:
    header = "customer,name,email,phone,postal,language,consented_on,withdrawn_on,ended_on,channels,push\n"
    row = (
        f'C-001,{CANARY},z@example.org,\'+49 30 1234,"Street 1\nTown",zh,2025-01-01,2025-02-01,2026-01-01,'
        "sms  email,key-1\n"
    )
    (held,) = loaded(tmp_path, header + row + "\n")
    assert held.phone == "+49 30 1234", "the apostrophe of an export is not part of the number"
    assert cells(held) == [
        "C-001", CANARY, "z@example.org", "+49 30 1234", "Street 1\nTown", "zh", "2025-01-01", "2025-02-01",
        "2026-01-01", "sms email", "key-1",
    ]  # fmt: skip
    (least,) = loaded(tmp_path, "customer,name\nC-001,Ann\n")
    assert (least.language, least.email, least.ended_on) == ("en", None, None)


@pytest.mark.parametrize(
    ("row", "field", "expected"),
    [
        (f"C 1/2,{CANARY},,,,,,,", "customer", "expected"),
        ("C-001,,,,,,,,", "name", "expected a name"),
        (f"C-001,Ann,{CANARY},,,,,,", "email", "expected an e-mail address"),
        (f"C-001,Ann,,{CANARY},,,,,", "phone", "expected a phone number"),
        (f"C-001,Ann,,,,{CANARY},,,", "language", "expected one of en, zh"),
        (f"C-001,Ann,,,,,{CANARY},,", "consented_on", "expected a day such as"),
        ("C-001,Ann,,,,,2026-01-02,2026-01-01,", "withdrawn_on", "expected a day not before"),
        (f"C-001,{CANARY}\x07,,,,,,,", "name", "printable"),
    ],
)
def test_what_is_wrong_is_told_without_repeating_it(
    tmp_path: Path, row: str, field: str, expected: str
) -> None:
    header = "customer,name,email,phone,postal,language,consented_on,withdrawn_on,ended_on\n"
    with pytest.raises(RegistryRejected) as rejected:
        loaded(tmp_path, f"{header}{row}\n")
    told = str(rejected.value)
    assert f"row 2, {field}: {expected}" in told or (f"row 2, {field}: " in told and expected in told)
    assert CANARY not in told


def test_a_customer_stands_once(tmp_path: Path) -> None:
    with pytest.raises(RegistryRejected, match="row 3, customer: expected each only once"):
        loaded(tmp_path, "customer,name\nC-001,Ann\nC-001,Bob\n")


def test_the_empty_id_is_nobodys(store: ContactStore) -> None:
    store.put([contact(1), contact(2)], WHO)
    assert store.all("exported", WHO, "") == ()
    assert [one.action for one in store.log("C-001")] == ["imported"]
