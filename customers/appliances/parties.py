"""Whom a sale may have gone to: what is held of a customer to tell them by, and likeness of names. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from customers.appliances.addresses import Address, read_address
from customers.contacts import Contact

ALIKE = 88.0
"""of 100, from which on two names are the same"""
UNLIKE = 50.0
"""... and below which they are not"""
_TITLES = frozenset(
    {"herr", "frau", "mr", "mrs", "ms", "miss", "dr", "prof", "familie", "fam", "eheleute", "und", "and"}
)
_FIRST_NAMES_ALIKE, _ONE_FAMILY = 75.0, 70.0
_SAME_WORD, _STRANGERS = 78.0, 30.0
"""names without a word in common are two people's, whatever letters they share"""
_HAN_TITLES = re.compile(r"(先生|女士|小姐)$")


@dataclass(frozen=True, slots=True, repr=False)
class Party:
    """A customer as a sales list may know them."""

    customer: str
    name: str
    """folded"""
    address: Address | None


def parties_of(contacts: Iterable[Contact]) -> list[Party]:
    """All contacts, their addresses read."""
    return [
        Party(one.customer, folded_name(one.name), read_address(one.postal) if one.postal else None)
        for one in contacts
    ]


def folded_name(name: str) -> str:
    """Without case, accents and titles."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = plain.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    letters = "".join(c if c.isalnum() or c == "*" else " " for c in plain if not unicodedata.combining(c))
    words = [word for word in letters.split() if word not in _TITLES]
    return _HAN_TITLES.sub("", " ".join(words))


def folded_number(number: str) -> str:
    """A customer's number without what spreadsheets and people lose: case, separators, leading zeros."""
    spaceless = "".join(unicodedata.normalize("NFKC", number).casefold().split())
    parted = re.sub(r"(?<=[0-9])[^a-z0-9]+(?=[0-9])", "-", spaceless)  # 1-23 is not 123
    plain = "".join(c for c in re.sub(r"(?<![0-9])-|-(?![0-9])", "", parted) if c.isalnum() or c == "-")
    return re.sub(r"^([a-z]*)0+(?=[0-9])", r"\1", plain)


def likeness(one: str, other: str) -> float | None:
    """How alike two folded names are, 0 to 100; None where one is missing, masked, or a family name alone."""
    if not one or not other or "*" in one or "*" in other:
        return None
    if not (one.isascii() and other.isascii()):
        if len(one) < 2 or len(other) < 2:
            return None
        return 100.0 if one == other else 0.0
    one, other = _without_initials(one, other), _without_initials(other, one)
    alike = float(max(fuzz.token_set_ratio(one, other), fuzz.token_sort_ratio(one, other)))
    left = [" ".join(sorted(set(a.split()) - set(b.split()))) for a, b in ((one, other), (other, one))]
    if all(left) and fuzz.ratio(*left) < _FIRST_NAMES_ALIKE:
        shared = max(fuzz.ratio(a, b) for a in one.split() for b in other.split()) >= _SAME_WORD
        return min(alike, _ONE_FAMILY if shared else _STRANGERS)  # of one family, and not one person
    return alike


def _without_initials(name: str, other: str) -> str:
    """`e brown` beside `eva brown` is `brown`; beside `tom brown` it stays."""
    first = {word[0] for word in other.split() if len(word) > 1}
    kept = [word for word in name.split() if len(word) > 1 or word not in first]
    return " ".join(kept) or name
