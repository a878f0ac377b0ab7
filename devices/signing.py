"""Signatures of commands: a device obeys only what was signed with its own key [6]. Pure.

Each device's key is derived from one site secret (HKDF, RFC 5869, with SHA-256), so that the controller keeps
a single secret and a stolen device key opens that one device only. The signature is HMAC-SHA256 over all
other fields of the command in an encoding that any language can build byte for byte (see `signed_bytes`).

Target, end, epoch and sequence are inside: a captured command is void for another device, after its end,
under an older controller, or a second time.
"""

import hashlib
import hmac
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from devices.messages import LimitCommand

MIN_SECRET_BYTES = 16
_DOMAIN = b"gridward-limit-1"
_SALT = b"gridward-device-key-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def device_key(site_secret: bytes, device: str) -> bytes:
    """The key of one device, 32 bytes. ValueError when the secret is too short to be one."""
    if len(site_secret) < MIN_SECRET_BYTES:
        raise ValueError(f"site secret has {len(site_secret)} bytes, expected at least {MIN_SECRET_BYTES}")
    return hkdf_sha256(site_secret, salt=_SALT, info=device.encode())


def sign(command: LimitCommand, site_secret: bytes) -> LimitCommand:
    """The command with its signature set (lower-case hex)."""
    return replace(command, signature=_signature(command, device_key(site_secret, command.device)))


def verify(command: LimitCommand, key: bytes) -> bool:
    """Was this command, as it stands, signed for the device that owns `key`? Takes the same time either
    way."""
    given = command.signature.encode(errors="surrogatepass")
    return hmac.compare_digest(_signature(command, key).encode(), given)


def signed_bytes(command: LimitCommand) -> bytes:
    """What is signed: netstrings (`LENGTH:BYTES,`) of a domain tag and of all fields but the signature.

    Strings as UTF-8; `limit_kw` as big-endian IEEE 754 binary64, because decimal forms differ between
    languages; times as decimal microseconds since 1970 UTC; epoch and sequence as decimal integers.
    """
    parts = (
        _DOMAIN,
        command.feeder.encode(),
        command.device.encode(),
        command.request.encode(),
        struct.pack(">d", command.limit_kw),
        _microseconds(command.start),
        _microseconds(command.end),
        b"%d" % command.epoch,
        b"%d" % command.sequence,
    )
    return b"".join(b"%d:%s," % (len(part), part) for part in parts)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """RFC 5869: extract, then expand to `length` bytes."""
    pseudorandom_key = hmac.digest(salt, secret, hashlib.sha256)
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), hashlib.sha256)
        output += block
        counter += 1
    return output[:length]


def _signature(command: LimitCommand, key: bytes) -> str:
    return hmac.digest(key, signed_bytes(command), hashlib.sha256).hex()


def _microseconds(at: datetime) -> bytes:
    # whole numbers throughout: a float of seconds would lose the last microsecond
    return b"%d" % ((at - _EPOCH) // _MICROSECOND)
