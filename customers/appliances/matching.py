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
        by_address = self._by_address(address, name)
        if buyer.customer:
            verdict = self._by_customer(buyer.customer, name, address)
            if verdict is not None:
                return _unless_another(verdict, by_address)
        if by_address.outcome != "sure" and buyer.latitude is not None and buyer.longitude is not None:
            return self._by_place((buyer.latitude, buyer.longitude), name, address, by_address)
        return by_address

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
        return self._in_house(fits, name) or _unsure(found, fits, name)

    @staticmethod
    def _in_house(fits: Sequence[Found], name: str) -> Verdict | None:
        """The one of a house; None where that is not sure."""
        told = [one for one in fits if one.unit == "same" and one.party.address and one.party.address.unit]
        house = [one for one in fits if one.unit != "different"]
        same = told or house
        typo = any(one.typo for one in same)  # it may be another street: only a name makes that sure
        if len(same) == 1 and same[0].unit == "same" and not typo and not _is_another(name, same[0].party):
            return Verdict("sure", *_how("address", same[0], BY_ADDRESS))
        named = [one for one in same if (likeness(name, one.party.name) or 0.0) >= ALIKE]
        if len(named) == 1:
            return Verdict("sure", *_how("address and name", named[0], BY_TYPO if typo else BY_NAME))
        return None

    def _by_place(
        self, place: tuple[float, float], name: str, address: Address | None, before: Verdict
    ) -> Verdict:
        """Of those who are near, whose address does not say otherwise."""
        found = [] if self._nearby is None else self._nearby.find(place)
        near = [(m, customer) for m, customer in found if not self._is_elsewhere(customer, address)]
        if not near:
            return before
        (first, nearest), who = near[0], {customer for _, customer in near}
        house = self._house(address)
        named = [c for c in sorted(who | house) if (likeness(name, self._name(c)) or 0.0) >= ALIKE]
        if len(named) == 1 and named[0] in who:
            return Verdict("sure", "coordinates and name", named[0], BY_PLACE)
        clearly = len(near) == 1 or near[1][0] > 2 * first + _CLEARLY_NEARER_M
        party = self._party.get(nearest)
        another = party is not None and _is_another(name, party)
        if clearly and not another and not house - {nearest}:
            how = "address and coordinates" if before.candidates else "coordinates"
            return Verdict("sure", how, nearest, BY_PLACE)
        shown = [(c, max(0.0, 60.0 - m), self._how_near(m, c, name)) for m, c in near]
        shown += [(c, 0.0, "in this house as well") for c in sorted(house - who)]
        why = "somebody of another name is near" if len(shown) == 1 else f"{len(shown)} customers are near"
        return _doubtful(why, shown)

    def _is_elsewhere(self, customer: str, address: Address | None) -> bool:
        party = self._party.get(customer)
        return party is not None and address is not None and _other_address(party, address) is True

    def _house(self, address: Address | None) -> set[str]:
        """All who may be meant by an address but for the name."""
        found = [] if address is None else self._index.find(address)
        return {one.party.customer for one in found if one.fits and one.unit != "different"}

    def _how_near(self, metres: float, customer: str, name: str) -> str:
        party = self._party.get(customer)
        another = party is not None and _is_another(name, party)
        return f"{metres:.0f} m away{', another name' if another else ''}"

    def _name(self, customer: str) -> str:
        party = self._party.get(customer)
        return "" if party is None else party.name


def _how(how: str, found: Found, confidence: float) -> tuple[str, str, float]:
    typo = ", written otherwise" if found.typo else ""
    return f"{how}{typo}", found.party.customer, confidence


def _is_another(name: str, party: Party) -> bool:
    """Whether the name is certainly another one."""
    alike = likeness(name, party.name)
    return alike is not None and alike < UNLIKE


def _other_address(party: Party, address: Address | None) -> bool | None:
    """Whether a customer's address is another one; None where both cannot be compared."""
    if address is None or party.address is None or address.chinese != party.address.chinese:
        return None
    return AddressIndex.is_elsewhere(address, party.address)


def _against(party: Party, name: str, address: Address | None) -> str | None:
    """What speaks against a customer whose number was given."""
    other = _other_address(party, address)
    if other is None:
        return "the name is another one" if _is_another(name, party) else None
    return "the address is another one" if other else None


def _unless_another(by_number: Verdict, by_address: Verdict) -> Verdict:
    """A retailer's own number may be a customer's by chance: not beside another's address."""
    if {by_number.outcome, by_address.outcome} != {"sure"} or by_number.customer == by_address.customer:
        return by_number
    both = [(by_number.customer or "", 60.0, "the number"), (by_address.customer or "", 60.0, by_address.why)]
    return _doubtful("the number is one customer's, the address another's", both)


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
