"""Codes from a phone that change every 30 seconds (TOTP, RFC 6238), each good once. Pure: time is given."""

from datetime import datetime

import pyotp

STEP_S = 30
DRIFT_STEPS = 1
"""A phone may be so far off, either way (RFC 6238, 5.2)."""


def new_secret() -> str:
    """Base32, from the system's random source."""
    return pyotp.random_base32()


def enrolment_address(secret: str, name: str, site: str) -> str:
    """What a phone reads from a picture: `otpauth://...`."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=name, issuer_name=f"Gridward {site}")


def step_of(code: str, secret: str, at: datetime, last_step: int) -> int | None:
    """The step that this code is of; None when it is wrong, or of a step that was used already."""
    plain = code.replace(" ", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) == 6):
        return None
    generator = pyotp.TOTP(secret, interval=STEP_S)
    now = int(at.timestamp()) // STEP_S
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(generator.generate_otp(step), plain):
            return step if step > last_step else None
    return None
