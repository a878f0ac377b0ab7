"""A limit of `gridward check` in words and columns that cannot be read the wrong way round. Formats only.

Power is positive for consumption, so the limit of an inverter is a number below 0, or 0. Next to it always
stands which way it goes.
"""

from typing import Any

from grid_model.allocation import Curtailment

__all__ = ["NUMBERS", "cells", "numbers"]

_DIGITS = 6
NUMBERS = ["kW now", "limit kW", "cut kW"]
"""headers of `cells`"""


def numbers(cut: Curtailment) -> dict[str, Any]:
    """The part of its JSON object that tells powers, in kW, and which way they are limited."""
    return {
        "p_kw": round(cut.p_kw, _DIGITS),
        "limit_kw": cut.limit_kw,
        "curtailed_kw": cut.curtailed_kw,
        "limits": "production" if _feeds_in(cut) else "consumption",
        "says": _says(cut),
    }


def cells(cut: Curtailment) -> list[str]:
    """What it takes or feeds in now, its limit, and how far that is apart."""
    cut_kw = f"{cut.curtailed_kw:.3f}"
    if _feeds_in(cut):
        return [f"feeds in {_feed_in_kw(cut.p_kw):.2f}", _says(cut), cut_kw]
    return [f"{cut.p_kw:.2f}", f"{cut.limit_kw:.3f}", cut_kw]


def _feeds_in(cut: Curtailment) -> bool:
    """Only what feeds in is told to take more: to hold back."""
    return cut.sense == "at_least"


def _says(cut: Curtailment) -> str:
    if _feeds_in(cut):
        return f"feeds in no more than {_feed_in_kw(cut.limit_kw):.3f} kW"
    return f"takes no more than {cut.limit_kw:.3f} kW"


def _feed_in_kw(p_kw: float) -> float:
    return max(-p_kw, 0.0) or 0.0
