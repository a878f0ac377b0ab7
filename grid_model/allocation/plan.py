"""[5] The least curtailment that clears all violations, within floors: a linear programme on load-flow
sensitivities, repeated with load flow until clear."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from grid_model.allocation.columns import Columns, columns_of
from grid_model.allocation.devices import FlexibleDevice, check_device, is_known
from grid_model.allocation.missing import missing
from grid_model.allocation.outcome import Allocation, Curtailment
from grid_model.allocation.reserve import ATTEMPTS, draws, first_quantile, next_quantile
from grid_model.allocation.rules import Reserve, Rules
from grid_model.allocation.search import Search, Trial
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.violations import Limits, find_violations

_AS_ASKED = Rules()


def allocate(  # noqa: PLR0917  the contract with the controller
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    devices: Sequence[FlexibleDevice],
    limits: Limits,
    rules: Rules = _AS_ASKED,
) -> Allocation:
    """The least curtailed power that brings every element within `limits`; best effort when it cannot be
    cleared, with what is missing.

    `p_kw`, `q_kvar` are (n_sp,). Devices that are critical, or have no way to move, are never touched;
    nor are those of which nobody knows what they take. The work is bounded (`work.py`); when that is used up,
    the best found is the answer. An
    ordinary device's cut is active power only: its reactive power is not known, and a charger or heat pump
    has little. Raises Diverged when the load flow before any cut does not converge, or the programme has no
    answer; ValueError for an impossible device.
    """
    before = load_flow.solve(p_kw, q_kvar)
    violations = find_violations(network, before, limits)
    columns = columns_of([check_device(device) for device in devices if is_known(device)], rules.rotation)
    if not violations:
        return Allocation((), True, before, (), rounds=0)
    if not len(columns.most):
        lacking = partial(missing, network, load_flow, p_kw, q_kvar, violations)
        return Allocation((), False, before, violations, rounds=0, find_missing=lacking)
    search = Search(network, load_flow, p_kw, q_kvar, columns=columns, limits=limits, rules=rules)
    if rules.reserve is None:
        best, assured = search.run(before), None
    else:
        sure = draws(load_flow, search.watch, p_kw, q_kvar, columns=columns, reserve=rules.reserve)
        best, assured = _with_reserve(search, before, rules.reserve, sure.assured)
    more_p, more_q = columns.added(best.x, len(p_kw))
    return Allocation(
        curtailments=_curtailments(network, columns, best),
        cleared=best.cleared,
        after=best.result,
        remaining=best.remaining,
        rounds=best.rounds,
        gap=best.gap,
        assured=assured,
        find_missing=partial(missing, network, load_flow, p_kw + more_p, q_kvar + more_q, best.remaining),
    )


def _with_reserve(
    search: Search, before: LoadFlowResult, reserve: Reserve, assured: Callable[[Floats], float]
) -> tuple[Trial, float]:
    """The first answer that is as sure as wanted, or the surest."""
    z, found = first_quantile(reserve), list[tuple[Trial, float]]()
    for _ in range(ATTEMPTS):
        trial = search.run(before, z)
        found.append((trial, assured(trial.x)))
        sure = found[-1][1] >= reserve.confidence
        no_surer = not trial.attained and len(found) > 1 and found[-1][1] <= found[-2][1]
        if sure or no_surer or not trial.cleared or search.exhausted:
            break
        z = next_quantile(z)
    return max(found, key=lambda pair: (pair[0].cleared, pair[1]))


def _curtailments(network: Network, columns: Columns, best: Trial) -> tuple[Curtailment, ...]:
    signed = columns.sign * best.x
    n = len(columns.devices)
    p_kw = np.bincount(columns.owner, weights=np.where(columns.reactive, 0.0, signed), minlength=n)
    q_kvar = np.bincount(columns.owner, weights=np.where(columns.reactive, signed, 0.0), minlength=n)
    return tuple(
        _curtailment(network, device, float(p), float(q))
        for device, p, q in zip(columns.devices, p_kw, q_kvar, strict=True)
        if p or q
    )


def _curtailment(network: Network, device: FlexibleDevice, p_kw: float, q_kvar: float) -> Curtailment:
    """What a device is told that is to take `p_kw` and `q_kvar` more."""
    limit_kw = round(device.p_kw + p_kw, 6) if p_kw else device.p_kw
    limit_kw = min(max(limit_kw, device.lowest_kw), device.highest_kw)
    return Curtailment(
        device=device.device,
        service_point=network.service_points[device.service_point],
        p_kw=device.p_kw,
        limit_kw=limit_kw,
        curtailed_kw=round(abs(device.p_kw - limit_kw), 6),
        sense="at_least" if limit_kw > device.p_kw or (p_kw == 0 and device.p_kw < 0) else "at_most",
        q_kvar=round(device.q_kvar + q_kvar, 6) if q_kvar else None,
    )
