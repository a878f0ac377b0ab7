"""How drafts end without anybody's word, and what their ends are called. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from controller.books import Books
from controller.entries import DraftOutcome, OrderClosed
from controller.orders.order_book import DraftRecord

CONTROLLER = "controller"
EndCode = Literal["expired", "restarted", "clock_set_back", "emergency_stop", "not_needed", "failed"]
"""why a draft is over, where no person said why"""
RESTARTED = "the controller was started again"
CLOCK_SET_BACK = "the clock was set back"
STOPPED = "emergency stop"
NOT_NEEDED = "nothing is held back any more"
_VOID: dict[str, EndCode] = {
    RESTARTED: "restarted",
    CLOCK_SET_BACK: "clock_set_back",
    STOPPED: "emergency_stop",
    NOT_NEEDED: "not_needed",
}


def closed(record: DraftRecord, outcome: DraftOutcome, who: str, why: str, now: datetime) -> OrderClosed:
    """The entry that ends a draft."""
    return OrderClosed(
        at=now, draft=record.draft, feeder=record.drafted.feeder, outcome=outcome, who=who, why=why
    )


def run_out(books: Books, epoch: int, now: datetime) -> Iterable[OrderClosed]:
    """Ends of those that another controller took, and of those whose time is over."""
    for record in books.order_book.open_drafts():
        if record.drafted.epoch != epoch:
            yield closed(record, "void", CONTROLLER, RESTARTED, now)
        elif now >= record.drafted.expires_at:
            yield closed(record, "expired", CONTROLLER, "nobody confirmed it in time", now)
        elif now < record.drafted.at:
            yield closed(record, "void", CONTROLLER, CLOCK_SET_BACK, now)


def end_code(end: OrderClosed) -> EndCode | None:
    """Why it is over, as a code; None where it was carried out, or a person said why in their own words."""
    match end.outcome:
        case "expired":
            return "expired"
        case "failed":
            return "failed"
        case "void":
            return _VOID.get(end.why)
        case _:
            return None
