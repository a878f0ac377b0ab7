"""One step in the life of a request as a sentence without its subject: part of its story. Pure."""

from typing import assert_never

from controller import entries as e
from controller.narration.people import TOLD_KINDS, spoken


def step(entry: e.Entry, resource: e.Resource) -> str | None:  # noqa: C901  one branch per word
    """What an entry of the request says; None for entries that are no step of it."""
    whom = "device" if resource == "device" else "customer"
    text: str | None = None
    match entry:
        case e.RequestPlanned():
            feed_in = "to feed in " if entry.direction == "production" else ""
            limit = f"{feed_in}no more than {entry.limit_kw:.1f} kW"
            span = f"from {entry.start:%H:%M:%S} until {entry.end:%H:%M:%S}"
            text = f"Planned: {limit} {span} (command {entry.sequence})"
        case e.RequestSent():
            again = "" if entry.attempt == 1 else f", attempt {entry.attempt}"
            text = f"Sent to the {whom} (command {entry.sequence}{again})"
        case e.RequestAnswered():
            reason = "" if entry.reason is None else f" ({entry.reason})"
            text = f"The {whom} answered: {entry.answer}{reason}"
        case e.RequestChanged():
            text = f"{_changed(entry)} (command {entry.sequence})"
        case e.RequestMoved():
            reason = "" if entry.reason in ("", entry.state) else f" ({entry.reason})"
            text = f"Now {_STATES[entry.state]}{reason}"
        case e.BesideMoved():
            text = f"Other devices behind its meter do {entry.kw:.1f} kW of what it would show"
        case e.RequestSettled():
            text = f"Settled: {_OUTCOMES[entry.outcome]}"
        case e.NoticeAnswered():
            chose = "takes part" if entry.answer == "opted_in" else "does not take part"
            text = f"The customer {chose} (by {entry.via})"
        case e.MessagePlanned():
            text = f"The customer is to be told {_MESSAGES[entry.kind]}"
        case e.NoticeDelivered():
            told = "taken" if entry.result == "taken" else f"not taken ({spoken(entry.result)})"
            text = f"{TOLD_KINDS[entry.kind]} by {entry.channel}: {told}"
        case e.MessageDone():
            text = "That went out" if entry.outcome == "sent" else f"Not told: {spoken(entry.reason)}"
        case _:
            pass  # about the event, the grid or the ledger: other chapters tell it
    return text


_STATES = {
    "planned": "planned",
    "sent": "sent",
    "accepted": "accepted",
    "active": "in force",
    "ended": "ended",
    "settled": "settled",
    "refused": "refused",
    "unanswered": "unanswered",
    "overridden": "overridden",
    "failed": "failed, it could not be asked",
}
_OUTCOMES = {
    "credited": "credited",
    "nothing_shown": "the meter shows nothing to credit",
    "too_little_data": "too little was read to prove anything",
    "refused_or_silent": "it never came into force",
}


_MESSAGES = {
    "follow_up": "how they are doing",
    "thanks": "what they earned, with thanks",
    "explanation": "why nothing was credited",
}


def _changed(entry: e.RequestChanged) -> str:
    until = f"until {entry.end:%H:%M:%S}"
    match entry.reason:
        case "renewed":
            return f"Renewed: no more than {entry.limit_kw:.1f} kW {until}"
        case "tightened" | "raised" | "relaxed":
            return f"Limit {entry.reason} to {entry.limit_kw:.1f} kW {until}"
        case "released":
            return "Released ahead of its end: there is room again"
        case "overridden":
            return "Released by an operator"
        case "protected":
            return "Released: it is protected now"
        case "let_go":
            return "Told that nothing of it holds any more, after its answer"
        case _:
            assert_never(entry.reason)
