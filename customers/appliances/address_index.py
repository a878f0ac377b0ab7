"""Finds the customers whose address an address may mean, among very many. Pure.

Only what shares a block is compared: the house's number, and beside it the postcode, or the begin of the
street, or its end. The number of the house (without its suffix) is therefore never forgiven.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from customers.appliances.address_parts import Address, UnitRelation, unit_relation
from customers.appliances.parties import Party

Relation = Literal["same", "typo", "near", "other"]
PlaceRelation = Literal["same", "unknown", "other"]
_NEAR = 75.0
_HAN_ENDS = str.maketrans("", "", "省市区县")
_TYPES = ("strasse", "street", "road", "avenue", "weg", "platz", "allee", "lane", "drive")


@dataclass(frozen=True, slots=True)
class Found:
    """A customer's address beside the one that is looked for."""

    party: Party
    street: Relation
    place: PlaceRelation
    same_number: bool
    """with its suffix"""
    unit: UnitRelation
    typo: bool
    """the street, or the town where no postcode tells it, is the same but for a slip of the pen"""
    score: float
    """0 to 100, to put the nearest first"""

    @property
    def fits(self) -> bool:
        """Nothing but the flat may be open: the house is the one."""
        return self.place == "same" and self.same_number and self.street in ("same", "typo")


class AddressIndex:
    """All parties with an address."""

    def __init__(self, parties: Sequence[Party]) -> None:
        self._blocks: dict[str, list[tuple[Party, Address]]] = defaultdict(list)
        self._streets: set[tuple[str, str]] = set()
        self._towns: set[str] = set()
        for party in parties:
            address = party.address
            if address is None or not address.base_number:
                continue
            self._streets.add((_town(address), address.street))
            self._towns.add(address.city)
            for block in _blocks(address):
                self._blocks[block].append((party, address))

    @staticmethod
    def is_elsewhere(address: Address, other: Address) -> bool:
        """Whether one cannot be the other, as far as both tell."""
        if address.base_number and other.base_number:
            index = AddressIndex([Party("", "", other)]).find(address)
            return (
                not index
                or not index[0].same_number
                or index[0].place == "other"
                or index[0].unit == "different"
            )
        known = _Known(street=False, town=False)
        return _street(address, other, known) == "other" or _place(address, other, known) == "other"

    def find(self, address: Address) -> list[Found]:
        """All that may be meant, the nearest first; among equals by the customer's id."""
        if not address.base_number:
            return []
        known = _Known((_town(address), address.street) in self._streets, address.city in self._towns)
        seen: dict[str, Found] = {}
        for block in _blocks(address):
            for party, other in self._blocks.get(block, ()):
                if party.customer not in seen and other.chinese == address.chinese:
                    found = _compared(address, party, other, known)
                    if found is not None:
                        seen[party.customer] = found
        return sorted(seen.values(), key=lambda found: (-found.score, found.party.customer))


@dataclass(frozen=True, slots=True)
class _Known:
    """Which words are somebody's address as they are: those are no slips of the pen."""

    street: bool
    """in this town"""
    town: bool


def _town(address: Address) -> str:
    return address.city if address.chinese else address.postcode or address.city


def _blocks(address: Address) -> Iterator[str]:
    base, street = address.base_number, address.street
    if address.chinese:
        yield f"a{base} {street[:2]}"
        yield f"z{base} {street[-3:]}"
        return
    if address.postcode:
        yield f"p{base} {address.postcode}"
    core = street
    for kind in _TYPES:
        core = core.removesuffix(kind)
    core = core or street
    yield f"a{base} {core[:4]}"
    yield f"z{base} {core[-4:]}"


def _compared(address: Address, party: Party, other: Address, known: _Known) -> Found | None:
    street = _street(address, other, known)
    if street == "other":
        return None
    place = _place(address, other, known)
    by_town = not address.chinese and not (address.postcode and other.postcode)
    same_number = address.number == other.number
    unit = unit_relation(address.unit, other.unit)
    score = 0.6 * (100.0 if street == "same" else fuzz.ratio(address.street, other.street))
    score += {"same": 25.0, "unknown": 12.0, "other": 0.0}[place]
    score += (10.0 if same_number else 0.0) + {"same": 5.0, "unknown": 2.5, "different": 0.0}[unit]
    typo = street == "typo" or (by_town and place == "same" and address.city != other.city)
    return Found(party, street, place, same_number, unit, typo, round(score, 1))


def _street(one: Address, other: Address, known: _Known) -> Relation:
    a, b = one.street, other.street
    if a == b:
        return "same"
    if one.chinese:
        return "near" if fuzz.ratio(a, b) >= 60.0 else "other"
    if [c for c in a if c.isdigit()] != [c for c in b if c.isdigit()]:
        return "other"  # 1st Street is not 2nd Street
    if not known.street and OSA.distance(a, b, score_cutoff=2) <= _forgiven(min(len(a), len(b))):
        return "typo"
    return "near" if fuzz.ratio(a, b) >= _NEAR else "other"


def _forgiven(length: int) -> int:
    return 2 if length >= 12 else 1 if length >= 6 else 0


def _place(one: Address, other: Address, known: _Known) -> PlaceRelation:
    if one.chinese:
        return _han_place(one.city, other.city)
    alike = fuzz.token_set_ratio(one.city, other.city) if one.city and other.city else None
    if one.postcode and other.postcode:
        if one.postcode != other.postcode:
            return "unknown" if alike is not None and alike >= 88.0 else "other"
        return "same" if alike is None or alike >= 50.0 else "unknown"
    if alike is None:
        return "unknown"
    wanted = 100.0 if known.town else 88.0
    if fuzz.ratio(one.city, other.city) >= wanted:
        return "same"
    return "unknown" if alike >= wanted else "other"  # York is a part of New York


def _han_place(one: str, other: str) -> PlaceRelation:
    if not one or not other:
        return "unknown"
    a, b = one.translate(_HAN_ENDS), other.translate(_HAN_ENDS)
    if a not in b and b not in a:
        return "other"
    # 鼓楼区 is a district of Nanjing and of Fuzhou: with the city it is the one.
    return "same" if a == b or ("市" in one and "市" in other) else "unknown"
