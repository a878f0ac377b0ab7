"""[5] How much solving one allocation may take in all: rounds, edges, small cuts and attempts together.

Counted in programmes and branchings, never in time, so that the same snapshot gives the same answer on every
machine. When it is used up, the best answer so far stands.
"""

from grid_model.linear_programme import MAX_NODES, Programme, Solution, Solver, solve

BUDGET = 1_200
"""Programmes without whole columns, or as much work in others: one to two seconds where all is stepped, while
an allocation of chargers takes 3 to 30 of them."""


class Work:
    """One solver, and what it may still do."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._solver = Solver()

    @property
    def done(self) -> bool:
        """Nothing is left of the budget."""
        return self._left <= 0

    def solve(self, programme: Programme) -> Solution:
        """As `linear_programme.solve`. The first programme is solved whatever the budget."""
        solution = solve(programme, self._solver, max_nodes=min(max(self._left, 1), MAX_NODES))
        self._left -= solution.work
        return solution
