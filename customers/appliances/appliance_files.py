"""Reads and spells appliances.csv: what the customers of one feeder own. No name and no address stands in it.

appliances.csv: customer, service_point, kind, rated_kw, bought_on, confidence, source

`source` holds the observations that an appliance is made of, separated by `|`, each
`LIST:KEY:KW:DAY:CONFIDENCE`. A row that somebody writes by hand has a word of theirs there, such as `survey`;
it is an observation of its own.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from customers.appliances.kinds import KINDS
from customers.appliances.values import Appliance, Observation
from customers.errors import Finding, RegistryRejected
from customers.rows import Row
from customers.tables import read_table

COLUMNS = ("customer", "service_point", "kind", "rated_kw", "bought_on", "confidence", "source")
_SEEN = re.compile(
    r"(?P<list>[^:|]*):(?P<key>[^:|]*):(?P<kw>[0-9.]+):(?P<day>[0-9-]*):(?P<confidence>[0-9.]+)"
)


def load_appliances(path: Path) -> tuple[Appliance, ...]:
    """All of a file. Raises RegistryRejected with all findings."""
    findings: list[Finding] = []
    rows = read_table(path, COLUMNS[:4], COLUMNS[4:], _appliance, findings)
    if findings:
        raise RegistryRejected(sorted(findings, key=lambda finding: finding.row or 0))
    return tuple(appliance for _, appliance in rows)


def cells(appliance: Appliance) -> Sequence[str]:
    """An appliance by column of the same file."""
    return (
        appliance.customer,
        appliance.service_point,
        appliance.kind,
        f"{appliance.rated_kw:g}",
        _day(appliance.bought_on),
        f"{appliance.confidence:g}",
        "|".join(_spelled(seen) for seen in appliance.sources),
    )


def list_name(stem: str) -> str:
    """A file's name as it can stand in `source`, and never begins a formula."""
    return re.sub(r"[:|\s]+|^[^\w]+", "_", stem) or "list"


def _spelled(seen: Observation) -> str:
    day = _day(seen.bought_on)
    return f"{seen.list_name}:{seen.key}:{seen.rated_kw:g}:{day}:{seen.confidence:g}"


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _appliance(row: Row) -> Appliance | None:
    customer, service_point = _unguarded(row.identifier("customer")), _unguarded(row.text("service_point"))
    kind, rated_kw = row.one_of("kind", KINDS), row.power_kw("rated_kw", above_zero=True)
    bought_on = None if row.is_blank("bought_on") else row.day("bought_on")
    confidence = 1.0 if row.is_blank("confidence") else _confidence(row)
    source = "" if row.is_blank("source") else row.text("source") or ""
    if customer is None or service_point is None or kind is None or rated_kw is None or confidence is None:
        return None
    seen = tuple(filter(None, (_seen(one) for one in source.split("|"))))
    if not seen:
        # Two rows that are alike are two appliances: the row tells them apart.
        key = hashlib.sha256(f"{customer}|{kind}|{rated_kw}|{bought_on}|{row.row}".encode()).hexdigest()[:12]
        seen = (Observation(list_name(source or "by hand"), key, rated_kw, bought_on, confidence),)
    return Appliance(customer, service_point, kind, rated_kw, bought_on, confidence, seen)


def _unguarded(text: str | None) -> str | None:
    """Without the apostrophe that keeps a spreadsheet from taking a name for a formula."""
    return None if text is None else re.sub(r"^'(?=[=+@-])", "", text)


def _confidence(row: Row) -> float | None:
    value = row.power_kw("confidence")
    if value is not None and value > 1.0:
        row.fault("confidence", f"expected 0 to 1, got {value:g}")
        return None
    return value


def _seen(text: str) -> Observation | None:
    found = _SEEN.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day = date.fromisoformat(found["day"]) if found["day"] else None
        rated_kw, confidence = float(found["kw"]), float(found["confidence"])
    except ValueError:
        return None
    if not math.isfinite(rated_kw) or rated_kw <= 0.0 or confidence > 1.0:
        return None
    return Observation(found["list"], found["key"], rated_kw, day, confidence)
