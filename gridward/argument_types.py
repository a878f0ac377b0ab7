"""What options of the command line may be; an ArgumentTypeError becomes a message and exit status 2."""

import argparse
from datetime import date, datetime, time

from simulations.scenario import MOST_SEED


def port(text: str) -> int:
    """A TCP port to listen on."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a port, 1 to 65535")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0")
    return number


def share(text: str) -> float:
    """A share, 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a share, 0 to 1")
    return number


def seed(text: str) -> int:
    """A scenario's seed."""
    if not text.isascii() or not text.isdigit() or int(text) > MOST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 0 to {MOST_SEED}")
    return int(text)


def time_of_day(text: str) -> time:
    """HH:MM."""
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a time of day, HH:MM") from None


def day(text: str) -> date:
    """YYYY-MM-DD, from year 1 to 9998, so that there is a next day."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.max
    if found.isoformat() != text or found.year == date.max.year:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a date, YYYY-MM-DD")
    return found


def moment(text: str) -> datetime:
    """A time with its offset from UTC."""
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        expected = "expected a time with its offset, such as 2026-01-12T18:30:00+01:00"
        raise argparse.ArgumentTypeError(f"{text!r}: {expected}")
    return found


def whole_above_0(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number above 0")
    return int(text)
