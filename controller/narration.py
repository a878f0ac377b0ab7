"""Journal entries as plain English sentences with figures, for the console, the terminal and the audit. Pure.

Knows no store. What an entry does not say itself (whose request it was) comes from the books, which must have
taken the entry in already; a request that the books have forgotten is told by its id.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.bounds import feeds_in
from controller.narration_alarms import alarm_sentence
from controller.narration_orders import limit_words, order_sentence
from controller.narration_people import (
    Severity,
    delivery_sentence,
    people_sentence,
    rewards_sentence,
    settling_sentence,
)
from controller.narration_personal import is_personal
from controller.narration_shifts import shift_sentence
from controller.requests import RequestRecord
from controller.stores.port import Numbered
from controller.views import Told

_Sentence = tuple[Severity, str]

DEVICE_KINDS = {
    "ev_charger": "EV charger",
    "heat_pump": "heat pump",
    "battery": "battery",
    "air_conditioner": "air conditioner",
    "boiler": "boiler",
    "pv_inverter": "PV inverter",
}
_ELEMENTS = {"line": "line", "trafo": "transformer", "trafo3w": "three-winding transformer", "bus": "bus"}


def tell(numbered: Numbered, books: Books) -> Told:
    """The sentence of an entry. `books` have applied it."""
    entry = numbered.entry
    severity, text = _sentence(entry, books)
    return Told(
        seq=numbered.seq,
        at=entry.at,
        feeder=_feeder(entry, books),
        entry=str(entry.__struct_config__.tag),
        severity=severity,
        text=text,
        personal=is_personal(entry),
    )


def _feeder(entry: e.Entry, books: Books) -> str | None:
    feeder: str | None = getattr(entry, "feeder", None)
    if feeder is None:
        record = books.requests.get(getattr(entry, "request", None) or "")
        return None if record is None else record.planned.feeder
    return feeder


def _sentence(entry: e.Entry, books: Books) -> _Sentence:  # noqa: C901, PLR0911, PLR0912  one branch per word
    match entry:
        case e.ControllerStarted():
            feeders = ", ".join(entry.feeders)
            return "info", f"Controller {entry.version} took over {feeders} (epoch {entry.epoch})"
        case e.ReadingsRefused():
            where = "" if entry.feeder is None else f" of {entry.feeder}"
            return (
                "warning",
                f"{entry.count} inputs{where} not used: {entry.reason} (for example {entry.sample})",
            )
        case e.DataAlarm():
            return _data_alarm(entry)
        case e.ViolationAppeared():
            return "warning", _beyond(entry.element, entry.kind, entry.value, entry.limit)
        case e.ViolationCleared():
            return "good", f"{named(entry.element)} is within its limit again"
        case e.EventOpened():
            return "alarm", _opened(entry)
        case e.EventShort():
            return "alarm", _short(entry)
        case e.EventClosed():
            return "good", f"Event {entry.event} closed, its peak was {entry.peak_percent:.1f} %"
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
        case e.RequestSettled():
            return _settled(entry, books.requests.get(entry.request))
        case e.LedgerPosted():
            return "info", _posted(entry)
        case e.OperatorActed():
            return "warning", _operated(entry)
        case e.OverloadExpected():
            return "warning", _announced(entry)
        case e.ExpectationEnded():
            return _no_longer_expected(entry)
        case e.SettlementCorrected() | e.DisputeOpened() | e.DisputeClosed():
            return settling_sentence(entry)
        case e.NoticeAnswered() | e.MessagePlanned() | e.MessageDone():
            return people_sentence(entry, books)
        case e.NoticeDelivered() | e.ConsentWithdrawn():
            return delivery_sentence(entry, books)
        case e.FactReported() | e.RedemptionMoved() | e.PayoutMoved():
            return rewards_sentence(entry)
        case e.RoundPlanned():
            return "info", _round(entry)
        case e.JournalCheckpointed():
            return "info", f"Journal sealed up to entry {entry.size} with key {entry.key}"
        case e.FailsafeArmed():
            return "info", f"Told {entry.device}: {_in_silence(entry.failsafe_kw, entry.failsafe_s)}"
        case e.FailsafeConfirmed():
            return "good", f"{entry.device} shows: {_in_silence(entry.failsafe_kw, entry.failsafe_s)}"
        case e.PersonalDataErased():
            why = "asked for" if entry.cause == "request" else "kept long enough"
            return "info", f"Name and contacts of {entry.customer} erased by {entry.who} ({why})"
        case e.ShiftNote() | e.ShiftNoteMarked() | e.ShiftHandedOver() | e.ShiftBegan():
            return shift_sentence(entry)
        case e.OrderDrafted() | e.OrderAgreed() | e.OrderClosed() | e.EmergencyStopped() | e.CommandTaken():
            return order_sentence(entry, books)
        case (
            e.AlarmRaised()
            | e.AlarmReturned()
            | e.AlarmAcknowledged()
            | e.AlarmShelved()
            | e.AlarmUnshelved()
        ):
            return alarm_sentence(entry)
        case _:
            assert_never(entry)


_OF_SILENCE = {
    "failsafe_unconfirmed": "No failsafe shown on {feeder}, asked for nothing until then",
    "failsafe_not_lifted": "Silence would still limit on {feeder} who must not be limited by it",
    "heartbeats_not_heard": "At their failsafe on {feeder} although we live, no heartbeat reaches them",
}


def _data_alarm(entry: e.DataAlarm) -> _Sentence:
    if entry.kind == "near_collapse":
        return ("alarm" if entry.raised else "good"), f"Voltage stability on {entry.feeder}: {entry.text}"
    if entry.kind == "wrong_meter":
        what = f"not believed on {entry.feeder}: {entry.text}" if entry.raised else "all meters agree again"
        return ("warning", f"Reading {what}") if entry.raised else ("good", f"{entry.feeder}: {what}")
    if entry.kind in _OF_SILENCE:
        if not entry.raised:
            return "good", f"{entry.feeder}: {entry.text}"
        return "warning", _OF_SILENCE[entry.kind].format(feeder=entry.feeder) + f": {entry.text}"
    if entry.raised:
        return "alarm", f"Data alarm on {entry.feeder}: {entry.text}. No automatic action until it clears"
    return "good", f"Data alarm on {entry.feeder} is over: {entry.text}"


def _in_silence(failsafe_kw: float, failsafe_s: int) -> str:
    return f"in silence at most {failsafe_kw:.1f} kW, for {failsafe_s / 3600:.3g} h at least"


def _planned(entry: e.RequestPlanned) -> str:
    stay, did = (
        ("stay below", "took") if entry.direction == "consumption" else ("feed in no more than", "fed in")
    )
    until = f"until {_clock(entry.end)} UTC (it {did} {entry.p_before_kw:.1f} kW)"
    below = f"{stay} {entry.limit_kw:.1f} kW {until}"
    stands = "may soon be at" if entry.expected else "is at"
    why = f"because {named(entry.element, capital=False)} {stands} {figure(entry.element, entry.value)}"
    if entry.ordered is not None:
        why = f"as {entry.ordered.by} ordered"
    if entry.resource == "person":
        return f"Asking customer {entry.customer} to {below}, {why}"
    device = f"{DEVICE_KINDS.get(entry.kind, entry.kind)} {entry.target}"
    return f"Asking {device} of customer {entry.customer} to {below}, {why}"


def _round(entry: e.RoundPlanned) -> str:
    stands = "may soon be at" if entry.expected else "is at"
    why = f"{named(entry.element)} {stands} {figure(entry.element, entry.value)}"
    cut_kw = sum(one.cut_kw for one in entry.asked)
    left = sum(one.count for one in entry.left)
    return f"{why}: {len(entry.asked)} asked for {cut_kw:.1f} kW less in all, {left} devices left alone"


def _changed(entry: e.RequestChanged, record: RequestRecord | None) -> str:
    whom = entry.request if record is None else whose(record)
    by = "" if entry.ordered is None else f", as {entry.ordered.by} ordered"
    match entry.reason:
        case "renewed":
            return f"{whom}: limit kept until {_clock(entry.end)} UTC{by}"
        case "tightened" | "raised" | "relaxed":
            limit = f"{entry.limit_kw:.1f} kW until {_clock(entry.end)} UTC"
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


def _answered(entry: e.RequestAnswered, books: Books) -> _Sentence:
    reason = "" if entry.reason is None else f" ({entry.reason})"
    severity: Severity = "warning" if entry.answer == "refused" else "info"
    return severity, f"{_whom(entry.request, books)} answered: {entry.answer}{reason}"


_MOVED: Mapping[e.RequestState, _Sentence] = {
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


def _moved(entry: e.RequestMoved, books: Books) -> _Sentence:
    severity, text = _MOVED[entry.state]
    return severity, f"{_whom(entry.request, books)}: {text} ({entry.reason})"


def _settled(entry: e.RequestSettled, record: RequestRecord | None) -> _Sentence:
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
    end = "" if entry.until is None else f" until {_clock(entry.until)} UTC"
    left = f", {len(entry.left_out)} devices left out" if entry.left_out else ""
    limit = limit_words(entry.limit_kw, entry.direction)
    return f"limited {whom} on {entry.feeder} to {limit}{end}{left}"


def _whom(request: str, books: Books) -> str:
    record = books.requests.get(request)
    return f"Request {request}" if record is None else whose(record)


def whose(record: RequestRecord) -> str:
    """The target of a request: a device and its customer, or a customer."""
    planned = record.planned
    if planned.resource == "person":
        return f"Customer {planned.customer}"
    return f"{DEVICE_KINDS.get(planned.kind, planned.kind)} {planned.target} of {planned.customer}"


def _beyond(element: str, kind: str, value: float, limit: float) -> str:
    side = "under" if kind.startswith("under") else "over"
    return f"{named(element)} at {figure(element, value)}, {side} its limit of {figure(element, limit)}"


def _opened(entry: e.EventOpened) -> str:
    if not entry.expected:
        sure = "" if entry.probability is None else f" ({entry.probability:.0%} sure)"
        beyond = _beyond(entry.element, entry.kind, entry.value, entry.limit)
        return f"{beyond}{sure}: event {entry.event} opened"
    value, limit = figure(entry.element, entry.value), figure(entry.element, entry.limit)
    what = f"{named(entry.element)} may be at {value} within moments, over its limit of {limit}"
    return f"{what}: event {entry.event} opened early"


def _short(entry: e.EventShort) -> str:
    left = f"{named(entry.element, capital=False)} at {figure(entry.element, entry.value)}"
    lacking = f", {entry.missing_kw:.1f} kW at least are missing" if entry.missing_kw else ""
    limit = figure(entry.element, entry.limit)
    return f"All that may be asked for leaves {left} (limit {limit}){lacking}: an operator is needed"


def _announced(entry: e.OverloadExpected) -> str:
    what = f"{named(entry.element)} is expected at {figure(entry.element, entry.value)}"
    limit = f"limit {figure(entry.element, entry.limit)}"
    return f"{what} from {_clock(entry.expected_at)} UTC on ({limit}, {entry.probability:.0%} sure)"


def _no_longer_expected(entry: e.ExpectationEnded) -> _Sentence:
    element = named(entry.element)
    match entry.outcome:
        case "came":
            return "info", f"{element}: the overload that was announced is here"
        case "withdrawn":
            return "good", f"{element}: the overload that was announced is not expected any more"
        case _:
            assert_never(entry.outcome)


def named(element: str, *, capital: bool = True) -> str:
    """An element in words: "line:3" → "Line 3"; what has another form is told as it stands."""
    table, _, index = element.partition(":")
    if not index or table not in _ELEMENTS:
        return element
    word = _ELEMENTS[table]
    return f"{word.capitalize() if capital else word} {index}"


def figure(element: str, value: float) -> str:
    """What stands at an element: a bus has a voltage, all others a loading."""
    return f"{value:.3f} pu" if element.startswith("bus:") else f"{value:.1f} %"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"
