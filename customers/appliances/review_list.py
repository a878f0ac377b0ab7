"""The list that a person looks through: what is doubtful, who may be meant, and a column for the decision.

It holds names and addresses, so it is for its owner alone and to be deleted once it was read back. What is
read back are the decisions only: the sale itself is remembered apart, so a spreadsheet that writes dates or
numbers in its own way changes nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from customers.appliances.columns import folded
from customers.appliances.importing import Doubt, Imported, observe
from customers.appliances.matching import SHOWN
from customers.appliances.memory import REFUSED, Memory, Waiting
from customers.appliances.merging import Register
from customers.appliances.sheets import read_rows
from customers.contacts import Contact
from customers.errors import Finding, RegistryRejected

_WHO = tuple(
    f"candidate_{n}{part}" for n in range(1, SHOWN + 1) for part in ("", "_name", "_address", "_why")
)
COLUMNS = (
    "decision", "other_customer", "line", "why", "list", "row", "sold_to_number", "sold_to_name",
    "sold_to_address", "appliance", "rated_kw", "bought_on", "count", *_WHO,
)  # fmt: skip
TWINS = "same_customer"
"""in place of an appliance: two ids that seem to be one customer"""
_YES, _NO = frozenset({"yes", "y", "ja", "是", "1"}), frozenset({"no", "n", "nein", "否"})


@dataclass(frozen=True, slots=True)
class Decision:
    """One line that somebody filled in."""

    row: int
    line: str
    choice: str
    other_customer: str


def review_rows(
    doubts: Sequence[Doubt], twins: Sequence[tuple[str, tuple[str, str]]], contacts: Mapping[str, Contact]
) -> Iterator[Sequence[str]]:
    """The rows of the list. `twins`: line, and both ids."""
    for doubt in doubts:
        sale, buyer = doubt.sale, doubt.sale.buyer
        day = "" if sale.bought_on is None else sale.bought_on.isoformat()
        whom = (buyer.customer, buyer.name, _one_line(buyer.address))
        told = (doubt.verdict.why, sale.list_name, str(sale.row), *whom)
        candidates = [(one.customer, one.why) for one in doubt.verdict.candidates]
        shown = _shown(candidates, contacts)
        yield ("", "", doubt.line, *told, sale.kind, f"{sale.rated_kw:g}", day, str(sale.count), *shown)
    for line, (keep, gone) in twins:
        other = contacts.get(gone)
        whom = (
            gone,
            "" if other is None else other.name,
            "" if other is None else _one_line(other.postal or ""),
        )
        why = "two ids with one name in one home: is it one customer? yes keeps candidate 1, 2 the other id"
        shown = _shown([(keep, "keep this id"), (gone, "keep this id")], contacts)
        yield ("", "", line, why, "", "", *whom, TWINS, "", "", "", *shown)


def nobody_rows(done: Imported) -> Iterator[Sequence[str]]:
    """Sales to nobody who is known, for a person who knows better; `line` is empty: not read back."""
    for sale, why in done.nobody:
        day = "" if sale.bought_on is None else sale.bought_on.isoformat()
        whom = (sale.buyer.customer, sale.buyer.name, _one_line(sale.buyer.address))
        empty = ("",) * len(_WHO)
        yield (
            "", "", "", why, sale.list_name, str(sale.row), *whom, sale.kind, f"{sale.rated_kw:g}", day,
            str(sale.count), *empty,
        )  # fmt: skip


def _shown(candidates: Sequence[tuple[str, str]], contacts: Mapping[str, Contact]) -> list[str]:
    cells: list[str] = []
    for customer, why in candidates:
        held = contacts.get(customer)
        name, postal = ("", "") if held is None else (held.name, held.postal or "")
        cells += [customer, name, _one_line(postal), why]
    return cells + [""] * (len(_WHO) - len(cells))


def _one_line(text: str) -> str:
    return ", ".join(part.strip() for part in text.splitlines() if part.strip())


def read_decisions(path: Path) -> list[Decision]:
    """The lines that somebody filled in, from CSV or Excel. Raises RegistryRejected."""
    rows = read_rows(path)
    header = [folded(cell).replace(" ", "_") for cell in rows[0].cells] if rows else []
    missing = [name for name in ("decision", "other_customer", "line") if name not in header]
    if missing:
        expected = f"expected a review list with {', '.join(missing)} in its first row"
        raise RegistryRejected([Finding(str(path), 1, None, expected)])
    place = {name: header.index(name) for name in ("decision", "other_customer", "line")}

    def text(cells: Sequence[object], name: str) -> str:
        value = cells[place[name]] if place[name] < len(cells) else None
        if isinstance(value, float) and value == int(value):
            value = int(value)
        return "" if value is None else str(value).strip()

    read = [
        Decision(row.row, text(row.cells, "line"), text(row.cells, "decision").casefold(),
                 text(row.cells, "other_customer"))
        for row in rows[1:]
    ]  # fmt: skip
    return [one for one in read if one.choice or one.other_customer]


@dataclass(frozen=True, slots=True)
class Applied:
    """What the decisions changed."""

    accepted: int
    refused: int
    units: int
    """that are new in the registry"""


def apply_decisions(
    file: str, decisions: Sequence[Decision], memory: Memory, register: Register, supplied: Collection[str]
) -> Applied:
    """Remember them, and note what they settle in `register`.

    Raises RegistryRejected with all findings, having changed nothing.
    """
    findings: list[Finding] = []
    chosen: dict[str, str] = {}
    first: dict[str, tuple[int, str]] = {}
    for one in decisions:
        waiting = memory.waiting.get(one.line)
        if waiting is None:
            continue  # decided before, or of a list that was imported anew
        choice = _choice(file, one, waiting, supplied, findings)
        if choice is None:
            continue
        before = first.setdefault(waiting.buyer or one.line, (one.row, choice))
        if before[1] != choice:
            expected = f"expected the same decision as in row {before[0]}: it is the same buyer"
            findings.append(Finding(file, one.row, "decision", expected))
        chosen[one.line] = choice
    if findings:
        raise RegistryRejected(findings)
    units = 0
    for line, choice in chosen.items():
        if line in memory.waiting:
            units += _settle(line, choice, memory, register)
    return Applied(
        accepted=sum(choice != REFUSED for choice in chosen.values()),
        refused=sum(choice == REFUSED for choice in chosen.values()),
        units=units,
    )


def _choice(
    file: str, one: Decision, waiting: Waiting, supplied: Collection[str], findings: list[Finding]
) -> str | None:
    if one.choice in _NO and not one.other_customer:
        return REFUSED
    places = {"2": 1, "3": 2} | dict.fromkeys(_YES, 0)
    if one.other_customer and not one.choice:
        customer = one.other_customer
    elif one.choice in places and places[one.choice] < len(waiting.candidates) and not one.other_customer:
        customer = waiting.candidates[places[one.choice]]
    else:
        expected = "expected yes, 2, 3 or no, or an id in other_customer"
        findings.append(Finding(file, one.row, "decision", expected))
        return None
    if customer not in supplied:
        field = "other_customer" if one.other_customer else "decision"
        findings.append(Finding(file, one.row, field, "expected a customer who is supplied here"))
        return None
    if waiting.kind == TWINS and customer not in waiting.candidates:
        findings.append(Finding(file, one.row, "other_customer", "expected one of both ids"))
        return None
    return customer


def _settle(line: str, choice: str, memory: Memory, register: Register) -> int:
    waiting = memory.waiting[line]
    if waiting.kind == TWINS:
        del memory.waiting[line]
        one, other = waiting.candidates
        if choice == REFUSED:
            memory.apart.add((one, other))
        else:
            memory.same_as[other if choice == one else one] = choice
        return 0
    memory.decided[waiting.buyer] = choice
    units = 0
    alike = [
        name for name, other in memory.waiting.items() if other.buyer == waiting.buyer and other.kind != TWINS
    ]
    for name in alike:
        sale = memory.waiting.pop(name)
        if choice != REFUSED:
            units += observe(register, choice, sale, 1.0)
    return units
