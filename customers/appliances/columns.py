"""Which column of a sales list is which: by a mapping, or by known words in its header.

A mapping is TOML:

    [columns]                       # what is not named here is guessed
    customer = "Kd-Nr."             # name, address, street, house_number, flat, postcode, city, latitude,
    rated = "Leistung"              # longitude, appliance, rated (electric), heat (moved), bought_on, count
    [list]
    unit = "W"                      # of rated or heat, where neither header nor cell says one
    decimal = ","
    date_order = "DMY"              # or "MDY"
    kind = "air_conditioner"        # where all rows are of one kind
    encoding = "gb18030"            # separator = ";"   sheet = "Verkauf"
    [kinds]                         # words of the list's own
    "KFR" = "air_conditioner"
    [efficiency]                    # heat moved per electricity
    heat_pump = 3.5
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customers.appliances.days import Order
from customers.appliances.kinds import KINDS, words_of_lists
from customers.appliances.powers import EFFICIENCY, UNITS, Decimal
from customers.appliances.sheets import SEPARATORS, Cell, Row
from customers.errors import Finding, RegistryRejected
from customers.toml_tables import TomlTable

ROLES: Mapping[str, Sequence[str]] = words_of_lists()["columns"]
"""the words of a header, by what its column holds"""
_HEADER_WITHIN = 20
"""rows that may stand above the header: a title, an address, a logo"""


@dataclass(frozen=True, slots=True)
class ListMapping:
    """What is known of a list beside its own header."""

    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    decimal: Decimal | None = None
    date_order: Order | None = None
    kind: str | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    efficiency: Mapping[str, float] = field(default_factory=lambda: dict(EFFICIENCY))


@dataclass(frozen=True, slots=True)
class Header:
    """Where each role's column is."""

    row: Row
    place: Mapping[str, int]

    def text(self, role: str) -> str:
        """The header's own word for a role."""
        return str(self.row.cells[self.place[role]])


def load_mapping(path: Path) -> ListMapping:
    """Raises RegistryRejected with all findings."""
    findings: list[Finding] = []
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise RegistryRejected([Finding(str(path), None, None, f"expected TOML: {error}")]) from error
    whole = TomlTable(str(path), "", raw, findings)
    whole.only(("columns", "list", "kinds", "efficiency"))
    columns, own, kinds, efficiency = (
        TomlTable(str(path), name, _table(whole, raw, name), findings)
        for name in ("columns", "list", "kinds", "efficiency")
    )
    columns.only(tuple(ROLES))
    own.only(("unit", "decimal", "date_order", "kind", "encoding", "separator", "sheet"))
    efficiency.only(KINDS)
    mapping = ListMapping(
        columns={role: columns.text(role) or "" for role in ROLES if columns.has(role)},
        unit=_unit(own),
        decimal=_one(own, "decimal", (".", ",")),
        date_order=_one(own, "date_order", ("DMY", "MDY")),
        kind=_one(own, "kind", KINDS),
        encoding=own.text("encoding") if own.has("encoding") else None,
        separator=_one(own, "separator", tuple(SEPARATORS)),
        sheet=own.text("sheet") if own.has("sheet") else None,
        kinds={word: _one(kinds, word, KINDS) or "" for word in _table(whole, raw, "kinds")},
        efficiency={**EFFICIENCY}
        | {kind: _efficiency(efficiency, kind) for kind in KINDS if efficiency.has(kind)},
    )
    if findings:
        raise RegistryRejected(findings)
    return mapping


def find_header(file: str, rows: Sequence[Row], mapping: ListMapping) -> Header:
    """The first of the upper rows that names what is needed. Raises RegistryRejected."""
    nearest: tuple[int, list[str]] | None = None
    for row in rows[:_HEADER_WITHIN]:
        place = _places(row.cells, mapping)
        missing = _missing(place, mapping)
        if not missing:
            return Header(row, place)
        if nearest is None or len(place) > nearest[0]:
            nearest = (len(place), missing)
    missing = nearest[1] if nearest is not None else ["a header"]
    expected = "; ".join(f"expected {one}" for one in missing)
    raise RegistryRejected([Finding(file, None, None, f"{expected}: name it in the mapping's [columns]")])


def folded(header: object) -> str:
    """A header's word without case, accents, units and punctuation."""
    text = re.sub(r"[(\[（【].*?[)\]）】]", " ", unicodedata.normalize("NFKC", str(header)).casefold())
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split())


def _places(cells: Sequence[Cell], mapping: ListMapping) -> dict[str, int]:
    said = [folded(cell) if isinstance(cell, str) else "" for cell in cells]
    place: dict[str, int] = {}
    for role, words in ROLES.items():
        wanted = (folded(mapping.columns[role]),) if role in mapping.columns else words
        found = next((said.index(word) for word in wanted if word in said), None)
        if found is not None and found not in place.values():
            place[role] = found
    return place


def _missing(place: Mapping[str, int], mapping: ListMapping) -> list[str]:
    missing = [f"the column {mapping.columns[role]!r}" for role in mapping.columns if role not in place]
    if "appliance" not in place and mapping.kind is None:
        missing.append("a column for the appliance")
    if "rated" not in place and "heat" not in place:
        missing.append("a column for the rated power")
    who = (
        "customer" in place,
        "address" in place,
        "street" in place,
        {"latitude", "longitude"} <= set(place),
    )
    if not any(who):
        missing.append("a column for the customer's number, address or coordinates")
    return missing


def _table(whole: TomlTable, raw: Mapping[str, object], name: str) -> Mapping[str, object]:
    whole_value = raw.get(name, {})
    if not isinstance(whole_value, Mapping):
        whole.fault(name, "expected a table")
        return {}
    return whole_value


def _one(table: TomlTable, name: str, words: tuple[str, ...]) -> Any:
    return table.one_of(name, words) if table.has(name) else None


def _unit(table: TomlTable) -> str | None:
    said = table.text("unit") if table.has("unit") else None
    if said is not None and said.casefold() not in UNITS:
        table.fault("unit", f"expected one of {', '.join(UNITS)}, got {said!r}")
    return None if said is None else said.casefold()


def _efficiency(table: TomlTable, kind: str) -> float:
    value = table.number(kind, 20.0)
    if value is not None and value < 1.0:
        table.fault(kind, "expected 1 or more")
    return value or 1.0
