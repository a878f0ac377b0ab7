"""Files and archives within bounds: nothing is read, unpacked or listed without a limit [before 2].

Network files come from outside. A file may be too large, an archive may unpack to a thousand times its size,
hide another archive, or name members outside the folder it is unpacked to.
"""

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from grid_model.errors import Finding, NetworkRejected
from grid_model.sources.rejecting import reject

MOST_BYTES = 256 * 2**20
"""Of one file, and of everything that a folder or archive holds for one network."""
MOST_FILES = 200
_CHUNK = 2**20


def read_bytes(source: str, subject: str, path: Path, most: int = MOST_BYTES) -> bytes:
    """A whole file of bounded size."""
    try:
        if path.is_dir():
            reject(source, subject, "cannot be read: it is a folder; expected a file")
        if path.exists() and not path.is_file():  # a pipe or a device: reading it may never end
            reject(source, subject, "cannot be read: it is no plain file", "copy its content to a file")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        reject(source, subject, "no such file")
    except (OSError, ValueError) as error:
        reject(source, subject, f"cannot be read ({error})")
    if len(content) > most:
        reject(source, subject, f"is larger than {most // 2**20} MiB; expected one network")
    return content


def read_text(source: str, subject: str, path: Path, expected: str) -> str:
    """A whole text file in UTF-8 (with or without byte order mark), of bounded size."""
    try:
        return read_bytes(source, subject, path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reject(source, subject, f"cannot be read as a text file ({error}); expected {expected}")


def files_of(source: str, subject: str, path: Path, endings: frozenset[str]) -> dict[str, bytes]:
    """Name and content of the files with these endings in a folder or archive (zip in zip, once).

    Raises NetworkRejected when there are too many, they are too large, or the archive is broken.
    """
    pack = _Pack(source, subject, endings)
    if path.is_dir():
        for one in sorted(path.iterdir()):
            if one.suffix.lower() in endings | {".zip"} and one.is_file():
                pack.add(one.name, read_bytes(source, f"file {one.name!r} in {subject}", one), depth=0)
    else:
        pack.add(path.name, read_bytes(source, subject, path), depth=0)
    return pack.files


class _Pack:
    """Collects files and counts what they take."""

    def __init__(self, source: str, subject: str, endings: frozenset[str]) -> None:
        self.files: dict[str, bytes] = {}
        self._source, self._subject, self._endings = source, subject, endings
        self._bytes = 0

    def add(self, name: str, content: bytes, depth: int) -> None:
        """A file, or the files of an archive."""
        if PurePosixPath(name).suffix.lower() == ".zip":
            self._unpack(name, content, depth)
            return
        self._bytes += len(content)
        if self._bytes > MOST_BYTES or len(self.files) >= MOST_FILES:
            limits = f"{MOST_FILES} files of {MOST_BYTES // 2**20} MiB together"
            reject(self._source, self._subject, f"holds more than {limits}; expected one network")
        self.files[name if name not in self.files else f"{len(self.files)}_{name}"] = content

    def _unpack(self, name: str, content: bytes, depth: int) -> None:
        subject = f"archive {name!r}"
        if depth > 1:
            reject(self._source, subject, "is an archive in an archive in an archive; expected one less")
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = archive.infolist()
                self._check(subject, members)
                for member in members:
                    if PurePosixPath(member.filename).suffix.lower() in self._endings | {".zip"}:
                        self.add(
                            PurePosixPath(member.filename).name, self._member(archive, member), depth + 1
                        )
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            if isinstance(error, NotImplementedError):
                reject(self._source, subject, f"cannot be unpacked ({error}); expected a plain zip")
            reject(self._source, subject, f"is no whole zip file ({error})", "copy or export it again")

    def _check(self, subject: str, members: list[zipfile.ZipInfo]) -> None:
        findings = []
        if len(members) > MOST_FILES:
            findings.append(Finding("error", subject, f"has {len(members)} members; expected {MOST_FILES}"))
        for member in members[:MOST_FILES]:
            parts = PurePosixPath(member.filename.replace("\\", "/"))
            if parts.is_absolute() or ".." in parts.parts or ":" in member.filename:
                findings.append(
                    Finding(
                        "error",
                        subject,
                        f"has a member outside the archive ({member.filename[:80]!r})",
                        file=member.filename,
                        repair="do not use this archive: somebody made it to overwrite files",
                    )
                )
            if member.flag_bits & 1:
                findings.append(
                    Finding(
                        "error", subject, f"member {member.filename!r} is encrypted", file=member.filename
                    )
                )
        if findings:
            raise NetworkRejected(self._source, findings)

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        """One member, unpacked no further than the bound, whatever size the archive claims for it."""
        content = bytearray()
        with archive.open(member) as packed:
            while chunk := packed.read(_CHUNK):
                content += chunk
                if self._bytes + len(content) > MOST_BYTES:
                    reject(
                        self._source,
                        f"archive member {member.filename!r}",
                        f"unpacks to more than {MOST_BYTES // 2**20} MiB; expected one network",
                    )
        return bytes(content)
