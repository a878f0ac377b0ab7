"""The hash chain over the journal: each link covers its number, its body and the link before. Pure.

A flipped bit, a missing, added or reordered entry breaks it at that place. Its limit: entries cut off at the
very end leave a shorter, whole chain; only a hash noted elsewhere shows that.
"""

import hashlib

import msgspec

from controller.entries import Entry

START = bytes(32)
"""stands before the first link"""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> str:
    """The canonical body: the same entry always gives the same text, its fields in the order of its class.

    Raises ValueError for an entry that could not be read again, such as one with a NaN or a naive time.
    """
    text = body(entry)
    try:
        whole = entry.at.tzinfo is not None and decode(text) == entry
    except msgspec.MsgspecError:
        whole = False
    if not whole:
        raise ValueError(f"this entry cannot be read again: {text}")
    return text


def body(entry: Entry) -> str:
    """The canonical body of an entry that is in the journal already: `encode` without its proof."""
    return _encoder.encode(entry).decode()


def decode(body: str) -> Entry:
    """The entry of a body; raises msgspec.DecodeError or msgspec.ValidationError."""
    return _decoder.decode(body)


def link(previous: bytes, seq: int, body: str) -> bytes:
    """SHA-256 over the link before (32 bytes), the number (8 bytes, big-endian) and the body."""
    return link_of(previous, seq, body.encode())


def link_of(previous: bytes, seq: int, body: bytes) -> bytes:
    """The same over a body's bytes, whatever they are."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + body).digest()
