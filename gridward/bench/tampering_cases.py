"""A sealed journal, and what somebody who has the store can do to it. Every attack says where it struck."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from controller import entries as e
from controller.auditing.checkpoints import SigningKey, read_notes
from controller.auditing.sealing import Sealer
from controller.errors import RecordBroken
from controller.rewards import ledger
from controller.stores import chain
from controller.stores.audit import Audit, audit
from controller.stores.pages import decoded
from controller.stores.port import Numbered, StoredRow

T0 = datetime(2026, 1, 12, tzinfo=UTC)
KEY = SigningKey("gridward/bench", bytes(range(32)))
FORGER = SigningKey("gridward/bench", bytes(32))
HOUSES = 997


@dataclass(frozen=True)
class Journal:
    """What lies in a store, and the copies of its checkpoints that lie elsewhere. Implements `Audited`."""

    stored: list[StoredRow]
    notes: str

    def rows(self) -> Iterator[StoredRow]:
        """See the port."""
        return iter(self.stored)

    def replay(self) -> Iterator[Numbered]:
        """Those that can be read, unchecked."""
        for row in self.stored:
            try:
                yield Numbered(row.seq, decoded(row.seq, row.body.decode()), row.link)
            except (RecordBroken, UnicodeDecodeError):
                continue

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        """See the port."""
        posted = ((n.seq, n.entry) for n in self.replay() if isinstance(n.entry, e.LedgerPosted))
        return {entry.key: (seq, entry.postings) for seq, entry in posted}

    def balances(self) -> dict[tuple[str, str], int]:
        """See the port; nobody looks at single accounts here."""
        return {}


@dataclass(frozen=True)
class Attack:
    """One deed: the journal afterwards, and the entry that somebody must be led to."""

    journal: Journal
    entry: int | None
    """None: only that something is wrong must be told"""

    def verified(self) -> Audit:
        """What the check says, with the site's public key and the copies from outside."""
        return audit(self.journal, [KEY.public], read_notes(self.journal.notes), most_faults=10**9)

    def is_named(self, found: Audit) -> bool:
        """Whether a fault was told whose place the deed is in."""
        if self.entry is None:
            return bool(found.faults)
        places = (fault.place for fault in found.faults)
        return any(first <= self.entry <= last for first, last in places)


Deed = Callable[[Journal, np.random.Generator], Attack]


@dataclass
class _Writer:
    """Writes entries in a chain and seals them as the daemon does."""

    every: int
    rows: list[StoredRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sealer = Sealer(KEY, 300.0, self.every)

    def write(self, entry: e.Entry) -> None:
        """One entry, and a checkpoint when it is due."""
        self._append(entry)
        if self._sealer.is_due(entry.at):
            sealing, told = self._sealer.checkpoint(entry.at)
            self._append(sealing)
            self.notes.append(told)

    def _append(self, entry: e.Entry) -> None:
        seq, previous = len(self.rows) + 1, self.rows[-1].link if self.rows else chain.START
        self.rows.append(row_of(seq, entry, previous))
        self._sealer.wrote(seq, entry)


def row_of(seq: int, entry: e.Entry, previous: bytes) -> StoredRow:
    """A row with a right hash."""
    body = chain.encode(entry).encode()
    return StoredRow(seq, body, previous, chain.link_of(previous, seq, body))


def sealed_journal(entries: int, sealed_every: int = 100) -> Journal:
    """At least so many entries of many events, each with a request that is credited; the last one sealed."""
    writer = _Writer(sealed_every)
    number = 0
    while len(writer.rows) < entries:
        for entry in _event(number):
            writer.write(entry)
        number += 1
    while not isinstance(decoded(1, writer.rows[-1].body.decode()), e.JournalCheckpointed):
        writer.write(_refused(T0 + timedelta(minutes=number)))
    return Journal(writer.rows, "\n".join(writer.notes))


def _refused(at: datetime) -> e.ReadingsRefused:
    return e.ReadingsRefused(at=at, feeder="f", reason="late", count=1, sample="")


def _event(number: int) -> Iterator[e.Entry]:
    at = T0 + timedelta(minutes=number)
    event = f"E-f-{number}"
    request, customer = f"{event}-R001", f"C-{number % HOUSES:03d}"
    yield e.EventOpened(
        at=at, event=event, feeder="f", element="line:3", kind="line_overload", value=127.4, limit=100.0
    )
    yield e.RequestPlanned(
        at=at, request=request, event=event, feeder="f", resource="device", target=f"ev-{number % HOUSES}",
        kind="ev_charger", customer=customer, service_point=f"load:{number % HOUSES}", limit_kw=4.2,
        p_before_kw=11.0, baseline_kw=12.0, start=at, end=at + timedelta(minutes=15), epoch=1,
        sequence=1, element="line:3", value=127.4,
    )  # fmt: skip
    states: tuple[e.RequestState, ...] = ("sent", "accepted", "active", "ended")
    for state in states:
        yield e.RequestMoved(at=at, request=request, state=state, reason="bench")
    yield e.RequestSettled(
        at=at, request=request, asked_kwh=1.7, reduced_kwh=1.7, intervals=1, intervals_measured=1,
        compliance_percent=100.0, points=170, minor_units=0, outcome="credited",
    )  # fmt: skip
    postings = (("programme:p:budget", "points", -170), (f"customer:{customer}", "points", 170))
    key = f"p/f/{request}/credit/{ledger.RULE}"
    yield e.LedgerPosted(at=at, key=key, postings=postings, reason="bench", request=request)
    yield e.RequestMoved(at=at, request=request, state="settled", reason="bench")
    yield e.EventClosed(at=at, event=event, feeder="f", peak_percent=127.4)
    yield _refused(at)


# --- deeds
# -----------------------------------------------------------------------------------------------------------


def flipped(row: StoredRow, rng: np.random.Generator) -> StoredRow:
    """One bit of its body, its hash or the hash before."""
    columns = [bytearray(column) for column in row[1:]]
    content = columns[int(rng.integers(len(columns)))]
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return StoredRow(row.seq, *map(bytes, columns))


def _place(journal: Journal, rng: np.random.Generator, least: int = 1, spare: int = 1) -> int:
    """A number of an entry, from `least` until `spare` before the end."""
    return int(rng.integers(least, len(journal.stored) - spare))


def _with(journal: Journal, rows: Sequence[StoredRow], entry: int | None) -> Attack:
    return Attack(replace(journal, stored=list(rows)), entry)


def flip(journal: Journal, rng: np.random.Generator) -> Attack:
    """One bit anywhere in a row."""
    rows, at = list(journal.stored), _place(journal, rng, spare=0)
    rows[at - 1] = flipped(rows[at - 1], rng)
    return _with(journal, rows, at)


def delete(journal: Journal, rng: np.random.Generator) -> Attack:
    """One to five entries taken out."""
    at = _place(journal, rng, spare=6)
    rows = journal.stored[: at - 1] + journal.stored[at - 1 + int(rng.integers(1, 6)) :]
    return _with(journal, rows, at)


def delete_and_renumber(journal: Journal, rng: np.random.Generator) -> Attack:
    """One entry taken out, and all after it moved up."""
    at = _place(journal, rng)
    later = [row._replace(seq=row.seq - 1) for row in journal.stored[at:]]
    return _with(journal, journal.stored[: at - 1] + later, at)


def insert(journal: Journal, rng: np.random.Generator) -> Attack:
    """One entry put in with a right hash, and all after it moved down."""
    at = _place(journal, rng, least=2)
    new = row_of(at, _refused(T0), journal.stored[at - 2].link)
    later = [row._replace(seq=row.seq + 1) for row in journal.stored[at - 1 :]]
    return _with(journal, [*journal.stored[: at - 1], new, *later], at)


def swap(journal: Journal, rng: np.random.Generator) -> Attack:
    """Two entries in each other's place, with their hashes or without."""
    at = _place(journal, rng, spare=2)
    other = _place(journal, rng, least=at + 1, spare=0) if rng.random() < 0.5 else at + 1
    rows = list(journal.stored)
    one, two = rows[at - 1], rows[other - 1]
    if rng.random() < 0.5:
        rows[at - 1], rows[other - 1] = two._replace(seq=at), one._replace(seq=other)
    else:
        rows[at - 1], rows[other - 1] = one._replace(body=two.body), two._replace(body=one.body)
    return _with(journal, rows, at)


def truncate(journal: Journal, rng: np.random.Generator) -> Attack:
    """The end cut off."""
    at = _place(journal, rng, least=2)
    return _with(journal, journal.stored[: at - 1], at)


def alter_one_with_its_hash(journal: Journal, rng: np.random.Generator) -> Attack:
    """One entry written anew, with a right hash."""
    at = _place(journal, rng)
    row = journal.stored[at - 1]
    rows = list(journal.stored)
    rows[at - 1] = row_of(at, _later(row), row.previous)
    return _with(journal, rows, at)


def rewrite_the_tail(journal: Journal, rng: np.random.Generator) -> Attack:
    """One entry altered and every hash after it made right; the checkpoints' words stay."""
    at = _place(journal, rng)
    return _with(journal, _rewritten(journal, at, _kept), at)


def rewrite_and_forge(journal: Journal, rng: np.random.Generator) -> Attack:
    """The same, and every later checkpoint made right and signed with another key."""
    at = _place(journal, rng)
    return _with(journal, _rewritten(journal, at, _forged()), at)


def rewrite_without_checkpoints(journal: Journal, rng: np.random.Generator) -> Attack:
    """The same, and every later checkpoint taken out: only the copies outside tell."""
    at = _place(journal, rng)
    return _with(journal, _rewritten(journal, at, lambda rows, entry: None), at)


def forge_a_checkpoint(journal: Journal, rng: np.random.Generator) -> Attack:
    """One checkpoint's signature replaced, and every hash after it made right."""
    sealed = [n.seq for n in journal.replay() if isinstance(n.entry, e.JournalCheckpointed)]
    at = sealed[int(rng.integers(len(sealed)))]
    rows = journal.stored[: at - 1]
    for row in journal.stored[at - 1 :]:
        entry = decoded(row.seq, row.body.decode())
        if row.seq == at and isinstance(entry, e.JournalCheckpointed):
            entry = msgspec.structs.replace(entry, signature=_forged_signature(rows))
        rows = _chained(rows, entry)
    return _with(journal, rows, at)


def alter_the_copies(journal: Journal, rng: np.random.Generator) -> Attack:
    """One letter of the copies outside replaced."""
    letters = [at for at, letter in enumerate(journal.notes) if letter != "\n"]
    at = letters[int(rng.integers(len(letters)))]
    letter = "0" if journal.notes[at] != "0" else "1"
    return Attack(replace(journal, notes=journal.notes[:at] + letter + journal.notes[at + 1 :]), None)


Checkpointed = Callable[[Sequence[StoredRow], e.JournalCheckpointed], e.JournalCheckpointed | None]


def _rewritten(journal: Journal, at: int, checkpointed: Checkpointed) -> list[StoredRow]:
    """Entry `at` altered, all after it chained anew; `checkpointed` says what becomes of checkpoints."""
    rows = journal.stored[: at - 1]
    for row in journal.stored[at - 1 :]:
        entry: e.Entry | None = decoded(row.seq, row.body.decode())
        if isinstance(entry, e.JournalCheckpointed):
            entry = checkpointed(rows, entry)
        elif row.seq == at:
            entry = _later(row)
        if entry is not None:
            rows = _chained(rows, entry)
    return rows


def _chained(rows: list[StoredRow], entry: e.Entry) -> list[StoredRow]:
    rows.append(row_of(len(rows) + 1, entry, rows[-1].link if rows else chain.START))
    return rows


def _later(row: StoredRow) -> e.Entry:
    entry = decoded(row.seq, row.body.decode())
    return msgspec.structs.replace(entry, at=entry.at + timedelta(seconds=1))


def _kept(rows: Sequence[StoredRow], entry: e.JournalCheckpointed) -> e.JournalCheckpointed:
    """Where the altered entry is a checkpoint itself, its time alone would change nothing that it seals."""
    del rows
    return msgspec.structs.replace(entry, at=entry.at + timedelta(seconds=1))


def _forged() -> Checkpointed:
    sealer = Sealer(FORGER, 300.0, 1)

    def sealed(rows: Sequence[StoredRow], entry: e.JournalCheckpointed) -> e.JournalCheckpointed:
        for row in rows[sealer.size :]:
            sealer.wrote(row.seq, decoded(row.seq, row.body.decode()))
        return sealer.checkpoint(entry.at)[0]

    return sealed


def _forged_signature(rows: Sequence[StoredRow]) -> str:
    forged = _forged()(rows, e.JournalCheckpointed(at=T0, size=1, root="", key="", signature=""))
    assert forged is not None
    return forged.signature


DEEDS: dict[str, Deed] = {
    "one bit flipped": flip,
    "entries deleted": delete,
    "deleted, the rest renumbered": delete_and_renumber,
    "an entry put in": insert,
    "two entries swapped": swap,
    "one altered with its hash": alter_one_with_its_hash,
    "tail written anew, valid hashes": rewrite_the_tail,
    "the same, checkpoints forged": rewrite_and_forge,
    "the same, checkpoints taken out": rewrite_without_checkpoints,
    "a checkpoint forged": forge_a_checkpoint,
    "the end cut off": truncate,
    "a copy outside altered": alter_the_copies,
}
