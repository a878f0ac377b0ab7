"""CIM CGMES 2.4.15 and 3.0: a folder or zip of XML profiles, through pandapower's converter [before 2].

Needs the profiles EQ and SSH, TP where the model has no connectivity nodes, and the boundary set where it is
referred to; SV, DL and GL are used when there.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.bounds import files_of
from grid_model.sources.cgmes_checks import (
    TAKEN_AS_SWITCH,
    not_converted,
    object_faults,
    profile_faults,
    version_of,
)
from grid_model.sources.cgmes_scan import CimFile, scan
from grid_model.sources.completion import complete_converted, name_by_id
from grid_model.sources.notes import note
from grid_model.sources.rejecting import needed, reject, translated

ENDINGS = frozenset({".xml", ".rdf"})
_AGAIN = "export EQ, SSH and TP again, all at once"


def read_cgmes(source: str, path: Path) -> Any:
    """The network of a CGMES export; raises NetworkRejected."""
    subject = f"CGMES export {source!r}"
    cim = needed(source, subject, "lxml", "cgmes", _cim)
    contents = files_of(source, subject, path, ENDINGS)
    if not contents:
        reject(source, subject, "holds no XML files; expected the profiles EQ, SSH and TP")
    scanned = [scan(name, content) for name, content in contents.items()]
    files = [one for one in scanned if isinstance(one, CimFile)]
    findings = [one for one in scanned if isinstance(one, Finding)]
    findings += profile_faults(files) if files else []
    version = version_of(files)
    if version is None:
        raise NetworkRejected(source, findings)
    parser = cim.CimParser(cgmes_version=version)
    used = _used(parser)
    findings += object_faults(files, cim.get_cim_schema(version), used)
    if any(one.severity == "error" for one in findings):
        raise NetworkRejected(source, findings)
    with translated(source, subject, "pandapower's CIM converter", _AGAIN):
        net = _converted(cim, parser, version, contents)
    note(net, [*findings, *not_converted(files, used), *_told(net), *_renamed(files)])
    name_by_id(net)
    complete_converted(net)
    return net


class _cim:  # noqa: N801  a bundle of late imports, not a class of ours
    """pandapower's CIM converter, imported when asked: it needs lxml."""

    def __init__(self) -> None:
        from pandapower.converter.cim.cim2pp.from_cim import from_cim_dict  # noqa: PLC0415
        from pandapower.converter.cim.cim_classes import CimParser  # noqa: PLC0415
        from pandapower.converter.cim.cim_tools import get_cim_schema  # noqa: PLC0415

        self.from_cim_dict, self.CimParser, self.get_cim_schema = from_cim_dict, CimParser, get_cim_schema


def _used(parser: Any) -> dict[str, set[str]]:
    """The fields that the converter looks at, by class, over all profiles."""
    used: dict[str, set[str]] = {}
    for classes in parser.get_cim_data_structure().values():
        for cim_class, frame in classes.items():
            used.setdefault(cim_class, set()).update(frame.columns)
    return used


def _converted(cim: Any, parser: Any, version: str, contents: dict[str, bytes]) -> Any:
    """The files were looked at in memory; the converter wants paths, in a folder of ours."""
    with tempfile.TemporaryDirectory(prefix="gridward-") as folder:
        paths = []
        for number, content in enumerate(contents.values()):
            paths.append(Path(folder) / f"{number}.xml")
            paths[-1].write_bytes(content)
        parser.parse_files([str(path) for path in paths])
    read = parser.get_cim_dict()
    _as_switches(read)
    _once(read)
    if version == "3.0":
        _folded(read, parser.get_cim_data_structure())
    parser.prepare_cim_net()
    parser.set_cim_data_types()
    if version != "3.0":
        return cim.from_cim_dict(parser, cim_version=version)
    frames = parser.get_cim_dict()
    frames["eq"]["ACLineSegment"]["inService"] = True
    net = cim.from_cim_dict(parser, cim_version=version)
    _out_of_service(net, frames["ssh"]["Equipment"])
    return net


def _folded(read: dict[str, dict[str, Any]], structure: Any) -> None:
    """CGMES 3.0 splits the equipment over EQ, OP and SC, in one file or several; the converter looks for
    limits in EQ and for clock numbers and zero-sequence values in SC only."""
    import pandas as pd  # noqa: PLC0415

    equipment = read["eq"]
    for cim_class, rows in read.get("op", {}).items():
        if cim_class in structure["eq"] and len(rows):
            equipment[cim_class] = pd.concat([equipment.get(cim_class), rows], ignore_index=True)
    for cim_class, frame in structure["sc"].items():
        columns = [column for column in frame.columns if column in equipment.get(cim_class, ())]
        if len(columns) > 1 and not len(read["sc"].get(cim_class, ())):
            read["sc"][cim_class] = equipment[cim_class][columns]


def _out_of_service(net: Any, equipment: Any) -> None:
    """Lines and transformers that CGMES 3.0 calls out of service, which the converter does not look at."""
    told = equipment[equipment["inService"].notna()]
    off = set(told["rdfId"][~told["inService"].astype(bool)])
    for table in ("line", "trafo", "trafo3w"):
        if len(net[table]):
            net[table].loc[net[table]["origin_id"].isin(off), "in_service"] = False


def _once(read: dict[str, dict[str, Any]]) -> None:
    """Voltage levels that the equipment has as well are left out of the boundary set."""
    own = read.get("eq", {}).get("BaseVoltage")
    boundary = read.get("eq_bd", {}).get("BaseVoltage")
    if own is not None and boundary is not None and len(boundary):
        read["eq_bd"]["BaseVoltage"] = boundary[~boundary["rdfId"].isin(own["rdfId"])]


def _as_switches(cim: dict[str, dict[str, Any]]) -> None:
    """Fuses and the like are switches to a load flow, and the converter knows them as such only."""
    import pandas as pd  # noqa: PLC0415

    for classes in cim.values():
        rows = [classes.pop(one) for one in TAKEN_AS_SWITCH if one in classes]
        if rows:
            classes["Switch"] = pd.concat([*([classes["Switch"]] if "Switch" in classes else []), *rows])


def _renamed(files: Sequence[CimFile]) -> Iterator[Finding]:
    for cim_class in TAKEN_AS_SWITCH:
        count = sum(one.cim_class == cim_class and one.defines for file in files for one in file.objects)
        if count:
            yield Finding("info", f"{count} of class {cim_class}", "are taken as switches", table=cim_class)


def _told(net: Any) -> Iterator[Finding]:
    """What the converter wrote into its own report, without its chatter."""
    report = net.pop("report_container", None)
    for entry in report.get_logs() if report is not None else ():
        if entry.level.name in {"WARNING", "ERROR"}:
            message = " ".join(str(entry.message).split())[:300]
            yield Finding("warning", "pandapower's CIM converter", message)
