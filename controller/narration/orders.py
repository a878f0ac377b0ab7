"""Actions and orders of operators, and the emergency stop, as sentences. Pure."""

from collections.abc import Sequence
from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.narration.sentence import Sentence
from controller.orders.order_book import DraftRecord
from devices.messages import Direction

OrderEntry = (
    e.OperatorActed | e.OrderDrafted | e.OrderAgreed | e.OrderClosed | e.EmergencyStopped | e.CommandTaken
)
MOST_NAMED = 3


def order_sentence(entry: OrderEntry, books: Books) -> Sentence:
    """The sentence of an entry. `books` have applied it."""
    match entry:
        case e.OperatorActed():
            return "warning", _operated(entry)
        case e.OrderDrafted():
            return "warning" if entry.needed > 1 else "info", _drafted(entry)
        case e.OrderAgreed():
            return "info", f"{entry.who} agreed: {_meant(entry.draft, books)} on {entry.feeder}"
        case e.OrderClosed():
            return _closed(entry, books)
        case e.EmergencyStopped():
            where, how = named(entry.feeders), "at once" if entry.manner == "at_once" else "one after another"
            text = f"Emergency stop by {entry.who} on {where}: no automatic, everybody is released {how}"
            return "alarm", f"{text} ({entry.why})"
        case e.CommandTaken():
            return "info", f"{entry.principal} sent command {entry.key} ({entry.did})"
        case _:
            assert_never(entry)


def _operated(entry: e.OperatorActed) -> str:
    match entry.action:
        case "automatic_off":
            did = f"took {entry.feeder} into their own hands: no automatic action"
        case "automatic_on":
            did = f"gave {entry.feeder} back to the automatic"
        case "release_all":
            did = f"released everybody on {entry.feeder}"
        case "release":
            did = f"released {entry.target} on {entry.feeder}"
        case "exclude":
            did = f"excluded {entry.target} on {entry.feeder} from requests"
        case "include":
            did = f"let {entry.target} on {entry.feeder} be asked again"
        case "limit":
            did = _limited_by_hand(entry)
        case _:
            assert_never(entry.action)
    agreed = f", agreed by {', '.join(entry.agreed_by)}" if entry.agreed_by else ""
    return f"{entry.who} {did} ({entry.why}{agreed})"


def _limited_by_hand(entry: e.OperatorActed) -> str:
    more = len(entry.targets) - 3
    whom = ", ".join(entry.targets[:3]) + (f" and {more} more" if more > 0 else "")
    end = "" if entry.until is None else f" until {entry.until:%H:%M} UTC"
    left = f", {len(entry.left_out)} devices left out" if entry.left_out else ""
    limit = limit_words(entry.limit_kw, entry.direction)
    return f"limited {whom} on {entry.feeder} to {limit}{end}{left}"


def meaning(drafted: e.OrderDrafted) -> str:  # noqa: PLR0911  one for each action
    """What an order would do, in a few words."""
    whom = named((*(() if drafted.target is None else (drafted.target,)), *drafted.targets))
    match drafted.action:
        case "automatic_off":
            return "take it into their own hands"
        case "automatic_on":
            return "give it back to the automatic"
        case "release_all":
            return "release everybody"
        case "release":
            return f"release {whom}"
        case "exclude":
            return f"exclude {whom} from requests"
        case "include":
            return f"let {whom} be asked again"
        case "limit":
            end = "" if drafted.until is None else f" until {drafted.until:%H:%M} UTC"
            return f"limit {whom} to {limit_words(drafted.limit_kw, drafted.direction)}{end}"
        case "more_reach":
            minutes = (drafted.grants_s or 0.0) / 60
            return f"let the automatic go beyond its limits on reach for {minutes:.3g} min"
        case _:
            assert_never(drafted.action)


def limit_words(limit_kw: float | None, direction: Direction | None) -> str:
    """What an order leaves each of its devices."""
    feeding_in = "feeding in " if direction == "production" else ""
    return f"{feeding_in}{limit_kw or 0.0:.1f} kW"


def named(targets: Sequence[str]) -> str:
    """A few of them by name, the others counted."""
    shown = ", ".join(targets[:MOST_NAMED])
    more = len(targets) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _drafted(entry: e.OrderDrafted) -> str:
    needed = "to be confirmed" if entry.needed == 1 else f"{entry.needed} persons must agree"
    by = f"until {entry.expires_at:%H:%M:%S} UTC"
    return f"{entry.who} drafted for {entry.feeder}: {meaning(entry)}; {needed} {by} ({entry.why})"


def _meant(draft: str, books: Books) -> str:
    record = books.order_book.find(draft)
    return f"order {draft}" if not isinstance(record, DraftRecord) else meaning(record.drafted)


def _closed(entry: e.OrderClosed, books: Books) -> Sentence:
    what = f"{_meant(entry.draft, books)} on {entry.feeder}"
    match entry.outcome:
        case "carried_out":
            return "info", f"Order carried out: {what}"
        case "withdrawn":
            return "info", f"{entry.who} withdrew: {what} ({entry.why})"
        case "expired":
            return "warning", f"Order expired, nobody confirmed it: {what}"
        case "void":
            return "warning", f"Order void: {what} ({entry.why})"
        case "failed":
            return "warning", f"Order not carried out: {what} ({entry.why})"
        case _:
            assert_never(entry.outcome)
