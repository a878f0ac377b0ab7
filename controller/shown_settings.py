"""The settings in force as people may see them: all figures, switches and paths, and of the texts only those
that cannot hold a secret. Pure.

A text is shown because its field is named here, never because nobody thought of hiding it: an address may
carry a password, as those of notices do, and a new field is hidden until somebody has looked at it.
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import PurePath
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

HIDDEN = "(set, not shown)"
SHOWN_TEXTS = frozenset(
    (
        "charge_point",
        "client_id",
        "currency",
        "device",
        "groups_claim",
        "holidays",
        "host",
        "id",
        "issuer",
        "meter",
        "name",
        "name_claim",
        "network",
        "path",
        "profile",
        "program",
        "programme",
        "quiet",
        "resource",
        "root",
        "server_name",
        "target",
        "time_zone",
        "ven",
        "vtn",
    )
)
"""names of the fields whose text is shown"""


def shown(settings: msgspec.Struct) -> dict[str, Any]:
    """The settings as plain values for JSON, table by table; `HIDDEN` in place of what is not shown."""
    hints = get_type_hints(type(settings))
    return {name: _value(name, getattr(settings, name), hints[name]) for name in settings.__struct_fields__}


def _value(name: str, value: Any, declared: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return shown(value)
    if value is None or isinstance(value, bool | int | float | PurePath | date | time | timedelta):
        return value if value is None or isinstance(value, bool | int | float) else str(value)
    if isinstance(value, str):
        return value if name in SHOWN_TEXTS or _is_choice(declared) else HIDDEN
    if isinstance(value, Mapping):
        return {_key(key): _value(name, inner, _inner(declared)) for key, inner in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [_value(name, inner, _inner(declared)) for inner in value]
    return HIDDEN


def _is_choice(declared: Any) -> bool:
    """Whether the declaration names all texts that it may be."""
    if get_origin(declared) is Literal:
        return True
    return any(_is_choice(one) for one in get_args(declared) if one is not str)


def _inner(declared: Any) -> Any:
    """What a container's values are declared to be: the last of its arguments that says something."""
    arguments = [one for one in get_args(declared) if one not in (type(None), Ellipsis)]
    return arguments[-1] if arguments else Any


def _key(key: object) -> str:
    """Keys of tables are names that an engineer gave: of kinds, roles, feeders."""
    return str(key)
