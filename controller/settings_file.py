"""Reads SITE.toml into `settings.Site`; everything that is wrong is told at once, with file, line, key.

Relative paths in the file are relative to its folder. Knows the shape of the settings only: whether they make
sense together is `settings_checks`'s subject.
"""

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

from controller.errors import ConfigRejected
from controller.settings import Feeder, FeederModbus, Rtu, Site
from controller.settings_checks import Fault, is_file, sense_faults
from controller.toml_lines import Place, TomlLines

S = TypeVar("S", bound=msgspec.Struct)

_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "path": "a path",
    "date": "a date such as 2026-12-31",
}


def load_site(path: Path) -> Site:
    """The settings of a site, all paths absolute. Raises ConfigRejected with all findings."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRejected([f"{path}: expected a readable file in UTF-8: {error}"]) from error
    except (ValueError, RecursionError) as error:  # also numbers too long to read, and tables too deep
        raise ConfigRejected([f"{path}: expected TOML: {error}"]) from error
    faults = list(_table_faults(raw, Site, ()))
    if not faults:
        site = _absolute(msgspec.convert(raw, Site, dec_hook=_path_of), path.resolve().parent)
        faults = list(sense_faults(site))
        if not faults:
            return site
    lines = TomlLines(text)
    placed = sorted((lines.line(place), _name(place), expected) for place, expected in faults)
    raise ConfigRejected([f"{path}, line {line}: {name}: {expected}" for line, name, expected in placed])


def _table_faults(raw: object, table: type[msgspec.Struct], place: Place) -> Iterator[Fault]:
    """What is wrong with one table: unknown keys, missing keys, wrong values."""
    if not isinstance(raw, Mapping):
        yield place, f"expected a table, got {raw!r}"
        return
    known = {field.name: field for field in fields(table)}
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            yield (*place, key), f"this key is not known; {meant}"
    for key, field in known.items():
        if key in raw:
            yield from _value_faults(raw[key], field.type, (*place, key))
        elif field.required:
            yield (*place, key), "expected a value, the key is missing"


def _value_faults(raw: object, type_: Any, place: Place) -> Iterator[Fault]:
    """What is wrong with one value, of whatever type its key has."""
    if isinstance(raw, float) and not math.isfinite(raw):
        yield place, f"expected a finite number, got {raw}"
        return
    if get_origin(type_) is Literal and raw not in get_args(type_):
        yield place, f"expected one of {', '.join(map(repr, get_args(type_)))}, got {raw!r}"
        return
    inner = [t for t in (type_, *get_args(type_)) if isinstance(t, type) and issubclass(t, msgspec.Struct)]
    if not inner:
        try:
            msgspec.convert(raw, type_, dec_hook=_path_of)
        except msgspec.ValidationError as error:
            yield place, f"{_plain(str(error))}, got {raw!r}"
    elif ... in get_args(type_):
        if not isinstance(raw, list):
            yield place, f"expected [[{_name(place)}]] tables, got {raw!r}"
            return
        for number, table in enumerate(raw):
            yield from _table_faults(table, inner[0], (*place, number))
    else:
        yield from _table_faults(raw, inner[0], place)


def _path_of(type_: type, raw: object) -> object:
    if type_ is Path and isinstance(raw, str) and raw:
        return Path(raw)
    raise ValueError("Expected `path`")


def _plain(message: str) -> str:
    """The decoder's message in plain words."""
    if message.startswith("Invalid RFC3339"):
        return "expected a date such as 2026-12-31"
    for word, plain in _WORDS.items():
        message = message.replace(f"`{word}`", plain).replace(f"`{word} | null`", plain)
    message = message.split(", got ")[0].replace("`", "")
    return message[:1].lower() + message[1:]


def _name(place: Place) -> str:
    """("feeder", 0, "id") → feeder[1].id, counted as people count."""
    name = ""
    for part in place:
        if isinstance(part, int):
            name += f"[{part + 1}]"
        else:
            name += f".{part}" if name else part
    return name


def _absolute(settings: S, folder: Path) -> S:
    """The same settings with every relative path under `folder`."""
    changed: dict[str, object] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Path):
            changed[field.name] = folder / value
        elif isinstance(value, msgspec.Struct):
            changed[field.name] = _absolute(value, folder)
        elif isinstance(value, tuple) and any(isinstance(one, msgspec.Struct) for one in value):
            changed[field.name] = tuple(_absolute(one, folder) for one in value)
    if isinstance(settings, Feeder) and is_file(settings.network):
        changed["network"] = str(folder / settings.network)
    if isinstance(settings, Rtu | FeederModbus) and settings.profile.endswith(".toml"):
        changed["profile"] = str(folder / settings.profile)
    return msgspec.structs.replace(settings, **changed)
