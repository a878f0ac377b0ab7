"""To which customer a sale went: by number, by address, by coordinates. Pure.

Three outcomes. *Sure*: one customer, and nothing speaks against them. *Doubtful*: a person has to look, and
gets the nearest with what speaks against each. *None*: nobody who is known. What is unsure is never settled
by likeness: another house number, another flat or another Chinese road stays another one; a name decides only
among customers of the house that was found.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from customers.appliances.address_index import AddressIndex, Found
from customers.appliances.addresses import Address, read_address
from customers.appliances.nearby import Nearby
from customers.appliances.parties import ALIKE, UNLIKE, Party, folded_name, folded_number, likeness
from customers.appliances.values import Buyer

SHOWN = 3
"""customers that a person gets to choose from"""
BY_NUMBER, BY_ADDRESS, BY_NAME, BY_TYPO, BY_PLACE = 1.0, 0.98, 0.95, 0.9, 0.85
"""confidence of a match"""
_CLEARLY_NEARER_M = 5.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that may be meant."""

    customer: str
    score: float
    why: str
    """what speaks against them, or for them; no name and no address"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one buyer."""

    outcome: Literal["sure", "doubtful", "none"]
    why: str
    customer: str | None = None
    confidence: float = 0.0
    candidates: tuple[Candidate, ...] = ()

    @property
    def who(self) -> tuple[str, ...]:
        """The ids of the candidates."""
        return tuple(one.customer for one in self.candidates)


class Matcher:
    """Everybody whom a sale may have gone to."""

    def __init__(
        self,
        customers: Collection[str],
        parties: Sequence[Party],
        places: Mapping[str, tuple[float, float]] | None = None,
        near_m: float = 30.0,
    ) -> None:
        """`customers`: all ids that are known; `parties`: what is held of them, and of others; `places`:
        (latitude, longitude) by customer.
        """
        self._party = {party.customer: party for party in parties}
        self._by_number: dict[str, list[str]] = defaultdict(list)
        for customer in sorted({*customers, *self._party}):
            self._by_number[folded_number(customer)].append(customer)
        self._index = AddressIndex(parties)
        self._nearby = Nearby(places, near_m) if places else None

    def match(self, buyer: Buyer) -> Verdict:
        """To whom it went."""
        name = folded_name(buyer.name)
        address = read_address(buyer.address) if buyer.address else None
        if buyer.customer:
            verdict = self._by_customer(buyer.customer, name, address)
            if verdict is not None:
                return verdict
        verdict = self._by_address(address, name)
        if verdict.outcome != "sure" and buyer.latitude is not None and buyer.longitude is not None:
            return self._by_place((buyer.latitude, buyer.longitude), name, verdict)
        return verdict

    def _by_customer(self, number: str, name: str, address: Address | None) -> Verdict | None:
        """None where nobody has this number."""
        found = self._by_number.get(folded_number(number), [])
        if not found:
            return None
        if len(found) > 1:
            if number not in found:
                return _doubtful("several customers have this number", [(c, 50.0, "") for c in found])
            found = [number]
        party = self._party.get(found[0])
        against = None if party is None else _against(party, name, address)
        if against is not None:
            return _doubtful("the number and what else is said do not fit", [(found[0], 60.0, against)])
        return Verdict("sure", "customer number", found[0], BY_NUMBER)

    def _by_address(self, address: Address | None, name: str) -> Verdict:
        if address is None:
            return Verdict("none", "no address that can be read, and no number that is known")
        if not address.base_number:
            return Verdict("none", "no house number")
        found = self._index.find(address)
        fits = [one for one in found if one.fits]
        if any(one.street == "same" for one in fits):
            fits = [one for one in fits if one.street == "same"]
        return self._in_house(address, fits, name) or _unsure(found, fits, name)

    @staticmethod
    def _in_house(address: Address, fits: Sequence[Found], name: str) -> Verdict | None:
        """The one of a house; None where that is not sure."""
        told = [one for one in fits if one.unit == "same" and one.party.address and one.party.address.unit]
        house = [one for one in fits if one.unit != "different"]
        same = told or house
        typo = any(one.street == "typo" for one in same)
        alike = likeness(name, same[0].party.name) if len(same) == 1 else None
        # A Chinese house number is mostly a block of flats, and a typo may be another street.
        contradicted = (
            (typo or (address.chinese and not address.unit)) and alike is not None and alike < UNLIKE
        )
        if len(same) == 1 and same[0].unit == "same" and not contradicted:
            return Verdict("sure", *_how("address", same[0], BY_TYPO if typo else BY_ADDRESS))
        named = [one for one in same if (likeness(name, one.party.name) or 0.0) >= ALIKE]
        if len(named) == 1:
            return Verdict("sure", *_how("address and name", named[0], BY_TYPO if typo else BY_NAME))
        return None

    def _by_place(self, place: tuple[float, float], name: str, before: Verdict) -> Verdict:
        found = [] if self._nearby is None else self._nearby.find(place)
        wanted = {one.customer for one in before.candidates}
        among = [one for one in found if one[1] in wanted] if wanted else found
        if not among:
            return before
        first, customer = among[0]
        if len(among) == 1 or among[1][0] > 2 * first + _CLEARLY_NEARER_M:
            how = "address and coordinates" if wanted else "coordinates"
            return Verdict("sure", how, customer, BY_PLACE)
        named = [c for _, c in among if (likeness(name, self._name(c)) or 0.0) >= ALIKE]
        if len(named) == 1:
            return Verdict("sure", "coordinates and name", named[0], BY_PLACE)
        near = [(c, max(0.0, 60.0 - m), f"{m:.0f} m away") for m, c in among]
        return _doubtful(f"{len(among)} customers are about as near", near)

    def _name(self, customer: str) -> str:
        party = self._party.get(customer)
        return "" if party is None else party.name


def _how(how: str, found: Found, confidence: float) -> tuple[str, str, float]:
    typo = ", the street written otherwise" if found.street == "typo" else ""
    return f"{how}{typo}", found.party.customer, confidence


def _against(party: Party, name: str, address: Address | None) -> str | None:
    """What speaks against a customer whose number was given."""
    if address is not None and party.address is not None and address.chinese == party.address.chinese:
        index = AddressIndex([party]).find(address)
        if not index or not index[0].same_number or index[0].unit == "different":
            return "the address is another one"
        return None
    alike = likeness(name, party.name)
    return "the name is another one" if alike is not None and alike < UNLIKE else None


def _unsure(found: Sequence[Found], fits: Sequence[Found], name: str) -> Verdict:
    """A person looks, where anybody is near enough to be worth it."""
    worth = [one for one in found if _is_worth_a_look(one, name)]
    if not worth:
        why = "nobody is known in this flat" if fits else "nobody is known at this address"
        return Verdict("none", why)
    house = [one for one in fits if one.unit != "different"]
    why = f"{len(house)} customers in this house" if len(house) > 1 else _speaks_against(worth[0], name)
    shown = [(one.party.customer, one.score, _speaks_against(one, name)) for one in worth]
    return _doubtful(why, shown)


def _is_worth_a_look(one: Found, name: str) -> bool:
    named = (likeness(name, one.party.name) or 0.0) >= ALIKE
    if not one.same_number or one.unit == "different":
        return named and one.place != "other"
    if one.place == "other":
        return named and one.street == "same"
    return one.place == "same" or one.street != "near" or named


def _speaks_against(one: Found, name: str) -> str:
    alike = likeness(name, one.party.name)
    said = {
        "another spelling of the street": one.street != "same",
        "another town or postcode": one.place == "other",
        "the town or postcode is not certain": one.place == "unknown",
        "another house number": not one.same_number,
        "another flat": one.unit == "different",
        "the flat is not told by both": one.unit == "unknown",
        "the same name": alike is not None and alike >= ALIKE,
        "another name": alike is not None and alike < UNLIKE,
    }
    return ", ".join(words for words, is_so in said.items() if is_so) or "the same address"


def _doubtful(why: str, candidates: Sequence[tuple[str, float, str]]) -> Verdict:
    more = len(candidates) - SHOWN
    told = f"{why}; {more} more are as near" if more > 0 else why
    return Verdict("doubtful", told, candidates=tuple(Candidate(*one) for one in candidates[:SHOWN]))
