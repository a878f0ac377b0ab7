"""The arguments of `gridward check`."""

import argparse
from datetime import timedelta
from pathlib import Path

from grid_model.network_sources import FORMS
from gridward.argument_types import positive
from gridward.check.substation import COLUMNS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    parser.add_argument("network", metavar="NETWORK", help=FORMS)
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
        "--devices",
        type=Path,
        metavar="FILE",
        help="CSV: device,service_point,kind,p_kw[,min_kw,critical]; p_kw: its power now, of a "
        "pv_inverter what it feeds in",
    )
    parser.add_argument(
        "--appliances",
        type=Path,
        metavar="FILE",
        help="CSV that `gridward appliances import` wrote: what customers without a device could give, of "
        "those only whom --customers names, where it does",
    )
    parser.add_argument(
        "--substation",
        type=Path,
        metavar="FILE",
        help=f"CSV: {COLUMNS}: what is measured at a transformer's low-voltage side (v_pu: its busbar), or "
        "of an outgoing line at its beginning, towards the customers positive, i_a the mean of the phases; "
        "element: trafo:INDEX, line:INDEX or a name, empty for the only transformer. With it, or with meters "
        "missing, the state is estimated and told with its 95%% intervals",
    )
    parser.add_argument(
        "--max-age",
        type=_minutes,
        default=timedelta(minutes=15),
        metavar="MINUTES",
        help="how much older than the newest a reading may be (default 15)",
    )
    parser.add_argument(
        "--explain",
        action="append",
        default=[],
        metavar="SERVICE_POINT",
        help="what this customer has to do with each violation, or with the fullest element; repeatable",
    )
    _add_phase_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _add_phase_arguments(parser: argparse.ArgumentParser) -> None:
    phases = parser.add_argument_group(
        "per phase",
        "With --phases or --unbalanced every phase, neutral and voltage unbalance is checked on its own; "
        "without both the network is taken as balanced. Readings may then have p_a_kw,p_b_kw,p_c_kw"
        "[,q_a_kvar,q_b_kvar,q_c_kvar] in place of totals, and devices a column phase.",
    )
    phases.add_argument(
        "--phases",
        type=Path,
        metavar="FILE",
        help="CSV: service_point,phase; a, b, c, or several, as ab or abc",
    )
    phases.add_argument(
        "--unbalanced",
        action="store_true",
        help="the network itself says who is on which phase (asymmetric_load); implied by --phases",
    )
    phases.add_argument(
        "--typical-zero-sequence",
        action="store_true",
        help="assume typical zero-sequence data where the network has none, and tell",
    )
    phases.add_argument(
        "--neutral-limit",
        type=positive,
        default=100.0,
        metavar="PERCENT",
        help="of the rating of the line's phases (default 100; 50 for a neutral of half their section)",
    )


def _minutes(text: str) -> timedelta:
    minutes = float(text)
    if not 0 <= minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected minutes, 0 or more")
    return timedelta(minutes=minutes)
