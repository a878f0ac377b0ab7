"""The scenarios that come along: found by name, listed with a line each, and the schema that describes them.

A name is the file's own without `.toml`; a path that exists is taken as it is.
"""

import ast
import difflib
import inspect
import json
import textwrap
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from simulations.errors import ScenarioRejected
from simulations.scenario import Scenario

FOLDER = Path(__file__).resolve().parent / "scenarios"
SCHEMA_FILE = FOLDER.parent / "scenario.schema.json"


def names() -> tuple[str, ...]:
    """All scenarios that come along, in the order of the alphabet."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def find_scenario(wanted: str | Path) -> Path:
    """The file of a path or a name. Raises ScenarioRejected when there is neither."""
    path = Path(wanted)
    if path.is_file():
        return path
    if str(wanted) in names():
        return FOLDER / f"{wanted}.toml"
    near = difflib.get_close_matches(str(wanted), names(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"the names are {', '.join(names())}"
    raise ScenarioRejected([f"{wanted}: expected a scenario's file or name, found neither; {hint}"])


def listed() -> Iterator[tuple[str, str]]:
    """Name and title of each."""
    for name in names():
        text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        yield name, str(tomllib.loads(text).get("title", ""))


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a scenario: what TOML gives, as JSON has it. Made from the structs."""
    _, components = msgspec.json.schema_components([Scenario], ref_template="#/$defs/{name}")
    structs = {one.__name__: one for one in _structs(Scenario)}
    for name, component in components.items():
        described = _field_docs(structs[name]) if name in structs else {}
        for field, text in described.items():
            if field in component.get("properties", {}):
                component["properties"][field]["description"] = text
    root = components.pop("Scenario")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://gridward.invalid/scenario.schema.json",
        "title": "Gridward scenario",
        **{key: value for key, value in root.items() if key != "title"},
        "$defs": components,
    }


def schema_text() -> str:
    """As the file has it."""
    # JSON Schema's patterns are JavaScript's, which has no \\Z
    return json.dumps(schema(), indent=2, ensure_ascii=False).replace("\\\\Z", "$") + "\n"


def _structs(kind: Any, seen: set[Any] | None = None) -> Iterator[type[msgspec.Struct]]:
    """A struct and all within it."""
    seen = set() if seen is None else seen
    if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
        if kind in seen:
            return
        seen.add(kind)
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _structs(field.type, seen)
        return
    for part in getattr(kind, "__args__", ()):
        yield from _structs(part, seen)


@cache
def _field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The text below each field: what editors show while one writes a scenario."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = " ".join(text.split())
            case _:
                pass
    return docs
