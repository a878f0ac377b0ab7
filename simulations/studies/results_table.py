"""`results.parquet`: one row per run, whatever varies beside what came of it. Pure.

Columns in flat names that DuckDB and pandas read as they are: `SELECT * FROM 'results.parquet'`. There is no
database file beside it: a second copy could only disagree with the first, and DuckDB needs none.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from simulations.studies.reinforcement import reinforcement
from simulations.studies.run_files import Kept
from simulations.studies.study import Costs, Study

_WHOLE_YEAR_DAYS = 300
_FIGURES = (
    "peak_loading_percent", "peak_transformer_percent", "peak_line_percent", "minutes_over_limit",
    "minutes_voltage_outside", "minutes_not_converged", "min_v_pu", "max_v_pu", "peak_kw", "energy_kwh",
    "ev_left_short_kwh",
)  # fmt: skip
_COUNTS = ("events", "notices_followed", "curtailed_kwh", "credited_points", "credited_minor_units")


def results_table(study: Study, kept: Sequence[Kept]) -> pd.DataFrame:
    """One row per run; money in the currency of `study.costs`, all `…_per_year` scaled to a year."""
    rows = [_row(study, one) for one in kept]
    table = pd.DataFrame(rows)
    return table.astype({axis.path: _type(axis.values) for axis in study.vary if len(table)})


def whole_days(days: float) -> float:
    """A few hours stand for the day that they are the worst of."""
    return max(1.0, days)


def days_factor(days: float, costs: Costs) -> float:
    """How many times the simulated days are in a year's worth of such days."""
    return (365.0 if days >= _WHOLE_YEAR_DAYS else costs.like_days_per_year) / whole_days(days)


def _row(study: Study, kept: Kept) -> dict[str, Any]:
    results, point = kept.results, kept.run.point
    return {
        "run": kept.run.digest,
        "seed": kept.run.seed,
        **{axis.path: point[axis.path] for axis in study.vary},
        "network": results["network"],
        "start": results["start"],
        "days": results["days"],
        "loading_limit_percent": results["loading_limit_percent"],
        "customers": results["customers"],
        "devices": results["devices"],
        **_both(results),
        **{name: results[name] for name in _COUNTS},
        "requests": sum(results["requests"].values()),
        "requests_refused": results["requests"]["refused"],
        "requests_unanswered": results["requests"]["unanswered"],
        "promises_broken": len(results["invariants"]),
        "warnings": "\n".join(results["warnings"]),
        **_money(study, kept),
        "cpu_s": kept.cpu_s,
        "version": results["version"],
    }


def _both(results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{which}_{name}": math.nan if results[which][name] is None else results[which][name]
        for which in ("uncontrolled", "controlled")
        for name in _FIGURES
    }


def _money(study: Study, kept: Kept) -> dict[str, float | int | bool]:
    """Reinforcement without control against control, and what of the reinforcement control leaves."""
    costs, results = study.costs, kept.results
    factor = days_factor(results["days"], costs)
    built = reinforcement(kept.elements, "uncontrolled", costs)
    left_minutes = results["controlled"]["minutes_over_limit"] / whole_days(results["days"])
    spared = left_minutes <= study.question.control_leaves_minutes_per_day
    still = 0.0 if spared else reinforcement(kept.elements, "controlled", costs).per_year
    credited = _credits(results, costs) * factor
    put_off = results["curtailed_kwh"] * costs.put_off_per_kwh * factor
    operation = results["customers"] * costs.control_per_customer_year
    return {
        "reinforced_lines": built.lines,
        "reinforced_line_km": round(built.line_km, 4),
        "reinforced_transformers": built.transformers,
        "reinforced_transformer_kva": built.transformer_kva,
        "reinforcement_investment": round(built.investment, 2),
        "reinforcement_per_year": round(built.per_year, 2),
        "control_spares_reinforcement": spared,
        "reinforcement_left_per_year": round(still, 2),
        "credits_per_year": round(credited, 2),
        "put_off_per_year": round(put_off, 2),
        "operation_per_year": round(operation, 2),
        "control_per_year": round(credited + put_off + operation + still, 2),
        "saved_per_year": round(built.per_year - credited - put_off - operation - still, 2),
    }


def _credits(results: Mapping[str, Any], costs: Costs) -> float:
    """Minor units are hundredths where their name says so (`EUR-cent`)."""
    minor = 100 if results["currency"].endswith("-cent") else 1
    money = results["credited_minor_units"] / minor
    return float(money + results["credited_points"] * costs.point)


def _type(values: Sequence[Any]) -> str:
    """One type per column, whatever mixture of whole numbers and texts a grid has."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float}:
        return "int64" if kinds == {int} else "float64"
    return "bool" if kinds == {bool} else "str"
