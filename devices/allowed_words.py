"""A word that is none of those allowed, told in plain words: where it stands, and what was expected.

Knows how the decoder `msgspec` says it, and not what is decoded. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

_TOLD = re.compile(r"Invalid enum value (?P<word>.*?)(?: - at `\$(?P<place>[^`]*)`)?", re.DOTALL)
_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_ANY = "..."
"""the decoder does not tell which key of a table it was"""


def plain_message(error: msgspec.ValidationError, kind: Any, raw: object = None) -> str:
    """The decoder's message; for a word that is not allowed `quantities.p_kw.encoding: expected one of
    'int16', 'uint16', got 'int24'`. `kind` is what was decoded as, `raw` what, as far as it is at hand.
    """
    told = _TOLD.fullmatch(str(error))
    if told is None:
        return str(error)
    parts = [name or number for name, number in _PART.findall(told["place"] or "")]
    words = dict.fromkeys(repr(word) for word in _words(inspect.type_info(kind), parts))
    if not words:
        return str(error)
    exact = next(_exact(raw, parts, told["word"]), parts)
    place = _named(exact)
    return f"{place}{': ' if place else ''}expected one of {', '.join(words)}, got {told['word']}"


def _words(kind: inspect.Type, parts: Sequence[str]) -> Iterator[object]:
    """What may stand at this place."""
    if isinstance(kind, inspect.Metadata):
        yield from _words(kind.type, parts)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _words(one, parts)
    elif parts:
        for inner in _inside(kind, parts[0]):
            yield from _words(inner, parts[1:])
    elif isinstance(kind, inspect.LiteralType):
        yield from kind.values


def _inside(kind: inspect.Type, part: str) -> Iterator[inspect.Type]:
    match kind:
        case inspect.StructType():
            yield from (field.type for field in kind.fields if field.encode_name == part)
        case inspect.DictType():
            yield kind.value_type
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType():
            yield kind.item_type


def _exact(raw: object, parts: Sequence[str], word: str) -> Iterator[list[str]]:
    """The places of this form where the word stands in what was decoded."""
    if not parts:
        if repr(raw) == word:
            yield []
        return
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(raw, Mapping):
        inner = raw.items()
    elif isinstance(raw, list):
        inner = enumerate(raw)
    for key, value in inner:
        if parts[0] in (str(key), _ANY):
            yield from ([str(key), *place] for place in _exact(value, parts[1:], word))


def _named(parts: Sequence[str]) -> str:
    """As people write it, lists counted from 1."""
    name = ""
    for part in parts:
        if part.isdecimal():
            name += f"[{int(part) + 1}]"
        elif part == _ANY:
            name += f"[{_ANY}]"
        else:
            name += f".{part}" if name else part
    return name
