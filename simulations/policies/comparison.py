"""All chosen policies on the same seeds, and the files that tell of it.

In one folder: policies.json (means, intervals, and each run), policies.parquet (a row per policy and seed),
loading.parquet (a row per policy, seed and step), policies.html. Everything but `wall_s` is a function of
scenario and seeds.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from simulations.policies.confidence import Mean, mean_of
from simulations.policies.measures import cut_kw, measures
from simulations.policies.names import MARGIN, NONE, OPTIMUM, POLICIES
from simulations.policies.page import page
from simulations.policies.runs import PolicyRun, optimum_of
from simulations.scenario import Scenario
from simulations.setups import Setup, prepare

Row = dict[str, Any]
_AGAINST = ("cut_kwh", "less_kwh")
_NAMED = ("policy", "seed")


@dataclass(frozen=True)
class Comparison:
    """All that was found."""

    results: dict[str, Any]
    """as policies.json has it"""
    table: pd.DataFrame
    """a row per policy and seed"""
    loading: pd.DataFrame
    """a row per policy, seed and step"""
    broken: tuple[str, ...]
    """what the judge found in runs of ours"""


def compare(
    scenario: Scenario,
    names: Sequence[str],
    seeds: Sequence[int],
    version: str,
    tell: Callable[[int, str], None] = lambda *_: None,
) -> Comparison:
    """Run every policy in `names` (`names.chosen`) on every seed; `tell` hears of each before it begins.

    Raises NetworkRejected.
    """
    rows: list[Row] = []
    series: list[pd.DataFrame] = []
    broken: list[str] = []
    warnings: dict[str, None] = {}
    for seed in seeds:
        setup = prepare(msgspec.structs.replace(scenario, seed=seed))
        warnings |= dict.fromkeys(setup.base.warnings)
        optimum = optimum_of(setup)
        tell(seed, NONE)
        free = POLICIES[NONE].run(setup, version)
        for name in names:
            if name != NONE:
                tell(seed, name)
            done = free if name == NONE else POLICIES[name].run(setup, version)
            figures = measures(setup, done, free, optimum)
            rows.append({"policy": name, "seed": seed, **figures})
            series.append(_series(setup, name, seed, done))
            broken += [f"seed {seed}: {one.invariant}, {one.subject}: {one.what}" for one in done.broken]
            if done.referee_difference_percent is not None:
                rows[-1]["referee_difference_percent"] = float(f"{done.referee_difference_percent:.1e}")
    table = pd.DataFrame(rows)
    results = _results(scenario, names, seeds, version, rows) | {
        "broken": broken,
        "warnings": list(warnings),
    }
    return Comparison(results, table, pd.concat(series, ignore_index=True), tuple(broken))


def write(comparison: Comparison, out: Path) -> None:
    """The files in `out`, which is made. Raises OSError where it cannot be written."""
    out.mkdir(parents=True, exist_ok=True)
    comparison.table.to_parquet(out / "policies.parquet", engine="fastparquet", index=False)
    comparison.loading.to_parquet(out / "loading.parquet", engine="fastparquet", index=False)
    text = json.dumps(comparison.results, indent=2, ensure_ascii=False)
    (out / "policies.json").write_text(text + "\n", encoding="utf-8")
    found = page(comparison.results, comparison.loading)
    (out / "policies.html").write_text(found, encoding="utf-8")


def ratios(rows: Sequence[Row], name: str, against: str, key: str) -> list[float]:
    """By how much `name` is above `against` in `key`, seed by seed, as a share; seeds in which `against` had
    nothing to do are left out.
    """
    of = {(row["policy"], row["seed"]): row[key] for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    return [of[name, seed] / of[against, seed] - 1 for seed in seeds if of[against, seed] > 0]


def _results(
    scenario: Scenario, names: Sequence[str], seeds: Sequence[int], version: str, rows: Sequence[Row]
) -> dict[str, Any]:
    return {
        "title": scenario.title,
        "network": scenario.network.source,
        "start": scenario.time.start.isoformat(),
        "days": scenario.time.days,
        "step_s": scenario.time.step_s,
        "currency": scenario.control.rewards.currency,
        "loading_limit_percent": scenario.control.limits.loading_percent,
        "seeds": list(seeds),
        "policies": {name: _policy(name, rows) for name in names},
        "against": _against(names, rows),
        "runs": list(rows),
        "version": version,
    }


def _policy(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    mine = [row for row in rows if row["policy"] == name]
    policy = POLICIES[name]
    return {
        "label": policy.label,
        "does": policy.does,
        "knows": policy.knows,
        "means": {key: _plain(mean_of([row[key] for row in mine])) for key in _measured(mine)},
    }


def _measured(rows: Sequence[Row]) -> list[str]:
    return [key for key in rows[0] if key not in _NAMED and all(row[key] is not None for row in rows)]


def _against(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """How much more than the optimum, and than the late one with a margin, each policy cut: as a share of
    what those cut on all seeds together, and seed by seed.
    """
    return {
        other: {
            name: {key: _more(rows, name, other, key) for key in _AGAINST}
            for name in names
            if name not in (NONE, other)
        }
        for other in (OPTIMUM, MARGIN)
        if other in names
    }


def _more(rows: Sequence[Row], name: str, other: str, key: str) -> dict[str, Any] | None:
    """None where the other had nothing to do on any seed."""
    shares = ratios(rows, name, other, key)
    if not shares:
        return None
    sums = {one: sum(row[key] for row in rows if row["policy"] == one) for one in (name, other)}
    return {"together": round(sums[name] / sums[other] - 1, 4), **_plain(mean_of(shares))}


def _plain(mean: Mean) -> Mapping[str, float | int | None]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(mean).items()}


def _series(setup: Setup, name: str, seed: int, done: PolicyRun) -> pd.DataFrame:
    recording = done.run.recording
    return pd.DataFrame(
        {
            "policy": name,
            "seed": seed,
            "time": pd.DatetimeIndex(recording.at),
            "loading_percent": np.round(recording.loading_percent, 3),
            "total_kw": np.round(recording.p_kw.sum(axis=1), 3),
            "held_back_kw": np.round(cut_kw(setup, done).sum(axis=1), 3),
            "devices_limited": np.isfinite(recording.limit_kw).sum(axis=1),
        }
    )
