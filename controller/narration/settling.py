"""What a request was worth, and what was booked for it, as sentences. Pure."""

from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.narration.sentence import Sentence
from controller.requests import RequestRecord

SettlingEntry = e.RequestSettled | e.LedgerPosted | e.SettlementCorrected | e.DisputeOpened | e.DisputeClosed


def settling_sentence(entry: SettlingEntry, books: Books) -> Sentence:
    """Severity and sentence. `books` have applied the entry."""
    match entry:
        case e.RequestSettled():
            return _settled(entry, books.requests.get(entry.request))
        case e.LedgerPosted():
            return "info", _posted(entry)
        case e.SettlementCorrected():
            return "info", _corrected(entry)
        case e.DisputeOpened():
            reason = entry.reason.replace("_", " ")
            return "warning", f"Dispute {entry.dispute} about {entry.request} opened by {entry.who}: {reason}"
        case e.DisputeClosed():
            return "info", f"Dispute {entry.dispute} {entry.outcome} by {entry.who} ({entry.why})"
        case _:
            assert_never(entry)


def _corrected(entry: e.SettlementCorrected) -> str:
    cause = "late readings arrived" if entry.cause == "late_readings" else f"dispute {entry.dispute}"
    energy = f"{entry.reduced_kwh:.2f} kWh instead of {entry.reduced_kwh_before:.2f}"
    points = f"{entry.points} points instead of {entry.points_before}"
    return f"Settlement of {entry.request} corrected ({cause}): {energy}, {points}"


def _settled(entry: e.RequestSettled, record: RequestRecord | None) -> Sentence:
    customer = entry.request if record is None else record.planned.customer
    shown = f"the meter shows {entry.reduced_kwh:.2f} kWh less"
    match entry.outcome:
        case "credited":
            share = f"{entry.compliance_percent:.0f} % of what was asked"
            return "good", f"{customer} credited {entry.points} points: {shown} ({share})"
        case "nothing_shown":
            return "info", f"{customer} not credited: {shown}{_not_told_apart(entry, record)}"
        case "too_little_data":
            read = f"{entry.intervals_measured} of {entry.intervals} intervals"
            return (
                "warning",
                f"{customer} not credited: its meter was read in {read}, too few to prove anything",
            )
        case "refused_or_silent":
            return "info", f"{customer} not credited: the request never came into force"
        case _:
            assert_never(entry.outcome)


def _not_told_apart(entry: e.RequestSettled, record: RequestRecord | None) -> str:
    """Where other devices behind the meter did something that looks like it."""
    if record is None or entry.reduced_kwh > 0 or not record.beside:
        return ""
    return " than what other devices behind it may have done"


def _posted(entry: e.LedgerPosted) -> str:
    credited: dict[str, list[str]] = {}
    for account, unit, amount in entry.postings:
        if amount > 0:
            credited.setdefault(account, []).append(f"{amount} {unit}")
    booked = ", ".join(f"{' and '.join(amounts)} to {account}" for account, amounts in credited.items())
    return f"Booked {booked} ({entry.reason})"
