"""Reads one retailer's sales list into `Sale`s; every row that is no good is kept, with what is wrong.

Knows neither customers nor the registry. `today` is given: nothing was bought tomorrow.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from customers.appliances.columns import Header, ListMapping, find_header
from customers.appliances.days import Order, day_of, order_of
from customers.appliances.kinds import OTHER, kind_and_word
from customers.appliances.powers import Decimal, Fault, decimal_of, electric_kw, number, unit_in
from customers.appliances.sheets import Cell, Row, read_rows
from customers.appliances.values import Buyer, Sale
from customers.errors import Finding

MOST_UNITS = 100
"""of one row; more is no household's"""
_MENDED = re.compile(r"\.rejected$")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one cell. `finding` may be shown to anybody; what the cell says may not."""

    finding: Finding
    got: str = field(repr=False)

    @property
    def told(self) -> str:
        """For who may see the row itself."""
        got = f", got {self.got!r}" if self.got else ""
        return f"{self.finding.field}: {self.finding.expected}{got}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be used."""

    row: Row = field(repr=False)
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True)
class SalesList:
    """What one file held."""

    list_name: str
    header: tuple[Cell, ...]
    sales: tuple[Sale, ...]
    rejected: tuple[Rejected, ...]
    other: Mapping[str, int]
    """words (of `words.toml`) for appliances that are passed over, and how many rows"""

    @property
    def family(self) -> str:
        """The list that this one belongs to."""
        return family(self.list_name)


def family(list_name: str) -> str:
    """The list that mended rows came from: what is sold twice within one is two things."""
    return _MENDED.sub("", list_name)


def read_sales(path: Path, mapping: ListMapping, today: date) -> SalesList:
    """All of a file. Raises RegistryRejected when it is no list at all."""
    rows = read_rows(path, encoding=mapping.encoding, separator=mapping.separator, sheet=mapping.sheet)
    header = find_header(str(path), rows, mapping)
    body = [row for row in rows if row.row > header.row.row]
    reader = _Reader(path, header, mapping, body, today)
    sales: list[Sale] = []
    rejected: list[Rejected] = []
    for row in body:
        sale, faults = reader.sale(row)
        if faults:
            rejected.append(Rejected(row, tuple(faults)))
        elif sale is not None:
            sales.append(sale)
    return SalesList(path.stem, header.row.cells, tuple(sales), tuple(rejected), reader.other)


class _Reader:
    """Rows of one list; what holds for the whole column is found once."""

    def __init__(
        self, path: Path, header: Header, mapping: ListMapping, body: Sequence[Row], today: date
    ) -> None:
        self._path, self._header, self._mapping, self._today = path, header, mapping, today
        self.other: dict[str, int] = {}
        self._power = "rated" if "rated" in header.place else "heat"
        self._unit = unit_in(header.text(self._power)) or mapping.unit
        self._kinds: dict[str, tuple[str, str] | None] = {}
        powers = [cell for row in body if isinstance(cell := self._cell(row, self._power), str)]
        self._decimal: Decimal | None = mapping.decimal or decimal_of(powers)
        self._order: Order | None = mapping.date_order or order_of(
            self._cell(row, "bought_on") for row in body
        )

    def sale(self, row: Row) -> tuple[Sale | None, list[RowFault]]:
        """The sale of a row, or what is wrong; neither for an appliance that is passed over."""
        faults: list[RowFault] = []
        kind, word = self._kind(row)
        if kind == OTHER:
            self.other[word] = self.other.get(word, 0) + 1
            return None, []
        if kind is None:
            expected = "expected an appliance that is known, or its word in the mapping's [kinds]"
            self._fault(faults, row, "appliance", Fault(expected, word))
        buyer = self._buyer(row, faults)
        power = self._rated(row, kind or "")
        day, count = self._day(row), self._count(row)
        for role, read in ((self._power, power), ("bought_on", day), ("count", count)):
            if isinstance(read, Fault):
                self._fault(faults, row, role, read)
        if (
            faults
            or kind is None
            or isinstance(power, Fault)
            or isinstance(day, Fault)
            or isinstance(count, Fault)
        ):
            return None, faults
        return Sale(self._path.stem, row.row, buyer, kind, power, day, count), []

    def _kind(self, row: Row) -> tuple[str | None, str]:
        """And the word that told it; for what nobody knows all that the cell says."""
        if self._mapping.kind is not None:
            return self._mapping.kind, ""
        said = self._text(row, "appliance")
        if said not in self._kinds:
            self._kinds[said] = kind_and_word(said, self._mapping.kinds)
        return self._kinds[said] or (None, said)

    def _buyer(self, row: Row, faults: list[RowFault]) -> Buyer:
        latitude, longitude = (
            self._degrees(row, "latitude", 90.0, faults),
            self._degrees(row, "longitude", 180.0, faults),
        )
        customer, name = self._text(row, "customer"), self._text(row, "name")
        if not name and not any(c.isdigit() for c in customer):  # a column "customer" that holds names
            customer, name = "", customer
        buyer = Buyer(
            customer=customer,
            name=name,
            address=self._address(row),
            latitude=latitude if longitude is not None else None,
            longitude=longitude if latitude is not None else None,
        )
        if not (buyer.customer or buyer.address) and buyer.latitude is None:
            expected = "expected the customer's number, address or coordinates"
            self._fault(faults, row, "customer", Fault(expected))
        return buyer

    def _address(self, row: Row) -> str:
        whole = self._text(row, "address")
        street = self._text(row, "street")
        if street:  # without one, what is called a number is some other number
            street = f"{street} {self._text(row, 'house_number')}".strip()
        flat = self._text(row, "flat")
        town = " ".join(filter(None, (self._text(row, "postcode"), self._text(row, "city"))))
        parts = (whole, street, f"flat {flat}" if flat else "", town)
        return "\n".join(part for part in parts if part)

    def _rated(self, row: Row, kind: str) -> float | Fault:
        cell = self._cell(row, self._power)
        if isinstance(cell, date) or cell is None or cell == "":
            return Fault("expected a power such as 3.5 kW", str(cell) if cell else "")
        return electric_kw(
            cell,
            kind,
            unit=self._unit,
            heat=self._power == "heat",
            decimal=self._decimal,
            efficiency=self._mapping.efficiency,
        )

    def _day(self, row: Row) -> date | Fault | None:
        cell = self._cell(row, "bought_on")
        return None if cell is None or cell == "" else day_of(cell, self._today, self._order)

    def _count(self, row: Row) -> int | Fault:
        cell = self._cell(row, "count")
        if cell is None or cell == "":
            return 1
        value = cell if isinstance(cell, float) else number(str(cell), self._decimal or ".")
        if isinstance(value, Fault) or value != int(value) or not 1 <= value <= MOST_UNITS:
            return Fault(f"expected a whole number from 1 to {MOST_UNITS}", str(cell))
        return int(value)

    def _degrees(self, row: Row, role: str, most: float, faults: list[RowFault]) -> float | None:
        cell = self._cell(row, role)
        if cell is None or cell == "":
            return None
        value = cell if isinstance(cell, float) else number(str(cell), "." if "." in str(cell) else ",")
        if isinstance(value, Fault) or not -most <= value <= most:
            self._fault(faults, row, role, Fault(f"expected degrees from {-most:g} to {most:g}", str(cell)))
            return None
        return value

    def _cell(self, row: Row, role: str) -> Cell:
        place = self._header.place.get(role)
        return row.cells[place] if place is not None and place < len(row.cells) else None

    def _text(self, row: Row, role: str) -> str:
        """A cell as text; a number that a spreadsheet made of digits is those digits again."""
        cell = self._cell(row, role)
        if cell is None:
            return ""
        if isinstance(cell, float):
            return str(int(cell)) if cell == int(cell) else repr(cell)
        return " ".join(str(cell).split()) if role != "address" else str(cell).strip()

    def _fault(self, faults: list[RowFault], row: Row, role: str, fault: Fault) -> None:
        column = self._header.text(role) if role in self._header.place else role
        faults.append(RowFault(Finding(str(self._path), row.row, column, fault.expected), fault.got))
