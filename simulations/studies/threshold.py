"""From which share on a feeder needs control: seeds over the limit, with confidence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from simulations.studies.proportions import Interval, mean_interval, wilson
from simulations.studies.study import Question


@dataclass(frozen=True)
class AtShare:
    """All seeds at one share of one case."""

    share: float
    seeds: int
    exceeding: int
    """seeds that are over the limit when left alone"""
    chance: Interval
    """of an evening, a week, a year that exceeds"""
    still_exceeding: int
    """seeds in which control leaves more than may be left"""
    not_carried: int
    """seeds in which, left alone, no load flow finds a state for a while"""
    investment: float
    """mean, currency"""
    reinforcement: Interval
    """currency per year, as are the next two"""
    control: Interval
    saved: Interval


@dataclass(frozen=True)
class Threshold:
    """The answer for one case, which is all but the share."""

    at: tuple[AtShare, ...]
    """in the order of the share"""
    needed_from: float | None
    """lowest share from which on, at every share that was looked at, more of the seeds exceed than allowed"""
    sure_from: float | None
    """… from which on that holds for the whole interval too"""
    sure_below: float | None
    """highest share up to which not even the interval's upper end is more than allowed"""


def threshold(rows: pd.DataFrame, question: Question) -> Threshold:
    """The answer from the rows of one case. Raises ValueError when the share is no column."""
    if question.share not in rows:
        raise ValueError(f"{question.share}: expected a direction of the grid")
    at = tuple(
        at_share(float(share), part, question)  # type: ignore[arg-type]
        for share, part in rows.groupby(question.share, sort=True)
    )
    allowed = question.seeds_percent / 100
    return Threshold(
        at=at,
        needed_from=_from_on(at, [one.chance.estimate > allowed for one in at]),
        sure_from=_from_on(at, [one.chance.low > allowed for one in at]),
        sure_below=_up_to(at, [one.chance.high <= allowed for one in at]),
    )


def exceeds(rows: pd.DataFrame, question: Question) -> "pd.Series[bool]":
    """Which runs are over the limit when left alone."""
    days = rows["days"].clip(lower=1.0)
    return rows["uncontrolled_minutes_over_limit"] / days > question.more_than_minutes_per_day


def at_share(share: float, rows: pd.DataFrame, question: Question) -> AtShare:
    """What all seeds of one share say together."""
    hits = int(exceeds(rows, question).sum())
    confidence = question.confidence
    return AtShare(
        share=share,
        seeds=len(rows),
        exceeding=hits,
        chance=wilson(hits, len(rows), confidence),
        still_exceeding=int((~rows["control_spares_reinforcement"]).sum()),
        not_carried=int((rows["uncontrolled_minutes_not_converged"] > 0).sum()),
        investment=float(rows["reinforcement_investment"].mean()),
        reinforcement=mean_interval(rows["reinforcement_per_year"].tolist(), confidence),
        control=mean_interval(rows["control_per_year"].tolist(), confidence),
        saved=mean_interval(rows["saved_per_year"].tolist(), confidence),
    )


def _from_on(at: Sequence[AtShare], holds: Sequence[bool]) -> float | None:
    found: float | None = None
    for one, true in zip(reversed(at), reversed(holds), strict=True):
        if not true:
            break
        found = one.share
    return found


def _up_to(at: Sequence[AtShare], holds: Sequence[bool]) -> float | None:
    found: float | None = None
    for one, true in zip(at, holds, strict=True):
        if not true:
            break
        found = one.share
    return found
