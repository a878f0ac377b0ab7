"""Reads STUDY.toml and its base scenario; what is wrong is told with file, line, field and what was expected.

Each point of the grid is read as the scenario it will be, before anything is run: a value that no scenario
can have is an error of the study's file.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from controller.toml_lines import Place, TomlLines
from simulations.errors import ScenarioRejected, StudyRejected
from simulations.policies.names import OURS
from simulations.scenario import Scenario
from simulations.scenario_file import parse_scenario
from simulations.scenario_library import FOLDER, names
from simulations.scenario_paths import path_seen_from, seen_from
from simulations.studies.plan import NotATable, points_of, scenario_at
from simulations.studies.study import Question, Study, Vary

Base = dict[str, Any]
_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"(?:missing required|contains unknown) field `(?P<key>[^`]+)`")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_LINE = re.compile(r", line \d+")
_MOST_FINDINGS = 20


def load_study(path: Path) -> tuple[Study, Base]:
    """The study of a file and its base scenario as tables, changes included. Raises StudyRejected."""
    text = _text(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyRejected([f"{path}: expected TOML: {error}"]) from error
    lines = TomlLines(text)
    try:
        study = msgspec.convert(raw, Study)
    except msgspec.ValidationError as error:
        raise StudyRejected([_told(path, lines, *_fault(str(error)))]) from error
    faults = list(_contradictions(study))
    if faults:
        raise StudyRejected([_told(path, lines, *fault) for fault in faults])
    study = _seen_from(path.parent.resolve(), study)
    base = _base(study, path, lines)
    _try_points(study, base, path, lines)
    return study, base


def _seen_from(folder: Path, study: Study) -> Study:
    """Files among the values that vary are seen from the study's folder; reports call them as it does."""
    return msgspec.structs.replace(study, vary=tuple(_axis_seen_from(folder, axis) for axis in study.vary))


def _axis_seen_from(folder: Path, axis: Vary) -> Vary:
    values = tuple(path_seen_from(folder, axis.path, value) for value in axis.values)
    if values == axis.values:
        return axis
    names = axis.names or tuple(str(value) for value in axis.values)
    return msgspec.structs.replace(axis, values=values, names=names)


def scenario_path(named: str, beside: Path) -> Path | None:
    """The file of a scenario: by name among ours, or by path, seen from the folder `beside`."""
    ours = FOLDER / f"{named}.toml"
    candidates = (beside / named, ours) if "/" in named or named.endswith(".toml") else (ours, beside / named)
    return next((one for one in candidates if one.is_file()), None)


def _base(study: Study, path: Path, lines: TomlLines) -> Base:
    place: Place = ("base", "scenario")
    found = scenario_path(study.base.scenario, path.parent)
    if found is None:
        expected = (
            f"no such scenario {study.base.scenario!r}; expected a file, or one of {', '.join(names())}"
        )
        raise StudyRejected([_told(path, lines, place, expected)])
    text = _text(found)
    try:
        parse_scenario(text, str(found))
    except ScenarioRejected as fault:
        raise StudyRejected(fault.findings) from fault
    try:
        own = seen_from(found.parent.resolve(), tomllib.loads(text))
        return seen_from(path.parent.resolve(), scenario_at(own, study.base.change))
    except NotATable as fault:
        raise StudyRejected(
            [_told(path, lines, ("base", "change"), f"{fault}: expected a table on the way")]
        ) from fault


def _try_points(study: Study, base: Base, path: Path, lines: TomlLines) -> None:
    """The base first, then each value alone, so that what is wrong is told once; then all points, for
    contradictions.
    """
    findings = [_told(path, lines, ("base", "change"), said) for said in _faults_of(study, base, {})]
    if not findings:
        findings = [
            _told(path, lines, place, said)
            for place, point in _single_values(study)
            for said in _faults_of(study, base, point)
        ]
    if not findings:
        findings = [
            f"{path}, point {point}: {said}"
            for point in points_of(study)
            for said in _faults_of(study, base, point)
        ]
    if findings:
        raise StudyRejected(findings[:_MOST_FINDINGS])


def _single_values(study: Study) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for number, axis in enumerate(study.vary):
        for value in axis.values:
            yield ("vary", number, "values"), {axis.path: value}


def _faults_of(study: Study, base: Base, point: Mapping[str, Any]) -> list[str]:
    import tomli_w  # noqa: PLC0415  the one place that needs it here

    try:
        scenario = parse_scenario(tomli_w.dumps(scenario_at(base, point)), "scenario")
    except NotATable as fault:
        return [f"{fault} is no table of a scenario"]
    except ScenarioRejected as fault:
        return [_LINE.sub("", finding, count=1).removeprefix("scenario, ") for finding in fault.findings]
    return list(_not_for_studies(scenario, study.costs.currency))


def _not_for_studies(scenario: Scenario, currency: str) -> Iterator[str]:
    """Right as a scenario, and no run of a study."""
    policy = scenario.control.policy
    if policy != OURS:
        yield f"control.policy: expected 'ours', got {policy!r}: a study judges the daemon"
    if scenario.feeder:
        yield f"feeder: expected the feeder of [network] only, got {len(scenario.feeder)} more"
    credited = scenario.control.rewards.currency
    if credited.removesuffix("-cent") != currency:
        expected = f"expected {currency!r} or '{currency}-cent', as in [costs]"
        yield f"control.rewards.currency: {expected}, got {credited!r}"


def _contradictions(study: Study) -> Iterator[tuple[Place, str]]:
    seeds = "seed: expected another field; seeds are the table [seeds]"
    if "seed" in study.base.change:
        yield ("base", "change"), seeds
    for number, axis in enumerate(study.vary):
        if axis.path == "seed":
            yield ("vary", number, "path"), seeds
        if axis.names and len(axis.names) != len(axis.values):
            expected = f"expected one name for each of the {len(axis.values)} values, got {len(axis.names)}"
            yield ("vary", number, "names"), expected
        if len({_told_apart(value) for value in axis.values}) < len(axis.values):
            yield ("vary", number, "values"), "expected each value once"
        if axis.path in {other.path for other in study.vary[:number]}:
            yield ("vary", number, "path"), f"{axis.path}: expected each path once"
    share = study.axis(study.question.share)
    if share is not None and not all(_may_be_share(share.path, value) for value in share.values):
        expected = f"{share.path}: expected a direction of the grid whose values are shares, 0 to 1"
        yield ("question", "share"), expected
    if share is None and study.question.share != Question().share:
        expected = f"{study.question.share}: expected the path of one of [[vary]]"
        yield ("question", "share"), expected
    if study.run.cluster and study.run.dask:
        yield ("run", "dask"), "expected either an address in cluster, or dask = true, not both"


def _told_apart(value: Any) -> str:
    """1 and 1.0 are the same share."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(float(value)) if number else repr(value)


def _may_be_share(path: str, value: Any) -> bool:
    """Of `[shares]` any number may be: there each value is told by itself."""
    return isinstance(value, int | float) and (path.startswith("shares.") or 0 <= value <= 1)


def _fault(message: str) -> tuple[Place, str]:
    parts = _AT.match(message)
    assert parts is not None, "the pattern matches any text"
    steps = _STEP.findall(parts["path"] or "")
    place: Place = tuple(name or int(index) for name, index in steps)
    text = parts["text"][:1].lower() + parts["text"][1:]
    if found := _FIELD.search(text):
        missing = "missing" in text
        return (*place, found["key"]), "expected this key, it is missing" if missing else "no such key"
    return place, text.replace("`", "")


def _told(path: Path, lines: TomlLines, place: Place, expected: str) -> str:
    name = ".".join(str(part) for part in place) or "file"
    return f"{path}, line {lines.line(place)}, {name}: {expected}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyRejected([f"{path}: expected a readable TOML file in UTF-8: {error}"]) from error
