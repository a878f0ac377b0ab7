"""Two ids that seem to be one customer: the same name in the same flat. Pure.

Nothing is merged by this; a person decides, once. Proposed are only pairs of which one is concerned, and one
is supplied here.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from customers.appliances.parties import ALIKE, Party, likeness

MOST_IN_HOUSE = 50
"""More ids in one flat are no family: a caretaker's, or a mistake."""


def twins(
    parties: Sequence[Party],
    concerned: Collection[str],
    supplied: Collection[str],
    settled: Collection[tuple[str, str]] = (),
) -> Iterator[tuple[str, str]]:
    """(the id to keep, the other one), in a fixed order; `settled` are pairs that were decided."""
    concerned = frozenset(concerned)
    homes: dict[str, list[Party]] = defaultdict(list)
    for party in parties:
        if party.address is not None and party.address.base_number and party.name:
            homes[party.address.spelled].append(party)
    for _, home in sorted(homes.items()):
        if not 2 <= len(home) <= MOST_IN_HOUSE:
            continue
        for one, other in itertools.combinations(sorted(home, key=lambda party: party.customer), 2):
            keep, gone = (one, other) if one.customer in supplied else (other, one)
            pair = (keep.customer, gone.customer)
            if keep.customer not in supplied or concerned.isdisjoint(pair):
                continue
            if pair not in settled and pair[::-1] not in settled and _are_alike(one, other):
                yield pair


def _are_alike(one: Party, other: Party) -> bool:
    return (likeness(one.name, other.name) or 0.0) >= ALIKE
