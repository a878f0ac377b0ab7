"""What a planner asks, answered case by case from the table of results. Pure.

A case is one combination of everything that varies but the share whose threshold is looked for.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from simulations.studies.study import Study, Vary
from simulations.studies.threshold import AtShare, Threshold, at_share, threshold


@dataclass(frozen=True)
class Case:
    """All shares of one case."""

    name: str
    """what varies in it, in the report's words; "all runs" where nothing else does"""
    rows: pd.DataFrame
    at: tuple[AtShare, ...]
    """in the order of the share; a single one, of share NaN, where no share varies"""
    threshold: Threshold | None
    """None where no share varies"""


def cases_of(study: Study, table: pd.DataFrame) -> list[Case]:
    """The cases in the order of the grid; those without a finished run are left out."""
    share = study.axis(study.question.share)
    others = [axis for axis in study.vary if axis is not share]
    return [_case(study, share, others, values, rows) for values, rows in _groups(others, table)]


def percent(share: float) -> str:
    """A share in words: 0.35 → 35 %; whole percents but for small ones."""
    value = 100 * share
    return (
        f"{value:.0f}\N{NO-BREAK SPACE}%"
        if value >= 10 or value == round(value)
        else f"{value:.1f}\N{NO-BREAK SPACE}%"
    )


def grid_percent(share: float) -> str:
    """A share of the grid, as the study's file has it: 0.125 → 12.5 %."""
    return f"{100 * share:.6g}\N{NO-BREAK SPACE}%"


def money(amount: float, currency: str) -> str:
    """To the whole unit, with thin separators and a minus sign of a digit's width."""
    digits = f"{abs(amount):,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    sign = "\N{MINUS SIGN}" if amount < 0 and digits != "0" else ""
    return f"{sign}{digits}\N{NO-BREAK SPACE}{currency}"


def _groups(others: Sequence[Vary], table: pd.DataFrame) -> Iterator[tuple[Mapping[str, Any], pd.DataFrame]]:
    if not others:
        yield {}, table
        return
    paths = [axis.path for axis in others]
    for values, rows in table.groupby(paths, sort=False):
        yield dict(zip(paths, values, strict=True)), rows


def _case(
    study: Study, share: Vary | None, others: Sequence[Vary], values: Mapping[str, Any], rows: pd.DataFrame
) -> Case:
    name = ", ".join(_named(axis, values[axis.path], alone=len(others) == 1) for axis in others)
    found = threshold(rows, study.question) if share is not None else None
    at = found.at if found is not None else (at_share(math.nan, rows, study.question),)
    return Case(name or "all runs", rows, at, found)


def _named(axis: Vary, value: Any, *, alone: bool) -> str:
    """By its given name, or as in `Heat pumps 0.4`: a bare number says nothing."""
    own = next((one for one in axis.values if one == value or str(one) == str(value)), value)
    name = axis.name(own)
    says_what = axis.names or (alone and isinstance(own, str))
    return name if says_what else f"{axis.title} {name}"
