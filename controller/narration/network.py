"""What the network and its readings show, as sentences. Pure."""

from typing import assert_never

from controller import entries as e
from controller.narration.sentence import Sentence

NetworkEntry = (
    e.ReadingsRefused
    | e.DataAlarm
    | e.ViolationAppeared
    | e.ViolationCleared
    | e.EventOpened
    | e.EventShort
    | e.EventClosed
    | e.OverloadExpected
    | e.ExpectationEnded
)

_ELEMENTS = {"line": "line", "trafo": "transformer", "trafo3w": "three-winding transformer", "bus": "bus"}


def network_sentence(entry: NetworkEntry) -> Sentence:  # noqa: PLR0911  one for each word
    """Severity and sentence."""
    match entry:
        case e.ReadingsRefused():
            return "warning", _refused(entry)
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
        case e.OverloadExpected():
            return "warning", _announced(entry)
        case e.ExpectationEnded():
            return _no_longer_expected(entry)
        case _:
            assert_never(entry)


def _refused(entry: e.ReadingsRefused) -> str:
    where = "" if entry.feeder is None else f" of {entry.feeder}"
    return f"{entry.count} inputs{where} not used: {entry.reason} (for example {entry.sample})"


_OF_SILENCE = {
    "failsafe_unconfirmed": "No failsafe shown on {feeder}, asked for nothing until then",
    "failsafe_not_lifted": "Silence would still limit on {feeder} who must not be limited by it",
    "heartbeats_not_heard": "At their failsafe on {feeder} although we live, no heartbeat reaches them",
}


def _data_alarm(entry: e.DataAlarm) -> Sentence:
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
    return f"{what} from {entry.expected_at:%H:%M} UTC on ({limit}, {entry.probability:.0%} sure)"


def _no_longer_expected(entry: e.ExpectationEnded) -> Sentence:
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
