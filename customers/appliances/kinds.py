"""Which kind of appliance a word means, in English, German and Chinese. Pure.

The kinds of devices of `registry_files.py` come first; storage and direct electric heaters are large as well.
What is certainly none of them (a washing machine, a television) is told apart from what nobody knows: the
first is passed over, the second is a fault of the row, so that nothing is lost in silence.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

KINDS = (
    "ev_charger", "heat_pump", "battery", "air_conditioner", "boiler", "pv_inverter",
    "storage_heater", "electric_heater",
)  # fmt: skip
OTHER = "other"
"""an appliance that is too small, or does not wait"""


def words_of_lists() -> dict[str, Any]:
    """`words.toml`, which comes with the package."""
    text = resources.files("customers.appliances").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _words() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((one["kind"], tuple(one["words"])) for one in words_of_lists()["appliance"])


def folded_words(text: str) -> str:
    """Lower case, no accents, single spaces, words apart from each other."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())


def kind_of(text: str, own_words: Mapping[str, str] | None = None) -> str | None:
    """One of `KINDS`, `OTHER`, or None for what nobody knows. `own_words` (word and kind) count first."""
    found = kind_and_word(text, own_words)
    return None if found is None else found[0]


def kind_and_word(text: str, own_words: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The kind, and the word that tells it: of all that a cell says the only part that is nobody's."""
    said = folded_words(text)
    if said.replace(" ", "_") in KINDS:
        return said.replace(" ", "_"), said
    for word, kind in (own_words or {}).items():
        if _has(said, folded_words(word)):
            return kind, word
    return next(((kind, word) for kind, words in _words() for word in words if _has(said, word)), None)


def _has(said: str, word: str) -> bool:
    """Whether a word is there: short Latin ones whole, others also inside a compound."""
    if not word:
        return False
    if word.isascii() and len(word) <= 6:
        return re.search(rf"\b{re.escape(word)}\b", said) is not None
    return word in said
