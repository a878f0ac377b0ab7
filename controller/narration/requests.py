"""What is asked of devices and people, and what comes of it, as sentences. Pure."""

from collections.abc import Mapping
from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.bounds import feeds_in
from controller.narration.network import figure, named
from controller.narration.sentence import Sentence, Severity
from controller.requests import RequestRecord

RequestEntry = (
    e.RoundPlanned
    | e.RequestPlanned
    | e.RequestChanged
    | e.RequestSent
    | e.RequestAnswered
    | e.RequestMoved
    | e.BesideMoved
)

DEVICE_KINDS = {
    "ev_charger": "EV charger",
    "heat_pump": "heat pump",
    "battery": "battery",
    "air_conditioner": "air conditioner",
    "boiler": "boiler",
    "pv_inverter": "PV inverter",
}


def request_sentence(entry: RequestEntry, books: Books) -> Sentence:  # noqa: PLR0911  one for each word
    """Severity and sentence. `books` have applied the entry."""
    match entry:
        case e.RoundPlanned():
            return "info", _round(entry)
        case e.RequestPlanned():
            return "info", _planned(entry)
        case e.RequestChanged():
            return "info", _changed(entry, books.requests.get(entry.request))
        case e.RequestSent():
            again = "" if entry.attempt == 1 else f", attempt {entry.attempt}"
            return "info", f"Sent to {_whom(entry.request, books)} (command {entry.sequence}{again})"
        case e.RequestAnswered():
            return _answered(entry, books)
        case e.RequestMoved():
            return _moved(entry, books)
        case e.BesideMoved():
            what = f"Others behind the meter of {_whom(entry.request, books)}"
            return "info", f"{what} do {entry.kw:.1f} kW of what it would show"
        case _:
            assert_never(entry)


def _round(entry: e.RoundPlanned) -> str:
    stands = "may soon be at" if entry.expected else "is at"
    why = f"{named(entry.element)} {stands} {figure(entry.element, entry.value)}"
    cut_kw = sum(one.cut_kw for one in entry.asked)
    left = sum(one.count for one in entry.left)
    return f"{why}: {len(entry.asked)} asked for {cut_kw:.1f} kW less in all, {left} devices left alone"


def _planned(entry: e.RequestPlanned) -> str:
    stay, did = (
        ("stay below", "took") if entry.direction == "consumption" else ("feed in no more than", "fed in")
    )
    until = f"until {entry.end:%H:%M} UTC (it {did} {entry.p_before_kw:.1f} kW)"
    below = f"{stay} {entry.limit_kw:.1f} kW {until}"
    stands = "may soon be at" if entry.expected else "is at"
    why = f"because {named(entry.element, capital=False)} {stands} {figure(entry.element, entry.value)}"
    if entry.ordered is not None:
        why = f"as {entry.ordered.by} ordered"
    if entry.resource == "person":
        return f"Asking customer {entry.customer} to {below}, {why}"
    device = f"{DEVICE_KINDS.get(entry.kind, entry.kind)} {entry.target}"
    return f"Asking {device} of customer {entry.customer} to {below}, {why}"


def _changed(entry: e.RequestChanged, record: RequestRecord | None) -> str:
    whom = entry.request if record is None else whose(record)
    by = "" if entry.ordered is None else f", as {entry.ordered.by} ordered"
    match entry.reason:
        case "renewed":
            return f"{whom}: limit kept until {entry.end:%H:%M} UTC{by}"
        case "tightened" | "raised" | "relaxed":
            limit = f"{entry.limit_kw:.1f} kW until {entry.end:%H:%M} UTC"
            of = " on feeding in" if record is not None and feeds_in(record) else ""
            return f"{whom}: limit{of} {entry.reason} to {limit}{by}"
        case "released":
            return f"{whom}: released, there is room again"
        case "overridden":
            return f"{whom}: released by an operator"
        case "protected":
            return f"{whom}: released, it is protected now"
        case "let_go":
            return f"{whom}: told that nothing of it holds any more, after its answer"
        case _:
            assert_never(entry.reason)


def _answered(entry: e.RequestAnswered, books: Books) -> Sentence:
    reason = "" if entry.reason is None else f" ({entry.reason})"
    severity: Severity = "warning" if entry.answer == "refused" else "info"
    return severity, f"{_whom(entry.request, books)} answered: {entry.answer}{reason}"


_MOVED: Mapping[e.RequestState, Sentence] = {
    "planned": ("info", "the request is planned"),
    "sent": ("info", "asked, the answer is awaited"),
    "accepted": ("info", "has accepted"),
    "active": ("good", "the request is in force"),
    "ended": ("info", "the request has ended"),
    "settled": ("info", "the request is settled"),
    "refused": ("warning", "has refused"),
    "unanswered": ("warning", "does not answer"),
    "overridden": ("warning", "the request was overridden"),
    "failed": ("warning", "could not be asked"),
}


def _moved(entry: e.RequestMoved, books: Books) -> Sentence:
    severity, text = _MOVED[entry.state]
    return severity, f"{_whom(entry.request, books)}: {text} ({entry.reason})"


def _whom(request: str, books: Books) -> str:
    record = books.requests.get(request)
    return f"Request {request}" if record is None else whose(record)


def whose(record: RequestRecord) -> str:
    """The target of a request: a device and its customer, or a customer."""
    planned = record.planned
    if planned.resource == "person":
        return f"Customer {planned.customer}"
    return f"{DEVICE_KINDS.get(planned.kind, planned.kind)} {planned.target} of {planned.customer}"
