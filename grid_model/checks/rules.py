"""One rule about one table: which elements break it, and what to tell of them [before 2].

Most of what can be wrong with an element is a comparison of its columns. Such checks are rows of a table
(`lines.py`, `transformers.py`, `loads.py`, `buses.py`), and this module runs them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.checks.frames import Floats, Mask, active, each, has, values
from grid_model.errors import Finding, Severity


@dataclass(frozen=True)
class Rule:
    """Elements of `table` in service for which `bad` holds are at fault."""

    table: str
    field: str
    bad: Callable[..., Any]
    """Takes the columns of `of` as float arrays and gives a mask."""
    expected: str
    repair: str
    of: tuple[str, ...] = ()
    """Columns that `bad` looks at, `field` where empty. A rule whose columns are missing says nothing."""
    severity: Severity = "error"


def broken(net: Any, rules: Iterable[Rule]) -> Iterator[Finding]:
    """All findings of these rules, in their order."""
    for rule in rules:
        columns = rule.of or (rule.field,)
        if has(net, rule.table, *columns):
            wrong: Mask = rule.bad(*(values(net, rule.table, column) for column in columns))
            yield from each(
                net,
                rule.table,
                wrong & active(net, rule.table),
                rule.field,
                rule.expected,
                repair=rule.repair,
                severity=rule.severity,
            )


def finite_rules(table: str, columns: Iterable[str], told: Iterable[str] = ()) -> list[Rule]:
    """One rule per column that the load flow calculates with: a finite number. `told` have a rule of their
    own."""
    return [
        Rule(
            table,
            column,
            _not_finite,
            f"{column} is not a number; expected a finite one",
            f"write {column}, 0 where there is none",
        )
        for column in columns
        if column not in told
    ]


def _not_finite(column: Floats) -> Mask:
    return ~np.isfinite(column)
