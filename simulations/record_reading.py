"""Reads a store's journal and ledger for the judge: plain SQL and JSON, no code of the daemon.

What the daemon's own classes would overlook or put right must stay visible here, so entries are dictionaries
as they were written.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """All that a store holds."""

    entries: tuple[Raw, ...]
    """in the order of the journal"""
    postings: tuple[tuple[str, str, str, int], ...]
    """(transaction key, account, unit, amount) as the ledger's own table has them"""


def of_feeder(record: Record, feeder: str, *, and_nobodys: bool = False) -> Record:
    """What belongs to one feeder: entries that name it, or a request of its own; what belongs to no feeder
    too where that is wanted. Postings that no entry accounts for are nobody's.
    """
    planned = {e["request"]: e["feeder"] for e in record.entries if e["entry"] == "request_planned"}

    def mine(entry: Raw) -> bool:
        owner = entry.get("feeder") or planned.get(entry.get("request") or "")
        return owner == feeder or (owner is None and and_nobodys)

    kept = tuple(entry for entry in record.entries if mine(entry))
    keys = {e["key"]: mine(e) for e in record.entries if e["entry"] == "ledger_posted"}
    return Record(kept, tuple(one for one in record.postings if keys.get(one[0], and_nobodys)))


def read_record(path: Path) -> Record:
    """The record in a SQLite store. Raises sqlite3.Error when it is none."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        bodies = connection.execute("SELECT body FROM journal ORDER BY seq").fetchall()
        postings = connection.execute("SELECT key, account, unit, amount FROM postings").fetchall()
    finally:
        connection.close()
    return Record(tuple(json.loads(body) for (body,) in bodies), tuple(postings))
