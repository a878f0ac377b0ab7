"""Who reads, and of which feeders they may know: for routes that tell of several feeders at once."""

from typing import Protocol

from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.access.roles import Permission

Sight = frozenset[str] | None
"""of which feeders somebody may see customers; None: of all"""


class Knowing(Protocol):
    """What is needed of the gate here."""

    async def admit_somewhere(self, request: Request, permission: Permission) -> Principal:
        """See `Gate`."""
        ...

    async def known(self, request: Request) -> Principal:
        """Who it is, whatever they may do. Raises 401 or 403; AccountsUnavailable."""
        ...


async def who_reads(request: Request, gate: Knowing) -> Principal | None:
    """Who it is, where nobody has to say so; None: somebody who does not. Raises AccountsUnavailable."""
    admitted: Principal | None = getattr(request.state, "principal", None)
    if admitted is not None:
        return admitted
    try:
        return await gate.known(request)
    except HTTPException:
        return None


def sight_of(request: Request) -> Sight:
    """Whose customers may be told: theirs who may see customers, and everybody's where nobody has to sign in
    to look.
    """
    admitted: Principal | None = getattr(request.state, "principal", None)
    return None if admitted is None else customers_of(admitted)


def customers_of(principal: Principal) -> Sight:
    """The feeders whose customers they may see."""
    return principal.feeders if "customers" in principal.may else frozenset()


def covers(sight: Sight, other: Sight) -> bool:
    """Whether all customers of the other may be told too."""
    return sight is None or (other is not None and other <= sight)


def is_seen(sight: Sight, feeder: str | None) -> bool:
    """Whether customers of this feeder may be told; None: of the whole site."""
    return sight is None or feeder in sight


def sees_customers(request: Request, feeder: str) -> bool:
    """Whether whose a service point of this feeder is may be told."""
    return is_seen(sight_of(request), feeder)


def is_theirs(principal: Principal, feeder: str | None) -> bool:
    """Whether what stands on this feeder, or on none in particular, may be told them."""
    return feeder is None or principal.feeders is None or feeder in principal.feeders


def refuse_other(principal: Principal | None, feeder: str) -> None:
    """Raises 403 where this feeder is not theirs."""
    if principal is not None and not is_theirs(principal, feeder):
        raise HTTPException(403, f"expected somebody who may 'look' on {feeder!r}")
