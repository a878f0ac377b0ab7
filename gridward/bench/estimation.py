"""`gridward bench estimation`: how near the estimated state comes to the best that the data allow.

The worst element's loading against the truth: by our priors (28 past days of each house), by least squares
with the true means and covariances (the best possible), and by the plain scaling of default powers; with the
time of one estimate. Wrong meters: how often the faulty one is found and left out. Meters on the wrong phase.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from grid_model.estimation.estimate import Estimate, NoEstimate
from grid_model.estimation.measurements import MeterReadings
from grid_model.estimation.priors import from_defaults, from_history
from grid_model.network import Floats
from gridward.bench.estimation_cases import (
    MISSING,
    NETWORKS,
    Case,
    Feeder,
    World,
    case,
    load_feeder,
    world,
)
from gridward.bench.estimation_phases import print_phases

_NEAR_POINTS = 3.0
_ALLOWED_SD = _NEAR_POINTS / 1.96
"""The data allow 3 points in 95 % of cases where the best possible is at least this sure."""
_FLOOR_KW = 0.1
"""Added to what the data can show: three times this changes no decision."""
_UNCHANGED = 10
"""Readings in a row with one value, when a stuck meter is looked at."""


@dataclass(frozen=True)
class Scored:
    """One case: errors of the truly worst element's loading, in percentage points."""

    loading: float
    ours: float
    best: float
    defaults: float
    scaled: float
    best_sd: float
    covered: bool
    covered_share: float
    """of all elements above 1 %"""
    false_alarm: bool
    cpu_ms: float


def print_figures(seed: int, quick: bool) -> None:
    """Print the tables."""
    networks = NETWORKS[:2] if quick else NETWORKS
    cases, faulty = (15, 10) if quick else (167, 60)
    feeders = [load_feeder(source) for source in networks]
    _print_accuracy(feeders, cases, np.random.default_rng(seed))
    _print_faults(feeders, faulty, np.random.default_rng(seed + 1))
    print_phases(feeders[1], 20 if quick else 100, np.random.default_rng(seed + 2))


def _print_accuracy(feeders: list[Feeder], cases: int, rng: np.random.Generator) -> None:
    print(
        f"Worst element's loading, {MISSING:.0%} of meters missing, 1 % noise, RTU on transformer and "
        "outgoing lines; RMS error in points"
    )
    print(
        f"{'network':<30} {'cases':>5} {'load %':>6} {'ours':>6} {'best':>6} {'ratio':>6} {'defaults':>8} "
        f"{'scaled':>6} {'<3 pt':>6} {'allowed':>7} {'cover':>6} {'all':>6} {'false':>6} {'ms':>6}"
    )
    every: list[Scored] = []
    for feeder in feeders:
        rows = [scored for _ in range(cases) if (scored := score(feeder, rng)) is not None]
        every += rows
        print(_accuracy_row(feeder.name, rows), flush=True)
    print(_accuracy_row("all", every))
    print(
        "ours: prior of 28 past days; best: true means and covariances; defaults: prior of the network's own "
        "loads;\nscaled: default x mean ratio, no RTU power; allowed: share within 3 points where the best "
        f"possible's deviation is at most {_ALLOWED_SD:.2f};\n"
        "cover: of the 95 % interval, worst element, and all elements; false: clean snapshots that lose a "
        "reading;\nms: CPU time of one estimate, the least."
    )


def _accuracy_row(name: str, rows: list[Scored]) -> str:
    ours, best = _rms([row.ours for row in rows]), _rms([row.best for row in rows])
    near = [abs(row.ours) < _NEAR_POINTS for row in rows]
    allowed = [ok for ok, row in zip(near, rows, strict=True) if row.best_sd <= _ALLOWED_SD]
    return (
        f"{name:<30} {len(rows):>5} {np.mean([row.loading for row in rows]):>6.0f} {ours:>6.2f} {best:>6.2f} "
        f"{ours / best:>6.3f} {_rms([row.defaults for row in rows]):>8.2f} "
        f"{_rms([row.scaled for row in rows]):>6.2f} {np.mean(near):>6.1%} {np.mean(allowed):>7.1%} "
        f"{np.mean([row.covered for row in rows]):>6.1%} "
        f"{np.mean([row.covered_share for row in rows]):>6.1%} "
        f"{np.mean([row.false_alarm for row in rows]):>6.1%} {min(row.cpu_ms for row in rows):>6.1f}"
    )


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def score(feeder: Feeder, rng: np.random.Generator) -> Scored | None:
    """One random case; None where the network would have collapsed."""
    at = world(feeder, rng)
    drawn = case(feeder, at.draw(rng), rng)
    if drawn is None:
        return None
    history, start = from_history(at.history(rng)), time.thread_time()
    ours = feeder.estimator.estimate(drawn.measurements, history)
    cpu_ms = (time.thread_time() - start) * 1000
    best = feeder.estimator.estimate(drawn.measurements, at.truth(), exclude_bad=False)
    defaults = feeder.estimator.estimate(
        drawn.measurements, from_defaults(feeder.network, drawn.measurements.meters)
    )
    if isinstance(ours, NoEstimate) or isinstance(best, NoEstimate) or isinstance(defaults, NoEstimate):
        raise RuntimeError(f"{feeder.name}: a clean case without an estimate")
    truth = np.append(drawn.result.line_loading_percent, drawn.result.transformer_loading_percent)
    worst, carries = int(np.argmax(truth)), truth > 1.0
    (values, sd), (best_values, best_sd) = _loadings(ours), _loadings(best)
    inside = np.abs(values - truth) <= 1.96 * sd
    return Scored(
        loading=float(truth[worst]),
        ours=float(values[worst] - truth[worst]),
        best=float(best_values[worst] - truth[worst]),
        defaults=float(_loadings(defaults)[0][worst] - truth[worst]),
        scaled=float(_scaled(feeder, drawn)[worst] - truth[worst]),
        best_sd=float(best_sd[worst]),
        covered=bool(inside[worst]),
        covered_share=float(inside[carries].mean()),
        false_alarm=bool(ours.suspects),
        cpu_ms=cpu_ms,
    )


def _loadings(estimate: Estimate) -> tuple[Floats, Floats]:
    """Values and standard deviations of all lines, then all transformers."""
    return (
        np.append(estimate.lines.value, estimate.transformers.value),
        np.append(estimate.lines.sd, estimate.transformers.sd),
    )


def _scaled(feeder: Feeder, drawn: Case) -> Floats:
    """The plain way: missing houses take default times mean ratio, on the measured busbar voltage."""
    network, meters = feeder.network, drawn.measurements.meters
    p_read, q_read = meters.values.T
    ratio = p_read[meters.read].sum() / network.default_p_kw[meters.read].sum()
    p = np.where(meters.read, p_read, network.default_p_kw * ratio)
    tangent = np.where(network.default_p_kw > 0, network.default_q_kvar / network.default_p_kw, 0.0)
    q = np.where(meters.read, q_read, p * tangent)
    busbar = int(network.transformers.to_bus[0])
    first = feeder.load_flow.solve(p, q)
    slack = float(drawn.result.v_pu[busbar] / first.v_pu[busbar])
    result = feeder.load_flow.solve(p, q, slack_scale=slack)
    return np.append(result.line_loading_percent, result.transformer_loading_percent)


Fault = Callable[[Floats, int, World, np.random.Generator], Floats]
"""(values (n_sp, 2), place, …) -> the wrong P and Q that the meter at the place shows"""

FAULTS: dict[str, tuple[Fault, int]] = {
    "sign": (lambda values, place, *_: -values[place], 1),
    "W for kW (x 1000)": (lambda values, place, *_: values[place] * 1000, 1),
    "kW for W (/ 1000)": (lambda values, place, *_: values[place] / 1000, 1),
    "stuck, one snapshot": (lambda _, place, at, rng: at.draw(rng)[place], 1),
    f"stuck, seen {_UNCHANGED} times": (lambda _, place, at, rng: at.draw(rng)[place], _UNCHANGED),
    "another house's meter": (lambda values, place, at, rng: values[_other(values, place, rng)], 1),
}


def _other(values: Floats, place: int, rng: np.random.Generator) -> int:
    read = np.flatnonzero(np.isfinite(values[:, 0]))
    return int(rng.choice(read[read != place]))


@dataclass(frozen=True)
class Hunted:
    """One wrong meter."""

    sigmas: float
    """its error by the standard deviation of what all others say of it, with the true covariances"""
    found: bool
    named: bool
    """left out, or named beside another that was"""
    accused: int
    """right readings that were left out as well"""
    covered: bool
    """the interval of the truly worst element, after all"""


def _print_faults(feeders: list[Feeder], cases: int, rng: np.random.Generator) -> None:
    print(
        "\nOne wrong meter: found and left out, of those whose error is above 3 (and 6) standard deviations"
    )
    print(
        f"{'fault':<22} {'missing':>7} {'cases':>5} {'above 3':>8} {'found':>6} {'above 6':>8} {'found':>6} "
        f"{'named':>6} {'others lost':>11} {'cover':>6}"
    )
    for missing in (0.0, MISSING):
        for name, (fault, unchanged) in FAULTS.items():
            rows = [
                hunted
                for feeder in feeders
                for _ in range(cases)
                if (hunted := hunt(feeder, fault, unchanged, missing, rng)) is not None
            ]
            print(_fault_row(name, missing, rows), flush=True)
    print(
        "named: left out or named beside another that was, above 6; others lost: right readings left out, "
        "per case;\ncover: of the 95 % interval of the worst element, whatever was left out."
    )


def _fault_row(name: str, missing: float, rows: list[Hunted]) -> str:
    cells = []
    for sigmas in (3.0, 6.0):
        seen = [row.found for row in rows if row.sigmas > sigmas]
        cells.append(f"{len(seen):>8} {np.mean(seen) if seen else np.nan:>6.1%}")
    named = [row.named for row in rows if row.sigmas > 6.0]
    lost = np.mean([row.accused for row in rows])
    return (
        f"{name:<22} {missing:>7.0%} {len(rows):>5} {' '.join(cells)} "
        f"{np.mean(named) if named else np.nan:>6.1%} {lost:>11.3f} "
        f"{np.mean([row.covered for row in rows]):>6.1%}"
    )


def hunt(
    feeder: Feeder, fault: Fault, unchanged: int, missing: float, rng: np.random.Generator
) -> Hunted | None:
    """One case with one wrong meter."""
    at = world(feeder, rng)
    drawn = case(feeder, at.draw(rng), rng, missing=missing)
    if drawn is None:
        return None
    meters = drawn.measurements.meters
    place = int(rng.choice(np.flatnonzero(meters.read)))
    wrong = fault(meters.values, place, at, rng)
    error = abs(float(wrong[0]) - float(drawn.p_kw[place]))
    sharpness = feeder.estimator.cross_check(drawn.measurements, at.truth())
    spoilt = replace(drawn.measurements, meters=_with(meters, place, wrong, unchanged))
    found = feeder.estimator.estimate(spoilt, from_history(at.history(rng)))
    if sharpness is None:
        return None
    left_out = {suspect.place for suspect in found.suspects}
    beside = {name for suspect in found.suspects for name in suspect.instead}
    return Hunted(
        sigmas=error / float(np.hypot(np.sqrt(sharpness.variance[place]), _FLOOR_KW)),
        found=place in left_out,
        named=place in left_out or feeder.network.service_points[place] in beside,
        accused=len(found.suspects) - (place in left_out),
        covered=isinstance(found, Estimate) and _covers_worst(found, drawn),
    )


def _covers_worst(estimate: Estimate, drawn: Case) -> bool:
    truth = np.append(drawn.result.line_loading_percent, drawn.result.transformer_loading_percent)
    values, sd = _loadings(estimate)
    worst = int(np.argmax(truth))
    return bool(abs(values[worst] - truth[worst]) <= 1.96 * sd[worst])


def _with(meters: MeterReadings, place: int, shown: Floats, unchanged: int) -> MeterReadings:
    values, sd, counted = meters.values.copy(), meters.sd.copy(), meters.unchanged.copy()
    values[place], counted[place] = shown, unchanged
    sd[place] = np.hypot(0.01 * np.abs(shown), 0.01)
    return MeterReadings(values, sd, counted)
