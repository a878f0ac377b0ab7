"""The sentences about people: what they answered and were told, what they redeemed and reported.

Part of the narration. Pure; names nobody: customers are told by their id.
"""

from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.narration.sentence import Sentence
from controller.rewards.money import shown

PeopleEntry = (
    e.NoticeAnswered
    | e.MessagePlanned
    | e.MessageDone
    | e.NoticeDelivered
    | e.ConsentWithdrawn
    | e.FactReported
    | e.RedemptionMoved
    | e.PayoutMoved
)


def people_sentence(entry: PeopleEntry, books: Books) -> Sentence:
    """Severity and sentence. `books` have applied the entry."""
    match entry:
        case e.NoticeAnswered():
            return "info", _chose(entry, books)
        case e.MessagePlanned():
            return "info", f"Customer {entry.customer} is to be told: {_KINDS[entry.kind]} ({entry.request})"
        case e.MessageDone():
            return _done(entry, books)
        case e.NoticeDelivered():
            return _delivered(entry, books)
        case e.ConsentWithdrawn():
            return "info", f"Customer {entry.customer} wants no more messages (by {entry.via})"
        case e.FactReported() | e.RedemptionMoved() | e.PayoutMoved():
            return "info", _rewarded(entry)
        case _:
            assert_never(entry)


def _chose(entry: e.NoticeAnswered, books: Books) -> str:
    record = books.requests.get(entry.request)
    who = f"Request {entry.request}" if record is None else f"Customer {record.planned.customer}"
    chose = "takes part" if entry.answer == "opted_in" else "does not take part"
    return f"{who} {chose} (by {entry.via})"


def _done(entry: e.MessageDone, books: Books) -> Sentence:
    """What came of a further word: `request/kind/number` is its id, and all that the entry says of it."""
    request, kind, _ = ("", "", *entry.message.rsplit("/", 2))[-3:]
    what = _KINDS.get(kind)
    record = books.requests.get(request)
    whom = f"Customer of {request}" if record is None else f"Customer {record.planned.customer}"
    if entry.outcome == "sent":
        return "info", f"Message {entry.message} told" if what is None else f"{whom} told: {what} ({request})"
    why = spoken(entry.reason)
    if what is None:
        return "warning", f"Message {entry.message} not told: {why}"
    return "warning", f"{whom} not told: {why} ({what}; {request})"


def _delivered(entry: e.NoticeDelivered, books: Books) -> Sentence:
    record = books.requests.get(entry.request)
    whom = entry.request if record is None else record.planned.customer
    word = TOLD_KINDS[entry.kind]
    if entry.result == "taken":
        return "info", f"{word} to {whom}: taken by {entry.channel}"
    return "warning", f"{word} to {whom}: not by {entry.channel} ({spoken(entry.result)})"


def spoken(result: str) -> str:
    """A result's fixed word as people say it."""
    return result.replace("_", " ")


def _rewarded(entry: e.FactReported | e.RedemptionMoved | e.PayoutMoved) -> str:
    """What a customer did that may earn, what they take for their points, or that money is paid out."""
    match entry:
        case e.FactReported():
            return f"Customer {entry.customer}: {entry.kind.replace('_', ' ')} reported ({entry.fact})"
        case e.RedemptionMoved():
            what = f"{entry.item} for {entry.points} points"
            return f"Redemption {entry.redemption} of {entry.customer}: {what}, {entry.state}"
        case e.PayoutMoved():
            least = shown(entry.currency, entry.least)
            return f"Payout {entry.payout} of all balances from {least} {entry.state}"
        case _:
            assert_never(entry)


TOLD_KINDS = {
    "notice": "Notice",
    "taken_back": "Taking back",
    "follow_up": "Reminder",
    "thanks": "Thanks",
    "explanation": "Explanation",
}
_KINDS = {
    "follow_up": "how they are doing",
    "thanks": "thanks, and what they earned",
    "explanation": "why nothing was credited",
}
