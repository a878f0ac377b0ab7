"""What is wrong with a CGMES export, before pandapower's converter silently drops it [before 2].

The converter leaves out a line whose terminal is lost, and every switch when one switch is broken. So
profiles, ids, references, terminals and types of all values are looked at first, each fault with file, line,
object and field. (CGMES 2.4.15: ENTSO-E, CIM 16; CGMES 3.0: IEC 61970-600, CIM 100.)
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from grid_model.errors import Finding, Severity
from grid_model.sources.cgmes_scan import CimFile, CimObject

PROFILES = {
    "eq": (
        *("/EquipmentCore/", "/EquipmentOperation/", "/EquipmentShortCircuit/", "/CoreEquipment-EU/"),
        *("/Operation-EU/", "/ShortCircuit-EU/"),
    ),
    "ssh": ("/SteadyStateHypothesis",),
    "tp": ("/Topology/", "/Topology-EU/"),
    "sv": ("/StateVariables",),
    "bd": ("/EquipmentBoundary", "/TopologyBoundary"),
    "dl": ("/DiagramLayout",),
    "gl": ("/GeographicalLocation",),
    "dy": ("/Dynamics",),
}
TAKEN_AS_SWITCH = ("Fuse", "Jumper", "Recloser", "Sectionaliser")
"""Two-terminal switches that the converter does not know by their own class."""
_TWO_TERMINALS = frozenset(
    {
        *("ACLineSegment", "Breaker", "Disconnector", "LoadBreakSwitch", "Switch"),
        *("EquivalentBranch", "SeriesCompensator", *TAKEN_AS_SWITCH),
    }
)
_ONE_TERMINAL = frozenset(
    {
        *("EnergyConsumer", "ConformLoad", "NonConformLoad", "StationSupply", "ExternalNetworkInjection"),
        *("SynchronousMachine", "AsynchronousMachine", "EnergySource", "LinearShuntCompensator"),
        *("NonlinearShuntCompensator", "StaticVarCompensator", "EquivalentInjection"),
    }
)
_BESIDE = frozenset({"sv", "dl", "gl", "dy"})
"""Profiles of results, drawings and dynamics: the network is whole without them."""
_NEVER_DANGLING = frozenset({"Region", "BusNameMarker", "SvPowerFlow", "PowerSystemResources"})
_WANTED = {
    "ACLineSegment": ("r", "x"),
    "PowerTransformerEnd": ("ratedS", "ratedU", "r", "x"),
    "BaseVoltage": ("nominalVoltage",),
}


def profiles_of(file: CimFile) -> set[str]:
    """Short names of the profiles a file says it is of."""
    return {
        short
        for short, words in PROFILES.items()
        for profile in file.profiles
        if any(word in profile for word in words)
    }


def version_of(files: Sequence[CimFile]) -> str | None:
    """The CGMES version that all files share, or None."""
    versions = {file.version for file in files}
    return versions.pop() if len(versions) == 1 else None


def profile_faults(files: Sequence[CimFile]) -> Iterator[Finding]:
    """Versions that cannot be read, and profiles that are missing."""
    for file in files:
        if file.version is None:
            spaces = ", ".join(sorted(file.namespaces)) or "none"
            yield _of_file(file, f"is of no known CIM version (namespaces: {spaces})", "CGMES 2.4.15 or 3.0")
        elif not profiles_of(file):
            yield _of_file(
                file, "does not say of which profile it is", "a FullModel with Model.profile in it"
            )
    versions = sorted({file.version for file in files if file.version})
    if len(versions) > 1:
        yield Finding(
            "error",
            "CGMES files",
            f"are of different versions ({', '.join(versions)})",
            repair="export all profiles at once",
        )
    there = {profile for file in files for profile in profiles_of(file)}
    nodes = any(one.cim_class == "ConnectivityNode" for file in files for one in file.objects)
    for profile, meaning, needed in (
        ("eq", "equipment", True),
        ("ssh", "steady-state hypothesis: switch positions, loads, set-points", True),
        ("tp", "topology", not nodes),
    ):
        if needed and profile not in there:
            yield Finding(
                "error",
                "CGMES files",
                f"have no {profile.upper()} profile ({meaning})",
                repair="export EQ, SSH and TP together",
            )


def _of_file(file: CimFile, fault: str, expected: str) -> Finding:
    return Finding("error", file.name, f"{fault}; expected {expected}", file=file.name)


def object_faults(files: Sequence[CimFile], schema: Mapping[str, Any], used: Mapping[str, set[str]]) -> Any:
    """Faults of single objects. `schema` gives types by profile, class and field; `used` the fields that the
    converter looks at, by class."""
    objects = [one for file in files for one in file.objects]
    boundary, beside = (
        {file.name for file in files if profiles_of(file) and profiles_of(file) <= kinds}
        for kinds in ({"bd"}, _BESIDE)
    )
    yield from _doubled(objects, boundary)
    yield from _dangling(objects, used, beside)
    yield from _wrong_values(objects, _kinds(schema), used)
    yield from _missing_values(objects)
    yield from _terminals(objects)


def not_converted(files: Sequence[CimFile], used: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Classes with a terminal that the converter leaves out."""
    at_terminals = {
        one.references["ConductingEquipment"]
        for file in files
        for one in file.objects
        if one.cim_class == "Terminal" and "ConductingEquipment" in one.references
    }
    lost: dict[str, list[CimObject]] = defaultdict(list)
    for file in files:
        for one in file.objects:
            known = one.cim_class in used or one.cim_class in TAKEN_AS_SWITCH
            if one.defines and one.rdf_id in at_terminals and not known:
                lost[one.cim_class].append(one)
    for cim_class, members in sorted(lost.items()):
        names = ", ".join(one.name for one in members[:5])
        yield Finding(
            "warning",
            f"{len(members)} of class {cim_class}",
            f"are not converted and left out: {names}",
            table=cim_class,
            repair="model them by a class that pandapower's converter knows",
        )


def _doubled(objects: Sequence[CimObject], boundary: Set[str]) -> Iterator[Finding]:
    """Ids that are not one object's alone. What the boundary set defines (voltage levels above all) an
    equipment file may define as well, as long as both say the same."""
    first: dict[str, CimObject] = {}
    for one in objects:
        if not one.defines or one.cim_class == "FullModel":
            continue
        earlier = first.setdefault(one.rdf_id, one)
        if earlier is one:
            continue
        where = f"{earlier.name} in {earlier.file} line {earlier.line}"
        shared = (one.file in boundary) != (earlier.file in boundary) and one.cim_class == earlier.cim_class
        if not shared:
            yield _of_object(one, "ID", f"has the rdf:ID of {where}", "export again")
        elif field := _differs(one, earlier):
            fault = f"{field} is {earlier.values[field]!r} for {where}; expected the same in both"
            yield _of_object(one, field, fault, "use the export's own boundary set")


def _differs(one: CimObject, other: CimObject) -> str | None:
    """A field with a number in which both definitions of an object disagree."""
    for field in sorted(one.values.keys() & other.values.keys()):
        said = one.values[field], other.values[field]
        if not any(_misfit("Float", value) for value in said) and float(said[0]) != float(said[1]):
            return field
    return None


def _dangling(
    objects: Sequence[CimObject], used: Mapping[str, set[str]], beside: Set[str]
) -> Iterator[Finding]:
    """References into nothing: an error, but where only a drawing or a result is lost by it."""
    known = {one.rdf_id for one in objects}
    defined = {one.rdf_id for one in objects if one.defines}
    for one in objects:
        severity: Severity = "warning" if one.file in beside else "error"
        if not one.defines and one.rdf_id not in defined and one.cim_class in used:
            fault = "is about an object that no file defines"
            yield _of_object(one, "about", fault, "export EQ again", severity=severity)
        for field, target in one.references.items():
            if target not in known and field in used.get(one.cim_class, ()) and field not in _NEVER_DANGLING:
                yield _of_object(
                    one,
                    field,
                    f"{field} refers to an object that no file has",
                    "add the missing file (the boundary set?), or export again",
                    found=repr(target),
                    severity=severity,
                )


def _kinds(schema: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (cim_class, field): str(entry.get("data_type_prim"))
        for classes in schema.values()
        for cim_class, description in classes.items()
        for field, entry in description["fields"].items()
    }


def _wrong_values(
    objects: Sequence[CimObject], kinds: Mapping[tuple[str, str], str], used: Mapping[str, set[str]]
) -> Iterator[Finding]:
    for one in objects:
        looked_at = used.get("Switch" if one.cim_class in TAKEN_AS_SWITCH else one.cim_class, ())
        for field, value in one.values.items():
            kind = kinds.get((one.cim_class, field), "String") if field in looked_at else "String"
            if fault := _misfit(kind, value):
                yield _of_object(one, field, f"{field} is not {fault}", "correct it", found=repr(value[:60]))


def _misfit(kind: str, value: str) -> str | None:
    if kind == "Boolean":
        return None if value.lower() in {"true", "false"} else "true or false"
    if kind not in {"Float", "Integer"}:
        return None
    try:
        number = float(value)
    except ValueError:
        return "a number"
    if abs(number) == float("inf") or number != number:  # noqa: PLR0124  NaN
        return "a finite number"
    return "a whole number" if kind == "Integer" and not number.is_integer() else None


def _missing_values(objects: Sequence[CimObject]) -> Iterator[Finding]:
    for one in objects:
        for field in _WANTED.get(one.cim_class, ()) if one.defines else ():
            if field not in one.values:
                yield _of_object(one, field, f"has no {field}", f"export {one.cim_class}.{field}")


def _terminals(objects: Sequence[CimObject]) -> Iterator[Finding]:
    """Lines and switches have two ends, transformers as many as windings, all else one."""
    terminals: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for one in objects:
        if one.cim_class == "Terminal" and one.defines:
            terminals[one.references.get("ConductingEquipment", "")] += 1
        if one.cim_class == "PowerTransformerEnd" and one.defines:
            ends[one.references.get("PowerTransformer", "")] += 1
    for one in objects:
        if not one.defines:
            continue
        count = terminals[one.rdf_id]
        if one.cim_class in _TWO_TERMINALS and count != 2:
            yield _of_object(one, "Terminals", f"has {count} terminals; expected 2", "export its terminals")
        elif one.cim_class in _ONE_TERMINAL and count != 1:
            yield _of_object(one, "Terminals", f"has {count} terminals; expected 1", "export its terminal")
        elif one.cim_class == "PowerTransformer" and not ends[one.rdf_id] == count in (2, 3):
            fault = f"has {ends[one.rdf_id]} windings and {count} terminals; expected 2 or 3 of both"
            yield _of_object(one, "PowerTransformerEnd", fault, "export its windings and terminals")


def _of_object(
    one: CimObject,
    field: str,
    fault: str,
    repair: str,
    *,
    found: str | None = None,
    severity: Severity = "error",
) -> Finding:
    return Finding(
        severity,
        f"{one.file} line {one.line}, {one.name}",
        fault,
        file=one.file,
        table=one.cim_class,
        row=one.rdf_id,
        field=field,
        found=found,
        repair=repair,
    )
