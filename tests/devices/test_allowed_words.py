from typing import Annotated, Any, Literal

import msgspec
import pytest

from devices.allowed_words import plain_message

Colour = Literal["red", "green"]


class Leaf(msgspec.Struct):
    colour: Colour | None = None
    level: Annotated[Literal[1, 2], msgspec.Meta(description="of two")] = 1


class Tree(msgspec.Struct):
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}
    name: str = ""


@pytest.mark.parametrize(
    ("kind", "raw", "told"),
    [
        (Leaf, {"colour": "blue"}, "colour: expected one of 'green', 'red', got 'blue'"),
        (Leaf, {"level": 3}, "level: expected one of 1, 2, got 3"),
        (Colour, "blue", "expected one of 'green', 'red', got 'blue'"),
        (
            Tree,
            {"leaves": [{}, {"colour": "blue"}]},
            "leaves[2].colour: expected one of 'green', 'red', got 'blue'",
        ),
        (
            Tree,
            {"named": {"a": {"colour": "red"}, "b": {"colour": "blue"}}},
            "named.b.colour: expected one of 'green', 'red', got 'blue'",
        ),
    ],
)
def test_a_word_that_is_not_allowed(kind: Any, raw: object, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(raw, kind)
    assert plain_message(caught.value, kind, raw) == told


def test_without_what_was_decoded_a_key_stays_open() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"named": {"b": {"colour": "blue"}}}', type=Tree)
    assert plain_message(caught.value, Tree).startswith("named[...].colour: expected one of ")


def test_other_faults_stay_as_they_are() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"name": 3}, Tree)
    assert plain_message(caught.value, Tree) == "Expected `str`, got `int` - at `$.name`"
