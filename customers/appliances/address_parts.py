"""The parts of an address that are compared with each other. Values only."""

import re
from dataclasses import dataclass
from typing import Literal

UnitRelation = Literal["same", "unknown", "different"]


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """All parts folded: two spellings of one address have the same parts. Personal data: it never shows."""

    chinese: bool
    postcode: str
    city: str
    """province, city and district in Chinese"""
    street: str
    number: str
    """of the house with its suffix: `12a`, `12-14`; `500弄12` of a lane"""
    unit: str
    """the way to the flat, the flat last: `hinterhaus-og2l`, `5-2-301`; before it what was not understood"""

    def __repr__(self) -> str:
        return "Address(…)"

    @property
    def base_number(self) -> str:
        """The number without its suffix; that of the building where a Chinese house has none."""
        found = re.search(r"[0-9]+", self.number or self.unit)
        return found[0] if found is not None else ""

    @property
    def spelled(self) -> str:
        """One spelling for all spellings."""
        if self.chinese:
            number = f"{self.number}号" if self.number else ""
            said = {1: ("室",), 2: ("幢", "室"), 3: ("幢", "单元", "室")}
            unit = self.unit.split("-") if self.unit else []
            marks = said.get(len(unit)) if self.unit.isascii() else None
            rooms = self.unit if marks is None else "".join(map("".join, zip(unit, marks, strict=True)))
            return f"{self.postcode}{self.city}{self.street}{number}{rooms}"
        flat = f"#{self.unit}" if self.unit else ""
        town = " ".join(filter(None, (self.postcode, self.city)))
        return ", ".join(filter(None, (f"{self.street} {self.number}".strip(), flat, town)))


def unit_relation(one: str, other: str) -> UnitRelation:
    """Whether two flats are the same; `301` may be `5-2-301`, and no flat any."""
    if one == other:
        return "same"
    if not one or not other:
        return "unknown"
    short, long_ = sorted((one.split("-"), other.split("-")), key=len)
    return "unknown" if len(short) < len(long_) and long_[-len(short) :] == short else "different"
