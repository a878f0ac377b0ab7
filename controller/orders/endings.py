"""How drafts end without anybody's word. Pure."""

from collections.abc import Iterable
from datetime import datetime

from controller.books import Books
from controller.entries import DraftOutcome, OrderClosed
from controller.orders.more_reach import CONTROLLER
from controller.orders.order_book import DraftRecord


def closed(record: DraftRecord, outcome: DraftOutcome, who: str, why: str, now: datetime) -> OrderClosed:
    """The entry that ends a draft."""
    return OrderClosed(
        at=now, draft=record.draft, feeder=record.drafted.feeder, outcome=outcome, who=who, why=why
    )


def run_out(books: Books, epoch: int, now: datetime) -> Iterable[OrderClosed]:
    """Ends of those that another controller took, and of those whose time is over."""
    for record in books.order_book.open_drafts():
        if record.drafted.epoch != epoch:
            yield closed(record, "void", CONTROLLER, "the controller was started again", now)
        elif now >= record.drafted.expires_at:
            yield closed(record, "expired", CONTROLLER, "nobody confirmed it in time", now)
        elif now < record.drafted.at:
            yield closed(record, "void", CONTROLLER, "the clock was set back", now)
