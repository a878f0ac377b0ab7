"""Who gives an order over the API, as the order desk wants to know it."""

from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.account_file import AccountsUnavailable
from controller.access.principal import Principal
from controller.api.gate import Doors, Gate, acting
from controller.orders.giving import CommandKey, Giver

KEY_HOLDER_NAME = "operator token"
_OF_A_TOKEN = "token:"  # noqa: S105  how the names of programs begin, see `access.accounts.Token`


def name_of(principal: Principal) -> str:
    """As idempotency keys are kept apart."""
    return KEY_HOLDER_NAME if principal.name is None else principal.name


def is_person(principal: Principal) -> bool:
    """Whether an account says who it is: no program, and not whoever knows the shared token."""
    return principal.name is not None and not principal.name.startswith(_OF_A_TOKEN)


def giver_of(request: Request, said: str | None) -> Giver:
    """Of a request that was admitted. Raises 422 when nobody is named, or somebody else."""
    command: CommandKey | None = getattr(request.state, "command", None)
    return Giver(acting(request, said), is_person(request.state.principal), command)


async def looker_of(request: Request, gate: Gate) -> Principal | None:
    """Who looks, where they show it; None: anybody."""
    admitted: Principal | None = getattr(request.state, "principal", None)
    if admitted is not None or not isinstance(gate, Doors):
        return admitted
    try:
        return await gate.known(request)
    except (HTTPException, AccountsUnavailable):
        return None


def giver_if_known(principal: Principal | None) -> Giver | None:
    """Of somebody who only looks."""
    if principal is None:
        return None
    operates = principal.feeders if principal.is_allowed_somewhere("operate") else frozenset[str]()
    return Giver(name_of(principal), is_person(principal), operates=operates)
