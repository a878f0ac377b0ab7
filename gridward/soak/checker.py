"""Judges a store from outside: plain SQL, hashlib and json, and not one line of the daemon.

What the daemon's own audit shares with the daemon, it shares in its errors too; this does not. It reads a
copy of the files as a kill left them, so that SQLite has to recover them first, and leaves the originals for
the next writer.
"""

import hashlib
import json
import shutil
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_FAULTS = 20
"""that are told of one look"""


@dataclass
class Acknowledged:
    """What the writer said is durable, over all lives of one store."""

    entries: dict[int, str] = field(default_factory=dict)
    """number → SHA-256 of its body, in hexadecimal; empty where only the number was told"""
    keys: set[str] = field(default_factory=set)
    """of credits"""
    samples_us: set[int] = field(default_factory=set)
    """times of samples, in microseconds since 1970"""
    epoch: int = 0
    """the highest that a writer took"""


@dataclass(frozen=True)
class Judged:
    """What was found."""

    faults: tuple[str, ...]
    entries: int
    settled: int
    credits: int
    epochs: int


@dataclass(frozen=True)
class _Record:
    """All that the judge reads."""

    rows: Sequence[tuple[int, str, bytes, bytes]]
    told: Sequence[tuple[int, dict[str, Any]]]
    """number and body of those rows that are JSON"""
    transactions: Mapping[str, int]
    postings: Mapping[str, Sequence[tuple[str, str, int]]]
    samples_us: frozenset[int]
    epoch: int
    integrity: str


def judge(store: Path, acknowledged: Acknowledged, scratch: Path) -> Judged:
    """Look at a store that nobody writes to. `scratch`: a folder for the copy."""
    copy = scratch / "judged.sqlite3"
    for side in ("", "-wal", "-journal"):
        (scratch / f"judged.sqlite3{side}").unlink(missing_ok=True)
        source = store.with_name(store.name + side)
        if source.exists():
            shutil.copyfile(source, scratch / f"judged.sqlite3{side}")
    (scratch / "judged.sqlite3-shm").unlink(missing_ok=True)
    if not copy.exists() or copy.stat().st_size == 0:
        lost = ("the store is empty, but entries were acknowledged",) if acknowledged.entries else ()
        return Judged(lost, 0, 0, 0, 0)
    try:
        record = _read(copy)
    except sqlite3.Error as error:
        lost = (f"the store cannot be read: {error}",) if acknowledged.entries or acknowledged.epoch else ()
        return Judged(lost, 0, 0, 0, 0)
    return _judged(record, acknowledged)


def judge_postgres(url: str, acknowledged: Acknowledged) -> Judged:
    """The same of a store in PostgreSQL, as soon as the server has let go of the killed writer."""
    import psycopg  # noqa: PLC0415  an extra

    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(_OTHERS).fetchone() != (0,):
            connection.execute("SELECT pg_sleep(0.005)")
        if connection.execute("SELECT to_regclass('gridward.journal')").fetchone() == (None,):
            lost = ("the store is empty, but entries were acknowledged",) if acknowledged.entries else ()
            return Judged(lost, 0, 0, 0, 0)
        return _judged(_read_postgres(connection), acknowledged)


_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def _read_postgres(connection: Any) -> _Record:
    def rows(query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return found

    journal = rows("SELECT seq, body, previous, hash FROM gridward.journal ORDER BY seq")
    postings: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for key, account, unit, amount in rows(
        "SELECT key, account, unit, amount FROM gridward.postings ORDER BY key, line"
    ):
        postings[key].append((account, unit, amount))
    return _Record(
        rows=[(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in journal],
        told=[(row[0], body) for row in journal if (body := _json(row[1])) is not None],
        transactions=dict(rows("SELECT key, seq FROM gridward.transactions")),
        postings=postings,
        samples_us=frozenset(
            at for (at,) in rows("SELECT (extract(epoch FROM at) * 1000000)::bigint FROM gridward.samples")
        ),
        epoch=rows("SELECT coalesce(max(epoch), 0) FROM gridward.control")[0][0],
        integrity="ok",
    )


def _judged(record: _Record, acknowledged: Acknowledged) -> Judged:
    faults = [fault for rule in _RULES for fault in _first(rule(record, acknowledged))]
    kinds = Counter(body.get("entry") for _, body in record.told)
    return Judged(
        tuple(faults), len(record.rows), kinds["request_settled"], len(_credits(record)),
        kinds["controller_started"],
    )  # fmt: skip


def _read(copy: Path) -> _Record:
    with closing(sqlite3.connect(copy)) as connection:
        rows = connection.execute("SELECT seq, body, previous, hash FROM journal ORDER BY seq").fetchall()
        postings: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for key, account, unit, amount in connection.execute(
            "SELECT key, account, unit, amount FROM postings ORDER BY key, line"
        ):
            postings[key].append((account, unit, amount))
        return _Record(
            rows=rows,
            told=[(row[0], body) for row in rows if (body := _json(row[1])) is not None],
            transactions=dict(connection.execute("SELECT key, seq FROM transactions").fetchall()),
            postings=postings,
            samples_us=frozenset(at for (at,) in connection.execute("SELECT at_us FROM samples")),
            epoch=connection.execute("SELECT max(epoch) FROM control").fetchone()[0] or 0,
            integrity=connection.execute("PRAGMA integrity_check(1)").fetchone()[0],
        )


def _json(body: str) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is(body: Mapping[str, Any], entry: str) -> bool:
    return bool(body.get("entry") == entry)


def _first(faults: Iterator[str]) -> Iterator[str]:
    for fault, _ in zip(faults, range(MOST_FAULTS), strict=False):
        yield fault


def _whole_file(record: _Record, _: Acknowledged) -> Iterator[str]:
    if record.integrity != "ok":
        yield f"SQLite finds the file damaged: {record.integrity}"


def _chained(record: _Record, _: Acknowledged) -> Iterator[str]:
    """Every link covers the link before, the number and the body; numbers are 1, 2, 3 ..."""
    previous = bytes(32)
    for expected, (seq, body, before, link) in enumerate(record.rows, 1):
        if seq != expected:
            yield f"entry {expected} is missing: {seq} is there"
            return
        if (
            before != previous
            or link != hashlib.sha256(before + seq.to_bytes(8, "big") + body.encode()).digest()
        ):
            yield f"the chain breaks at entry {seq}"
            return
        previous = link


def _nothing_lost(record: _Record, acknowledged: Acknowledged) -> Iterator[str]:
    bodies = {seq: body for seq, body, _, _ in record.rows}
    for seq, digest in sorted(acknowledged.entries.items()):
        if seq not in bodies:
            yield f"entry {seq} was acknowledged and is lost"
        elif digest and hashlib.sha256(bodies[seq].encode()).hexdigest() != digest:
            yield f"entry {seq} is another than the one that was acknowledged"
    for key in sorted(acknowledged.keys - record.transactions.keys()):
        yield f"credit {key} was acknowledged and is lost"
    missing = len(acknowledged.samples_us - record.samples_us)
    if missing:
        yield f"{missing} samples were acknowledged and are lost"


def _credits(record: _Record) -> list[tuple[int, dict[str, Any]]]:
    return [(seq, body) for seq, body in record.told if _is(body, "ledger_posted") and body["request"]]


def _credited_once(record: _Record, _: Acknowledged) -> Iterator[str]:
    """Each settlement that earns has one credit over its amounts, no other has any."""
    settled: dict[str, dict[str, Any]] = {}
    for seq, body in record.told:
        if _is(body, "request_settled"):
            if body["request"] in settled:
                yield f"{body['request']} was settled twice (entry {seq})"
            settled[body["request"]] = body
    amounts: dict[str, list[list[int]]] = defaultdict(list)
    for _seq, body in _credits(record):
        amounts[body["request"]].append(sorted(n for _, _, n in body["postings"] if n > 0))
    for request in sorted(settled.keys() | amounts.keys()):
        settlement, booked = settled.get(request), amounts.get(request, [])
        earned = (
            sorted(n for n in (settlement["points"], settlement["minor_units"]) if n > 0)
            if settlement
            else []
        )
        if len(booked) > 1:
            yield f"{request} was credited {len(booked)} times"
        elif booked != ([earned] if earned else []):
            yield f"{request} earned {earned}, but {booked} was booked"


def _ledger_agrees(record: _Record, _: Acknowledged) -> Iterator[str]:
    """Keys once, tables as the journal tells, every transaction and all accounts together sum to zero."""
    told: dict[str, tuple[int, list[tuple[str, str, int]]]] = {}
    for seq, body in record.told:
        if _is(body, "ledger_posted"):
            if body["key"] in told:
                yield f"key {body['key']} was booked twice (entry {seq})"
            told[body["key"]] = (seq, [tuple(posting) for posting in body["postings"]])
    held = {key: (seq, list(record.postings.get(key, []))) for key, seq in record.transactions.items()}
    if told != held or record.postings.keys() - held.keys():
        yield "the ledger's tables are not what the journal tells"
    sums: Counter[str] = Counter()
    for key, postings in record.postings.items():
        of_one: Counter[str] = Counter()
        for _account, unit, amount in postings:
            of_one[unit] += amount
        if any(of_one.values()):
            yield f"{key} does not sum to zero: {dict(of_one)}"
        sums.update(of_one)
    if any(sums.values()):
        yield f"all accounts together hold {dict(sums)}"


def _epochs_rise(record: _Record, acknowledged: Acknowledged) -> Iterator[str]:
    highest = 0
    for seq, body in record.told:
        if _is(body, "controller_started"):
            if body["epoch"] <= highest:
                yield f"epoch {body['epoch']} started after {highest} (entry {seq})"
            highest = max(highest, body["epoch"])
    if record.epoch < max(highest, acknowledged.epoch):
        yield f"epoch {record.epoch} is in force, but {max(highest, acknowledged.epoch)} was taken"


_RULES = (_whole_file, _chained, _nothing_lost, _credited_once, _ledger_agrees, _epochs_rise)
