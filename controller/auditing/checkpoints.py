"""Signed checkpoints of the journal, in the formats of C2SP (tlog-checkpoint, signed-note). Pure.

A checkpoint is three lines of text: whose journal (origin), how many entries, and the root of the Merkle tree
over their links. Its signature is Ed25519 over that text, so a tool that reads signed notes reads ours. The
key's name is the origin. Knows no store and no file; `cryptography` is imported when the first key is used.

Formats: c2sp.org/tlog-checkpoint, c2sp.org/signed-note (note, verifier key; the signing key is in the form
of golang.org/x/mod/sumdb/note).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from controller.auditing.merkle import HASH_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
"""the kind of signature, in front of the key's bytes"""
KEY_BYTES, SIGNATURE_BYTES, ID_BYTES = 32, 64, 4
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\N{EM DASH} "
_LINES = 5
_SIGNATURE_LETTERS = 92
"""of id and signature, 68 bytes, in base64"""
_NAME = re.compile(r"[^\s+]+")
_NOT_IN_NAME = re.compile(r"[^\w.-]+")
_SIZE = re.compile(r"[1-9]\d{0,18}", re.ASCII)


class NoteRejected(ValueError):
    """A note or a key is not in its format; says what was expected."""


class NoteTorn(NoteRejected):
    """The note ends before its signature does: whoever wrote it was cut off."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed."""

    origin: str
    size: int
    """of the journal, in entries; 1 or more"""
    root: bytes
    """(32 bytes) of the Merkle tree over the links of entries 1 ... size"""

    @property
    def text(self) -> str:
        """The body of the note: exactly what the signature covers."""
        return f"{self.origin}\n{self.size}\n{_to_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with its signature, which nobody has checked yet."""

    checkpoint: Checkpoint
    key: str
    """name of the key that is said to have signed"""
    key_id: bytes | None
    """(4 bytes); None in the journal's entries, which do not repeat it"""
    signature: bytes
    """(64 bytes)"""


@dataclass(frozen=True)
class PublicKey:
    """What a checkpoint is verified with; anybody may have it."""

    name: str
    raw: bytes
    """(32 bytes) of Ed25519"""

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || kind || key)."""
        return hashlib.sha256(f"{self.name}\n".encode() + ED25519 + self.raw).digest()[:ID_BYTES]

    @property
    def text(self) -> str:
        """The verifier key in one line: name, id and key."""
        return f"{self.name}+{self.key_id.hex()}+{_to_base64(ED25519 + self.raw)}"

    def has_signed(self, signed: SignedCheckpoint) -> bool:
        """Whether the signature is this key's, over exactly this checkpoint."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  24 ms that a start can do without

        if signed.key != self.name or signed.key_id not in (None, self.key_id):
            return False
        try:
            self._verifier.verify(signed.signature, signed.checkpoint.text.encode())
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _verifier(self) -> "Ed25519PublicKey":
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        return ed25519.Ed25519PublicKey.from_public_bytes(self.raw)


class SigningKey:
    """What checkpoints are signed with: the site's alone."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed` is 32 random bytes. Raises NoteRejected for a name that no note can carry."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        if not _NAME.fullmatch(name) or len(seed) != KEY_BYTES:
            raise NoteRejected(f"expected a name without spaces and +, and {KEY_BYTES} bytes")
        self._seed = seed
        self._signer: Ed25519PrivateKey = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.public = PublicKey(name, self._signer.public_key().public_bytes(*raw))

    @property
    def text(self) -> str:
        """The key in one line, to be kept where its owner alone can read it."""
        return f"{_PRIVATE}{self.public.name}+{self.public.key_id.hex()}+{_to_base64(ED25519 + self._seed)}"

    def sign(self, size: int, root: bytes) -> SignedCheckpoint:
        """Seal a journal of `size` entries under `root`."""
        checkpoint = Checkpoint(self.public.name, size, root)
        signature = self._signer.sign(checkpoint.text.encode())
        return SignedCheckpoint(checkpoint, self.public.name, self.public.key_id, signature)


def key_name(site: str) -> str:
    """A site's name as a key's: what a note cannot carry becomes a hyphen."""
    return f"gridward/{_NOT_IN_NAME.sub('-', site).strip('-') or 'site'}"


def read_signing_key(text: str) -> SigningKey:
    """The inverse of `SigningKey.text`. Raises NoteRejected."""
    if not text.startswith(_PRIVATE):
        raise NoteRejected(f"expected one line that begins with {_PRIVATE}")
    name, told_id, seed = _key_parts(text.removeprefix(_PRIVATE))
    key = SigningKey(name, seed)
    if key.public.key_id.hex() != told_id:
        raise NoteRejected("expected a key whose id is that of its bytes; one of them was altered")
    return key


def read_public_keys(text: str) -> tuple[PublicKey, ...]:
    """One verifier key a line; blank lines do not count. Raises NoteRejected, also for none at all."""
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith(_PRIVATE):
            raise NoteRejected("expected a public key; this is the signing key, which nobody else may see")
        name, told_id, raw = _key_parts(line)
        key = PublicKey(name, raw)
        if key.key_id.hex() != told_id:
            raise NoteRejected(f"expected a key whose id is that of its bytes, got {line!r}")
        keys.append(key)
    if not keys:
        raise NoteRejected("expected one public key a line, in the form NAME+ID+KEY; there is none")
    return tuple(keys)


def _key_parts(line: str) -> tuple[str, str, bytes]:
    name, _, rest = line.strip().partition("+")
    told_id, _, encoded = rest.partition("+")
    raw = _from_base64(encoded, "a key")
    if not _NAME.fullmatch(name) or raw[:1] != ED25519 or len(raw) != 1 + KEY_BYTES:
        raise NoteRejected("expected an Ed25519 key in the form NAME+ID+KEY")
    return name, told_id, raw[1:]


def note(signed: SignedCheckpoint, key_id: Callable[[str], bytes] | None = None) -> str:
    """The signed note. `key_id` tells the id of a key by its name where `signed` does not."""
    identity = signed.key_id if signed.key_id is not None else key_id and key_id(signed.key)
    if identity is None:
        raise NoteRejected("expected the id of the key beside its name")
    return f"{signed.checkpoint.text}\n{_DASH}{signed.key} {_to_base64(identity + signed.signature)}\n"


def read_notes(text: str) -> Iterator[tuple[int, SignedCheckpoint | NoteRejected]]:
    """(line, from 1 → note) of a file with one note after the other; what is no note is told in its place."""
    begun, lines = 1, text.split("\n")
    body: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if not line and not body:
            begun = number + 1
            continue
        body.append(line)
        if line.startswith(_DASH) or number > len(lines):
            if len(body) > _LINES:  # begun, cut off by a crash, and another one written after it
                yield begun, _told(body[:-_LINES], NoteRejected("expected a whole note; it was cut off"))
                begun, body = number + 1 - _LINES, body[-_LINES:]
            try:
                yield begun, read_note(body)
            except NoteRejected as error:
                yield begun, _told(body, error)
            begun, body = number + 1, []


def _told(lines: Sequence[str], error: NoteRejected) -> NoteRejected:
    """Whether it was torn, or altered afterwards: of what is altered the signature is still as long."""
    last = next((line for line in reversed(lines) if line), "")
    is_torn = len(last.rpartition(" ")[2]) < _SIGNATURE_LETTERS
    return NoteTorn(str(error)) if is_torn else error


def read_note(lines: Sequence[str]) -> SignedCheckpoint:
    """The note of its five lines; empty ones may follow. Raises NoteRejected."""
    if len(lines) < _LINES or lines[3] or any(lines[_LINES:]) or not lines[4].startswith(_DASH):
        raise NoteRejected("expected origin, size, root, an empty line and one signature")
    origin, size, root = lines[0], lines[1], _from_base64(lines[2], "the root")
    name, _, encoded = lines[4].removeprefix(_DASH).partition(" ")
    signature = _from_base64(encoded, "the signature")
    if not _SIZE.fullmatch(size) or len(root) != HASH_BYTES:
        raise NoteRejected(f"expected a whole number of entries and a root of {HASH_BYTES} bytes")
    if len(signature) != ID_BYTES + SIGNATURE_BYTES or not origin or not _NAME.fullmatch(name):
        raise NoteRejected("expected an origin, and the name, id and Ed25519 signature of one key")
    checkpoint = Checkpoint(origin, int(size), root)
    return SignedCheckpoint(checkpoint, name, signature[:ID_BYTES], signature[ID_BYTES:])


def of_entry(size: int, root: str, key: str, signature: str) -> SignedCheckpoint:
    """A checkpoint as an entry of the journal holds it. Raises NoteRejected."""
    checkpoint = Checkpoint(key, size, _from_base64(root, "the root"))
    signed = SignedCheckpoint(checkpoint, key, None, _from_base64(signature, "the signature"))
    if len(checkpoint.root) != HASH_BYTES or len(signed.signature) != SIGNATURE_BYTES:
        raise NoteRejected(f"expected a root of {HASH_BYTES} and a signature of {SIGNATURE_BYTES} bytes")
    return signed


def _to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _from_base64(text: str, what: str) -> bytes:
    """Strict: one text for the same bytes, so that nothing can hide in unused bits."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRejected(f"expected {what} in base64: {error}") from error
    if _to_base64(raw) != text:
        raise NoteRejected(f"expected {what} in the one base64 form of its bytes")
    return raw
