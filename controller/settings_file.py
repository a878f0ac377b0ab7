"""Reads SITE.toml into `settings.Site`; everything that is wrong is told at once, with file, line, key.

Relative paths in the file are relative to its folder. Knows the shape of the settings only: whether they make
sense together is `settings_checks`'s subject.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

from controller.errors import ConfigRejected
from controller.settings import Feeder, FeederModbus, Rtu, Site
from controller.settings_checks import is_file, sense_faults
from controller.settings_link_checks import Fault
from controller.toml_lines import Place, TomlLines

S = TypeVar("S", bound=msgspec.Struct)

_KEY = re.compile(r"[a-z_]+(\[\d+\])?(\.[a-z_]+(\[\d+\])?)*(?=[:,] )")
_PART = re.compile(r"([a-z_]+)|\[(\d+)\]")
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "path": "a path",
    "date": "a date such as 2026-12-31",
}


@dataclass(frozen=True)
class SiteFile:
    """A settings file whose values are what their keys take."""

    path: Path
    site: Site
    """all paths absolute"""
    faults: tuple[Fault, ...]
    """what cannot be meant, by `settings_checks`"""
    _lines: TomlLines

    def told(self, faults: Iterable[Fault]) -> list[str]:
        """Findings for people, with file, line and key."""
        return _told(self.path, self._lines, faults)

    def placed(self, finding: str) -> tuple[Place, str]:
        """The place of a finding's key, `()` where it does not begin with one as `feeder[1].id: expected …`
        does, and the finding with file and line.
        """
        key = _KEY.match(finding)
        place = () if key is None else _place(key[0])
        if not place or place[0] not in Site.__struct_fields__:
            return (), f"{self.path}: {finding}"
        return place, f"{self.path}, line {self._lines.line(place)}: {finding}"


def load_site(path: Path) -> Site:
    """The settings of a site, all paths absolute. Raises ConfigRejected with all findings."""
    found = read_site(path)
    if found.faults:
        raise ConfigRejected(found.told(found.faults))
    return found.site


def read_site(path: Path) -> SiteFile:
    """The same, also where it makes no sense. Raises ConfigRejected with all findings when a value is not
    what its key takes.
    """
    site, lines = _read(path, Site)
    return SiteFile(path, site, tuple(sense_faults(site)), lines)


def load_tables(path: Path, table: type[S]) -> S:
    """Settings of another shape that are written as a site's are, all paths absolute. Raises ConfigRejected
    with all findings.
    """
    return _read(path, table)[0]


def _read(path: Path, table: type[S]) -> tuple[S, TomlLines]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRejected([f"{path}: expected a readable file in UTF-8: {error}"]) from error
    except (ValueError, RecursionError) as error:  # also numbers too long to read, and tables too deep
        raise ConfigRejected([f"{path}: expected TOML: {error}"]) from error
    lines = TomlLines(text)
    faults = list(_table_faults(raw, table, ()))
    if faults:
        raise ConfigRejected(_told(path, lines, faults))
    return _absolute(msgspec.convert(raw, table, dec_hook=_path_of), path.resolve().parent), lines


def _told(path: Path, lines: TomlLines, faults: Iterable[Fault]) -> list[str]:
    placed = sorted((lines.line(place), _name(place), expected) for place, expected in faults)
    return [f"{path}, line {line}: {name}: {expected}" for line, name, expected in placed]


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
    if (words := _words(type_)) and raw not in words:
        yield place, f"expected one of {', '.join(map(repr, words))}, got {raw!r}"
        return
    inner = [t for t in (type_, *get_args(type_)) if isinstance(t, type) and issubclass(t, msgspec.Struct)]
    if not inner and (parts := list(_parts(raw, type_))):
        for key, part, kind in parts:
            yield from _value_faults(part, kind, (*place, key))
    elif not inner:
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


def _words(type_: Any) -> tuple[Any, ...]:
    """Those that a key takes; none when it takes more than certain words."""
    if get_origin(type_) is Literal:
        return get_args(type_)
    held = [one for one in get_args(type_) if one is not NoneType]
    return get_args(held[0]) if len(held) == 1 and get_origin(held[0]) is Literal else ()


def _parts(raw: object, type_: Any) -> Iterator[tuple[str | int, object, Any]]:
    """What a table or list of single values holds: key, value and type of each."""
    for one in (type_, *get_args(type_)):
        if get_origin(one) is dict and isinstance(raw, Mapping):
            yield from ((key, value, get_args(one)[1]) for key, value in raw.items())
        elif get_origin(one) is tuple and ... in get_args(one) and isinstance(raw, list):
            yield from ((number, value, get_args(one)[0]) for number, value in enumerate(raw))


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


def _place(name: str) -> Place:
    """feeder[1].id → ("feeder", 0, "id")"""
    return tuple(int(number) - 1 if number else key for key, number in _PART.findall(name))


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
