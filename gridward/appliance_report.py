"""What `gridward appliances import` says: counts, ways, and what is wrong where.

Names files, rows and columns, and never what a cell of a list says: that may be anybody's name.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customers.appliances.importing import Imported
from customers.appliances.sales_list import SalesList, family

_SHOWN = 20
"""faults that are printed; all are in the file"""
_OUTCOMES = {
    "matched": "are new in the registry",
    "known": "were known already",
    "doubtful": "wait for a person's decision",
    "refused": "went to nobody who is known, as a person said",
    "not_supplied": "went to customers of no feeder here",
    "nobody": "went to nobody who is known",
}


@dataclass(frozen=True)
class Told:
    """What a command says."""

    document: Mapping[str, Any]
    lines: Sequence[str]
    status: int = 0
    faults: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Came:
    """What came of an import."""

    lists: Sequence[SalesList]
    done: Imported
    pairs: int
    waits: int
    """lines for a person, of these lists and of all before"""
    count: Mapping[str, int]
    """appliances by feeder, of these lists and of all before"""
    joined: int
    """units that another list tells of too, of these lists and of all before"""
    rejected: Mapping[Path, Path | None]


def told(review: Path | None, came: Came) -> Told:
    """All that came of an import."""
    faults = [str(fault.finding) for one in came.lists for row in one.rejected for fault in row.faults]
    more = len(faults) - _SHOWN
    document = {
        "lists": [
            {
                "file": str(path),
                "taken": len(one.sales),
                "rejected": len(one.rejected),
                "rejected_file": None if out is None else str(out),
                "passed_over": dict(one.other),
            }
            for (path, out), one in zip(came.rejected.items(), came.lists, strict=True)
        ],
        "units": {name: came.done.units[name] for name in _OUTCOMES},
        "ways": dict(sorted(came.done.ways.items())),
        "same_customer": came.pairs,
        "waiting": came.waits,
        "gone_from_list": dict(+came.done.gone),
        "alike_to_mended": dict(+came.done.twice),
        "review": None if review is None else str(review),
        "appliances": dict(came.count),
        "joined": came.joined,
        "findings": faults,
    }
    return Told(
        document=document,
        lines=[*_lines_of_lists(came), *_lines_of_units(came, review)],
        status=1 if came.waits or faults else 0,
        faults=[*faults[:_SHOWN], *([f"... and {more} more"] if more > 0 else [])],
    )


def _lines_of_lists(came: Came) -> Iterator[str]:
    other: Counter[str] = Counter()
    for (path, out), one in zip(came.rejected.items(), came.lists, strict=True):
        other.update(one.other)
        mend = f", {len(one.rejected)} to be mended in {out}" if out is not None else ""
        yield f"{path}: {len(one.sales)} rows taken{mend}"
    if other:
        passed = ", ".join(f"{word} ({rows})" for word, rows in sorted(other.items()))
        yield f"passed over, too small or not waiting: {passed}"


def _lines_of_units(came: Came, review: Path | None) -> Iterator[str]:
    done = came.done
    for name, words in _OUTCOMES.items():
        if done.units[name]:
            yield f"{done.units[name]} {words}"
    yield from (f"  by {way}: {n}" for way, n in sorted(done.ways.items()))
    if came.pairs:
        yield f"{came.pairs} pairs of ids may be one customer each"
    new = done.units["doubtful"] + came.pairs
    if new and review is not None:
        yield f"look through {review}; it holds addresses"
    elif new:
        yield "run it again with --review OUT.csv to look through them"
    if came.waits:
        yield f"{came.waits} lines wait in all"
    yield from _lines_of_corrections(done)
    if came.joined:
        yield f"units in the registry that another list tells of too, and that count once: {came.joined}"
    yield from (f"feeder {feeder}: {n} appliances" for feeder, n in came.count.items())


def _lines_of_corrections(done: Imported) -> Iterator[str]:
    stay = "take what is wrong out of appliances.csv by hand"
    for name, n in sorted((+done.gone).items()):
        yield f"{n} units of an earlier reading of {name} are not in it any more and stay: {stay}"
    for name, n in sorted((+done.twice).items()):
        other = f"{family(name)}.rejected.csv" if name == family(name) else family(name)
        yield f"{n} units of {name} are alike to rows mended in {other}; if they are the same, {stay}"
