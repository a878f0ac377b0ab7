"""What it would cost to build the network stronger, by the year. Pure.

Overloaded lines get as many more systems of their kind beside them as their load needs; an overloaded
transformer is changed for the smallest rating on the market that carries its load, or for several of the
largest. Loads are quarter-hourly means. Voltages outside their band are not priced: what mends them is a
planner's choice.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from simulations.studies.study import Costs

Which = Literal["uncontrolled", "controlled"]


@dataclass(frozen=True)
class Reinforcement:
    """What has to be built, and what it costs."""

    line_km: float
    """laid"""
    lines: int
    transformers: int
    transformer_kva: float
    """of the new ones"""
    investment: float
    per_year: float
    """annuities of all of it"""


def annuity_factor(interest_percent: float, years: float) -> float:
    """Share of an investment that is paid each year, at the year's end, over its life:

        a = i·(1 + i)ⁿ / ((1 + i)ⁿ − 1)

    the capital recovery factor (Short, Packey, Holt: A Manual for the Economic Evaluation of Energy
    Efficiency and Renewable Energy Technologies, NREL/TP-462-5173, 1995; VDI 2067 Part 1 calls it annuity
    factor). Without interest 1/n.
    """
    rate = interest_percent / 100
    if rate == 0:
        return 1 / years
    return rate / -math.expm1(-years * math.log1p(rate))


def reinforcement(elements: Iterable[Mapping[str, Any]], which: Which, costs: Costs) -> Reinforcement:
    """What the loadings of one run (`uncontrolled` or `controlled`) ask for; `elements` as
    `one_run.Finished` has them."""
    over = [one for one in elements if one[f"{which}_percent"] > one["allowed_percent"]]
    km = [_more_systems(one, which) * one["km"] for one in over if one["kind"] == "line"]
    new = [_rating(one, which, costs.transformer_kva) for one in over if one["kind"] == "transformer"]
    lines = sum(km) * costs.line_per_km
    transformers = sum(
        count * (costs.transformer_fixed + kva * costs.transformer_per_kva) for count, kva in new
    )
    return Reinforcement(
        line_km=sum(km),
        lines=len(km),
        transformers=len(new),
        transformer_kva=sum(count * kva for count, kva in new),
        investment=lines + transformers,
        per_year=lines * annuity_factor(costs.interest_percent, costs.line_years)
        + transformers * annuity_factor(costs.interest_percent, costs.transformer_years),
    )


def _more_systems(line: Mapping[str, Any], which: Which) -> int:
    times: float = line[f"{which}_percent"] / line["allowed_percent"]
    return math.ceil(round(times, 9)) - 1


def _rating(transformer: Mapping[str, Any], which: Which, market: Sequence[float]) -> tuple[int, float]:
    """How many of which kVA."""
    needed = transformer["kva"] * transformer[f"{which}_percent"] / transformer["allowed_percent"]
    fitting = [kva for kva in market if kva >= needed]
    if fitting:
        return 1, min(fitting)
    return math.ceil(needed / max(market)), max(market)
