"""The frames of words to people, by language and kind: data files, and a site's own on top of them.

    [notice]                    en.toml as it comes;   [en.notice] in a site's own file
    subject = "..."             of an e-mail, and the title of a webhook
    text    = "... {text} ..."  plain; {text} is the word itself
    sms     = "..."             short, for a phone

and by language `footer` (how to get no more of them; it holds {opt_out_link}) and `html` (the frame of an
e-mail's second form). A placeholder is a name in braces and nothing else; `{{` is a brace. Every fault is
told at once, with file and line. Reading a file is the only I/O here.
"""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from devices.errors import ProfileRejected
from devices.messages import NoticeKind

LANGUAGES = ("en", "zh")
FrameKind = NoticeKind | Literal["trial"]
"""trial: an engineer tries a way; it asks and tells nothing, so its words stand in its frame"""
KINDS: tuple[FrameKind, ...] = (*get_args(NoticeKind), "trial")
_BUILT_IN = resources.files("devices") / "notices" / "texts"

_COMMON = frozenset({"text", "limit_kw", "start", "from_start", "until", "link", "site", "name"})
_MEANT: Mapping[str, frozenset[str]] = {
    "subject": _COMMON - {"text", "link"},
    "text": _COMMON,
    "sms": _COMMON | {"opt_out_link"},
    "footer": frozenset({"opt_out_link", "site"}),
    "html": frozenset({"subject", "text", "footer", "site"}),
}
"""field → the placeholders that have a meaning in it"""
_MEANT_IN_TRIAL = frozenset({"site", "name", "opt_out_link"})
_NEEDED: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text"}),
    "footer": frozenset({"opt_out_link"}),
    "html": frozenset({"text", "footer"}),
}
_NEEDED_IN_SMS = frozenset({"limit_kw", "until", "link"})
"""of a notice without {text}: what is asked, until when, and how to answer"""
_LANGUAGE_FIELDS = ("footer", "html")
_KIND_FIELDS = ("subject", "text", "sms")


@dataclass(frozen=True, slots=True)
class Frame:
    """Of one kind of word in one language."""

    subject: str
    text: str
    sms: str


@dataclass(frozen=True, slots=True)
class Texts:
    """Of one language."""

    footer: str
    html: str
    frames: Mapping[FrameKind, Frame]


Templates = Mapping[str, Texts]
"""by language"""


def load_templates(own: Path | None = None) -> Templates:
    """The built-in frames, with those of a site's own file in their place. Raises ProfileRejected."""
    raw = {language: _built_in(language) for language in LANGUAGES}
    if own is not None:
        changed, faults = _own(own)
        if faults:
            raise ProfileRejected("\n".join(faults))
        raw = {language: _over(raw[language], changed.get(language, {})) for language in LANGUAGES}
    return {language: _texts(raw[language]) for language in LANGUAGES}


def _built_in(language: str) -> dict[str, Any]:
    return _read_built_in()[language]


@cache
def _read_built_in() -> dict[str, dict[str, Any]]:
    """Raises ProfileRejected when a file of ours is wrong."""
    found, faults = {}, []
    for language in LANGUAGES:
        file = f"{language}.toml"
        text = (_BUILT_IN / file).read_text(encoding="utf-8")
        raw = tomllib.loads(text)
        faults += [_told(file, text, *fault) for fault in _faults(raw, ())]
        found[language] = raw
    if faults:
        raise ProfileRejected("\n".join(faults))
    return found


def _own(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # a wrong encoding is a ValueError too
        return {}, [f"{path}: expected a readable TOML file in UTF-8: {error}"]
    faults: list[Fault] = []
    for language, table in raw.items():
        if language not in LANGUAGES or not isinstance(table, Mapping):
            faults.append(((language,), f"expected tables of one of {', '.join(LANGUAGES)}"))
        else:
            faults += _faults(table, (language,))
    return raw, [_told(str(path), text, *fault) for fault in faults]


Place = tuple[str, ...]
Fault = tuple[Place, str]


def _faults(raw: Mapping[str, Any], place: Place) -> Iterator[Fault]:
    """What is wrong with the fields of one language; those that are not there are no fault."""
    for name, value in raw.items():
        if name in _LANGUAGE_FIELDS:
            yield from _field_faults(value, name, (*place, name), None)
        elif name in KINDS and isinstance(value, Mapping):
            for field, inner in value.items():
                if field in _KIND_FIELDS:
                    yield from _field_faults(inner, field, (*place, name, field), name)
                else:
                    yield (*place, name, field), f"expected one of {', '.join(_KIND_FIELDS)}"
        else:
            yield (*place, name), f"expected one of {', '.join((*_LANGUAGE_FIELDS, *KINDS))}"


def _field_faults(value: object, field: str, place: Place, kind: str | None) -> Iterator[Fault]:
    if not isinstance(value, str) or not value.strip():
        yield place, f"expected a text, got {value!r}"
        return
    try:
        used = _placeholders(value)
    except ValueError as error:
        yield place, f"expected placeholders such as {{until}}, and {{{{ for a brace: {error}"
        return
    meant = _MEANT[field] & _MEANT_IN_TRIAL if kind == "trial" else _MEANT[field]
    for unknown in sorted(used - meant):
        known = ", ".join(f"{{{one}}}" for one in sorted(meant))
        yield place, f"{{{unknown}}} has no meaning here, expected one of {known}"
    needed = frozenset[str]() if kind == "trial" else _NEEDED.get(field, frozenset())
    if field == "sms" and kind == "notice" and "text" not in used:
        needed = _NEEDED_IN_SMS
    for missing in sorted(needed - used):
        yield place, f"expected {{{missing}}} in it"


def _placeholders(text: str) -> set[str]:
    """The names in braces. ValueError for anything but a bare name."""
    used = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"{{{name}}} is not a bare name")
        used.add(name)
    return used


def _told(file: str, text: str, place: Place, expected: str) -> str:
    return f"{file}, line {_line(text, place)}: {'.'.join(place)}: {expected}"


def _line(text: str, place: Place) -> int:
    """Of the field, or of the nearest that is above it."""
    *tables, field = place
    header, found, within = ".".join(tables), 1, not tables
    for number, line in enumerate(text.splitlines(), start=1):
        named = re.match(r"\s*\[([^\]]+)\]", line)
        if named is not None:
            told = named[1].replace(" ", "").replace('"', "")
            within = told == header
            if told in (header, ".".join(place)):
                found = number
        elif within and re.match(rf'\s*"?{re.escape(field)}"?\s*[=.]', line):
            return number
    return found


def _over(raw: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**value, **own.get(name, {})} if isinstance(value, Mapping) else own.get(name, value)
        for name, value in raw.items()
    }


def _texts(raw: Mapping[str, Any]) -> Texts:
    frames = {kind: Frame(**{field: raw[kind][field] for field in _KIND_FIELDS}) for kind in KINDS}
    return Texts(raw["footer"], raw["html"].strip(), frames)
