"""`gridward bench baselines`: how far each baseline method is off where nobody was asked, and who games it.

A year of SimBench profiles, placebo events from 17 to 20 h: the meter shows what would have been used.
First on every weekday, each as the only event; then on the 15 weekdays with the highest sum, which are event
days to each other, as real events would be. SimBench has few profiles, so single customers are the different
shapes, each once: those who only take, and those who feed in as well. A control group has none of the shapes
of those it stands for.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np

from controller.baselines.accuracy import bias_percent, cvrmse_percent
from controller.baselines.calculation import baseline
from controller.baselines.gaming import GamingRule, detect_gaming
from controller.baselines.history import DayHistory, DayKind, EventWindow, Floats
from controller.baselines.programmes import PROGRAMMES
from controller.baselines.rules import ControlGroup, DayMatching, Programme
from grid_model.network import load_network
from gridward.bench.stopwatch import best_us
from simulations.profiles import load_profiles

_NETWORK = "simbench:1-LV-rural3--0-sw"
_FIRST = date(2016, 1, 1)
_DAYS = 364
_KNOWN_FROM = 80
"""days, so that every method finds its look-back"""
_PEAKS = 15
_HOLIDAYS = frozenset(
    date(2016, month, day)
    for month, day in ((1, 1), (3, 25), (3, 28), (5, 1), (5, 5), (5, 16), (10, 3), (12, 25), (12, 26))
)
"""of all Germany"""
_RAISES = (0.0, 0.3, 1.0)
_SEASON_DAYS = 120
_ENOUGH_PERCENT = 20.0
"""RRMSE that PJM and AEMO ask of a customer's baseline"""


@dataclass(frozen=True)
class _Customers:
    """Histories of different shapes, and of all service points together."""

    takers: list[DayHistory]
    """who never feed in"""
    feeders: list[DayHistory]
    total: DayHistory


@dataclass(frozen=True)
class _Score:
    """One customer under one method, in percent."""

    bias: float
    energy: float
    """CVRMSE of the events' energy"""
    intervals: float
    """RRMSE of the quarter-hours"""
    share: float
    """of the events with a baseline of this very method"""


def print_figures(seed: int, quick: bool) -> None:
    """Print the accuracy on all weekdays and on peak days, then how gaming shows, then what one costs."""
    with contextlib.redirect_stdout(sys.stderr):
        customers = _customers()
    days = _weekdays(customers.total)
    print(
        f"{len(customers.takers)} customers who only take and {len(customers.feeders)} who feed in as well "
        "(medians), and the sum of all; percent of what was used"
    )
    _print_table("weekdays", customers, days[:: 10 if quick else 1], frozenset())
    peaks = _highest(customers.total, days, _PEAKS)
    _print_table("peaks", customers, peaks, frozenset(peaks))
    _print_gaming(customers, np.random.default_rng(seed), seasons=3 if quick else 30)
    _print_cost(customers.total, days[-1])


def _customers() -> _Customers:
    network = load_network(_NETWORK, metered_generation=True)
    base = load_profiles(network, datetime(2016, 1, 1, tzinfo=UTC), _DAYS, np.random.default_rng(0))
    p_kw = base.p_kw[: _DAYS * 96]
    shapes = np.round(p_kw / np.abs(p_kw).sum(axis=0) * 1e9)
    _, first = np.unique(shapes, axis=1, return_index=True)
    feeds_in = p_kw.min(axis=0) < 0
    return _Customers(
        takers=[_history(p_kw[:, place]) for place in sorted(first) if not feeds_in[place]],
        feeders=[_history(p_kw[:, place]) for place in sorted(first) if feeds_in[place]],
        total=_history(p_kw.sum(axis=1)),
    )


def _history(p_kw: Floats, event_days: frozenset[date] = frozenset()) -> DayHistory:
    """Quarter-hours from `_FIRST` on; the profiles' clock is the local one."""
    table = p_kw.reshape(-1, 96)
    dates = tuple(_FIRST + timedelta(days=n) for n in range(len(table)))
    return DayHistory(dates, table, _HOLIDAYS, event_days)


def _evening(day: date) -> EventWindow:
    return EventWindow(day, begin_minute=17 * 60, end_minute=20 * 60)


def _weekdays(history: DayHistory) -> list[date]:
    return [day for day in history.dates[_KNOWN_FROM:] if history.kind_of(day) is DayKind.WEEKDAY]


def _highest(history: DayHistory, days: Sequence[date], n: int) -> list[date]:
    return sorted(sorted(days, key=lambda day: -history.during(_evening(day), day).mean())[:n])


def _compared() -> Iterator[Programme]:
    """Every programme, and every way of matching days without adjustment as well."""
    seen = set()
    for programme in PROGRAMMES:
        method = programme.method
        if isinstance(method, ControlGroup):
            # The group is small here; its figures are shown whether they would be good enough or not.
            free = replace(method, customers_at_least=1, most_bias_percent=1e9, most_cvrmse_percent=1e9)
            yield replace(programme, method=free)
            continue
        yield programme
        if isinstance(method, DayMatching) and method.days[0] not in seen:
            seen.add(method.days[0])
            name = programme.name.removesuffix(", additive").removesuffix(", adjusted")
            yield replace(programme, name=f"{name}, as is", method=replace(method, adjustment=None))


def _print_table(name: str, customers: _Customers, days: Sequence[date], asked: frozenset[date]) -> None:
    heads = f"{'only take':>39} {'feed in as well':>23} {'sum of all':>23} {'its own':>8}"
    print(f"\n{f'{len(days)} {name}':<28} {heads}")
    columns = f"{'bias':>7} {'CVRMSE':>7} {'RRMSE':>7}"
    print(f"{'method':<28} {'|bias|':>7} {columns} {'<=20%':>7} {columns} {columns}")
    for programme in _compared():
        takers, feeders, total = _scores(customers, programme, days, asked)
        enough = np.mean([score.intervals <= _ENOUGH_PERCENT for score in takers])
        print(
            f"{programme.name:<28} {_median(abs(score.bias) for score in takers):>7.1f} {_told(takers)} "
            f"{enough:>7.0%} {_told(feeders)} {_told([total])} "
            f"{np.mean([score.share for score in [*takers, *feeders]]):>8.0%}",
            flush=True,
        )


def _scores(
    customers: _Customers, programme: Programme, days: Sequence[date], asked: frozenset[date]
) -> tuple[list[_Score], list[_Score], _Score]:
    """Of each who only takes, each who feeds in, and the sum (of every other shape, with a control group)."""
    if not isinstance(programme.method, ControlGroup):
        singles = [
            [_score(one, programme, days, asked, []) for one in group]
            for group in (customers.takers, customers.feeders)
        ]
        return singles[0], singles[1], _score(customers.total, programme, days, asked, [])
    takers = customers.takers
    alone = [
        _score(one, programme, days, asked, takers[:n] + takers[n + 1 :]) for n, one in enumerate(takers)
    ]
    feeders = [_score(one, programme, days, asked, takers) for one in customers.feeders]
    half = _history(np.sum([one.p_kw for one in takers[::2]], axis=0))
    return alone, feeders, _score(half, programme, days, asked, takers[1::2])


def _told(scores: Sequence[_Score]) -> str:
    bias = _median(score.bias for score in scores)
    energy = _median(score.energy for score in scores)
    return f"{bias:>7.1f} {energy:>7.1f} {_median(score.intervals for score in scores):>7.1f}"


def _median(values: Iterable[float]) -> float:
    """Without the customers who feed in more than they take in these hours: no percentage fits them."""
    return float(np.nanmedian(list(values)))


def _score(
    history: DayHistory,
    programme: Programme,
    days: Sequence[date],
    asked: frozenset[date],
    controls: Sequence[DayHistory],
) -> _Score:
    history = replace(history, event_days=asked)
    told, came, own = [], [], 0
    for day in days:
        result = baseline(history, _evening(day), programme, controls)
        own += result.method == programme.name
        if result.p_kw is not None:
            told.append(result.p_kw)
            came.append(history.during(_evening(day), day))
    said, was = np.array(told), np.array(came)
    return _Score(
        bias_percent(said, was),
        cvrmse_percent(said.mean(axis=1), was.mean(axis=1)),
        cvrmse_percent(said, was),
        own / len(days),
    )


def _print_gaming(customers: _Customers, rng: np.random.Generator, seasons: int) -> None:
    """Customers who raise their use from 13 to 16 h ahead of each event, and those who do not."""
    firsts = [int(first) for first in rng.integers(0, _DAYS - _SEASON_DAYS, seasons)]
    print(
        f"\ngaming: suspected of those who only take in {seasons} seasons of {_SEASON_DAYS} days; "
        f"events on the highest weekdays; false-alarm rate {GamingRule().false_alarm_rate:.0%}"
    )
    print(f"{'events':>6} {'yardstick':<14} " + " ".join(f"{f'+{raised:.0%}':>7}" for raised in _RAISES))
    for events in (5, 10):
        for peers in (True, False):
            shares = [
                np.mean(
                    [
                        suspected
                        for first in firsts
                        for suspected in _suspected(customers, first, events, raised=raised, peers=peers)
                    ]
                )
                for raised in _RAISES
            ]
            told = "peers" if peers else "earlier hours"
            print(f"{events:>6} {told:<14} " + " ".join(f"{share:>7.1%}" for share in shares), flush=True)


def _suspected(
    customers: _Customers, first: int, events: int, *, raised: float, peers: bool
) -> Iterator[bool]:
    """Of each customer in one season, whether it is shown as suspected.

    Events are on the highest weekdays of the others: a shape stands for many homes here, so that its own
    accidents would choose them.
    """
    season = slice(first, first + _SEASON_DAYS)
    days = customers.total.dates[season]
    weekdays = [day for day in days if customers.total.kind_of(day) is DayKind.WEEKDAY]
    tables = [one.p_kw[season] for one in customers.takers]
    together = np.sum([table / table.mean() for table in tables], axis=0)
    for table in tables:
        others = DayHistory(days, together - table / table.mean(), _HOLIDAYS)
        asked = _highest(others, weekdays, events)
        games = table.copy()
        games[[days.index(day) for day in asked], 13 * 4 : 16 * 4] *= 1 + raised
        history = DayHistory(days, games, _HOLIDAYS, frozenset(asked))
        windows = [_evening(day) for day in asked]
        yield detect_gaming(history, windows, peers=others if peers else None).suspected


def _print_cost(history: DayHistory, day: date) -> None:
    window = _evening(day)
    costs = [
        best_us(partial(baseline, history, window, programme), 20)
        for programme in PROGRAMMES
        if isinstance(programme.method, DayMatching)
    ]
    print(f"\n{min(costs):.0f} to {max(costs):.0f} µs for one baseline by day matching")
