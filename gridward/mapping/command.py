"""`gridward mapping`: load without a meter, and customers who are not where the plan has them.

Looks into the daemon's own record of a site, or into files. 0 nothing found; 1 something found; 2 wrong
input.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.errors import ConfigRejected
from controller.settings import Feeder, Site
from controller.settings_file import load_site
from controller.stores.port import Record
from grid_model.errors import NetworkRejected
from grid_model.network_sources import FORMS
from gridward.argument_types import positive
from gridward.check.input import InputRejected
from gridward.mapping.document import document
from gridward.mapping.files import READINGS, SUBSTATION, MappingFiles, read_history
from gridward.mapping.findings import GroupsTold, MappingFindings
from gridward.mapping.groups import wrong_feeders
from gridward.mapping.history import History
from gridward.mapping.record import recorded_history
from gridward.mapping.report import sentences
from gridward.mapping.search import look_into
from gridward.stored_record import named, with_record

_MOST_TOLD = 20
"""findings on one history: a wrong column is wrong in every row"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A site, or a network with files."""
    parser.add_argument(
        "source",
        metavar="SITE.toml|NETWORK",
        help=f"a site whose record to look into; or, with --readings, {FORMS}",
    )
    record = parser.add_argument_group("of a site's record")
    record.add_argument("--feeder", metavar="ID", help="only this one (default: all)")
    record.add_argument(
        "--days", type=positive, default=14.0, metavar="N",
        help="the last N days of the record (default: %(default)g); averaged over quarter-hours",
    )  # fmt: skip
    files = parser.add_argument_group("of files")
    files.add_argument(
        "--readings", type=Path, metavar="FILE",
        help=f"CSV: {READINGS}: one row for each meter and time, net of what is generated behind the meter; "
        "at with its zone, hours are told as written",
    )  # fmt: skip
    files.add_argument(
        "--substation", type=Path, metavar="FILE",
        help=f"CSV: {SUBSTATION}, at the same times: what is measured at a transformer's low-voltage side "
        "(v_pu: its busbar), of an outgoing line at its beginning, or of a group, towards the customers "
        "positive; element: trafo:INDEX, line:INDEX, a name or a group, empty for the only transformer",
    )  # fmt: skip
    files.add_argument(
        "--groups", type=Path, metavar="FILE",
        help="CSV: service_point,group: the plan of who is summed up in a row of --substation that is no "
        "element, such as a phase or another substation (default: the measured outgoing lines)",
    )  # fmt: skip
    files.add_argument(
        "--phases", type=Path, metavar="FILE",
        help="CSV: service_point,phase: the plan, a, b or c; voltages are then those of single-phase meters",
    )  # fmt: skip
    parser.add_argument(
        "--least-kw", type=positive, default=1.0, metavar="KW",
        help="less than this on average is not told as missing (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(options: argparse.Namespace) -> int:
    """Look, tell, and say by the exit status whether anything was found."""
    try:
        if options.readings is not None:
            return _of_files(options)
        if not options.source.endswith(".toml"):
            return _refused(
                [f"{options.source}: expected a SITE.toml, or a network with --readings HISTORY.csv"]
            )
        return _of_site(options)
    except InputRejected as rejected:
        return _refused([str(finding) for finding in rejected.findings])
    except ConfigRejected as rejected:
        return _refused(rejected.findings)
    except NetworkRejected as rejected:
        return _refused([str(finding) for finding in rejected.findings if finding.severity == "error"])


def _refused(findings: Sequence[str]) -> int:
    for finding in findings[:_MOST_TOLD]:
        print(f"gridward mapping: {finding}", file=sys.stderr)
    if len(findings) > _MOST_TOLD:
        print(f"gridward mapping: and {len(findings) - _MOST_TOLD} more", file=sys.stderr)
    return 2


def _of_files(options: argparse.Namespace) -> int:
    files = MappingFiles(options.readings, options.substation, options.groups, options.phases)
    with contextlib.redirect_stdout(sys.stderr):  # what SimBench prints while it reads
        history = read_history(options.source, files)
    found = look_into(history, least_kw=options.least_kw)
    if options.json:
        print(json.dumps({"network": options.source, **document(found)}, ensure_ascii=False))
    else:
        print(f"Network {options.source}")
        print("\n".join(sentences(found)))
    return int(found.found)


def _of_site(options: argparse.Namespace) -> int:
    site = load_site(Path(options.source))
    ids = [feeder.id for feeder in site.feeder]
    if options.feeder is not None and options.feeder not in ids:
        expected = f"expected one of {', '.join(ids)}"
        return _refused([f"{options.source}, feeder: {options.feeder!r} is none of the site's; {expected}"])
    chosen = [feeder for feeder in site.feeder if options.feeder in (None, feeder.id)]
    return with_record(site.store, lambda record: _of_record(record, site, chosen, options))


def _of_record(record: Record, site: Site, feeders: Sequence[Feeder], options: argparse.Namespace) -> int:
    with contextlib.redirect_stdout(sys.stderr):
        read = {feeder.id: recorded_history(record, site, feeder, options.days) for feeder in feeders}
    empty = [feeder for feeder, history in read.items() if history is None]
    if empty:
        return _refused(
            [
                f"{named(site.store)}: no sample of feeder {feeder}; expected a record of `gridward run`"
                for feeder in empty
            ]
        )
    found = _looked_into(
        {feeder: history for feeder, history in read.items() if history is not None}, options
    )
    if options.json:
        told = {feeder: document(one) for feeder, one in found.items()}
        print(json.dumps({"site": options.source, "feeders": told}, ensure_ascii=False))
    else:
        for feeder, one in found.items():
            print(f"Feeder {feeder}: {one.history.network.source}")
            print("\n".join([*sentences(one), ""]))
    return int(any(one.found for one in found.values()))


def _looked_into(histories: Mapping[str, History], options: argparse.Namespace) -> dict[str, MappingFindings]:
    measured = [feeder for feeder, history in histories.items() if history.groups is not None]
    groups: Mapping[str, GroupsTold | str] = wrong_feeders(histories) if len(measured) > 1 else {}
    return {
        feeder: look_into(history, least_kw=options.least_kw, feeders=groups.get(feeder))
        for feeder, history in histories.items()
    }
