"""Reads SCENARIO.toml; all that is wrong is told at once, each with file, line, key and what was expected.

Control settings that depend on the step are filled in here where the file leaves them out: a controller that
looks more often than the field speaks would call its data stale.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Iterator
from datetime import date, time
from inspect import isclass
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import fields

from controller.toml_lines import Place, TomlLines
from simulations.errors import ScenarioRejected
from simulations.scenario import Scenario
from simulations.scenario_contradictions import contradictions
from simulations.scenario_paths import seen_from

_LEAST: dict[str, Any] = {
    "network": {"source": "simbench:1-LV-semiurb4--0-sw"},
    "time": {"start": "2016-01-12T00:00:00+00:00"},
}
"""stands in for required keys while the rest of a faulty file is looked through"""
_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<key>[^`]+)`")
_UNKNOWN = re.compile(r"contains unknown field `(?P<key>[^`]+)`")
_WORDS = {
    "`float`": "a number",
    "`int`": "a whole number",
    "`str`": "a text",
    "`bool`": "true or false",
    "`object`": "a table",
    "`datetime` with a timezone component": "a time with its zone",
    "`datetime`": "a time with its zone",
}
_FRESH_STEPS = 1.5
_MOST_FINDINGS = 50


def load_scenario(path: Path, seed: int | None = None) -> Scenario:
    """The scenario of a file, under another seed if given. Raises ScenarioRejected with all findings."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioRejected([f"{path}: expected a readable TOML file in UTF-8: {error}"]) from error
    scenario = parse_scenario(text, str(path), path.parent)
    return scenario if seed is None else msgspec.structs.replace(scenario, seed=seed)


def parse_scenario(text: str, file: str = "scenario", folder: Path | None = None) -> Scenario:
    """The scenario of a text; `file` is what messages call it, `folder` where the files that it names are.
    Raises ScenarioRejected with all findings."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioRejected([f"{file}: expected TOML: {error}"]) from error
    _fill_in(raw)
    if folder is not None:
        seen_from(folder, raw)
    faults = list(_endless(raw))
    scenario = _convert(raw, faults)
    if not faults and scenario is not None:
        faults = list(contradictions(scenario))
        if not faults:
            return scenario
    lines = TomlLines(text)
    placed = sorted((lines.line(place), ".".join(map(str, place)), expected) for place, expected in faults)
    raise ScenarioRejected([f"{file}, line {line}, {name}: {expected}" for line, name, expected in placed])


def _fill_in(raw: dict[str, Any]) -> None:
    """Let the controller look once per step, unless the file says how often."""
    step_s = raw["time"].get("step_s", 60) if isinstance(raw.get("time"), dict) else 60
    control = raw.setdefault("control", {})
    cycle = control.setdefault("cycle", {}) if isinstance(control, dict) else None
    if isinstance(cycle, dict) and isinstance(step_s, int):
        cycle.setdefault("period_s", step_s)
        cycle.setdefault("fresh_s", max(15.0, _FRESH_STEPS * step_s))


def _endless(raw: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Numbers of TOML that are none: what is reckoned with them comes out wrong without a word."""
    parts = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, part in parts:
        if isinstance(part, float) and not math.isfinite(part):
            yield (*place, key), f"expected a finite number, got {part}"
        else:
            yield from _endless(part, (*place, key))


def _convert(raw: dict[str, Any], faults: list[tuple[Place, str]]) -> Scenario | None:
    """Note the first fault, put it right, look again: until there is none left, so that all are told."""
    while True:
        try:
            return msgspec.convert(raw, Scenario)
        except msgspec.ValidationError as error:
            place, expected = _fault(str(error), raw)
            faults.append((place, expected))
            if not place or len(faults) >= _MOST_FINDINGS:
                return None
            _put_right(raw, place)


def _fault(message: str, raw: Any) -> tuple[Place, str]:
    """Where, and what was expected, in plain words."""
    parts = _AT.match(message)
    assert parts is not None, "the pattern matches any text"
    place = _place(parts["path"] or "")
    text = parts["text"]
    if found := _MISSING.search(text):
        return (*place, found["key"]), "expected this key, it is missing"
    if found := _UNKNOWN.search(text):
        return (*place, found["key"]), f"no such key; {_meant(found['key'], place)}"
    if text.startswith("Invalid enum value"):
        text = f"expected {_either(_type_at(place))}"
    for word, plain in _WORDS.items():
        text = text.replace(word, plain)
    text = text[:1].lower() + text[1:]
    return place, f"{text.split(', got ')[0]}, got {_as_written(_value(raw, place))}"


def _place(path: str) -> Place:
    """`outage[1].begin` is ("outage", 1, "begin")."""
    return tuple(
        int(part) if part.isdigit() else part for part in re.split(r"[.\[]", path.replace("]", "")) if part
    )


def _meant(key: str, place: Place) -> str:
    """What there is in its place."""
    known = [field.name for field in fields(_table(_type_at(place)))]
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"


def _type_at(place: Place) -> Any:
    """What a field takes."""
    kind: Any = Scenario
    for part in place:
        if not isinstance(part, int):
            kind = next(field.type for field in fields(_table(kind)) if field.name == part)
    return kind


def _table(kind: Any) -> type[msgspec.Struct]:
    """The table that a field takes, or each of its rows."""
    return next(one for one in (kind, *get_args(kind)) if isclass(one) and issubclass(one, msgspec.Struct))


def _either(kind: Any) -> str:
    """The words that a field takes, as one says them."""
    *first, last = get_args(kind)
    return f"{', '.join(first)} or {last}"


def _as_written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else repr(value)


def _value(raw: Any, place: Place) -> Any:
    for key in place:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _put_right(raw: dict[str, Any], place: Place) -> None:
    """Take a wrong value out; put a required one in."""
    if any(isinstance(key, int) for key in place):
        raw.pop(str(place[0]))  # of rows only the first fault of the first faulty one is told
        return
    *path, last = place
    table, least = raw, _LEAST
    for key in path:
        table, least = table[str(key)], least.get(str(key), {})
    table.pop(str(last), None)
    if str(last) in least:
        filled = least[str(last)]
        table[str(last)] = dict(filled) if isinstance(filled, dict) else filled
