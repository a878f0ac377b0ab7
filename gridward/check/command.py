"""`gridward check`: one snapshot through the whole of the path's thinking: check, locate, allocate, check
again.

Standard output carries the answer only, so that `--json` can be piped; everything else goes to standard
error.
"""

import argparse
import contextlib
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grid_model.allocation import allocate
from grid_model.errors import Diverged, Finding, UnknownElement
from grid_model.explanation import Explanation, explain
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.location import compose
from grid_model.network import Floats
from grid_model.referee import disagreement
from grid_model.three_phase.violations import PhaseLimits
from grid_model.violations import Limits, find_violations
from gridward.check import phases as check_phases
from gridward.check.arguments import add_arguments
from gridward.check.estimate import Sureness, sureness
from gridward.check.input import CheckFiles, CheckInput, InputRejected, read_input
from gridward.check.owned import LEAST_KW
from gridward.check.phases_input import PhaseFiles, read_phase_input
from gridward.check.phases_report import PhaseOutcome
from gridward.check.phases_report import document as phase_document
from gridward.check.phases_report import report as phase_report
from gridward.check.report import Outcome, State, document, report

__all__ = ["add_arguments", "check", "run"]

_DISAGREE_PU = 1e-6
_VOLTAGE_DIFFERENCE = 0.02
_EXAMPLES = 5


def run(args: argparse.Namespace) -> int:
    """0: within limits, or cleared; 1: could not be cleared, or does not converge; 2: wrong input."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)  # it advertises numba once per process
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries print
            outcome = _per_phase(args) if args.phases or args.unbalanced else _balanced(args)
    except InputRejected as rejected:
        count = len(rejected.findings)
        print(f"gridward check: wrong input, {count} finding{'s' if count > 1 else ''}", file=sys.stderr)
        for finding in rejected.findings:
            print(f"  {finding.severity}: {finding}", file=sys.stderr)
        return 2
    print(_said(outcome, as_json=args.json))
    return 0 if outcome.cleared else 1


def _balanced(args: argparse.Namespace) -> Outcome:
    if args.typical_zero_sequence:
        expected = "is for a check per phase; expected --phases or --unbalanced with it"
        raise InputRejected([Finding("error", "--typical-zero-sequence", expected)])
    files = CheckFiles(args.readings, args.devices, args.customers, args.substation, args.appliances)
    data = read_input(args.network, files, max_age=args.max_age)
    return check(data, _known(data, args.explain))


def _per_phase(args: argparse.Namespace) -> PhaseOutcome:
    balanced = [
        ("--explain", args.explain),
        ("--substation", args.substation),
        ("--appliances", args.appliances),
    ]
    expected = "is for a balanced check; expected neither --phases nor --unbalanced with it"
    if wrong := [Finding("error", option, expected) for option, value in balanced if value]:
        raise InputRejected(wrong)
    data = read_phase_input(
        args.network,
        PhaseFiles(args.readings, args.phases, args.devices, args.customers),
        max_age=args.max_age,
        typical_zero_sequence=args.typical_zero_sequence,
    )
    return check_phases.check(data, PhaseLimits(neutral_percent=args.neutral_limit))


def _said(outcome: Outcome | PhaseOutcome, *, as_json: bool) -> str:
    if not as_json:
        return phase_report(outcome) if isinstance(outcome, PhaseOutcome) else report(outcome)
    answer = phase_document(outcome) if isinstance(outcome, PhaseOutcome) else document(outcome)
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)


def _known(data: CheckInput, names: Sequence[str]) -> tuple[str, ...]:
    """The service points of these names. Raises InputRejected with all that the network does not have."""
    place, points = data.network.service_point_index(), data.network.service_points
    wrong = [name for name in names if name not in place]
    if wrong:
        expected = "is no service point of the network; expected its name or load:INDEX"
        raise InputRejected([Finding("error", "--explain", f"{name!r} {expected}") for name in wrong])
    return tuple(dict.fromkeys(points[place[name]] for name in names))


def check(data: CheckInput, explain_to: Sequence[str] = ()) -> Outcome:
    """Check, locate, allocate, check again; `explain_to` are service points who want to know. Never raises
    for a load flow that does not converge: it says so."""
    network, limits = data.network, Limits()
    load_flow = FactoredLoadFlow(network)
    warnings = list(data.warnings)
    known = sureness(data, load_flow, limits, warnings)
    if known is not None:
        data, load_flow = _estimated(data, known), load_flow.at_voltage(known.estimate.slack_scale)
    p_kw, q_kvar = data.snapshot.p_kw, data.snapshot.q_kvar
    if load_flow.unfit_reason:
        warnings.append(f"solved by runpp throughout: {load_flow.unfit_reason}")
    result = _confirmed(load_flow, load_flow.solve(p_kw, q_kvar), p_kw, q_kvar, warnings)
    if not result.converged:
        warnings.append(
            "the load flow does not converge, by the fixed point nor by runpp; check the readings"
        )
        dark = State(result, ())
        return Outcome(network, dark, (), (), dark, tuple(warnings))
    warnings += _voltage_warnings(data, result)
    before = State(result, find_violations(network, result, limits))
    composed = compose(network, load_flow, p_kw, q_kvar, before.violations, _flexible_kw(data))
    explanations = _explained(data, load_flow, before, explain_to, warnings)
    try:
        allocation = allocate(network, load_flow, p_kw, q_kvar, data.devices, limits)
    except Diverged as error:  # what is known so far is still worth telling
        told = (*warnings, f"nothing allocated: {error}")
        return Outcome(network, before, composed, (), before, told, explanations, known)
    moved_kw = {cut.device: cut.moved_kw for cut in allocation.curtailments}
    moved = np.array([moved_kw.get(device.device, 0.0) for device in data.devices])
    after_kw = p_kw + _gathered(data, moved)
    after = _confirmed(load_flow, allocation.after, after_kw, q_kvar, warnings)
    remaining = find_violations(network, after, limits) if after.converged else before.violations
    return Outcome(
        network,
        before,
        composed,
        allocation.curtailments,
        State(after, remaining),
        tuple(warnings),
        explanations,
        known,
    )


def _estimated(data: CheckInput, known: Sureness) -> CheckInput:
    """The same on the estimated powers."""
    estimate = known.estimate
    return replace(data, snapshot=replace(data.snapshot, p_kw=estimate.p.value, q_kvar=estimate.q.value))


def _explained(
    data: CheckInput,
    load_flow: FactoredLoadFlow,
    before: State,
    explain_to: Sequence[str],
    warnings: list[str],
) -> tuple[Explanation, ...]:
    """Each customer against each violation, or the fullest element where there is none."""
    network, known = data.network, data.snapshot
    elements = [violation.element for violation in before.violations] or [_fullest(data, before.result)]
    explanations = []
    for service_point in explain_to:
        for element in elements:
            try:
                explanations.append(
                    explain(network, load_flow, known.p_kw, known.q_kvar, service_point, element)
                )
            except (Diverged, UnknownElement) as error:
                warnings.append(f"{element} cannot be explained to {service_point!r}: {error}")
    return tuple(explanations)


def _fullest(data: CheckInput, result: LoadFlowResult) -> str:
    """The line or transformer with the highest loading; a bus where the network has neither."""
    network = data.network
    ids = (*network.lines.ids, *network.transformers.ids)
    if not ids:
        return network.buses.ids[0]
    loading = np.concatenate([result.line_loading_percent, result.transformer_loading_percent])
    return ids[int(np.argmax(loading))]


def _confirmed(
    load_flow: FactoredLoadFlow, result: LoadFlowResult, p_kw: Floats, q_kvar: Floats, warnings: list[str]
) -> LoadFlowResult:
    """The result, or the referee's where both disagree: it is believed, and it is told."""
    if load_flow.unfit_reason or not result.converged:
        return result
    second = load_flow.referee.solve(p_kw, q_kvar)
    difference = disagreement(result, second)
    if difference is None or difference.v_pu <= _DISAGREE_PU:
        return result
    warnings.append(f"the fast load flow and runpp differ by {difference.v_pu:.2g} pu; runpp is believed")
    return second


def _gathered(data: CheckInput, per_device: Floats) -> Floats:
    """(n_sp,) the sum over the devices of each service point."""
    gathered = np.zeros(len(data.snapshot.p_kw))
    for device, value in zip(data.devices, per_device, strict=True):
        gathered[device.service_point] += value
    return gathered


def _flexible_kw(data: CheckInput) -> Floats:
    """(n_sp,) what the devices that may be touched could give, or else what is owned there: never more than
    what is believed to be taken, which an estimate may put below what the meter shows.
    """
    give = np.array(
        [
            0.0 if device.critical else max(device.p_kw - device.min_kw, device.highest_kw - device.p_kw)
            for device in data.devices
        ]
    )
    believed_kw = np.maximum(data.snapshot.p_kw - LEAST_KW, 0.0)
    return _gathered(data, give) + np.minimum(data.owned_kw, believed_kw)


def _voltage_warnings(data: CheckInput, result: LoadFlowResult) -> list[str]:
    """Measured voltages that the load flow does not explain: a wrong phase, tap, switch or reading."""
    computed = result.v_pu[data.network.service_point_bus]
    off = np.abs(data.measured_v_pu - computed) > _VOLTAGE_DIFFERENCE * computed  # false where not measured
    if not off.any():
        return []
    places = np.flatnonzero(off)
    pairs = [
        f"{name} {data.measured_v_pu[place]:.3f} (computed {computed[place]:.3f})"
        for place in places[:_EXAMPLES]
        for name in (data.network.service_points[place],)
    ]
    told = ", ".join(pairs)
    return [f"{len(places)} measured voltages are more than 2 % off the computed ones: {told}"]
