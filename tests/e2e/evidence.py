"""What a run left behind, read without the daemon's code: the journal's table and the devices' own notes."""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Journal:
    """All entries in order, as plain data."""

    entries: tuple[dict[str, Any], ...]

    def of(self, *tags: str) -> list[dict[str, Any]]:
        """The entries of these kinds."""
        return [entry for entry in self.entries if entry["entry"] in tags]

    def planned(self) -> Counter[str]:
        """How often each request was planned."""
        return Counter(entry["request"] for entry in self.of("request_planned"))

    def booked(self) -> Counter[str]:
        """How often each request was paid."""
        return Counter(entry["request"] for entry in self.of("ledger_posted"))

    def sums(self) -> dict[str, int]:
        """All postings by unit."""
        total: Counter[str] = Counter()
        for entry in self.of("ledger_posted"):
            for _, unit, amount in entry["postings"]:
                total[unit] += amount
        return dict(total)

    def open_requests(self) -> set[str]:
        """Planned, but not settled."""
        return set(self.planned()) - {entry["request"] for entry in self.of("request_settled")}


def read_journal(store: Path) -> Journal:
    """The journal as it is on disk now; empty while there is none."""
    if not store.exists():
        return Journal(())
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)
    try:
        rows = connection.execute("SELECT body FROM journal ORDER BY seq").fetchall()
    except sqlite3.OperationalError:
        return Journal(())
    finally:
        connection.close()
    return Journal(tuple(json.loads(body) for (body,) in rows))


def read_device_notes(path: Path) -> list[dict[str, Any]]:
    """What the emulated devices noted themselves."""
    notes: list[dict[str, Any]] = json.loads(path.read_bytes())
    return notes
