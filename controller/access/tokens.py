"""New tokens for programs: what one may be, and its secret. Pure but for the random bits."""

from datetime import datetime, timedelta

from controller.access.accounts import TOKEN_PREFIX, Token, digest_of, is_name, new_secret
from controller.access.principal import Principal
from controller.access.roles import FOR_MACHINES, Permission

LONGEST_LIFE = timedelta(days=400)


class TokenRejected(ValueError):
    """A token that cannot be made as asked; says what was expected."""


def new_token(
    name: str,
    may: frozenset[Permission],
    feeders: frozenset[str] | None,
    *,
    made_by: str,
    now: datetime,
    life: timedelta,
) -> tuple[Token, str]:
    """A token and its secret, which is told this once. Raises TokenRejected."""
    if not is_name(name):
        raise TokenRejected(f"name: expected 2 to 64 letters, digits or . _ @ -, got {name!r}")
    if not may or not may <= FOR_MACHINES:
        raise TokenRejected(f"may: expected some of {', '.join(sorted(FOR_MACHINES))}, got {sorted(may)}")
    if not timedelta(minutes=1) <= life <= LONGEST_LIFE:
        raise TokenRejected(f"days: expected up to {LONGEST_LIFE.days}, got {life / timedelta(days=1):g}")
    secret = TOKEN_PREFIX + new_secret()
    return Token(new_secret()[:12], digest_of(secret), name, may, feeders, made_by, now, now + life), secret


def check_within(by: Principal, may: frozenset[Permission], feeders: frozenset[str] | None) -> None:
    """Nobody hands on more than they have. Raises TokenRejected."""
    if not may <= by.may:
        raise TokenRejected("may: expected only what you may do yourself")
    if by.feeders is not None and (feeders is None or not feeders <= by.feeders):
        raise TokenRejected("feeders: expected only those that you may act on")
