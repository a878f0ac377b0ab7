"""The automatic is held back by its limits on reach: an order that lets it go further waits for two operators
(design, rule 10). Pure.

It is there while the gate refuses commands for want of budget, at most one for each feeder, and void as soon
as nothing was held back for a whole window.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.books import Books
from controller.entries import OrderClosed, OrderDrafted
from controller.orders.endings import CONTROLLER, NOT_NEEDED, closed
from controller.orders.order_book import DraftRecord
from controller.orders.order_rules import TWO
from controller.safety_gate import BUDGET_WINDOW
from controller.settings import Orders

AUTOMATIC = "automatic"
BUDGETS = ("feeder_budget", "fleet_budget")


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What the gate refused lately for want of budget."""

    at: datetime
    commands: int
    budgets: tuple[str, ...]
    """words of `BUDGETS`"""


def held_back(refused: Mapping[str, int], now: datetime) -> HeldBack | None:
    """From what the gate refused in one pass, by reason."""
    found = tuple(word for word in BUDGETS if refused.get(word))
    return HeldBack(now, sum(refused[word] for word in found), found) if found else None


def drafts_of_more(
    books: Books, held: Mapping[str, HeldBack], rules: Orders, *, epoch: int, now: datetime
) -> Iterable[OrderDrafted]:
    """New ones, for feeders that have none."""
    waiting = {r.drafted.feeder for r in books.order_book.open_drafts() if r.drafted.action == "more_reach"}
    for feeder, one in held.items():
        fresh = now - one.at < BUDGET_WINDOW
        if feeder in waiting or not fresh or books.order_book.has_more_reach(feeder, now):
            continue
        if _is_out(books, feeder):
            continue
        if _was_withdrawn(books, feeder, now - timedelta(seconds=rules.more_reach_s)):
            continue
        budget = "the fleet" if one.budgets == ("fleet_budget",) else "the feeder"
        yield OrderDrafted(
            at=now,
            draft=f"O-{feeder}-{now:%Y%m%dT%H%M%S.%fZ}-{books.seq}-more",
            feeder=feeder,
            action="more_reach",
            who=AUTOMATIC,
            why=f"{one.commands} commands are held back by the limit on the reach of {budget} in a minute",
            person=False,
            needed=TWO,
            expires_at=now + timedelta(seconds=rules.confirm_within_s),
            epoch=epoch,
            grants_s=rules.more_reach_s,
        )


def _is_out(books: Books, feeder: str) -> bool:
    """Whether a person keeps the automatic out: then it needs no more reach."""
    return books.order_book.stopped(feeder) is not None or not books.automatic(feeder)


def _was_withdrawn(books: Books, feeder: str, since: datetime) -> bool:
    """Whether an operator did not want it: it is not offered again at once."""
    return any(
        isinstance(one, DraftRecord)
        and one.drafted.feeder == feeder
        and one.drafted.action == "more_reach"
        and one.closed is not None
        and one.closed.outcome == "withdrawn"
        and one.closed.at >= since
        for _, one in books.order_book.latest()
    )


def no_more_needed(books: Books, held: Mapping[str, HeldBack], now: datetime) -> Iterable[OrderClosed]:
    """Ends of those that nothing is held back for any more."""
    for record in books.order_book.open_drafts():
        drafted = record.drafted
        one = held.get(drafted.feeder)
        is_held_back = one is not None and now - one.at < BUDGET_WINDOW
        if drafted.action != "more_reach" or (is_held_back and not _is_out(books, drafted.feeder)):
            continue
        yield closed(record, "void", CONTROLLER, NOT_NEEDED, now)
