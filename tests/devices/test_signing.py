"""Signatures are what the documentation says byte for byte, and any change breaks them."""

import hashlib
import hmac
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.messages import Failsafe, LimitCommand
from devices.signing import device_key, hkdf_sha256, sign, verify

SECRET = bytes(range(32))
COMMAND = LimitCommand(
    feeder="f1",
    device="ev-7",
    request="r-1",
    limit_kw=4.2,
    start=datetime(2026, 1, 12, 18, 0, 0, 250, tzinfo=UTC),
    end=datetime(2026, 1, 12, 18, 15, tzinfo=UTC),
    epoch=3,
    sequence=1,
)


def test_hkdf_gives_the_vectors_of_rfc_5869() -> None:
    # RFC 5869, appendix A.1 and A.3 (SHA-256)
    a1 = hkdf_sha256(bytes([0x0B] * 22), salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42)
    assert a1.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    a3 = hkdf_sha256(bytes([0x0B] * 22), salt=b"", info=b"", length=42)
    assert a3.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_signature_can_be_built_by_anybody_from_the_documentation() -> None:
    def netstring(part: bytes) -> bytes:
        return str(len(part)).encode() + b":" + part + b","

    seconds = int(datetime(2026, 1, 12, 18, 0, tzinfo=UTC).timestamp())
    parts = [
        b"gridward-limit-1",
        b"f1",
        b"ev-7",
        b"r-1",
        struct.pack(">d", 4.2),
        f"{seconds * 1_000_000 + 250}".encode(),
        f"{(seconds + 900) * 1_000_000}".encode(),
        b"3",
        b"1",
    ]
    prk = hmac.new(b"gridward-device-key-1", SECRET, hashlib.sha256).digest()
    key = hmac.new(prk, b"ev-7\x01", hashlib.sha256).digest()
    expected = hmac.new(key, b"".join(map(netstring, parts)), hashlib.sha256).hexdigest()
    assert sign(COMMAND, SECRET).signature == expected


def test_a_signed_command_is_accepted_by_its_device_only() -> None:
    signed = sign(COMMAND, SECRET)
    assert verify(signed, device_key(SECRET, "ev-7"))
    assert not verify(signed, device_key(SECRET, "ev-8"))
    assert not verify(signed, device_key(SECRET[::-1], "ev-7"))
    assert not verify(COMMAND, device_key(SECRET, "ev-7"))


@pytest.mark.parametrize(
    "change",
    [
        {"feeder": "f2"},
        {"device": "ev-8"},
        {"request": "r-2"},
        {"limit_kw": 4.2000000000000011},
        {"start": COMMAND.start + timedelta(microseconds=1)},
        {"end": COMMAND.end + timedelta(microseconds=1)},
        {"epoch": 4},
        {"sequence": 2},
        # the same characters, split differently between the fields
        {"feeder": "f1e", "device": "v-7"},
        {"signature": "ä" * 64},
        {"direction": "production"},
    ],
    ids=str,
)
def test_any_change_breaks_the_signature(change: dict[str, object]) -> None:
    changed = replace(sign(COMMAND, SECRET), **change)  # type: ignore[arg-type]
    assert not verify(changed, device_key(SECRET, "ev-7"))


FAILSAFE = Failsafe("f1", "ev-7", 4.2, 7200, 120, 3, 1)


def test_a_limit_on_what_is_fed_in_is_no_limit_on_what_is_taken() -> None:
    """Neither way round: also not for a device that knows no direction and reads the rest."""
    fed_in = sign(replace(COMMAND, direction="production"), SECRET)
    assert verify(fed_in, device_key(SECRET, "ev-7"))
    assert not verify(replace(fed_in, direction="consumption"), device_key(SECRET, "ev-7"))


def test_a_failsafe_is_signed_as_the_documentation_says() -> None:
    parts = [b"gridward-failsafe-1", b"f1", b"ev-7", struct.pack(">d", 4.2), b"7200", b"120", b"3", b"1"]
    written = b"".join(str(len(part)).encode() + b":" + part + b"," for part in parts)
    expected = hmac.new(device_key(SECRET, "ev-7"), written, hashlib.sha256).hexdigest()
    assert sign(FAILSAFE, SECRET).signature == expected


@pytest.mark.parametrize(
    "change",
    [
        {"feeder": "f2"},
        {"device": "ev-8"},
        {"failsafe_kw": 4.3},
        {"failsafe_s": 7201},
        {"heartbeat_timeout_s": 121},
        {"epoch": 4},
        {"sequence": 2},
        {"failsafe_s": 71, "heartbeat_timeout_s": 20120},
    ],
    ids=str,
)
def test_any_change_breaks_the_signature_of_a_failsafe(change: dict[str, object]) -> None:
    changed = replace(sign(FAILSAFE, SECRET), **change)  # type: ignore[arg-type]
    assert not verify(changed, device_key(SECRET, "ev-7"))


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="expected at least 16"):
        device_key(b"short", "ev-7")
