"""From sales lists to what customers own: matches each sale, and says what became of all of them. Pure.

Every unit that is sold ends in one of the counted ways; what is doubtful waits in the memory for a person.
What a person decided about a buyer counts before any match.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from customers.appliances.appliance_files import list_name
from customers.appliances.matching import Verdict
from customers.appliances.memory import REFUSED, Fingerprints, Memory, Waiting
from customers.appliances.merging import Owned, Register
from customers.appliances.sales_list import SalesList, family
from customers.appliances.values import Buyer, Observation, Sale


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sale that a person has to look at."""

    line: str
    sale: Sale
    verdict: Verdict


@dataclass
class Imported:
    """What became of all units."""

    units: Counter[str] = field(default_factory=Counter)
    """by outcome: matched, known, doubtful, refused, not_supplied, nobody"""
    ways: Counter[str] = field(default_factory=Counter)
    """of those that were matched, by what"""
    doubts: list[Doubt] = field(default_factory=list)
    nobody: list[tuple[Sale, str]] = field(default_factory=list)
    """and why"""
    concerned: set[str] = field(default_factory=set)
    """customers to whom something went, or may have gone"""
    gone: Counter[str] = field(default_factory=Counter)
    """by list: units of an earlier reading that this one does not have"""
    twice: Counter[str] = field(default_factory=Counter)
    """by list: new units that are alike to one of the other file of mended rows, or of the list itself"""


class Importer:
    """Takes lists one after the other."""

    def __init__(
        self,
        match: Callable[[Buyer], Verdict],
        fingerprints: Fingerprints,
        memory: Memory,
        register: Register,
        supplied: Collection[str],
    ) -> None:
        """What is sure is noted in `register`, what has to be decided in `memory`. `supplied`: all customers
        of this site's feeders.
        """
        self._match, self._fingerprints, self._supplied = match, fingerprints, supplied
        self._memory, self._register = memory, register
        self._verdicts: dict[str, Verdict] = {}
        self._same_as = memory.resolved()
        self.done = Imported()

    def take(self, sales: SalesList) -> None:
        """All of one list."""
        name, memory = list_name(sales.list_name), self._memory
        memory.waiting = {line: one for line, one in memory.waiting.items() if one.list_name != name}
        before = list(self._register.of_list(name))
        units = self._fingerprints.units(sales.sales)
        for sale, buyer, keys in units:
            verdict = self._verdict(sale, buyer)
            waiting = Waiting(name, keys, buyer, sale.kind, sale.rated_kw, sale.bought_on, verdict.who)
            match verdict.outcome:
                case "sure":
                    self._sure(waiting, verdict)
                case "doubtful":
                    self._doubtful(waiting, sale, verdict)
                case "none":
                    self._nobody(waiting, sale, verdict)
                case _:
                    assert_never(verdict.outcome)
        self._compare(name, before, {key for _, _, keys in units for key in keys})

    def _compare(self, name: str, before: Sequence[tuple[Owned, Observation]], read: Collection[str]) -> None:
        """With what was held of this list: who corrects a row there has two units from then on."""
        held = {one.key for _, one in before if one.list_name == name}
        self.done.gone[name] += 0 if name != family(name) else len(held.difference(read))
        others = Counter((owned, _what(one)) for owned, one in before if one.list_name != name)
        now = Counter(
            (owned, _what(one))
            for owned, one in self._register.of_list(name)
            if one.list_name == name and one.key not in held
        )
        self.done.twice[name] += (others & now).total()

    def _verdict(self, sale: Sale, buyer: str) -> Verdict:
        chosen = self._memory.decided.get(buyer)
        if chosen == REFUSED:
            return Verdict("none", "a person said that it is nobody who is known")
        if chosen is not None:
            return Verdict("sure", "decided by a person", chosen, 1.0)
        if buyer not in self._verdicts:
            self._verdicts[buyer] = self._match(sale.buyer)
        return self._verdicts[buyer]

    def _sure(self, waiting: Waiting, verdict: Verdict) -> None:
        customer = self._same_as.get(verdict.customer or "", verdict.customer or "")
        count = len(waiting.keys)
        if customer not in self._supplied:
            self.done.units["not_supplied"] += count
            return
        new = observe(self._register, customer, waiting, verdict.confidence)
        self.done.concerned.add(customer)
        self.done.ways[verdict.why] += count
        self.done.units["matched"] += new
        self.done.units["known"] += count - new

    def _doubtful(self, waiting: Waiting, sale: Sale, verdict: Verdict) -> None:
        count = len(waiting.keys)
        if all(self._register.knows(waiting.list_name, key) for key in waiting.keys):
            self.done.units["known"] += count
        elif not any(self._same_as.get(one, one) in self._supplied for one in verdict.who):
            self.done.units["not_supplied"] += count
        else:
            line = f"s-{waiting.keys[0]}"
            self.done.units["doubtful"] += count
            self.done.concerned.update(verdict.who)
            self.done.doubts.append(Doubt(line, sale, verdict))
            self._memory.waiting[line] = waiting

    def _nobody(self, waiting: Waiting, sale: Sale, verdict: Verdict) -> None:
        refused = self._memory.decided.get(waiting.buyer) == REFUSED
        self.done.units["refused" if refused else "nobody"] += len(waiting.keys)
        if not refused:
            self.done.nobody.append((sale, verdict.why))


def _what(one: Observation) -> tuple[float, str]:
    return one.rated_kw, str(one.bought_on)


def observe(register: Register, customer: str, sold: Waiting, confidence: float) -> int:
    """Note that a customer owns these units; how many are new."""
    seen = [Observation(sold.list_name, key, sold.rated_kw, sold.bought_on, confidence) for key in sold.keys]
    return sum(register.note(customer, sold.kind, one) for one in seen)
