"""Reads how appliances are used: the table that comes with the package, and a site's own on top of it.

A site's file has the same tables; what it gives for a kind, a season list or `other_kw` counts instead.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from customers.appliances.kinds import KINDS
from customers.appliances.ownership import Use, UseTable
from customers.errors import Finding, RegistryRejected
from customers.toml_tables import TomlTable

_SEASONS = ("winter", "summer", "transition")
_OTHERWISE = "transition"
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@cache
def default_use() -> UseTable:
    """The table that comes with the package."""
    text = resources.files("customers.appliances").joinpath("use.toml").read_text(encoding="utf-8")
    return _table("use.toml", text, None)


def load_use(path: Path | None) -> UseTable:
    """The default, with what a site's own file says instead. Raises RegistryRejected with all findings."""
    if path is None:
        return default_use()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        expected = f"expected a readable file in UTF-8: {error}"
        raise RegistryRejected([Finding(str(path), None, None, expected)]) from error
    return _table(str(path), text, default_use())


def _table(file: str, text: str, default: UseTable | None) -> UseTable:
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RegistryRejected([Finding(file, None, None, f"expected TOML: {error}")]) from error
    findings: list[Finding] = []
    whole = TomlTable(file, "", raw, findings)
    whole.only(("other_kw", "seasons", *KINDS))
    other_kw = whole.number("other_kw", 100.0)
    if other_kw == 0.0:
        whole.fault("other_kw", "expected a power above 0")
    kinds = dict(default.kinds) if default is not None else {}
    for kind in KINDS:
        if whole.has(kind):
            found = _use(file, kind, raw[kind], kinds.get(kind), findings)
            if found is not None:
                kinds[kind] = found
    seasons = dict(default.seasons) if default is not None else {}
    if whole.has("seasons"):
        seasons = _seasons(file, raw["seasons"], findings)
    if findings:
        raise RegistryRejected(findings)
    return UseTable(kinds, seasons, _OTHERWISE, other_kw or (default.other_kw if default else 1.0))


def _use(file: str, kind: str, raw: Any, before: Use | None, findings: list[Finding]) -> Use | None:
    if not isinstance(raw, Mapping):
        findings.append(Finding(file, None, kind, "expected a table"))
        return None
    table = TomlTable(file, kind, raw, findings)
    table.only((*_SEASONS, "flexible", "life_years"))
    share = dict(before.share) if before is not None else {}
    for season in _SEASONS:
        if table.has(season):
            hours = table.list_of(season) or []
            if len(hours) != 24 or not all(_is_share(one) for one in hours):
                table.fault(season, "expected 24 shares from 0 to 1, one for each hour from 00:00 on")
            share[season] = tuple(hours)
        elif season not in share:
            table.fault(season, "expected 24 shares from 0 to 1, it is missing")
    flexible, life = table.number("flexible", 1.0), table.number("life_years", 100.0)
    if before is not None:
        flexible = before.flexible if flexible is None else flexible
        life = before.life_years if life is None else life
    if life == 0.0:
        table.fault("life_years", "expected years above 0")
    if flexible is None or life is None:
        table.fault("", "expected flexible and life_years")
        return None
    return Use(share, flexible, life)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0


def _seasons(
    file: str, raw: Any, findings: list[Finding]
) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    table = TomlTable(file, "seasons", raw if isinstance(raw, Mapping) else {}, findings)
    table.only(("winter", "summer"))
    found = {}
    for season in ("winter", "summer"):
        days = [_month_day(one) for one in table.list_of(season) or []]
        if len(days) != 2 or None in days:
            table.fault(season, 'expected its first and last day, as in ["11-01", "03-20"]')
        else:
            found[season] = (days[0], days[1])
    return found  # type: ignore[return-value]


def _month_day(text: object) -> tuple[int, int] | None:
    month, _, day = str(text).partition("-")
    if not (month.isdigit() and day.isdigit() and 1 <= int(month) <= 12):
        return None
    return (int(month), int(day)) if 1 <= int(day) <= _DAYS[int(month) - 1] else None
