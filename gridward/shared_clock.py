"""One faster clock for several processes of a machine: the field writes it to a file, the daemon reads it.

The machine's monotonic time is the same in all processes: a start, a speed and its moment are enough.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from controller.clock import ScaledClock


class ClockRejected(Exception):
    """The file is not a clock; the message names it and what was expected."""


class _ClockFile(msgspec.Struct, frozen=True, kw_only=True):
    start: datetime
    speed: float
    began_s: float


def start_clock(path: Path, start: datetime, speed: float) -> ScaledClock:
    """Begin a clock now and write it where others find it, whole or not at all."""
    clock = ScaledClock(start, speed)
    half = path.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(_ClockFile(start=start, speed=speed, began_s=clock.began_s)))
    half.replace(path)
    return clock


def join_clock(path: Path) -> ScaledClock:
    """The clock that another process began. Raises ClockRejected."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=_ClockFile)
        return ScaledClock(told.start, told.speed, told.began_s)
    except (OSError, msgspec.MsgspecError, ValueError) as fault:
        raise ClockRejected(f"{path}: {fault}; expected start, speed and began_s of a shared clock") from None
