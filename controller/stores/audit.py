"""Is the stored record whole? For `gridward audit verify`: reads all, trusts nothing that it can recompute.

Checked: the hash chain from the first entry to the last; the signed checkpoints, those in the journal and
copies of them from outside; that the entries tell a story that can have happened (they replay); that the
ledger's tables hold exactly the journal's transactions, each balanced; that a credit and the settlement that
it is for agree (reliability L1, L5, L7). It goes on after a fault and names the others too; only the story
ends there, because what comes after a broken entry cannot be judged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.auditing.checkpoints import PublicKey
from controller.books import Books
from controller.entries import Entry, LedgerPosted, RequestSettled
from controller.errors import BooksBroken, RecordBroken
from controller.rewards import ledger
from controller.stores.chain_check import ChainCheck, Fault, Place
from controller.stores.pages import decoded
from controller.stores.port import Numbered, StoredRow
from controller.stores.seal_check import Note, SealCheck
from controller.stores.settled_check import SettledCheck

MOST_FAULTS = 20
"""that are told one by one"""


class Audited(Protocol):
    """What of a record is checked (`port.Record`)."""

    def rows(self) -> Iterator[StoredRow]:
        """See the port."""
        ...

    def transactions(self) -> dict[str, tuple[int, tuple[tuple[str, str, int], ...]]]:
        """See the port."""
        ...

    def balances(self) -> dict[tuple[str, str], int]:
        """See the port."""
        ...


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    entries: int
    """that were read before the first fault"""
    transactions: int
    sums: dict[str, int]
    """unit → sum over all accounts: zero each"""
    checkpoints: int
    """in the journal, that seal what stands before them"""
    sealed: int
    """entries, from the first on, that the newest good checkpoint seals"""
    faults: tuple[Fault, ...]
    """by their place, the first `MOST_FAULTS` of them; none when the record is whole"""
    more_faults: int = 0
    remarks: tuple[str, ...] = ()
    """what should be looked at and proves nothing: a note outside that was torn"""

    @property
    def fault(self) -> str | None:
        """The first fault and its place; None when the record is whole."""
        return self.faults[0].text if self.faults else None


def audit(
    record: Audited,
    keys: Sequence[PublicKey] = (),
    notes: Iterable[Note] = (),
    *,
    most_faults: int = MOST_FAULTS,
) -> Audit:
    """Read and check all of it; `keys` are those that may have signed, `notes` the copies from outside.

    A daemon may write meanwhile: what it adds is left for the next time. Raises StoreUnavailable when it
    cannot be read.
    """
    chain, seals, content = ChainCheck(), SealCheck(keys, notes), _Content()
    before = record.transactions().keys()
    last = 0
    for place in chain.places(record.rows()):
        entry = content.take(place, sound=not chain.faults)
        seals.take(place, entry)
        last = place.seq
    seals.end(last)
    by_place = sorted((*chain.faults, *content.faults, *seals.faults), key=lambda fault: fault.place)
    tables = {
        key: found for key, found in record.transactions().items() if found[0] <= last or key in before
    }  # what came since is of entries that were not read
    unsettled = content.unsettled(sound=not by_place)
    faults = (*by_place, *unsettled, *_ledger_faults(record, tables, content.posted))
    return Audit(
        entries=content.books.seq,
        transactions=len(content.posted),
        sums=ledger.sum_per_unit(record.balances().items()),
        checkpoints=seals.checkpoints,
        sealed=seals.sealed,
        faults=faults[:most_faults],
        more_faults=max(0, len(faults) - most_faults),
        remarks=tuple(seals.remarks),
    )


class _Content:
    """What the entries say: the story as long as it is sound, and all transactions that can be read."""

    def __init__(self) -> None:
        self.books = Books()
        self.posted: dict[str, Numbered] = {}
        self.faults: list[Fault] = []
        self._settled: dict[str, RequestSettled] = {}
        self._check = SettledCheck()

    def take(self, place: Place, *, sound: bool) -> Entry | None:
        """The entry of a place, None where there is none to be believed; `sound`: all before it are right."""
        if place.body is None:
            return None
        try:
            entry = decoded(place.seq, place.body.decode())
        except (RecordBroken, UnicodeDecodeError) as error:
            self.faults.append(Fault("unreadable", place.seq, str(error)))
            return None
        if sound and not self.faults:
            self._tell(Numbered(place.seq, entry))
        for fault in self._check.take(place.seq, entry):
            self.faults.append(Fault("ledger", place.seq, f"entry {place.seq}: {fault}"))
        if isinstance(entry, RequestSettled):
            self._settled[entry.request] = entry
        elif isinstance(entry, LedgerPosted):
            self._post(Numbered(place.seq, entry), entry)
        return entry

    def unsettled(self, *, sound: bool) -> Iterator[Fault]:
        """Requests whose transactions do not come to what holds; only where all entries are there."""
        return self._check.end() if sound else iter(())

    def _tell(self, numbered: Numbered) -> None:
        try:
            self.books.apply(numbered)
        except BooksBroken as error:
            text = f"entry {numbered.seq} cannot be: {error}"
            self.faults.append(Fault("story", numbered.seq, text))

    def _post(self, numbered: Numbered, entry: LedgerPosted) -> None:
        for fault in _transaction_faults(entry, self.posted, self._settled):
            self.faults.append(Fault("ledger", numbered.seq, f"entry {numbered.seq}: {fault}"))
        self.posted.setdefault(entry.key, numbered)


def _transaction_faults(
    entry: LedgerPosted, posted: Mapping[str, Numbered], settled: Mapping[str, RequestSettled]
) -> Iterator[str]:
    """Why a transaction is unbalanced, doubled, or not what its settlement says."""
    yield from ledger.faults(entry)
    if entry.key in posted:
        yield f"{entry.key} is booked twice"
    settlement = settled.get(entry.request or "")
    if settlement is not None and entry.key.endswith(f"/credit/{ledger.RULE}"):
        credited = sorted(amount for _, _, amount in entry.postings if amount > 0)
        if credited != sorted(n for n in (settlement.points, settlement.minor_units) if n > 0):
            yield f"{entry.key} credits {credited}, but its settlement says otherwise"


def _ledger_faults(
    record: Audited,
    tables: Mapping[str, tuple[int, tuple[tuple[str, str, int], ...]]],
    posted: Mapping[str, Numbered],
) -> Iterator[Fault]:
    """Where the ledger's own tables differ from the journal."""
    for key in sorted(tables.keys() | posted.keys()):
        told = posted.get(key)
        postings = told.entry.postings if told and isinstance(told.entry, LedgerPosted) else ()
        if told is None or tables.get(key) != (told.seq, postings):
            seq = told.seq if told is not None else None
            yield Fault("ledger", seq, f"ledger: the postings of {key} are not those of the journal")
    for unit, total in ledger.sum_per_unit(record.balances().items()).items():
        if total:
            yield Fault("ledger", None, f"ledger: all accounts together hold {total} {unit}, not zero")
