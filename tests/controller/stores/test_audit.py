from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from controller.entries import Entry, EventOpened, LedgerPosted, SettlementCorrected
from controller.proving.settlement import settle
from controller.rewards import ledger
from controller.settings import Rewards
from controller.stores import chain
from controller.stores.audit import audit
from controller.stores.batch import batch_of
from controller.stores.port import StoredRow
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from tests.controller.record_builders import (
    EVENT,
    T0,
    after,
    books_of,
    closed,
    moved,
    opened,
    planned,
    samples,
)
from tests.controller.stores.samples_and_entries import credit

R1 = f"{EVENT}-R001"
LIFE: tuple[Entry, ...] = (
    opened(), planned(), moved(R1, "sent", T0), moved(R1, "accepted", T0), moved(R1, "active", T0),
    moved(R1, "ended", after(900)),
)  # fmt: skip


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = SqliteStore(IN_MEMORY, durable=False)
    store.take_over("test")
    books = books_of(*LIFE)
    told = settle(
        books.requests[R1], beside=(), samples=samples(5.2), position=0, rewards=Rewards(), now=after(930)
    )
    store.commit([*LIFE, *told, closed()])
    yield store
    store.close()


def tamper(store: SqliteStore, script: str) -> None:
    """As somebody with the file would, triggers and all."""
    for table in ("journal", "transactions", "postings"):
        for verb in ("update", "delete"):
            store._connection.execute(f"DROP TRIGGER {table}_no_{verb}")
    store._connection.execute("PRAGMA foreign_keys = OFF")
    store._connection.executescript(script)


def test_a_whole_record(store: SqliteStore) -> None:
    found = audit(store)
    assert (found.entries, found.transactions, found.fault) == (10, 1, None)
    assert found.sums == {"points": 0, "EUR-cent": 0}


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("UPDATE journal SET body = replace(body, '170', '990')", "entry 7 was altered"),
        ("DELETE FROM postings WHERE line = 0", "the postings of evening-relief/dorf"),
        ("UPDATE postings SET amount = amount * 2", "the postings of evening-relief/dorf"),
        (
            "UPDATE postings SET account = 'customer:C-666' WHERE account = 'customer:C-001'",
            "the postings of",
        ),
        ("UPDATE transactions SET seq = 3", "the postings of"),
        ("DELETE FROM postings; DELETE FROM transactions", "the postings of"),
        ("INSERT INTO transactions VALUES ('x', 1)", "the postings of x"),
        (
            "INSERT INTO postings VALUES ('x', 0, 'customer:C-666', 'points', 5)",
            "all accounts together hold 5 points",
        ),
    ],
)
def test_what_was_altered_is_found_and_named(store: SqliteStore, script: str, fault: str) -> None:
    tamper(store, script)
    found = audit(store)
    assert found.fault is not None
    assert fault in found.fault


def rewritten(store: SqliteStore, entry: Entry) -> None:
    """Append with a right hash what no controller would: the chain is whole, the story is not."""
    store._write(batch_of([entry], store._head(), {}))


def test_a_story_that_cannot_be_is_found_behind_right_hashes(store: SqliteStore) -> None:
    rewritten(store, opened())
    assert audit(store).fault == f"entry 11 cannot be: event {EVENT} opened, but {EVENT} is there"


def test_a_credit_that_its_settlement_does_not_know_is_found(store: SqliteStore) -> None:
    true = next(n.entry for n in store.replay() if isinstance(n.entry, LedgerPosted))
    more = tuple((account, unit, amount * 2) for account, unit, amount in true.postings)
    rewritten(
        store, LedgerPosted(at=T0, key="p/dorf/x/credit/v1", postings=more, reason="", request=true.request)
    )
    fault = audit(store).fault
    assert fault is not None
    assert "entry 11: p/dorf/x/credit/v1 credits [84, 340], but its settlement says otherwise" in fault


def test_an_entry_of_another_version_is_named(store: SqliteStore) -> None:
    seq, previous = store._head()
    body = '{"entry":"from_the_future","at":"2026-01-12T18:00:00Z"}'
    link = chain.link(previous, seq + 1, body)
    store._connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?)", (seq + 1, body, previous, link))
    fault = audit(store).fault
    assert fault is not None
    assert "entry 11 cannot be read by this version" in fault


def test_every_flipped_byte_of_the_journal_is_found(store: SqliteStore) -> None:
    rows = store._connection.execute("SELECT seq, body FROM journal ORDER BY seq").fetchall()
    tamper(store, "")
    rng = np.random.default_rng(7)
    for _ in range(200):
        seq, body = rows[int(rng.integers(len(rows)))]
        place = int(rng.integers(len(body)))
        flipped = body[:place] + chr(ord(body[place]) ^ (1 << int(rng.integers(6)))) + body[place + 1 :]
        store._connection.execute("UPDATE journal SET body = ? WHERE seq = ?", (flipped, seq))
        assert audit(store).fault is not None
        store._connection.execute("UPDATE journal SET body = ? WHERE seq = ?", (body, seq))
    assert audit(store).fault is None


def test_the_same_entry_has_the_same_bytes() -> None:
    first = EventOpened(at=T0, event="E", feeder="f", element="line:1", kind="k", value=1.0, limit=2.0)
    assert chain.encode(first) == chain.encode(chain.decode(chain.encode(first)))
    assert chain.encode(first).startswith('{"entry":"event_opened","at":"2026-01-12T18:00:00Z"')


def corrected(**changes: object) -> tuple[Entry, ...]:
    """The settlement of `store` calculated anew: 1.2 kWh instead of 1.7."""
    told = SettlementCorrected(
        at=after(5000), request=R1, feeder="dorf", customer="C-001", version=1, cause="late_readings",
        dispute=None, asked_kwh=1.7, reduced_kwh=1.2, intervals=1, intervals_measured=1,
        compliance_percent=70.6, points=120, minor_units=30, outcome="credited", reduced_kwh_before=1.7,
        points_before=170, minor_units_before=42,
    )  # fmt: skip
    posted = ledger.correction(
        at=after(5000), feeder="dorf", request=R1, customer="C-001", version=1, before=(170, 42),
        after=(120, 30), cause="late_readings", rewards=Rewards(),
    )  # fmt: skip
    assert posted is not None
    return msgspec.structs.replace(told, **changes), posted


def test_a_correction_with_its_transaction_is_whole(store: SqliteStore) -> None:
    store.commit(corrected())
    assert audit(store).faults == ()


def test_a_correction_without_its_transaction_is_found(store: SqliteStore) -> None:
    store.commit(corrected()[:1])
    (fault,) = audit(store).faults
    assert "its transactions come to (170, 42), its settlement says (120, 30)" in fault.text
    assert fault.seq == 11


def test_a_correction_that_tells_another_past_is_found(store: SqliteStore) -> None:
    store.commit(corrected(points_before=160))
    assert any("another settlement held before" in fault.text for fault in audit(store).faults)


def test_a_transaction_that_corrects_more_than_the_settlement_says_is_found(store: SqliteStore) -> None:
    store.commit(corrected(points=121))
    assert any("come to (120, 30)" in fault.text for fault in audit(store).faults)


class Written:
    """A store that somebody writes to while it is read."""

    def __init__(self, store: SqliteStore, entry: Entry) -> None:
        self.store, self.entry = store, entry

    def rows(self) -> Iterator[StoredRow]:
        yield from list(self.store.rows())
        self.store.commit([self.entry])

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        return self.store.transactions()

    def balances(self) -> dict[tuple[str, str], int]:
        return self.store.balances()


def test_what_is_written_while_it_reads_is_no_fault(store: SqliteStore) -> None:
    found = audit(Written(store, credit(1000, "R9")))
    assert (found.fault, found.entries, found.transactions) == (None, 10, 1)
    assert audit(store).transactions == 2


def test_a_transaction_beyond_the_journal_is_a_fault(store: SqliteStore) -> None:
    forged = "INSERT INTO transactions VALUES ('x', 99)"
    tamper(store, forged)
    assert "the postings of x" in str(audit(store).fault)
    assert len(audit(store).faults) == 1
