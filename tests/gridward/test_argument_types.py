"""Options: what they may be, and what is said when they are not."""

import argparse
from collections.abc import Callable
from datetime import date, time

import pytest

from gridward import argument_types as types


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (types.port, "8080", 8080),
        (types.positive, "0.5", 0.5),
        (types.share, "0", 0.0),
        (types.share, "1", 1.0),
        (types.seed, "0", 0),
        (types.time_of_day, "16:45", time(16, 45)),
        (types.day, "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_good(kind: Callable[[str], object], text: str, value: object) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (types.port, ["0", "65536", "-1", "http", ""], "expected a port, 1 to 65535"),
        (types.positive, ["0", "-1", "inf", "nan", "fast"], "expected a number above 0"),
        (types.share, ["-0.1", "1.1", "nan", "half"], "expected a share, 0 to 1"),
        (
            types.seed,
            ["-1", "1.5", "x", "", "\N{SUPERSCRIPT TWO}", "1" * 17],
            "expected a whole number, 0 to",
        ),
        (types.time_of_day, ["25:00", "noon", ""], "expected a time of day, HH:MM"),
        (types.day, ["2026-02-29", "20260112", "2026-W03-1", "9999-12-31", "today", ""], "expected a date"),
    ],
)
def test_bad(kind: Callable[[str], object], texts: list[str], expected: str) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError, match=expected):
            kind(text)
