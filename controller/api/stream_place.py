"""Where somebody stands in the console's stream, and the same as the text of an event's id. Pure.

The id says what cannot be told anew from the present alone: the latest sentence of the journal, and the
latest point of the feeder's trend. Both outlast a restart of the daemon.
"""

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.views import FeederView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(r"([0-9]{1,18})-([0-9]{1,18})-([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class FeederPlace:
    """What was told of the one feeder that is followed."""

    view: FeederView | None = None
    trend_us: int | None = None
    """time of the latest point, in microseconds since 1970"""


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """What an id says."""

    told: int | None = None
    """number of the latest sentence; None: none was told"""
    trend_us: int | None = None


def micros(at: datetime) -> int:
    """Since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def place_text(place: StreamPlace, feeder: str | None) -> bytes:
    """The place as an id. The trend's part holds for one feeder."""
    return b"%d-%d-%08x" % (place.told or 0, place.trend_us or 0, _mark(feeder))


def read_place(text: str | None, feeder: str | None) -> StreamPlace:
    """What an id says to who follows this feeder; of anything else nothing, so that all is told anew."""
    found = _FORM.fullmatch(text or "")
    if found is None:
        return StreamPlace()
    told, trend_us, mark = int(found[1]), int(found[2]), int(found[3], 16)
    return StreamPlace(told, trend_us if mark == _mark(feeder) and trend_us else None)


def _mark(feeder: str | None) -> int:
    return zlib.crc32(("" if feeder is None else feeder).encode())
