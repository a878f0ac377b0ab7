"""Curtailed power against the AC optimum, refusals with and without a reserve, and the burden of a month.

Three tables: how much more than the least is cut (found by two other roads, `ac_optimum.py`), and whether
anything is left that the optimum clears; how often a plan holds when devices refuse at random; and how evenly
a month of events falls on the customers.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grid_model.allocation import (
    SPREAD,
    Allocation,
    FlexibleDevice,
    Reserve,
    Rules,
    allocate,
    fairness_weights,
    gini,
)
from grid_model.network import Floats
from grid_model.violations import Limits
from grid_model.watch import Watch
from gridward.bench.ac_optimum import ac_optimum_kw, runopp_kw
from gridward.bench.allocation_cases import (
    CHARGER_KW,
    NETWORKS,
    QUICK,
    Case,
    Kind,
    cases,
    charger,
    loaded,
)

_CASES, _QUICK_CASES = 6, 2
"""For each network and kind."""
_RUNOPP = 2
"""Of them, that pandapower is asked about: it takes seconds for one."""
_COMPLY, _CONFIDENCE, _DRAWS = 0.9, 0.95, 400
_DAYS, _QUICK_DAYS = 30, 10
_EVENT_H = 1.0
_CORNER, _EVEN = Rules(), Rules(spread=SPREAD)


def print_figures(seed: int, quick: bool) -> None:
    """Print the three tables."""
    _print_optimality(seed, quick)
    _print_refusals(seed, quick)
    _print_fairness(seed, quick)


@dataclass
class _Excess:
    """What is gathered over the cases of one network and kind."""

    spread: list[float] = field(default_factory=list)
    """percent above the optimum"""
    corner: list[float] = field(default_factory=list)
    runopp: list[float] = field(default_factory=list)
    """percent of the optimum above pandapower's"""
    ms: list[float] = field(default_factory=list)
    unclearable: int = 0
    unsolved: int = 0


def _print_optimality(seed: int, quick: bool) -> None:
    print(
        f"{'network':<28} {'kind':<9} {'cases':>5} {'unsolved':>8} {'mean %':>7} {'max %':>7} "
        f"{'corner mean %':>13} {'max %':>7} {'runopp %':>9} {'ms':>6}"
    )
    total, count = _Excess(), _QUICK_CASES if quick else _CASES
    for source in QUICK if quick else NETWORKS:
        network, load_flow = loaded(source)
        kinds: tuple[Kind, ...] = ("chargers", "feed-in")
        for kind in kinds:
            found = _Excess()
            for case in cases(network, load_flow, kind, np.random.default_rng(seed), count):
                _compare(case, found, with_runopp=len(found.runopp) < _RUNOPP)
            _print_row(source, kind, found)
            _add(total, found)
    _print_row("all", "", total)
    print(
        "unsolved: a violation is left that the AC optimum clears. mean, max: kW more than that optimum\n"
        "(SLSQP on the full load flow); corner: without spreading the cut. runopp: how far the optimum is\n"
        f"from pandapower's. {total.unclearable} more cases that nothing clears. ms: of processor time."
    )


def _compare(case: Case, found: _Excess, *, with_runopp: bool) -> None:
    start = time.process_time()
    answer = _allocate(case, _EVEN)
    found.ms.append((time.process_time() - start) * 1000)
    corner = _allocate(case, _CORNER)
    optimum_kw = ac_optimum_kw(case, _cut_kw(case.devices, corner))
    if optimum_kw is None:
        found.unclearable += 1
        return
    found.unsolved += not answer.cleared
    found.spread.append(100 * (answer.curtailed_kw / optimum_kw - 1))
    found.corner.append(100 * (corner.curtailed_kw / optimum_kw - 1))
    other_kw = runopp_kw(case) if with_runopp else None
    if other_kw is not None:
        found.runopp.append(100 * abs(optimum_kw / other_kw - 1))


def _add(total: _Excess, found: _Excess) -> None:
    total.spread += found.spread
    total.corner += found.corner
    total.runopp += found.runopp
    total.ms += found.ms
    total.unclearable += found.unclearable
    total.unsolved += found.unsolved


def _print_row(source: str, kind: str, found: _Excess) -> None:
    print(
        f"{source:<28} {kind:<9} {len(found.spread):>5} {found.unsolved:>8} {_mean(found.spread):>7.3f} "
        f"{_most(found.spread):>7.3f} {_mean(found.corner):>13.3f} {_most(found.corner):>7.3f} "
        f"{_most(found.runopp):>9.4f} {_mean(found.ms):>6.1f}",
        flush=True,
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def _most(values: Sequence[float]) -> float:
    return max(values, default=np.nan)


def _allocate(case: Case, rules: Rules) -> Allocation:
    return allocate(case.network, case.load_flow, case.p_kw, case.q_kvar, case.devices, Limits(), rules)


def _cut_kw(devices: Sequence[FlexibleDevice], answer: Allocation) -> Floats:
    """(n_device,)"""
    cut = {curtailment.device: curtailment.curtailed_kw for curtailment in answer.curtailments}
    return np.array([cut.get(device.device, 0.0) for device in devices])


def _print_refusals(seed: int, quick: bool) -> None:
    """Each device does what it is asked with the same probability; the draws are others than the plan's."""
    network, load_flow = loaded(QUICK[1])
    watch, rng = Watch(network, Limits()), np.random.default_rng(seed)
    reserve = Rules(spread=SPREAD, reserve=Reserve(confidence=_CONFIDENCE, seed=seed))
    plain, sure, more_kw, reached = [], [], [], 0
    count = _QUICK_CASES if quick else 3 * _CASES
    for case in cases(network, load_flow, "chargers", np.random.default_rng(seed), count):
        doubtful = replace(case, devices=tuple(replace(device, comply=_COMPLY) for device in case.devices))
        answers = [_allocate(doubtful, rules) for rules in (_EVEN, reserve)]
        if not answers[1].cleared:
            continue
        held = [_held(case, answer, watch, rng) for answer in answers]
        plain.append(held[0])
        sure.append(held[1])
        reached += (answers[1].assured or 0.0) >= _CONFIDENCE
        more_kw.append(answers[1].curtailed_kw / answers[0].curtailed_kw - 1)
    print(
        f"\n{len(plain)} evenings, each device obeys with {_COMPLY:.0%}: within limits in "
        f"{_mean(plain):.1%} of {_DRAWS} draws without a reserve, {_mean(sure):.1%} with one for "
        f"{_CONFIDENCE:.0%} (worst {min(sure):.1%});\n{reached} say they reach it; "
        f"it asks for {_mean(more_kw):.0%} more."
    )


def _held(case: Case, answer: Allocation, watch: Watch, rng: np.random.Generator) -> float:
    """Share of draws within limits."""
    cut = _cut_kw(case.devices, answer)
    obeyed = cut * (rng.random((_DRAWS, len(cut))) < _COMPLY)
    p_kw = np.tile(case.p_kw, (_DRAWS, 1))
    for column, device in enumerate(case.devices):
        p_kw[:, device.service_point] -= obeyed[:, column]
    results = case.load_flow.solve_batch(p_kw, np.tile(case.q_kvar, (_DRAWS, 1)))
    return sum(map(watch.holds, results)) / _DRAWS


def _print_fairness(seed: int, quick: bool) -> None:
    """The same evening again and again, with four of five chargers at work, others each day."""
    heads = f"{'customers':>9} {'Gini':>6} {'mean kWh':>8} {'max kWh':>8} {'kWh':>7}"
    print(f"\n{'burden of the month':<19} {heads}")
    for name, rules, fair in (
        ("least kW, corner", _CORNER, False),
        ("spread", _EVEN, False),
        ("spread and fairness", _EVEN, True),
    ):
        kwh = _month_kwh(seed, _QUICK_DAYS if quick else _DAYS, rules, fair)
        print(
            f"{name:<19} {len(kwh):>9} {gini(kwh):>6.3f} {kwh.mean():>8.2f} {kwh.max():>8.2f} "
            f"{kwh.sum():>7.0f}",
            flush=True,
        )


def _month_kwh(seed: int, days: int, rules: Rules, fair: bool) -> Floats:
    """(n_device,) kWh cut of each customer who has a charger."""
    network, load_flow = loaded(QUICK[1])
    rng = np.random.default_rng(seed)
    points = rng.permutation(len(network.service_points))[: int(0.8 * len(network.service_points))]
    kwh = np.zeros(len(points))
    for _ in range(days):
        scale = rng.uniform(0.3, 0.5) * rng.lognormal(0.0, 0.3, len(network.service_points))
        p_kw, q_kvar = network.default_p_kw * scale, network.default_q_kvar * scale
        charging = rng.random(len(points)) < 0.8
        p_kw[points[charging]] += CHARGER_KW
        weights = fairness_weights(kwh) if fair else np.ones(len(points))
        devices = [
            replace(charger(int(point)), weight=float(weight))
            for point, weight in zip(points[charging], weights[charging], strict=True)
        ]
        answer = allocate(network, load_flow, p_kw, q_kvar, devices, Limits(), rules)
        kwh[charging] += _cut_kw(devices, answer) * _EVENT_H
    return kwh
