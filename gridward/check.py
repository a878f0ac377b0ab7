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
from datetime import timedelta
from pathlib import Path

import numpy as np

from grid_model.allocation import allocate
from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.location import locate
from grid_model.network import Floats
from grid_model.referee import disagreement
from grid_model.violations import Limits, find_violations
from gridward.check_input import CheckInput, InputRejected, read_input
from gridward.check_report import Outcome, State, document, report

_DISAGREE_PU = 1e-6
_VOLTAGE_DIFFERENCE = 0.02
_EXAMPLES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gridward check`."""
    parser.add_argument("network", metavar="NETWORK", help="FILE.json, simbench:CODE or pandapower:FUNCTION")
    parser.add_argument(
        "--readings",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV: service_point,p_kw,q_kvar[,v_pu,at]",
    )
    parser.add_argument(
        "--customers",
        type=Path,
        metavar="FILE",
        help="CSV: service_point[,customer,critical]; critical: never cut",
    )
    parser.add_argument(
        "--devices", type=Path, metavar="FILE", help="CSV: device,service_point,kind,p_kw[,min_kw,critical]"
    )
    parser.add_argument(
        "--max-age",
        type=_minutes,
        default=timedelta(minutes=15),
        metavar="MINUTES",
        help="how much older than the newest a reading may be (default 15)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _minutes(text: str) -> timedelta:
    minutes = float(text)
    if not 0 <= minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected minutes, 0 or more")
    return timedelta(minutes=minutes)


def run(args: argparse.Namespace) -> int:
    """0: within limits, or cleared; 1: could not be cleared, or does not converge; 2: wrong input."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)  # it advertises numba once per process
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries print
            data = read_input(args.network, args.readings, args.devices, args.customers, max_age=args.max_age)
            outcome = check(data)
    except InputRejected as rejected:
        count = len(rejected.findings)
        print(f"gridward check: wrong input, {count} finding{'s' if count > 1 else ''}", file=sys.stderr)
        for finding in rejected.findings:
            print(f"  {finding.severity}: {finding}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(document(outcome), ensure_ascii=False, allow_nan=False))
    else:
        print(report(outcome))
    return 0 if outcome.cleared else 1


def check(data: CheckInput) -> Outcome:
    """Check, locate, allocate, check again. Never raises for a load flow that does not converge: it says
    so."""
    network, limits = data.network, Limits()
    p_kw, q_kvar = data.snapshot.p_kw, data.snapshot.q_kvar
    load_flow = FactoredLoadFlow(network)
    warnings = list(data.warnings)
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
    located = locate(network, load_flow, p_kw, q_kvar, before.violations, _flexible_kw(data))
    try:
        allocation = allocate(network, load_flow, p_kw, q_kvar, data.devices, limits)
    except Diverged as error:  # what is known so far is still worth telling
        return Outcome(network, before, located, (), before, (*warnings, f"nothing allocated: {error}"))
    cut_kw = {cut.device: cut.curtailed_kw for cut in allocation.curtailments}
    taken = np.array([cut_kw.get(device.device, 0.0) for device in data.devices])
    after_kw = p_kw - _gathered(data, taken)
    after = _confirmed(load_flow, allocation.after, after_kw, q_kvar, warnings)
    remaining = find_violations(network, after, limits) if after.converged else before.violations
    return Outcome(
        network, before, located, allocation.curtailments, State(after, remaining), tuple(warnings)
    )


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
    """(n_sp,) what the devices that may be touched could give."""
    give = np.array(
        [0.0 if device.critical else max(device.p_kw - device.min_kw, 0.0) for device in data.devices]
    )
    return _gathered(data, give)


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
