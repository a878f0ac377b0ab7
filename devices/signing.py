"""Signatures of commands: a device obeys only what was signed with its own key [6]. Pure.

Each device's key is derived from one site secret (HKDF, RFC 5869, with SHA-256), so that the controller keeps
a single secret and a stolen device key opens that one device only. The signature is HMAC-SHA256 over all
other fields of the command in an encoding that any language can build byte for byte (see `signed_bytes`).

Target, end, epoch and sequence are inside: a captured command is void for another device, after its end,
under an older controller, or a second time. What is signed begins with a tag of its own for each kind of
message and each direction: none can be turned into another.
"""

import hashlib
import hmac
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from devices.messages import Direction, Failsafe, LimitCommand

MIN_SECRET_BYTES = 16
_LIMIT_TAG: dict[Direction, bytes] = {
    "consumption": b"gridward-limit-1",
    "production": b"gridward-production-limit-1",
}
_FAILSAFE_TAG = b"gridward-failsafe-1"
_SALT = b"gridward-device-key-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Signed = LimitCommand | Failsafe
_S = TypeVar("_S", LimitCommand, Failsafe)


def device_key(site_secret: bytes, device: str) -> bytes:
    """The key of one device, 32 bytes. ValueError when the secret is too short to be one."""
    if len(site_secret) < MIN_SECRET_BYTES:
        raise ValueError(f"site secret has {len(site_secret)} bytes, expected at least {MIN_SECRET_BYTES}")
    return hkdf_sha256(site_secret, salt=_SALT, info=device.encode())


def sign(message: _S, site_secret: bytes) -> _S:
    """The message with its signature set (lower-case hex)."""
    return replace(message, signature=_signature(message, device_key(site_secret, message.device)))


def verify(message: Signed, key: bytes) -> bool:
    """Was this message, as it stands, signed for the device that owns `key`? Takes the same time either
    way."""
    given = message.signature.encode(errors="surrogatepass")
    return hmac.compare_digest(_signature(message, key).encode(), given)


def signed_bytes(message: Signed) -> bytes:
    """What is signed: netstrings (`LENGTH:BYTES,`) of a tag and of all fields but the signature, in the order
    of `devices.messages`. A limit's direction is its tag.

    Strings as UTF-8; powers as big-endian IEEE 754 binary64, because decimal forms differ between languages;
    times as decimal microseconds since 1970 UTC; all other numbers as decimal integers.
    """
    parts = _failsafe_parts(message) if isinstance(message, Failsafe) else _limit_parts(message)
    return b"".join(b"%d:%s," % (len(part), part) for part in parts)


def _limit_parts(command: LimitCommand) -> tuple[bytes, ...]:
    return (
        _LIMIT_TAG[command.direction],
        command.feeder.encode(),
        command.device.encode(),
        command.request.encode(),
        struct.pack(">d", command.limit_kw),
        _microseconds(command.start),
        _microseconds(command.end),
        b"%d" % command.epoch,
        b"%d" % command.sequence,
    )


def _failsafe_parts(failsafe: Failsafe) -> tuple[bytes, ...]:
    return (
        _FAILSAFE_TAG,
        failsafe.feeder.encode(),
        failsafe.device.encode(),
        struct.pack(">d", failsafe.failsafe_kw),
        b"%d" % failsafe.failsafe_s,
        b"%d" % failsafe.heartbeat_timeout_s,
        b"%d" % failsafe.epoch,
        b"%d" % failsafe.sequence,
    )


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """RFC 5869: extract, then expand to `length` bytes."""
    pseudorandom_key = hmac.digest(salt, secret, hashlib.sha256)
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), hashlib.sha256)
        output += block
        counter += 1
    return output[:length]


def _signature(message: Signed, key: bytes) -> str:
    return hmac.digest(key, signed_bytes(message), hashlib.sha256).hex()


def _microseconds(at: datetime) -> bytes:
    # whole numbers throughout: a float of seconds would lose the last microsecond
    return b"%d" % ((at - _EPOCH) // _MICROSECOND)
