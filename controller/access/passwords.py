"""Passwords: what a good one is, and how it is kept (argon2id, RFC 9106).

Hashing takes some 50 ms and 64 MiB on purpose: call it in a thread.
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_CHARACTERS = 15
"""OWASP ASVS 5.0, 6.2.1"""
MOST_CHARACTERS = 256
FEWEST_DIFFERENT = 6

_hasher = PasswordHasher()


def password_fault(password: str, name: str) -> str | None:
    """What is wrong with a new password; None when it is good."""
    normal = _normal(password)
    if not LEAST_CHARACTERS <= len(normal) <= MOST_CHARACTERS:
        return f"expected {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters, got {len(normal)}"
    if len(set(normal.casefold())) < FEWEST_DIFFERENT:
        return f"expected at least {FEWEST_DIFFERENT} different characters"
    if name.casefold() in normal.casefold():
        return "expected a password without the account's name in it"
    if any(word in normal.casefold() for word in ("gridward", "password", "passwort", "12345678")):
        return "expected a password that nobody guesses: not a well-known word or row of digits"
    return None


def hash_password(password: str) -> str:
    """To be stored; says itself how it was made."""
    return _hasher.hash(_normal(password))


@cache
def nobodys() -> str:
    """Of no account: so that a name nobody has takes as long to refuse as a wrong password."""
    return hash_password("of an account that is not there")


def is_right(password: str, stored: str) -> bool:
    """Whether this is the password of that hash."""
    if len(password) > MOST_CHARACTERS:
        return False
    try:
        return _hasher.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with less effort than today."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """The same characters whatever keyboard they were typed on (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
