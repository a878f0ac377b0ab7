"""The same thing in two lists is one appliance: observations joined, whatever order they come in. Pure.

Two observations of a customer's are the same thing when they are of one kind, from different lists, about as
large and bought at about the same time. Within one list two rows are two things: who bought three air
conditioners has three. All observations are kept in the appliance, so a later import joins anew from all of
them, and the order of imports does not matter; one that is there already changes nothing.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from customers.appliances.sales_list import family
from customers.appliances.values import Appliance, Observation

NEAR_SHARE = 0.1
NEAR_KW = 0.15
"""Ratings differ by no more than the larger of both: lists round, and tell input or nominal power."""
NEAR_DAYS = 60
"""Sold, delivered and installed may be two months apart."""

Owned = tuple[str, str]
"""customer and kind"""
Unit = tuple[str, str]
"""list and key"""


class Register:
    """All observations, by customer and kind."""

    def __init__(self, appliances: Iterable[Appliance] = ()) -> None:
        self._held: dict[Owned, dict[Unit, Observation]] = defaultdict(dict)
        self._owner: dict[Unit, Owned] = {}
        self._last_point: dict[str, str] = {}
        for one in appliances:
            self._last_point[one.customer] = one.service_point
            for seen in one.sources:
                self.note(one.customer, one.kind, seen)

    def note(self, customer: str, kind: str, seen: Observation) -> bool:
        """That a customer owns a unit, and nobody else does; False where it is known. Of two words about one
        unit the surer stays.
        """
        unit, owned = (seen.list_name, seen.key), (customer, kind)
        before = self._owner.get(unit)
        if before is not None and before != owned:
            del self._held[before][unit]
        held = self._held[owned].get(unit)
        self._held[owned][unit] = seen if held is None else max(held, seen, key=_rank)
        self._owner[unit] = owned
        return before is None

    def of_list(self, list_name: str) -> Iterator[tuple[Owned, Observation]]:
        """All units of a list and of the rows of it that were mended, and who owns each."""
        wanted = family(list_name)
        for owned, held in self._held.items():
            yield from ((owned, one) for one in held.values() if family(one.list_name) == wanted)

    def knows(self, list_name: str, key: str) -> bool:
        """Whether somebody owns this unit."""
        return (list_name, key) in self._owner

    def appliances(self, service_point: Mapping[str, str], same_as: Mapping[str, str]) -> list[Appliance]:
        """Those of all customers, joined, in a fixed order; `same_as`: an id and the one that counts.

        Who is not supplied any more keeps the service point of before.
        """
        points = {**self._last_point, **service_point}
        owned: dict[Owned, list[Observation]] = defaultdict(list)
        for (customer, kind), held in self._held.items():
            counts = same_as.get(customer, customer)
            owned[counts if counts in points else customer, kind] += held.values()
        return [
            _appliance(customer, points[customer], kind, group)
            for (customer, kind), seen in sorted(owned.items())
            if customer in points
            for group in _groups(sorted(seen, key=_order))
        ]


def _rank(one: Observation) -> tuple[float, float, str]:
    return one.confidence, one.rated_kw, "" if one.bought_on is None else one.bought_on.isoformat()


def _order(one: Observation) -> tuple[str, float, str, str]:
    day = "" if one.bought_on is None else one.bought_on.isoformat()
    return day, one.rated_kw, one.list_name, one.key


def _groups(observations: Sequence[Observation]) -> list[list[Observation]]:
    """Nearest pairs first; a group holds one of each list, and all of it are near each other."""
    families = [family(one.list_name) for one in observations]
    by_family: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(families):
        by_family[name].append(i)
    pairs = sorted(
        (_apart(observations[i], observations[j]), min(i, j), max(i, j))
        for ones, others in itertools.combinations(by_family.values(), 2)
        for i in ones
        for j in others
        if _are_near(observations[i], observations[j])
    )
    group = [[i] for i in range(len(observations))]
    for _, i, j in pairs:
        if group[i] is group[j]:
            continue
        both = group[i] + group[j]
        if len({families[k] for k in both}) < len(both):
            continue  # one list has both: two things
        members = [observations[k] for k in both]
        if all(_are_near(a, b) for n, a in enumerate(members) for b in members[:n]):
            for k in both:
                group[k] = both
    firsts = {min(members): members for members in group}
    return [[observations[k] for k in sorted(firsts[first])] for first in sorted(firsts)]


def _are_near(one: Observation, other: Observation) -> bool:
    """Two of different lists."""
    allowed_kw = max(NEAR_KW, NEAR_SHARE * max(one.rated_kw, other.rated_kw))
    if abs(one.rated_kw - other.rated_kw) > allowed_kw:
        return False
    return one.bought_on is None or other.bought_on is None or _days(one, other) <= NEAR_DAYS


def _days(one: Observation, other: Observation) -> int:
    if one.bought_on is None or other.bought_on is None:
        return NEAR_DAYS
    return abs((one.bought_on - other.bought_on).days)


def _apart(one: Observation, other: Observation) -> float:
    larger = max(one.rated_kw, other.rated_kw)
    return _days(one, other) / NEAR_DAYS + abs(one.rated_kw - other.rated_kw) / larger


def _appliance(customer: str, service_point: str, kind: str, group: Sequence[Observation]) -> Appliance:
    """Rated as the surest says, bought when the earliest says."""
    surest = max(group, key=lambda one: (one.confidence, one.list_name, one.key))
    days = [one.bought_on for one in group if one.bought_on is not None]
    return Appliance(
        customer=customer,
        service_point=service_point,
        kind=kind,
        rated_kw=surest.rated_kw,
        bought_on=min(days, default=None),
        confidence=surest.confidence,
        sources=tuple(sorted(group, key=lambda one: (one.list_name, one.key))),
    )
