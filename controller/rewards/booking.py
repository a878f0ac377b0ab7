"""How the rewards desk writes: by the one keeper; what the ledger refuses is told as an id that is taken.
Part of the shell.
"""

from collections.abc import Sequence

import structlog

from controller.bookkeeping import Bookkeeper
from controller.entries import Entry
from controller.errors import LedgerConflict
from controller.rewards.reward_errors import IdTaken

log = structlog.get_logger()


async def write(keeper: Bookkeeper, entries: Sequence[Entry], what: str) -> None:
    """All in one commit. Raises IdTaken, StoreUnavailable."""
    try:
        await keeper.write(entries)
    except LedgerConflict as error:
        log.error("ledger_conflict", what=what, reason=str(error))
        raise IdTaken(f"{what}: this id is booked already, with another content") from error


def check_same(what: str, *, same: bool) -> None:
    """Raise IdTaken unless what is asked is the same as before."""
    if not same:
        log.error("id_taken", what=what)
        raise IdTaken(f"{what} is known already, with another content")
