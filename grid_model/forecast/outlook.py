"""[3] Which elements are expected outside their limits, when, and how probably: load flow over what may come.

For each horizon a batch of drawn snapshots is solved; an element's probability is the share of them in which
it is outside. A horizon at which not even all service points at the ends of their 95 % intervals at once
break anything is not drawn. Loads are means of quarter-hours, so are the loadings: a peak of a minute is
`trend.py`'s subject.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grid_model.batch_result import BatchResult
from grid_model.forecast.forecaster import Forecast
from grid_model.forecast.scenarios import draw
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Limits, ViolationKind, find_violations, loading_limits, voltage_limits

_EASED = np.array([0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1])
"""Shares of a demand that has no solution, at which one is looked for."""
Reactive = Callable[[Floats], Floats]
"""(n_snapshot, n_sp) active powers in kW → reactive powers in kvar"""


@dataclass(frozen=True)
class Outlook:
    """One element that may leave its limits."""

    element: str
    kind: ViolationKind
    limit: float
    probability: Floats
    """(n_horizon,) of being outside"""
    value: Floats
    """(n_horizon,) median loading in percent, or voltage in pu, of what has a solution; the limit where
    nothing has, NaN where nothing was drawn"""

    def first(self, probability: float) -> int | None:
        """The first horizon at which it is outside at least this probably; None when at none."""
        found = np.flatnonzero(self.probability >= probability)
        return int(found[0]) if found.size else None


def outlooks(
    network: Network,
    load_flow: FactoredLoadFlow,
    forecast: Forecast,
    *,
    reactive: Reactive,
    limits: Limits,
    count: int,
    rng: np.random.Generator,
) -> tuple[Outlook, ...]:
    """All elements with a probability above 0 at any horizon, the most probable first.

    A snapshot without a solution counts as outside: nobody can take it for good. It counts for the most
    loaded line, the most loaded transformer and the lowest bus, because a collapse begins somewhere; that all
    others would go with it tells nobody anything.
    """
    open_ = _worth_drawing(network, load_flow, forecast, reactive, limits)
    p_kw = draw(forecast, count, rng)[open_]
    n_sp = p_kw.shape[-1]
    batch = p_kw.reshape(-1, n_sp)
    if not len(batch):
        return ()
    results = load_flow.solve_batch(batch, reactive(batch))
    shown = results if results.converged.all() else _eased(load_flow, batch[~results.converged], reactive)
    tables = zip(_tables(network, limits, results), _tables(network, limits, shown), strict=True)
    found = [
        one for table, eased in tables for one in _of_table(table, open_, count, weakest=eased.weakest())
    ]
    return tuple(sorted(found, key=lambda one: float(one.probability.max()), reverse=True))


def _worth_drawing(
    network: Network, load_flow: FactoredLoadFlow, forecast: Forecast, reactive: Reactive, limits: Limits
) -> NDArray[np.bool_]:
    """(n_horizon,) whether anything is outside with all service points at the same end of their intervals."""
    n_horizon = len(forecast.sum_kw)
    ends = np.concatenate([forecast.quantiles_kw[:, 0], forecast.quantiles_kw[:, -1]])
    breaks = [
        not result.converged or bool(find_violations(network, result, limits))
        for result in load_flow.solve_batch(ends, reactive(ends))
    ]
    return np.asarray(np.reshape(breaks, (2, n_horizon)).any(axis=0))


def _eased(load_flow: FactoredLoadFlow, unsolved_kw: Floats, reactive: Reactive) -> BatchResult:
    """Snapshots that have no solution, on average, with so much less that it shows where they collapse."""
    less_kw = _EASED[:, np.newaxis] * unsolved_kw.mean(axis=0)
    return load_flow.solve_batch(less_kw, reactive(less_kw))


@dataclass(frozen=True)
class _Table:
    ids: tuple[str, ...]
    kind: ViolationKind
    limit: Floats
    """(n_element,)"""
    values: Floats
    """(n_snapshot, n_element)"""
    side: int
    """which is outside: 1 above the limit, −1 below it"""
    collapses: bool = True
    """whether a collapse goes this way"""

    def weakest(self) -> int | None:
        """The element that comes nearest to its limit, or goes farthest beyond it, in any snapshot."""
        if not self.collapses or not len(self.ids):
            return None
        beyond = self.side * (self.values / self.limit - 1)
        return int(np.nan_to_num(beyond, nan=-np.inf).max(axis=0).argmax())


def _tables(network: Network, limits: Limits, results: BatchResult) -> Iterator[_Table]:
    lines, transformers = network.lines, network.transformers
    low, high = voltage_limits(network, limits)
    line_limit, transformer_limit = loading_limits(lines, limits), loading_limits(transformers, limits)
    loaded = results.transformer_loading_percent
    yield _Table(lines.ids, "line_overload", line_limit, results.line_loading_percent, 1)
    yield _Table(transformers.ids, "transformer_overload", transformer_limit, loaded, 1)
    yield _Table(network.buses.ids, "undervoltage", low, results.v_pu, -1)
    yield _Table(network.buses.ids, "overvoltage", high, results.v_pu, 1, collapses=False)


def _of_table(
    table: _Table, open_: NDArray[np.bool_], count: int, *, weakest: int | None
) -> Iterator[Outlook]:
    values, of_all = table.values, (len(open_), len(table.ids))
    outside = table.side * (values - table.limit) > 0
    if weakest is not None:
        outside[:, weakest] |= np.isnan(values).all(axis=1)
    probability, middle = np.zeros(of_all), np.full(of_all, np.nan)
    shape = (-1, count, len(table.ids))
    probability[open_] = outside.reshape(shape).mean(axis=1)
    middle[open_] = _medians(values.reshape(shape), table.limit)
    for n in np.flatnonzero(probability.any(axis=0)):
        yield Outlook(table.ids[n], table.kind, float(table.limit[n]), probability[:, n], middle[:, n])


def _medians(values: Floats, limit: Floats) -> Floats:
    """(n_horizon, n_element) of `values` (n_horizon, count, n_element) without NaN; `limit` where all are."""
    known = ~np.isnan(values).all(axis=1, keepdims=True)
    return np.asarray(np.nanmedian(np.where(known, values, limit), axis=1))
