"""Who reads, and of which feeders they may know: for routes that tell of several feeders at once."""

from typing import Protocol

from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.principal import Principal
from controller.access.roles import Permission


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


def sees_customers(request: Request, feeder: str) -> bool:
    """Whether whose a service point is may be told: to who may see customers there, and to everybody where
    nobody has to sign in to look.
    """
    admitted: Principal | None = getattr(request.state, "principal", None)
    return admitted is None or admitted.is_allowed("customers", feeder)


def is_theirs(principal: Principal, feeder: str | None) -> bool:
    """Whether what stands on this feeder, or on none in particular, may be told them."""
    return feeder is None or principal.feeders is None or feeder in principal.feeders


def refuse_other(principal: Principal | None, feeder: str) -> None:
    """Raises 403 where this feeder is not theirs."""
    if principal is not None and not is_theirs(principal, feeder):
        raise HTTPException(403, f"expected somebody who may 'look' on {feeder!r}")
