"""Whether who opened a stream may still look: a stream does not outlast the session or token it came with.

Asked again every few seconds, without counting as use: a page that nobody sits at keeps no session alive.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from controller.access.account_file import AccountsUnavailable
from controller.access.principal import Principal
from controller.api.gate import Doors
from controller.api.scope import Sight, covers, customers_of
from devices.ports import Clock

ASK_EVERY_S = 10.0
UNKNOWN_FOR_S = 60.0
"""So long a stream goes on while nobody can tell, as when the accounts' file is locked."""

Watch = Callable[[Callable[[], None]], Coroutine[Any, Any, None]]
"""Waits, and calls what it is given when the stream has to end."""


async def is_somebodys(gate: Doors, request: Request) -> bool:
    """Whether it comes with a session or a token that is good now."""
    try:
        await gate.known(request)
    except (HTTPException, AccountsUnavailable):
        return False
    return True


async def watch_rights(
    gate: Doors, request: Request, clock: Clock, sight: Sight, close: Callable[[], None]
) -> None:
    """Call `close` once whoever asked may look no more, or may see fewer customers than `sight`, which they
    were told of, or nobody can tell any more.
    """

    def holds(principal: Principal) -> bool:
        return principal.is_allowed_somewhere("look") and covers(customers_of(principal), sight)

    known_at, allowed = clock.monotonic(), True
    try:
        while allowed:
            await clock.sleep(ASK_EVERY_S)
            try:
                allowed = await gate.still_may(request, holds)
                known_at = clock.monotonic()
            except AccountsUnavailable:
                allowed = clock.monotonic() - known_at < UNKNOWN_FOR_S
    finally:
        close()
