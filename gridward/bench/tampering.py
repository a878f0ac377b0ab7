"""What `gridward audit verify` finds of a journal that somebody altered, and whether it says where."""

import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from controller.stores.audit import audit
from controller.stores.port import StoreUnavailable
from controller.stores.record import SqliteRecord
from controller.stores.sqlite import SqliteStore
from gridward.bench.tampering_cases import DEEDS, Journal, flipped, sealed_journal

STEP = 7
"""Of flips in one pass: so far apart that each place stands for itself."""


def print_figures(seed: int, quick: bool) -> None:
    """Print all tables."""
    rng = np.random.default_rng(seed)
    _print_deeds(sealed_journal(1000), 50 if quick else 1000, rng)
    _print_flips(sealed_journal(10_000, sealed_every=1000), 10_000 if quick else 100_000, rng)
    _print_file(sealed_journal(1000), 200 if quick else 5000, rng)


def _print_deeds(journal: Journal, tries: int, rng: np.random.Generator) -> None:
    print(f"{len(journal.stored)} entries, a checkpoint for every 100; one deed at a time")
    print(f"{'deed':<34} {'tried':>6} {'found':>6} {'named':>6} {'ms':>6}")
    for name, deed in DEEDS.items():
        found = named = 0
        began = time.process_time()
        for _ in range(tries):
            attack = deed(journal, rng)
            verified = attack.verified()
            found += bool(verified.faults)
            named += attack.is_named(verified)
        each_ms = (time.process_time() - began) / tries * 1e3
        print(f"{name:<34} {tries:>6} {found:>6} {named:>6} {each_ms:>6.1f}")


def _print_flips(journal: Journal, flips: int, rng: np.random.Generator) -> None:
    found, wrong, made, seconds = many_flips(journal, flips, rng)
    print(f"\n{len(journal.stored)} entries, bits flipped in every {STEP}th of them at once:")
    print(
        f"{made} flips, {found} named by their entry, {wrong} sound entries accused, {seconds:.2f} s a pass"
    )


def many_flips(journal: Journal, flips: int, rng: np.random.Generator) -> tuple[int, int, int, float]:
    """(named by exactly their entry, sound entries accused, flips made, seconds for each pass)."""
    found = wrong = made = passes = 0
    began = time.process_time()
    while made < flips:
        rows = list(journal.stored)
        struck = set(range(1 + int(rng.integers(STEP)), len(rows), STEP))
        for at in struck:
            rows[at - 1] = flipped(rows[at - 1], rng)
        verified = audit(Journal(rows, ""), most_faults=10**9)
        # a flipped digit may make one entry's words those of another
        accused = {fault.seq for fault in verified.faults if fault.kind in ("altered", "reordered")}
        found, wrong = found + len(struck & accused), wrong + len(accused - struck)
        made, passes = made + len(struck), passes + 1
    return found, wrong, made, (time.process_time() - began) / passes


def _print_file(journal: Journal, flips: int, rng: np.random.Generator) -> None:
    told, unreadable, harmless, silent = file_flips(journal, flips, rng)
    print(f"\nthe SQLite file itself, one bit at a time: {flips} flips")
    print(f"{told} told by their place, {unreadable} make the file unreadable, which is told,")
    print(
        f"{harmless} change nothing that is read of journal and ledger, {silent} changed it and were not told"
    )


def file_flips(journal: Journal, flips: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """(told, unreadable, harmless, changed what is read and not told)."""
    told = unreadable = harmless = silent = 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite3"
        store = SqliteStore(path, durable=False)
        store.take_over("bench")
        store.commit([numbered.entry for numbered in journal.replay()])
        store.close()
        whole, before = path.read_bytes(), _read(path)
        for _ in range(flips):
            content = bytearray(whole)
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
            try:
                with closing(SqliteRecord.open(path)) as record:
                    faults = audit(record).faults
                if faults:
                    told += 1
                elif _read(path) == before:
                    harmless += 1
                else:
                    silent += 1
            except StoreUnavailable:
                unreadable += 1
    return told, unreadable, harmless, silent


def _read(path: Path) -> object:
    with closing(SqliteRecord.open(path)) as record:
        return list(record.rows()), record.transactions(), record.balances()
