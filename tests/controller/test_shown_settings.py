"""Settings as people may see them: nothing that may hold a secret."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from controller.settings import Api, Notices, NoticeWay, OpenId, Site, Store
from controller.shown_settings import HIDDEN, SHOWN_TEXTS, shown
from tests.builders import site

SECRET = "mailto://user:hunter2@mail.example.org"


def test_figures_switches_paths_choices_and_named_texts_are_shown() -> None:
    told = shown(site(api=Api(operator_token_file=Path("/etc/gridward/operator.token"))))
    assert told["api"]["port"] == 8080
    assert told["api"]["sign_in_to_look"] is False
    assert told["api"]["operator_token_file"] == "/etc/gridward/operator.token"
    assert told["broker"]["protocol"] == "5"
    assert told["feeder"][0]["id"] == "F1"
    assert told["rewards"]["currency"] == "EUR-cent"


def test_an_address_that_may_hold_a_password_is_not() -> None:
    ways = Notices(channel=(NoticeWay(name="email", url=SECRET),))
    told = shown(site(notices=ways, store=Store(postgres="postgresql://gridward@db/gridward")))
    assert told["notices"]["channel"][0] == shown(NoticeWay(name="email")) | {"url": HIDDEN}
    assert told["store"]["postgres"] == HIDDEN


def test_roles_of_a_provider_are_shown_by_their_names() -> None:
    openid = OpenId(
        issuer="https://id.example.org",
        client_id="gridward",
        client_secret_file=Path("s"),
        roles={"control room": "operator"},
    )
    assert shown(openid)["roles"] == {"control room": "operator"}


def test_no_text_field_of_any_settings_shows_what_it_holds_unless_it_is_named() -> None:
    """With a secret in every text field that there is."""
    leaked = {name for kind in _kinds(Site) for name in _showing(SECRET, shown(_filled(kind)))}
    assert leaked
    assert leaked <= SHOWN_TEXTS


def _showing(text: str, told: Any, field: str = "") -> Iterator[str]:
    """Fields that show it."""
    if told == text:
        yield field
    for inner in told if isinstance(told, list) else ():
        yield from _showing(text, inner, field)
    for name, inner in told.items() if isinstance(told, dict) else ():
        yield from _showing(text, inner, name)


def _filled(kind: type[msgspec.Struct]) -> msgspec.Struct:
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name]) for name in kind.__struct_fields__})


def _value(declared: Any) -> Any:
    """Something that fits."""
    origin, inner = get_origin(declared), get_args(declared)
    if origin in (Union, UnionType):
        return _value(inner[0])
    if origin is Literal:
        return inner[0]
    if origin in (tuple, frozenset):
        return origin([_value(inner[0])])
    if origin is not None:
        return {"key": _value(inner[-1])}
    if issubclass(declared, msgspec.Struct):
        return _filled(declared)
    return {Path: Path("/p"), bool: True, int: 1, float: 1.0, date: date(2026, 1, 1)}.get(declared, SECRET)


def _kinds(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    yield kind
    for declared in get_type_hints(kind).values():
        for inner in _structs(declared):
            yield from _kinds(inner)


def _structs(declared: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(declared, type) and issubclass(declared, msgspec.Struct):
        yield declared
    for inner in get_args(declared):
        yield from _structs(inner)


@pytest.mark.parametrize("name", sorted(SHOWN_TEXTS))
def test_each_named_text_is_a_field_of_some_settings(name: str) -> None:
    assert any(name in kind.__struct_fields__ for kind in _kinds(Site))
