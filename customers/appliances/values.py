"""What a sales list says, and what the registry holds of it. Values only.

A `Sale` is personal data: to whom it went never shows when it is printed. An `Observation` is what is left of
one unit of it once the customer is known: an id, no name and no address. An `Appliance` is one or more
observations of the same thing.
"""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, repr=False)
class Buyer:
    """To whom something was sold, as the list says; each part may be missing."""

    customer: str = ""
    """the number that the list gives"""
    name: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """One row of a sales list."""

    list_name: str
    """the file's name without its ending"""
    row: int
    """line or row in the file, from 1"""
    buyer: Buyer = field(repr=False)
    kind: str
    """one of `kinds.KINDS`"""
    rated_kw: float
    """electric"""
    bought_on: date | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Observation:
    """That a customer owns one unit of something, as one list says."""

    list_name: str
    key: str
    """names the unit within its list, the same at each reading of it"""
    rated_kw: float
    bought_on: date | None
    confidence: float
    """of the match with the customer, 0 to 1"""


@dataclass(frozen=True, slots=True)
class Appliance:
    """One thing that a customer owns."""

    customer: str
    service_point: str
    kind: str
    rated_kw: float
    bought_on: date | None
    confidence: float
    sources: tuple[Observation, ...]
    """never empty, in a fixed order"""
