"""The files that a scenario names: seen from the folder it stands in, and told apart by what is in them."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.settings_checks import is_file

Raw = dict[str, Any]


def seen_from(folder: Path, raw: Raw) -> Raw:
    """The tables of a scenario with every file's path under `folder`; absolute paths stay."""
    for table, key in _named(raw):
        table[key] = str(folder / table[key])
    return raw


def path_seen_from(folder: Path, field: str, value: Any) -> Any:
    """The value of one field of a scenario, by its dotted path, under `folder` where it is a file's path."""
    table, _, key = field.rpartition(".")
    seen = seen_from(folder, {table: {key: value}})
    return seen[table][key]


def named_files(raw: Mapping[str, Any]) -> tuple[Path, ...]:
    """All files, and folders of a network, that the tables of a scenario name."""
    return tuple(Path(table[key]) for table, key in _named(raw))


def content_digest(named: tuple[Path, ...]) -> str:
    """SHA-256 of all that is in them; empty for none. What cannot be read counts as empty: who reads it next
    says why."""
    if not named:
        return ""
    digest = hashlib.sha256()
    for one in named:
        for file in sorted(one.rglob("*")) if one.is_dir() else [one]:
            digest.update(hashlib.sha256(_content(file)).digest())
    return digest.hexdigest()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() else b""
    except OSError:
        return b""


def _named(raw: Mapping[str, Any]) -> Iterator[tuple[Raw, str]]:
    """Each table that names a file, and the key of its path. Wrong types are left to who checks."""
    feeders = raw.get("feeder")
    rows = [row for row in feeders if isinstance(row, dict)] if isinstance(feeders, list) else []
    for table in (raw.get("network"), *rows):
        if isinstance(table, dict) and isinstance(table.get("source"), str) and is_file(table["source"]):
            yield table, "source"
    for table in (raw.get("profiles"), raw.get("weather"), *(row.get("profiles") for row in rows)):
        if isinstance(table, dict) and isinstance(table.get("file"), str):
            yield table, "file"
