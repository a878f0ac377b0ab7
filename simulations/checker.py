"""The judge: what must hold (design, section 3), checked after the run from evidence of the field's own.

It is: what passed by on the wire, the devices' own journals, the true powers of the field, and the stored
journal and ledger as plain data. Shares no code with the daemon. An empty list of findings is the only pass.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import numpy as np

from customers.registry import Device, Registry
from devices.messages import DEFAULT_FAILSAFE_S, CustomerNotice, LimitCommand
from grid_model.network import Floats
from simulations.direct_link import OnTheWire
from simulations.emulated_devices import DeviceNote
from simulations.record_reading import Raw, Record

LATE_S = 5.0
"""A device may be limited this long past its end (C3)."""
SILENT_S = 120.0
"""A device of guard mode that hears nothing for so long is at its failsafe (C9)."""
FEEDS_IN = "pv_inverter"
"""The kind of device of which only feeding in may be limited; of all others only taking."""
KW_TOLERANCE = 1e-6
KWH_TOLERANCE = 0.02
ROUNDING_UNITS = 1
"""points or minor units that rounding may add"""


@dataclass(frozen=True)
class Rules:
    """What was promised, as numbers."""

    longest_event_s: float
    points_per_kwh: float
    minor_units_per_kwh: float
    points_unit: str = "points"


@dataclass(frozen=True)
class Evidence:
    """One controlled run, as seen from outside the daemon."""

    registry: Registry
    rules: Rules
    wire: Sequence[OnTheWire]
    journal: Sequence[DeviceNote]
    """of all devices, in the order of time"""
    record: Record
    at: Sequence[datetime]
    """(n_step,)"""
    meter_kw: Mapping[str, Floats]
    """what the meter of each service point showed, (n_step,): the true power where it is right"""
    ended_at: datetime
    sun_kw: Mapping[str, Floats] = field(default_factory=dict)
    """(n_step,) what inverters would have fed in without any limit, as far as it is known"""


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise."""

    invariant: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}: {self.what}"


PROMISES: Mapping[str, str] = {
    "floor": "no device was sent, or held, a limit below its guaranteed minimum",
    "direction": "nobody but an inverter was told to feed in less, and no inverter to take less",
    "protected": "no critical customer or device was ever limited or asked",
    "end": "no device was limited past the end that it was told",
    "silence": "every armed device of guard mode that lost contact was at its failsafe within two minutes, "
    "and stayed there",
    "armed": "no device of guard mode held a limit before it was told what to do in silence",
    "bounded": "no event asked anybody for longer than it may",
    "intent": "nothing went out that the journal did not know before",
    "ledger": "every transaction, and all accounts, sum to zero",
    "once": "no request was credited or settled twice",
    "shown": "no credit without a reduction that the meters show",
}
"""Every promise that is checked, in words."""


def judge(evidence: Evidence) -> list[Broken]:
    """All broken promises."""
    planned = {entry["request"]: entry for entry in _entries(evidence, "request_planned")}
    return [
        *_floors(evidence),
        *_protected(evidence),
        *_ends(evidence),
        *_silent(evidence),
        *_armed(evidence),
        *_bounded(evidence, planned),
        *_intents(evidence, planned),
        *_ledger(evidence.record),
        *_once(evidence.record),
        *_shown(evidence, planned),
    ]


def _entries(evidence: Evidence, tag: str) -> Iterator[Raw]:
    return (entry for entry in evidence.record.entries if entry["entry"] == tag)


def _at(raw: Raw, key: str = "at") -> datetime:
    return datetime.fromisoformat(raw[key])


def _commands(evidence: Evidence) -> Iterator[tuple[datetime, LimitCommand]]:
    for passed in evidence.wire:
        if isinstance(passed.message, LimitCommand):
            yield passed.at, passed.message


def _floors(evidence: Evidence) -> Iterator[Broken]:
    floor = {device.device: device.min_kw for device in evidence.registry.devices}
    for at, command in _commands(evidence):
        least = floor.get(command.device, np.inf)
        if command.limit_kw < least - KW_TOLERANCE:
            yield Broken("floor", command.device, f"sent {command.limit_kw:g} kW at {at}, floor {least:g} kW")
    for at, command in _commands(evidence):
        device = evidence.registry.device.get(command.device)
        if device is not None and (device.kind == FEEDS_IN) != (command.direction == "production"):
            yield Broken("direction", device.device, f"was limited in its {command.direction} at {at}")
    for note in evidence.journal:
        limits = note.what in ("limited", "failsafe", "armed")
        if limits and (note.limit_kw or 0.0) < floor[note.device] - KW_TOLERANCE:
            yield Broken("floor", note.device, f"held {note.limit_kw} kW at {note.at}")


def _protected(evidence: Evidence) -> Iterator[Broken]:
    critical = {c.customer for c in evidence.registry.customers if c.critical}
    protected = {d.device for d in evidence.registry.devices if evidence.registry.is_protected(d)}
    for passed in evidence.wire:
        match passed.message:
            case LimitCommand(device=device) if device in protected:
                yield Broken("protected", device, f"was sent a limit at {passed.at}")
            case CustomerNotice(customer=customer) if customer in critical:
                yield Broken("protected", customer, f"was asked at {passed.at}")
            case _:
                pass
    for note in evidence.journal:
        if note.device in protected and _limits(note, evidence.registry.device[note.device]):
            yield Broken("protected", note.device, f"was limited at {note.at}")


def _limits(note: DeviceNote, device: Device) -> bool:
    """A failsafe of all that a device can take limits nothing."""
    if note.what != "failsafe":
        return note.what == "limited"
    return note.limit_kw is None or note.limit_kw < device.rated_kw - KW_TOLERANCE


@dataclass(frozen=True, slots=True)
class LimitSpan:
    """One stretch of time in which a device held one limit."""

    device: str
    request: str
    limit_kw: float
    begin: datetime
    end: datetime
    told_end: datetime


def limit_spans(journal: Sequence[DeviceNote], ended_at: datetime) -> list[LimitSpan]:
    """The devices' own account of when they were limited; what is held at `ended_at` ends there."""
    spans: list[LimitSpan] = []
    held: dict[str, DeviceNote] = {}
    for note in journal:
        if note.what not in ("limited", "free", "failsafe"):
            continue
        before = held.pop(note.device, None)
        if before is not None:
            spans.append(_span(before, note.at))
        if note.what == "limited":
            held[note.device] = note
    return spans + [_span(note, ended_at) for note in held.values()]


def _span(note: DeviceNote, until: datetime) -> LimitSpan:
    assert note.request is not None
    assert note.limit_kw is not None
    assert note.end is not None
    return LimitSpan(note.device, note.request, note.limit_kw, note.at, until, note.end)


def _ends(evidence: Evidence) -> Iterator[Broken]:
    grace = timedelta(seconds=LATE_S)
    for span in limit_spans(evidence.journal, evidence.ended_at):
        if span.end > span.told_end + grace:
            yield Broken("end", span.device, f"limited until {span.end}, told {span.told_end}")


def _guard_notes(evidence: Evidence) -> Iterator[tuple[Device, list[DeviceNote]]]:
    """The journals of the devices of guard mode that silence may limit."""
    registry = evidence.registry
    of_device: dict[str, list[DeviceNote]] = defaultdict(list)
    for note in evidence.journal:
        of_device[note.device].append(note)
    for device in registry.devices:
        if device.on_contact_loss == "guard" and not registry.is_protected(device):
            yield device, of_device[device.device]


def _armed(evidence: Evidence) -> Iterator[Broken]:
    for device, notes in _guard_notes(evidence):
        before = takewhile(lambda note: note.what != "armed", notes)
        if (limited := next((note for note in before if note.what == "limited"), None)) is not None:
            yield Broken("armed", device.device, f"held a limit at {limited.at} and was told nothing before")


def _silent(evidence: Evidence) -> Iterator[Broken]:
    for device, notes in _guard_notes(evidence):
        for place, note in enumerate(notes):
            armed = [n for n in notes[:place] if n.what == "armed"]
            if note.what == "offline" and armed:
                yield from _silent_device(device, notes, note.at, armed[-1].limit_kw or 0.0, evidence)


def _silent_device(
    device: Device, notes: Sequence[DeviceNote], lost_at: datetime, failsafe_kw: float, evidence: Evidence
) -> Iterator[Broken]:
    """What it was at from when its time was over until it had contact again, or its failsafe was over."""
    due = lost_at + timedelta(seconds=SILENT_S + LATE_S)
    back = next((n.at for n in notes if n.what == "online" and n.at > lost_at), evidence.ended_at)
    held = [n for n in notes if n.what in ("limited", "free", "failsafe")]
    before = [n for n in held if n.at <= lost_at]
    since = before[-1].at if before and before[-1].what == "failsafe" else lost_at
    hold_s = DEFAULT_FAILSAFE_S if device.failsafe_s is None else device.failsafe_s
    until = min(back, since + timedelta(seconds=hold_s))
    if until <= due:
        return
    at_due = [n for n in held if n.at <= due][-1:]
    limits = [(due, at_due[0] if at_due else None), *((n.at, n) for n in held if due < n.at < until)]
    for at, note in limits:
        limit_kw = None if note is None or note.what == "free" else note.limit_kw
        if limit_kw is None or limit_kw > failsafe_kw + KW_TOLERANCE:
            what = f"lost contact at {lost_at}, at {at} its limit is {limit_kw} kW"
            yield Broken("silence", device.device, what)
            return


def _bounded(evidence: Evidence, planned: Mapping[str, Raw]) -> Iterator[Broken]:
    """By the first that an event asked of each customer."""
    opened = {entry["event"] for entry in _entries(evidence, "event_opened")}
    longest = timedelta(seconds=evidence.rules.longest_event_s + LATE_S)
    asked_first: dict[tuple[str, str], datetime] = {}
    for plan in planned.values():
        name = plan["event"], plan["customer"] or plan["target"]
        asked_first[name] = min(_at(plan), asked_first.get(name, _at(plan)))
    for span in limit_spans(evidence.journal, evidence.ended_at):
        told = planned.get(span.request)
        if told is None or told["event"] not in opened:
            yield Broken("bounded", span.device, f"{span.request} belongs to no event")
            continue
        since = asked_first[told["event"], told["customer"] or told["target"]]
        if span.end > since + longest:
            yield Broken("bounded", span.device, f"limited until {span.end}, asked first at {since}")


def _intents(evidence: Evidence, planned: Mapping[str, Raw]) -> Iterator[Broken]:
    """Each message must repeat what a plan, or a change of it, said at that time or before."""
    known: dict[tuple[str, int], tuple[datetime, float]] = {}
    for entry in evidence.record.entries:
        if entry["entry"] in ("request_planned", "request_changed"):
            known[entry["request"], entry["sequence"]] = (_at(entry), entry["limit_kw"])
    for passed in evidence.wire:
        message = passed.message
        intent = known.get((message.request, message.sequence))
        if intent is None:
            yield Broken("intent", message.request, f"sequence {message.sequence} is not in the journal")
        elif intent[0] > passed.at:
            yield Broken("intent", message.request, f"sent at {passed.at}, noted at {intent[0]}")
        elif abs(intent[1] - message.limit_kw) > KW_TOLERANCE:
            yield Broken("intent", message.request, f"sent {message.limit_kw} kW, noted {intent[1]} kW")
        plan = planned.get(message.request)
        target = message.device if isinstance(message, LimitCommand) else message.customer
        if plan is not None and plan["target"] != target:
            yield Broken("intent", message.request, f"sent to {target}, planned for {plan['target']}")


def _ledger(record: Record) -> Iterator[Broken]:
    posted = [entry for entry in record.entries if entry["entry"] == "ledger_posted"]
    for entry in posted:
        for unit, amount in _sums((unit, amount) for _, unit, amount in entry["postings"]).items():
            if amount != 0:
                yield Broken("ledger", entry["key"], f"sums to {amount} {unit}")
    for unit, amount in _sums((unit, amount) for _, _, unit, amount in record.postings).items():
        if amount != 0:
            yield Broken("ledger", "all accounts", f"sum to {amount} {unit}")
    told = Counter((e["key"], *posting) for e in posted for posting in map(tuple, e["postings"]))
    for posting in (told - Counter(record.postings)) + (Counter(record.postings) - told):
        yield Broken("ledger", str(posting[0]), f"journal and ledger differ on {posting[1:]}")


def _sums(amounts: Iterator[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for unit, amount in amounts:
        sums[unit] += amount
    return sums


def _once(record: Record) -> Iterator[Broken]:
    credits_: Counter[str] = Counter()
    settled: Counter[str] = Counter()
    for entry in record.entries:
        if entry["entry"] == "ledger_posted" and entry["request"] and not entry.get("corrects"):
            credits_[entry["request"]] += 1
        if entry["entry"] == "request_settled":
            settled[entry["request"]] += 1
    for word, counts in (("credited", credits_), ("settled", settled)):
        for request, count in counts.items():
            if count > 1:
                yield Broken("once", request, f"was {word} {count} times")


def _shown(evidence: Evidence, planned: Mapping[str, Raw]) -> Iterator[Broken]:
    """Each credit against the settlement it rests on, the true meter, and the device's own journal."""
    settled = {entry["request"]: entry for entry in _entries(evidence, "request_settled")}
    held = {note.request for note in evidence.journal if note.what == "limited"}
    for entry in _entries(evidence, "ledger_posted"):
        request = entry["request"]
        if entry.get("corrects"):
            continue  # nothing that the judge saw led to it
        settlement, plan = settled.get(request), planned.get(request)
        if settlement is None or plan is None:
            yield Broken("shown", str(request), "was credited without plan or settlement")
            continue
        yield from _priced(evidence.rules, entry, settlement)
        if plan["resource"] == "device" and request not in held:
            yield Broken("shown", request, f"was credited, but {plan['target']} never held it")
        most_kwh = _true_reduction_kwh(evidence, plan, request)
        if settlement["reduced_kwh"] > most_kwh + KWH_TOLERANCE:
            said = f"{settlement['reduced_kwh']:.3f} kWh"
            yield Broken("shown", request, f"{said} settled, the meter shows at most {most_kwh:.3f}")
        held_back_kwh = _held_back_kwh(evidence, plan, request)
        if settlement["reduced_kwh"] > held_back_kwh + KWH_TOLERANCE:
            said = f"{settlement['reduced_kwh']:.3f} kWh"
            yield Broken("shown", request, f"{said} settled, {held_back_kwh:.3f} of the sun were held back")


def _priced(rules: Rules, entry: Raw, settlement: Raw) -> Iterator[Broken]:
    for unit, amount in _sums((u, a) for _, u, a in entry["postings"] if a > 0).items():
        rate = rules.points_per_kwh if unit == rules.points_unit else rules.minor_units_per_kwh
        if amount > settlement["reduced_kwh"] * rate + ROUNDING_UNITS:
            said = f"{amount} {unit} for {settlement['reduced_kwh']:.3f} kWh"
            yield Broken("shown", entry["request"], said)


def _true_reduction_kwh(evidence: Evidence, plan: Raw, request: str) -> float:
    """What the true meter was below the frozen baseline at most, from the plan to the settlement; above it,
    where feeding in was limited.

    An upper bound: minutes above the baseline are not set against those below, and one more step counts at
    each end, because the daemon reads the meter a moment after it moved.
    """
    settled_at = next(_at(e) for e in _entries(evidence, "request_settled") if e["request"] == request)
    begins = np.array([at.timestamp() for at in evidence.at])
    step_s = float(np.median(np.diff(begins))) if len(begins) > 1 else 0.0
    inside = (begins >= _at(plan).timestamp() - step_s) & (begins <= settled_at.timestamp() + step_s)
    less_kw = plan["baseline_kw"] - evidence.meter_kw[plan["service_point"]][inside]
    if plan.get("direction") == "production":
        less_kw = -less_kw
    return float(np.maximum(less_kw, 0.0).sum() * step_s / 3600)


def _held_back_kwh(evidence: Evidence, plan: Raw, request: str) -> float:
    """What the sun would have given beyond the device's own limits, by its own journal; one step more counts
    at each end. Infinite where nobody knows the sun.
    """
    sun_kw = evidence.sun_kw.get(plan["target"])
    if sun_kw is None or plan.get("direction") != "production":
        return np.inf
    begins = np.array([at.timestamp() for at in evidence.at])
    step_s, kwh = float(np.median(np.diff(begins))), 0.0
    for span in limit_spans(evidence.journal, evidence.ended_at):
        if span.request == request:
            inside = (begins >= span.begin.timestamp() - step_s) & (begins <= span.end.timestamp() + step_s)
            kwh += float(np.maximum(sun_kw[inside] - span.limit_kw, 0.0).sum()) * step_s / 3600
    return kwh


def plain(findings: Sequence[Broken]) -> list[dict[str, Any]]:
    """As JSON has them."""
    return [{"invariant": f.invariant, "subject": f.subject, "what": f.what} for f in findings]
