"""What is kept of accounts, sessions and tokens. Pure.

Secrets never stand here as they are: passwords as argon2 hashes, sessions and tokens as SHA-256 of 256
random bits, which nobody can turn round. The second factor's secret is needed in the clear; its file is for
its owner alone.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.access.principal import Principal
from controller.access.roles import Permission, Role, permissions_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}")
IDLE = timedelta(minutes=30)
"""A session that is not used for so long is over ..."""
LONGEST = timedelta(hours=12)
"""... and so is every one after this: a shift, and a little."""
TOKEN_PREFIX = "gw_"  # noqa: S105
NO_PASSWORD = "none"  # noqa: S105
"""Stands for a hash, and is none: no password is right."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    role: Role
    password_hash: str = field(repr=False)
    totp_secret: str | None = field(default=None, repr=False)
    """None: no second factor yet"""
    totp_step: int = 0
    """of the latest code that was used"""
    disabled: bool = False
    feeders: frozenset[str] | None = None
    issuer: str | None = None
    """the provider who vouches for them; None: they sign in with a password of ours"""
    subject: str | None = None
    """what that provider calls them, for ever"""

    @property
    def principal(self) -> Principal:
        """As whom they act."""
        return Principal(self.name, permissions_of(self.role), self.feeders)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    digest: bytes = field(repr=False)
    name: str
    began_at: datetime
    used_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether it has idled or lasted too long; one from the future is no session either."""
        return now - self.used_at >= IDLE or now - self.began_at >= LONGEST or now < self.began_at - IDLE


@dataclass(frozen=True, slots=True)
class Token:
    """What a program shows."""

    token: str
    """its id, which is no secret"""
    digest: bytes = field(repr=False)
    name: str
    """of the program"""
    may: frozenset[Permission]
    feeders: frozenset[str] | None
    made_by: str
    made_at: datetime
    expires_at: datetime

    @property
    def principal(self) -> Principal:
        """As whom it acts: no account can have such a name, so nobody is taken for a program."""
        return Principal(f"token:{self.name}", self.may, self.feeders)


def new_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is kept of a session's or token's secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_name(name: str) -> bool:
    """Whether an account or token may be called so."""
    return NAME.fullmatch(name) is not None
