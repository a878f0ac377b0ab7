"""`gridward bench forecast`: the look ahead against what happened, beside persistence and the seasonal mean.

Two fields: SimBench's measured profiles of 2016, and simulated households with cars and heat pumps over
January weeks. Persistence says what was, the seasonal mean what was on average in that quarter-hour of that
kind of day (with the same forgetting as ours). Each is scored on every service point and on the feeder's sum:
mean absolute error of the median, pinball loss over five levels (persistence and seasonal mean have one
value for all levels), and the share of values inside the 80 % and 95 % intervals. How long one quarter-hour
costs comes last.
"""

import contextlib
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np

from grid_model.forecast import forecaster
from grid_model.forecast.forecaster import HORIZONS, Forecaster, Slot
from grid_model.forecast.quantiles import LEVELS
from grid_model.forecast.seasonal import SLOTS, WEEKEND, WORKDAY
from grid_model.network import Floats, load_network
from gridward.bench.stopwatch import best_us
from simulations.profiles import load_profiles
from simulations.runner import run_uncontrolled
from simulations.scenario_file import parse_scenario
from simulations.setups import prepare

_NETWORK = "simbench:1-LV-rural3--0-sw"
_SHOWN = (1, 4, 24)
"""Horizons in quarter-hours: 15 min, 1 h, 6 h."""
_YEAR = datetime(2016, 1, 1, tzinfo=UTC)
_WINTER = datetime(2016, 1, 4, tzinfo=UTC)
_FORGETS = 0.1
_SIZES = (100, 1000)
_CARS = f"""
[network]
source = "{_NETWORK}"
[time]
start = "{_WINTER.isoformat()}"
days = DAYS
step_s = 300
[ev]
arrival_sd_hours = 0.75
energy_kwh = 10
energy_sigma = 0.45
"""
_METHODS = ("forecast", "persistence", "seasonal mean")


@dataclass
class _Scores:
    """Sums over all scored times at one horizon: (n_method,) each, then the shares inside."""

    count: int = 0
    points: Floats = field(default_factory=lambda: np.zeros((len(_METHODS), 2)))
    """absolute error, pinball loss of one service point"""
    total: Floats = field(default_factory=lambda: np.zeros((len(_METHODS), 2)))
    """of the feeder's sum"""
    inside: Floats = field(default_factory=lambda: np.zeros(4))
    """80 %, 95 % of service points, then of the sum"""


def print_figures(seed: int, quick: bool) -> None:
    """Print a table for each field, and the costs."""
    with contextlib.redirect_stdout(sys.stderr):
        p_kw = _simbench(60 if quick else 364)
        cars_kw = _with_cars(seed, 12 if quick else 28)
    print(f"{'':<34} {'one service point, kW':>23} {'sum of all, kW':>19}   {'inside 80 / 95 %':>16}")
    print(f"{'field':<14} {'ahead':>6} {'method':<13} {'MAE':>11} {'pinball':>11} {'MAE':>9} {'pinball':>9}")
    _print_field("SimBench year", p_kw, _YEAR, warm_days=28)
    _print_field("cars, pumps", cars_kw, _WINTER, warm_days=7)
    print(f"{p_kw.shape[1]} service points; after 28 and 7 days of learning.")
    _print_costs(seed)


def _simbench(days: int) -> Floats:
    """(n_step, n_sp) measured profiles, quarter-hours."""
    network = load_network(_NETWORK, metered_generation=True)
    return load_profiles(network, _YEAR, days, np.random.default_rng(0)).p_kw[: days * SLOTS]


def _with_cars(seed: int, days: int) -> Floats:
    """(n_step, n_sp) quarter-hour means of simulated households that nobody controls."""
    scenario = parse_scenario(f"seed = {seed}\n" + _CARS.replace("DAYS", str(days)))
    p_kw = run_uncontrolled(prepare(scenario)).recording.p_kw[:-1]
    return np.asarray(p_kw.reshape(days * SLOTS, -1, p_kw.shape[1]).mean(axis=1))


def _slot(start: datetime, step: int) -> Slot:
    at = start + timedelta(seconds=step * forecaster.STEP_S)
    return Slot(WEEKEND if at.weekday() >= 5 else WORKDAY, step % SLOTS)


def _print_field(name: str, p_kw: Floats, start: datetime, *, warm_days: int) -> None:
    for ahead, scores in _scored(p_kw, start, warm_days).items():
        points, total, inside = (x / scores.count for x in (scores.points, scores.total, scores.inside))
        held = f"{inside[0]:.2f} {inside[1]:.2f} | {inside[2]:.2f} {inside[3]:.2f}"
        for n, method in enumerate(_METHODS):
            print(
                f"{name:<14} {ahead * 15:>4} m {method:<13} {points[n, 0]:>11.3f} {points[n, 1]:>11.4f} "
                f"{total[n, 0]:>9.2f} {total[n, 1]:>9.3f}   {held if n == 0 else '':>16}",
                flush=True,
            )


def _scored(p_kw: Floats, start: datetime, warm_days: int) -> dict[int, _Scores]:
    """Scores by horizon: every seventh quarter-hour, so that all times of day come up."""
    known, scores = forecaster.begin(p_kw[0]), {ahead: _Scores() for ahead in _SHOWN}
    usual, weight = np.zeros((2, SLOTS, p_kw.shape[1])), np.zeros((2, SLOTS))
    for step, row in enumerate(p_kw[: -max(HORIZONS)]):
        now = _slot(start, step)
        place = now.kind, now.place
        weight[place] += 1
        usual[place] += max(1 / weight[place], _FORGETS) * (row - usual[place])
        known = forecaster.observe(known, now, row)
        if step >= warm_days * SLOTS and step % 7 == 0:
            _score(scores, known, p_kw, step=step, start=start, usual=usual)
    return scores


def _score(
    scores: dict[int, _Scores], known: Forecaster, p_kw: Floats, *, step: int, start: datetime, usual: Floats
) -> None:
    said = forecaster.forecast(known, tuple(_slot(start, step + h) for h in HORIZONS))
    for ahead, into in scores.items():
        at, then, came = HORIZONS.index(ahead), _slot(start, step + ahead), p_kw[step + ahead]
        quantiles, of_sum = said.quantiles_kw[at], said.sum_quantiles_kw[at][:, np.newaxis]
        others = (p_kw[step], usual[then.kind, then.place])
        levels = [quantiles, *(np.tile(kw, (len(LEVELS), 1)) for kw in others)]
        sums = [of_sum, *(np.full_like(of_sum, kw.sum()) for kw in others)]
        total = np.array([came.sum()])
        into.count += 1
        into.points += [_errors(one, came) for one in levels]
        into.total += [_errors(one, total) for one in sums]
        into.inside += [*_inside(quantiles, came), *_inside(of_sum, total)]


def _errors(quantiles: Floats, came: Floats) -> tuple[float, float]:
    """Absolute error of the median, and pinball loss over the levels, means over the columns."""
    level, off = np.asarray(LEVELS)[:, np.newaxis], came - quantiles
    middle = len(LEVELS) // 2
    return float(np.abs(off[middle]).mean()), float(np.maximum(level * off, (level - 1) * off).mean())


def _inside(quantiles: Floats, came: Floats) -> tuple[float, float]:
    """The shares inside the 80 % and the 95 % interval."""
    within = [(quantiles[low] <= came) & (came <= quantiles[high]) for low, high in ((1, 3), (0, 4))]
    return float(within[0].mean()), float(within[1].mean())


def _print_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slot = Slot(WORKDAY, 70)
    ahead = tuple(Slot(WORKDAY, (70 + h) % SLOTS) for h in HORIZONS)
    for n in _SIZES:
        known, row = forecaster.begin(np.ones(n)), rng.random(n)
        for _ in range(30):
            known = forecaster.observe(known, slot, row)
        learns = best_us(partial(forecaster.observe, known, slot, row), 20) / 1e3
        says = best_us(partial(forecaster.forecast, known, ahead), 20) / 1e3
        print(
            f"{n:>5} service points: {learns:.2f} ms to learn a quarter-hour, {says:.2f} ms to say six hours"
        )
