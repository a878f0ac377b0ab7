"""Journal entries as plain English sentences with figures, for the console, the terminal and the audit. Pure.

Knows no store. What an entry does not say itself (whose request it was) comes from the books, which must have
taken the entry in already; a request that the books have forgotten is told by its id. Each subject has a
module of its own; here are the sentences of the controller about itself.
"""

from typing import assert_never

from controller import entries as e
from controller.books import Books
from controller.narration.alarms import AlarmEntry, alarm_sentence
from controller.narration.network import NetworkEntry, network_sentence
from controller.narration.orders import OrderEntry, order_sentence
from controller.narration.people import PeopleEntry, people_sentence
from controller.narration.personal import is_personal
from controller.narration.requests import RequestEntry, request_sentence
from controller.narration.sentence import Sentence
from controller.narration.settling import SettlingEntry, settling_sentence
from controller.narration.shifts import ShiftEntry, shift_sentence
from controller.stores.port import Numbered
from controller.views import Told

OwnEntry = (
    e.ControllerStarted | e.FailsafeArmed | e.FailsafeConfirmed | e.JournalCheckpointed | e.PersonalDataErased
)


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


def _sentence(entry: e.Entry, books: Books) -> Sentence:  # noqa: PLR0911  one for each subject
    if isinstance(entry, NetworkEntry):
        return network_sentence(entry)
    if isinstance(entry, RequestEntry):
        return request_sentence(entry, books)
    if isinstance(entry, SettlingEntry):
        return settling_sentence(entry, books)
    if isinstance(entry, OrderEntry):
        return order_sentence(entry, books)
    if isinstance(entry, PeopleEntry):
        return people_sentence(entry, books)
    if isinstance(entry, AlarmEntry):
        return alarm_sentence(entry)
    if isinstance(entry, ShiftEntry):
        return shift_sentence(entry)
    return _own_sentence(entry)


def _own_sentence(entry: OwnEntry) -> Sentence:
    match entry:
        case e.ControllerStarted():
            feeders = ", ".join(entry.feeders)
            return "info", f"Controller {entry.version} took over {feeders} (epoch {entry.epoch})"
        case e.FailsafeArmed():
            return "info", f"Told {entry.device}: {_in_silence(entry.failsafe_kw, entry.failsafe_s)}"
        case e.FailsafeConfirmed():
            return "good", f"{entry.device} shows: {_in_silence(entry.failsafe_kw, entry.failsafe_s)}"
        case e.JournalCheckpointed():
            return "info", f"Journal sealed up to entry {entry.size} with key {entry.key}"
        case e.PersonalDataErased():
            why = "asked for" if entry.cause == "request" else "kept long enough"
            return "info", f"Name and contacts of {entry.customer} erased by {entry.who} ({why})"
        case _:
            assert_never(entry)


def _in_silence(failsafe_kw: float, failsafe_s: int) -> str:
    return f"in silence at most {failsafe_kw:.1f} kW, for {failsafe_s / 3600:.3g} h at least"
