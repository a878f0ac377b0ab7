"""[5] One allocation: linearise at the cut found so far, solve, round, look with the load flow, again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grid_model.allocation.columns import Columns
from grid_model.allocation.derivatives import Derivatives
from grid_model.allocation.reserve import with_reserve
from grid_model.allocation.rules import Rules
from grid_model.allocation.spreading import spread
from grid_model.allocation.tangents import Key, Tangents, key_of, planes, room_of, rounding
from grid_model.allocation.work import Work
from grid_model.errors import Diverged
from grid_model.linear_programme import Programme, Solution
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Ints, Network
from grid_model.violations import Limits, Violation, find_violations, severity
from grid_model.watch import Row, Watch

_MAX_ROUNDS = 12
_SETTLED = 1e-3
"""Relative change of the cost, or of what it could still fall, at which the search ends."""
_WIDEST_MARGIN = 64.0
"""In multiples of what rounding one limit can undo. A vertex of the programme has few devices between their
bounds, so it begins with one; when this many do not clear, more will not."""
_DERIVED = 3
"""Derivatives are taken in this many rounds. After them only the load flow's values are new: that converges,
and costs less."""
_HELD = 1e-4
"""Part of a rating by which a reserve may be missed."""
_TRACE_KVAR = 1e-9
"""Perturbed derivatives leave out reactive power where there is none."""
_MAX_EDGES = 16
_RESERVE_TANGENTS = 24


@dataclass(frozen=True)
class Trial:
    """One cut that was looked at with the load flow."""

    x: Floats
    """(n,) the movements, rounded"""
    result: LoadFlowResult
    """when all do what they are asked"""
    expected: LoadFlowResult
    """when each does its expected part; the same without a reserve"""
    remaining: tuple[Violation, ...]
    rounds: int = 0
    gap: float = 0.0
    attained: bool = True
    """whether the programme could hold all its rows"""

    @property
    def cleared(self) -> bool:
        """Nothing is outside its limits."""
        return not self.remaining


class Search:
    """The successive linear programme over one snapshot."""

    def __init__(
        self,
        network: Network,
        load_flow: FactoredLoadFlow,
        p_kw: Floats,
        q_kvar: Floats,
        *,
        columns: Columns,
        limits: Limits,
        rules: Rules,
    ) -> None:
        self._network, self._load_flow, self._limits = network, load_flow, limits
        self._p_kw, self._q_kvar = p_kw, q_kvar
        self._columns, self._rules = columns, rules
        self._hard, self._hard_bound = columns.one_step_each()
        self.watch = Watch(network, limits)
        self._derivatives, self._work = Derivatives(network, load_flow), Work()
        self._tangents: list[Tangents] = []
        self._kept: list[Key] = []
        self._seen: tuple[LoadFlowResult, list[Row]] | None = None
        self._left_out: Ints = np.zeros(0, dtype=np.int64)

    @property
    def exhausted(self) -> bool:
        """The budget of work is used up: what was found so far is the answer."""
        return self._work.done

    def run(self, before: LoadFlowResult, z: float | None = None) -> Trial:
        """The best cut found. With `z`, that many standard deviations of refusals are kept in reserve."""
        idle = np.zeros(len(self._columns.most))
        best = last = Trial(idle, before, before, find_violations(self._network, before, self._limits))
        best_rank, cost, margin = self._rank(best, z), 0.0, 1.0
        tried = [idle]
        for rounds in range(1, _MAX_ROUNDS + 1):
            if self._work.done:
                break
            found = self._round(last, margin, tried, z)
            if found is None:
                break
            trial, solution = found
            rank = self._rank(trial, z)
            if rank < best_rank:
                best, best_rank = trial, rank
            settled = self._settled(trial, solution, rounds, cost)
            settled &= (
                z is None or rank[1] == 0 or not solution.feasible
            )  # the reserve is there, or cannot be
            if settled and (trial.cleared or not solution.feasible or margin >= _WIDEST_MARGIN):
                break
            cost, last = float(self._columns.cost @ trial.x), trial
            tried += [trial.x, np.mean([*tried[1:], trial.x], axis=0)]
            margin = margin if trial.cleared else 2 * margin
        return best

    def _round(
        self, last: Trial, margin: float, tried: Sequence[Floats], z: float | None
    ) -> tuple[Trial, Solution] | None:
        """The cut after `last`; None where none follows. Raises Diverged where there is not even a first."""
        try:
            programme, solution = self._solve(self._programme(last, margin, tried, z))
            x = self._columns.rounded(self._chosen(programme, solution))
        except Diverged:
            if last.rounds == 0:
                raise
            return None
        trial = self._look(x, last.rounds + 1, solution)
        return None if trial is None else (trial, solution)

    def _settled(self, trial: Trial, solution: Solution, rounds: int, cost_before: float) -> bool:
        """The cost hardly moved, or what the rows still leave unused is worth next to nothing."""
        cost = float(self._columns.cost @ trial.x)
        if abs(cost - cost_before) <= _SETTLED * max(cost_before, 1.0):
            return True
        if rounds == 1 or not solution.prices.any() or trial.expected is not trial.result:
            return False
        room = {key_of(row): room_of(row) for row in self._rows(trial.result)}
        unused = np.array([max(room[key], 0.0) for key in self._kept])
        return float(solution.prices @ unused) <= _SETTLED * max(cost, 1.0)

    def _rank(self, trial: Trial, z: float | None) -> tuple[bool, float, float]:
        """Cleared comes first, then the least excess left, then the cheaper one."""
        excess = sum(map(severity, trial.remaining))
        if z is not None and trial.cleared:
            excess = self._reserve_missed(trial, z)
        return not trial.cleared, round(excess, 6), float(self._columns.cost @ trial.x)

    def _reserve_missed(self, trial: Trial, z: float) -> float:
        rows, columns = self._rows(trial.expected), self._columns
        found = planes(self._derived(rows, trial), rows, trial.x * columns.comply)
        matrix, spare = with_reserve(columns, found.matrix, trial.x, z)
        return float(np.maximum(matrix @ trial.x + spare - found.bound - _HELD, 0.0).sum())

    def _rows(self, result: LoadFlowResult) -> list[Row]:
        """The watched rows at `result`, which several steps of a round ask for."""
        if self._seen is None or self._seen[0] is not result:
            self._seen = result, self.watch.rows(result)
        return self._seen[1]

    def _look(self, x: Floats, rounds: int, solution: Solution) -> Trial | None:
        """The load flow over the cut `x`; None where it does not converge."""
        result = self._after(x)
        if not result.converged:
            return None
        expected = result
        if self._rules.reserve is not None:
            expected = self._after(x * self._columns.comply)
            if not expected.converged:
                return None
        remaining = find_violations(self._network, result, self._limits)
        return Trial(x, result, expected, remaining, rounds, solution.gap, solution.feasible)

    def _after(self, x: Floats) -> LoadFlowResult:
        p, q = self._columns.added(x, len(self._p_kw))
        return self._load_flow.solve(self._p_kw + p, self._q_kvar + q)

    def _derived(self, rows: Sequence[Row], trial: Trial) -> list[Tangents]:
        """The tangents so far; with those at `trial` in the first rounds, and where an element is new."""
        columns, keys = self._columns, tuple(map(key_of, rows))
        x = trial.x if trial.expected is trial.result else trial.x * columns.comply
        if len(self._tangents) >= _DERIVED and set(keys) <= set(self._tangents[-1].keys):
            return self._tangents
        p, q = columns.added(x, len(self._p_kw))
        q_kvar = self._q_kvar + q
        q_kvar[columns.point[columns.reactive]] += _TRACE_KVAR
        elements = [row.element for row in rows]
        found = self._derivatives.at(self._p_kw + p, q_kvar, elements)
        scale = np.array([row.direction / row.scale for row in rows])
        matrix = columns.matrix(found.per_kw, found.per_kvar) * scale[:, None]
        room = np.array([room_of(row) for row in rows])
        self._tangents.append(Tangents(keys, x, matrix, room))
        return self._tangents

    def _programme(self, last: Trial, margin: float, tried: Sequence[Floats], z: float | None) -> Programme:
        """The programme, linearised at all cuts so far, where the load flow says `last.expected`."""
        columns, rows = self._columns, self._rows(last.expected)
        x = last.x if z is None else last.x * columns.comply
        found = planes(self._derived(rows, last), rows, x)
        matrix, bound = found.matrix, found.bound - rounding(columns, found.matrix, last.x, margin)
        keys = found.keys
        if z is not None:  # a tangent of what is kept in reserve at every cut that was tried
            kept_back = [with_reserve(columns, matrix, x, z) for x in tried[-_RESERVE_TANGENTS:]]
            matrix = np.vstack([rows for rows, _ in kept_back])
            bound = np.concatenate([bound - spare for _, spare in kept_back])
            keys = keys * len(kept_back)
        kept = np.flatnonzero(np.maximum(matrix, 0.0) @ columns.most > bound)  # the others hold anyhow
        self._kept = [keys[place] for place in kept]
        return Programme(
            columns.cost,
            columns.most,
            matrix[kept],
            bound[kept],
            self._hard,
            self._hard_bound,
            columns.whole,
        )

    def _solve(self, programme: Programme) -> tuple[Programme, Solution]:
        """Also within the apparent power of each inverter: its edges come in as they are crossed."""
        solution = self._work.solve(programme)
        for _ in range(_MAX_EDGES):
            rows, bounds = self._columns.overdrawn(solution.x)
            if not len(bounds) or self._work.done:
                break
            programme = _with_hard(programme, rows, bounds)
            solution = self._work.solve(programme)
        return programme, solution

    def _spread(self, programme: Programme, vertex: Floats, allowance: float) -> tuple[Programme, Floats]:
        """As `_solve`, of the spread answer."""
        x = spread(programme, vertex, allowance)
        for _ in range(_MAX_EDGES):
            rows, bounds = self._columns.overdrawn(x)
            if not len(bounds):
                break
            programme = _with_hard(programme, rows, bounds)
            x = spread(programme, vertex, allowance)
        return programme, x

    def _chosen(self, programme: Programme, solution: Solution) -> Floats:
        """The movements, spread as far as the rules allow, and none too small for a command.

        Half of those that are too small are left out, the smallest first, as long as the others can do it.
        Without a reserve the next round begins without them: with one they are others in every round.
        """
        allowance, cost = self._rules.spread, float(programme.cost @ solution.x)
        most_cost = cost * (1 + allowance)
        found = None
        if len(self._left_out) and not self._work.done and self._rules.reserve is None:
            found = self._without(programme, solution, self._left_out, most_cost)
        if found is None:
            self._left_out = np.zeros(0, dtype=np.int64)
            found = self._spread(programme, solution.x, allowance)
        self._hard, self._hard_bound = found[0].hard, found[0].hard_bound  # edges hold in all rounds
        while len(small := self._too_small(found[1])) and not self._work.done:
            leave = np.concatenate([self._left_out, small[: (len(small) + 1) // 2]])
            fewer = self._without(found[0], solution, leave, most_cost)
            if fewer is None:
                break
            found, self._left_out = fewer, leave
        return self._columns.within_ratings(found[1])

    def _without(
        self, programme: Programme, solution: Solution, leave: Ints, most_cost: float
    ) -> tuple[Programme, Floats] | None:
        """The spread answer without the columns `leave`; None where that is dearer than it may be."""
        most = programme.most.copy()
        most[leave] = 0.0
        programme, fewer = self._solve(replace(programme, most=most))
        cost = float(programme.cost @ fewer.x)
        if fewer.feasible != solution.feasible or cost > most_cost:
            return None
        return self._spread(programme, fewer.x, most_cost / cost - 1 if cost > 0 else 0.0)

    def _too_small(self, x: Floats) -> Ints:
        """Columns, the smallest first; among equals by the turn of rotation, which is in the cost."""
        columns = self._columns
        small = np.flatnonzero((x > 0) & (x < self._rules.least_cut_kw) & ~columns.whole & ~columns.reactive)
        return np.asarray(small[np.lexsort((-columns.cost[small], np.round(x[small], 3)))])


def _with_hard(programme: Programme, rows: Floats, bounds: Floats) -> Programme:
    return replace(
        programme,
        hard=np.vstack([programme.hard, rows]),
        hard_bound=np.concatenate([programme.hard_bound, bounds]),
    )
