"""Recorded states on the disk: files that only grow, one after another for each feeder, bounded in age and
size.

    FOLDER/FEEDER/20261126T170000.000000Z.states     header: what its frames are of; then frame after frame

Not the truth (that is the journal and the samples) but what people saw, so nothing is synced: a power cut may
cost the last seconds. Each frame has its length and a checksum; reading ends at the first that is not whole,
and who writes after a restart begins a new file, so nothing good ever follows what is broken. A file holds
states of one UTC day, in ascending order: when the clock is set back, another one begins, so two files of a
day may overlap. Methods block; one writer, any readers.
"""

import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from controller.occurrences.frames import Drawn, Frame, decoded, encoded
from controller.stores.rows import from_us, to_us

MAGIC = b"GWS1"
SUFFIX = ".states"
LARGEST_FILE = 16 * 2**20
NEAR = timedelta(seconds=90)
"""A state that was recorded so shortly before is the one of then."""
_LENGTH = struct.Struct("<I")
_BLOCK = struct.Struct("<IIq")
"""length, checksum, microseconds since 1970"""
_LARGEST_BLOCK = 64 * 2**20
_NAME = "%Y%m%dT%H%M%S.%fZ"


@dataclass(slots=True)
class _Open:
    """A file that is written."""

    file: BinaryIO
    path: Path
    first: datetime
    """of its first frame"""
    last: datetime | None = None
    """of its last one; None: there is none yet"""

    def takes(self, at: datetime) -> bool:
        """Whether a frame of this time may come into it."""
        later = self.last is None or at > self.last
        return later and self.first.date() == at.date() and self.file.tell() <= LARGEST_FILE


class StateWriter:
    """Writes the states of all feeders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, _Open] = {}

    def write(self, drawn: Drawn, frame: Frame) -> None:
        """Add one frame; one of the same time as the last is left out. Raises OSError: then nothing of it is
        left but what came before it, and the next one begins a new file.
        """
        one = self._open.get(drawn.feeder)
        if one is not None and one.last == frame.at:
            return
        try:
            if one is not None and not one.takes(frame.at):
                del self._open[drawn.feeder]
                one.file.close()
                one = None
            if one is None:
                one = self._open[drawn.feeder] = self._begun(drawn, frame.at)
            body = encoded(frame)
            one.file.write(_BLOCK.pack(len(body), zlib.crc32(body), to_us(frame.at)) + body)
            one.file.flush()
            one.last = frame.at
        except OSError:
            self._given_up(drawn.feeder)
            raise

    def close(self) -> None:
        """Close all files."""
        for feeder in tuple(self._open):
            self._given_up(feeder)

    @property
    def open_files(self) -> frozenset[Path]:
        """Those that are written now."""
        return frozenset(one.path for one in self._open.values())

    def _given_up(self, feeder: str) -> None:
        """Closed, and gone if no frame came into it: it would only take the room that is missing."""
        one = self._open.pop(feeder, None)
        if one is not None:
            _close(one.file)
            if one.last is None:
                _remove(one.path)

    def _begun(self, drawn: Drawn, at: datetime) -> _Open:
        folder = _of(self._folder, drawn.feeder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _free(folder, at)
        header = msgspec.json.encode(drawn)
        file = path.open("xb")
        try:
            path.chmod(0o600)
            file.write(MAGIC + _LENGTH.pack(len(header)) + header)
        except OSError:
            _close(file)
            _remove(path)
            raise
        return _Open(file, path, at)


def _close(file: BinaryIO) -> None:
    with suppress(OSError):  # what was not written yet is lost in any case
        file.close()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _free(folder: Path, at: datetime) -> Path:
    """A name that no file has: a clock that was set back may come to the same time again."""
    named = at.astimezone(UTC)
    while (path := folder / f"{named:{_NAME}}{SUFFIX}").exists():
        named += timedelta(microseconds=1)
    return path


def newest(folder: Path) -> datetime | None:
    """When the newest file began; None where there is none. Raises OSError."""
    return max((start for feeder in _folders(folder) for start, _ in _dated(feeder)), default=None)


def prune(
    folder: Path, before: datetime | None, most_bytes: int, written: Collection[Path] = frozenset()
) -> int:
    """Delete files of days that ended `before` then, and the oldest beyond `most_bytes` in all; returns how
    many. The newest file of a feeder goes by age alone, and one that is `written` never. `before`: None:
    none is too old. Raises OSError.
    """
    files: list[tuple[datetime, Path, int, bool]] = []
    for feeder in _folders(folder):
        named = sorted(_dated(feeder))
        files += [(start, path, path.stat().st_size, path == named[-1][1]) for start, path in named]
    files.sort(reverse=True)  # the newest first: they are kept
    most_bytes -= sum(size for _, _, size, is_newest in files if is_newest)
    gone = 0
    for start, path, size, is_newest in files:
        most_bytes -= 0 if is_newest else size
        is_old = before is not None and _day_after(start) <= before
        if path not in written and (is_old or (most_bytes < 0 and not is_newest)):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _day_after(start: datetime) -> datetime:
    """The midnight before which all frames of a file lie."""
    return start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _File:
    """Where each frame of a file is."""

    drawn: Drawn
    times_us: "array[int]"
    offsets: "array[int]"
    size: int


class StateReader:
    """Finds states by time. For one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, _File] = {}
        """of the feeder and time that was read last"""

    def at_or_before(self, feeder: str, times: tuple[datetime, ...]) -> Iterator[tuple[Drawn, Frame] | None]:
        """For each of ascending times the latest frame that is not later; None where there is none.
        Raises OSError."""
        files = sorted(_dated(_of(self._folder, feeder)))
        starts = [start for start, _ in files]
        used: dict[Path, _File] = {}
        for at in times:
            latest: tuple[int, Path, int] | None = None
            for start, path in reversed(files[: bisect_right(starts, at)]):
                if latest is not None and _is_settled(latest[0], at, start):
                    break
                file = used.get(path) or self._scanned(path)
                used[path] = file
                place = bisect_right(file.times_us, to_us(at)) - 1
                if place >= 0 and (latest is None or file.times_us[place] > latest[0]):
                    latest = file.times_us[place], path, place
            yield None if latest is None else _frame(latest[1], used[latest[1]], latest[2])
        self._known = used

    def written(self, feeder: str) -> tuple[tuple[str, int], ...]:
        """The feeder's files and their sizes: another answer, once there is more. Raises OSError."""
        files = sorted(path for _, path in _dated(_of(self._folder, feeder)))
        return tuple((path.name, path.stat().st_size) for path in files)

    def _scanned(self, path: Path) -> _File:
        known, size = self._known.get(path), path.stat().st_size
        return known if known is not None and known.size == size else _scan(path, size)


def _is_settled(found_us: int, at: datetime, start: datetime) -> bool:
    """Whether a file that began at `start`, before the one in which the frame was found, need not be looked
    into: the frame is as near as quiet times have it, or the file ended before."""
    found = from_us(found_us)
    return at - found <= NEAR or _day_after(start) <= found


def _frame(path: Path, file: _File, place: int) -> tuple[Drawn, Frame]:
    with path.open("rb") as opened:
        opened.seek(file.offsets[place])
        length, _, at_us = _BLOCK.unpack(opened.read(_BLOCK.size))
        return file.drawn, decoded(from_us(at_us), opened.read(length), file.drawn)


def _scan(path: Path, size: int) -> _File:
    """As far as the file is whole."""
    nothing = _File(Drawn("", (), (), (), (), (), (), (), ()), array("q"), array("q"), size)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return nothing
        try:
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            drawn = msgspec.json.decode(file.read(min(length, _LARGEST_BLOCK)), type=Drawn)
        except (struct.error, msgspec.MsgspecError):
            return nothing
        blocks = list(_blocks(file, size))
    return _File(
        drawn, array("q", [at for at, _ in blocks]), array("q", [place for _, place in blocks]), size
    )


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """(time, offset) of each frame that is whole and later than the one before."""
    last = -(2**63)
    while (offset := file.tell()) + _BLOCK.size <= size:
        length, checksum, at_us = _BLOCK.unpack(file.read(_BLOCK.size))
        if length > min(_LARGEST_BLOCK, size - file.tell()) or at_us <= last:
            return
        if zlib.crc32(file.read(length)) != checksum:
            return
        last = at_us
        yield at_us, offset


def _of(folder: Path, feeder: str) -> Path:
    return folder / quote(feeder, safe=" ").replace(".", "%2E")


def _folders(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def _dated(folder: Path) -> Iterator[tuple[datetime, Path]]:
    for path in folder.glob(f"*{SUFFIX}") if folder.is_dir() else ():
        try:
            yield datetime.strptime(path.name.removesuffix(SUFFIX), _NAME).replace(tzinfo=UTC), path
        except ValueError:
            continue  # not ours
