"""Proofs about the journal that stand alone: whoever has the site's public key can check them, and nobody
else's data are in them.

An inclusion proof holds entries as they were written, each with the hashes that lead from it to the root of
one signed checkpoint. A consistency proof shows that the journal of a later checkpoint begins with that of an
earlier one. Pure.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from controller.auditing.checkpoints import NoteRejected, PublicKey, SignedCheckpoint, of_entry
from controller.auditing.merkle import (
    HASH_BYTES,
    consistency_proof,
    inclusion_proofs,
    is_consistent,
    is_included,
    leaf_hash,
)
from controller.entries import Entry, JournalCheckpointed
from controller.stores import chain
from controller.stores.pages import checked, decoded
from controller.stores.port import StoredRow

Size = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]


class ProofRejected(ValueError):
    """What a proof is said to show is not so, or it is none; says why."""


class NothingSealed(LookupError):
    """There is nothing to prove, or no checkpoint for it yet; says what there is."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Seal(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed checkpoint as the journal holds it."""

    size: Size
    root: str
    key: str
    signature: str


class ProvenEntry(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry, and its way to the root."""

    seq: Size
    body: str
    """exactly as it was written"""
    previous: str
    """link of the entry before, in base64"""
    hashes: tuple[str, ...]
    """beside the way up, from the leaf on, in base64"""


class Inclusion(_Part, frozen=True, kw_only=True, tag_field="proof", tag="inclusion/1"):
    """These entries are in the journal that was sealed."""

    checkpoint: Seal
    entries: tuple[ProvenEntry, ...]


class Consistency(_Part, frozen=True, kw_only=True, tag_field="proof", tag="consistency/1"):
    """The journal of `second` begins with that of `first`."""

    first: Seal
    second: Seal
    hashes: tuple[str, ...]


Proof = Inclusion | Consistency
_decoder: msgspec.json.Decoder[Proof] = msgspec.json.Decoder(Proof)


@dataclass(frozen=True)
class Journal:
    """What is needed of a journal to prove something of it; 32 bytes an entry."""

    links: list[bytes]
    seals: list[Seal]
    """oldest first"""
    wanted: list[StoredRow]


def gather(rows: Iterable[StoredRow], is_wanted: Callable[[int, Entry], bool]) -> Journal:
    """Read a journal. Raises RecordBroken at an entry that was altered."""
    found = Journal([], [], [])
    previous = chain.START
    for row in rows:
        body = row.body.decode("utf-8", "replace")
        previous = checked((row.seq, body, row.previous, row.link), len(found.links), previous)
        entry = decoded(row.seq, body)
        found.links.append(previous)
        if isinstance(entry, JournalCheckpointed):
            seal = Seal(size=entry.size, root=entry.root, key=entry.key, signature=entry.signature)
            found.seals.append(seal)
        if is_wanted(row.seq, entry):
            found.wanted.append(row)
    return found


def prove_inclusion(journal: Journal) -> Inclusion:
    """That all wanted entries which are sealed are in the journal. Raises NothingSealed."""
    if not journal.wanted:
        raise NothingSealed("the journal holds no such entry")
    first = journal.wanted[0].seq
    if not journal.seals or journal.seals[-1].size < first:
        most = journal.seals[-1].size if journal.seals else 0
        raise NothingSealed(
            f"entry {first} is not sealed yet: the newest checkpoint seals {most or 'no'} entries"
        )
    seal = journal.seals[-1]
    wanted = [row for row in journal.wanted if row.seq <= seal.size]
    proofs = inclusion_proofs(journal.links[: seal.size], [row.seq - 1 for row in wanted])
    entries = (
        ProvenEntry(
            seq=row.seq,
            body=row.body.decode(),
            previous=_to_base64(row.previous),
            hashes=tuple(map(_to_base64, hashes)),
        )
        for row, hashes in zip(wanted, proofs, strict=True)
    )
    return Inclusion(checkpoint=seal, entries=tuple(entries))


def prove_consistency(journal: Journal, first: int, second: int) -> Consistency:
    """Between the checkpoints of two sizes. Raises NothingSealed where there is none of such a size."""
    seals = {seal.size: seal for seal in journal.seals}
    for size in (first, second):
        if size not in seals:
            known = ", ".join(map(str, list(seals)[-5:])) or "none"
            raise NothingSealed(f"no checkpoint seals {size} entries; the newest ones seal: {known}")
    if first > second:
        raise NothingSealed(f"the first checkpoint must not be the later one: {first} and {second}")
    hashes = consistency_proof(journal.links[:second], first)
    return Consistency(first=seals[first], second=seals[second], hashes=tuple(map(_to_base64, hashes)))


def written(proof: Proof) -> bytes:
    """The file."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def read(content: bytes) -> Proof:
    """The inverse of `written`. Raises ProofRejected."""
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError as error:
        raise ProofRejected(f"this is no proof: {error}") from error


def check(proof: Proof, keys: Sequence[PublicKey]) -> None:
    """Raise ProofRejected unless it shows what it says, under a checkpoint that one of the keys signed."""
    if isinstance(proof, Consistency):
        first, second = _signed(proof.first, keys), _signed(proof.second, keys)
        one, two = first.checkpoint, second.checkpoint
        hashes = [_from_base64(text) for text in proof.hashes]
        if not is_consistent(one.size, one.root, two.size, two.root, hashes):
            raise ProofRejected(
                f"the journal of {two.size} entries does not begin with that of {one.size}, "
                "or the proof's hashes are not theirs"
            )
        return
    signed = _signed(proof.checkpoint, keys)
    if not proof.entries:
        raise ProofRejected("the proof holds no entry")
    for entry in proof.entries:
        _check_entry(entry, signed)


def _check_entry(entry: ProvenEntry, signed: SignedCheckpoint) -> None:
    link = chain.link(_from_base64(entry.previous), entry.seq, entry.body)
    hashes = [_from_base64(text) for text in entry.hashes]
    checkpoint = signed.checkpoint
    if not is_included(leaf_hash(link), entry.seq - 1, checkpoint.size, hashes, checkpoint.root):
        raise ProofRejected(
            f"entry {entry.seq} is not in the journal that the checkpoint of {checkpoint.size} entries "
            "seals, or it was altered"
        )


def _signed(seal: Seal, keys: Sequence[PublicKey]) -> SignedCheckpoint:
    try:
        signed = of_entry(seal.size, seal.root, seal.key, seal.signature)
    except NoteRejected as error:
        raise ProofRejected(f"the checkpoint of {seal.size} entries is none: {error}") from error
    if not any(key.has_signed(signed) for key in keys):
        raise ProofRejected(f"no key that was given has signed the checkpoint of {seal.size} entries")
    return signed


def _to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _from_base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofRejected(f"expected a hash in base64, got {text!r}") from error
    if len(raw) != HASH_BYTES:
        raise ProofRejected(f"expected a hash of {HASH_BYTES} bytes, got {text!r}")
    return raw
