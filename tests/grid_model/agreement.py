"""The load flow against plain `runpp` on random networks; many of them by

python -m tests.grid_model.agreement --seed 1 --networks 200 [--generators] [--switchings 6]
"""

import argparse
import copy
import logging
from collections import Counter
from typing import Any

import numpy as np

from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import network_of
from tests.grid_model.random_networks import Floats, Solved, apply, random_change, random_net, solve

WITHIN_PU = 1e-8
WITHIN_PERCENT = 1e-6


def faults(result: LoadFlowResult, expected: Solved | None) -> list[str]:
    """In what the result differs from that of `runpp`; nothing is expected of what `runpp` cannot solve."""
    if expected is None:
        return []
    if not result.converged:
        return ["did not converge"]
    if not np.array_equal(np.isnan(result.v_pu), np.isnan(expected.v_pu)):
        return ["other buses are supplied"]
    found = []
    if (off := _largest(result.v_pu, expected.v_pu)) > WITHIN_PU:
        found.append(f"voltage {off:.1e} pu")
    if (off := _largest(result.line_loading_percent, expected.line_percent)) > WITHIN_PERCENT:
        found.append(f"line {off:.1e} %")
    if (off := _largest(result.transformer_loading_percent, expected.transformer_percent)) > WITHIN_PERCENT:
        found.append(f"transformer {off:.1e} %")
    return found


def _largest(one: Floats, other: Floats) -> float:
    difference = np.abs(one - other)
    return float(np.nanmax(difference)) if np.isfinite(difference).any() else 0.0


class Trial:
    """One random network, its load flow as it is switched, and the same network for pandapower."""

    def __init__(self, seed: int, *, generators: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.net = random_net(self.rng, generators=generators)
        self.network = network_of(copy.deepcopy(self.net), f"random {seed}")
        self.load_flow = FactoredLoadFlow(self.network)
        scale = self.rng.uniform(0.2, 1.5, len(self.network.service_points))
        self.p_kw, self.q_kvar = self.network.default_p_kw * scale, self.network.default_q_kvar * scale

    def result(self) -> LoadFlowResult:
        """Ours."""
        return self.load_flow.solve(self.p_kw, self.q_kvar)

    def faults(self) -> list[str]:
        """In what ours differs from plain `runpp`."""
        return faults(self.result(), self.expected())

    def expected(self) -> Solved | None:
        """That of pandapower; None where it cannot solve, or refuses to."""
        try:
            return solve(copy.deepcopy(self.net), self.p_kw, self.q_kvar)
        except UserWarning:
            return None

    def switch(self) -> None:
        """One or two random changes, here and there."""
        changes = [random_change(self.net, self.rng) for _ in range(int(self.rng.integers(1, 3)))]
        for change in changes:
            apply(self.net, change)
        self.load_flow = self.load_flow.switched(*changes)


def main() -> None:
    """Print what disagrees, and a summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--generators", action="store_true")
    parser.add_argument("--switchings", type=int, default=0)
    args = parser.parse_args()
    logging.disable(logging.ERROR)
    counts: Counter[str] = Counter()
    for seed in range(args.seed * 100_000, args.seed * 100_000 + args.networks):
        trial = Trial(seed, generators=args.generators)
        _count(counts, trial, seed)
        for _ in range(args.switchings):
            trial.switch()
            _count(counts, trial, seed)
    for what, times in sorted(counts.items()):
        print(f"{times:6} {what}")


def _count(counts: Counter[str], trial: Trial, seed: int) -> None:
    counts["load flows"] += 1
    counts[
        "of them by runpp: " + trial.load_flow.unfit_reason if trial.load_flow.unfit_reason else "factored"
    ] += 1
    expected: Any = trial.expected()
    counts["runpp does not solve it"] += expected is None
    found = faults(trial.result(), expected)
    counts["disagree"] += bool(found)
    if found:
        print(f"seed {seed}: {', '.join(found)}", flush=True)


if __name__ == "__main__":
    main()
