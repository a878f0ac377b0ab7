"""Recorded states on the disk: files that only grow, one after another for each feeder, bounded in age and
size.

    FOLDER/FEEDER/20261126T170000.000000Z.states     header: what its frames are of; then frame after frame

Not the truth (that is the journal and the samples) but what people saw, so nothing is synced: a power cut may
cost the last seconds. Each frame has its length and a checksum; reading ends at the first that is not whole,
and who writes after a restart begins a new file, so nothing good ever follows what is broken. Methods block;
one writer, any readers.
"""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec

from controller.occurrences.frames import Drawn, Frame, decoded, encoded
from controller.stores.rows import from_us, to_us

MAGIC = b"GWS1"
SUFFIX = ".states"
LARGEST_FILE = 16 * 2**20
_LENGTH = struct.Struct("<I")
_BLOCK = struct.Struct("<IIq")
"""length, checksum, microseconds since 1970"""
_LARGEST_BLOCK = 64 * 2**20
_NAME = "%Y%m%dT%H%M%S.%fZ"


class StateWriter:
    """Writes the states of all feeders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[BinaryIO, datetime]] = {}
        """feeder → its file, and the time of its first frame"""
        self._last: dict[str, datetime] = {}

    def write(self, drawn: Drawn, frame: Frame) -> None:
        """Add one frame; one that is not later than those before, as when the clock was set back, is left
        out. Raises OSError; the next one then begins a new file.
        """
        feeder = drawn.feeder
        if feeder in self._last and frame.at <= self._last[feeder]:
            return
        file, first = self._open.get(feeder, (None, frame.at))
        if file is not None and (first.date() != frame.at.date() or file.tell() > LARGEST_FILE):
            file.close()
            file = None
        try:
            if file is None:
                file = self._begun(drawn, frame.at)
                self._open[feeder] = file, frame.at
            body = encoded(frame)
            file.write(_BLOCK.pack(len(body), zlib.crc32(body), to_us(frame.at)) + body)
            file.flush()
            self._last[feeder] = frame.at
        except OSError:
            self._open.pop(feeder, None)
            raise

    def close(self) -> None:
        """Close all files."""
        for file, _ in self._open.values():
            file.close()
        self._open.clear()

    def _begun(self, drawn: Drawn, at: datetime) -> BinaryIO:
        folder = _of(self._folder, drawn.feeder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{at.astimezone(UTC):{_NAME}}{SUFFIX}"
        header = msgspec.json.encode(drawn)
        file = path.open("wb")
        path.chmod(0o600)
        file.write(MAGIC + _LENGTH.pack(len(header)) + header)
        return file


def prune(folder: Path, before: datetime, most_bytes: int) -> int:
    """Delete files whose last frame is older, then the oldest beyond `most_bytes` in all; returns how many.
    The newest file of a feeder stays."""
    files: list[tuple[datetime, datetime, Path, int]] = []
    for feeder in _folders(folder):
        named = sorted(_dated(feeder))
        ends = [start for start, _ in named[1:]]
        files += [
            (start, end, path, path.stat().st_size) for (start, path), end in zip(named, ends, strict=False)
        ]
        most_bytes -= sum(path.stat().st_size for _, path in named[len(ends) :])
    files.sort(reverse=True)  # the newest first: they are kept
    gone = 0
    for _, end, path, size in files:
        most_bytes -= size
        if end <= before or most_bytes < 0:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


@dataclass(frozen=True, slots=True)
class _File:
    """Where each frame of a file is."""

    drawn: Drawn
    times_us: tuple[int, ...]
    offsets: tuple[int, ...]
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
            place = bisect_right(starts, at) - 1
            found = None
            while place >= 0 and found is None:
                path = files[place][1]
                file = used.get(path) or self._scanned(path)
                used[path] = file
                found = _frame(path, file, at)
                place -= 1
            yield found
        self._known = used

    def _scanned(self, path: Path) -> _File:
        known, size = self._known.get(path), path.stat().st_size
        return known if known is not None and known.size == size else _scan(path, size)


def _frame(path: Path, file: _File, at: datetime) -> tuple[Drawn, Frame] | None:
    place = bisect_right(file.times_us, to_us(at)) - 1
    if place < 0:
        return None
    with path.open("rb") as opened:
        opened.seek(file.offsets[place])
        length, _, at_us = _BLOCK.unpack(opened.read(_BLOCK.size))
        return file.drawn, decoded(from_us(at_us), opened.read(length), file.drawn)


def _scan(path: Path, size: int) -> _File:
    """As far as the file is whole."""
    nothing = _File(Drawn("", (), (), (), (), (), (), (), ()), (), (), size)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return nothing
        try:
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            drawn = msgspec.json.decode(file.read(min(length, _LARGEST_BLOCK)), type=Drawn)
        except (struct.error, msgspec.MsgspecError):
            return nothing
        blocks = list(_blocks(file, size))
    return _File(drawn, tuple(at for at, _ in blocks), tuple(offset for _, offset in blocks), size)


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
