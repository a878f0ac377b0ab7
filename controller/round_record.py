"""[5] What the journal keeps of one round of planning: who is asked and what that does to the violated
element, and who is left alone and why. Pure; decides nothing: it looks at what `planning` decided with the
same rules.

The first rule that keeps a device out is the one that is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

from controller.bounds import direction_of, turned
from controller.entries import AskedInRound, Entry, LeftAlone, RequestChanged, RequestPlanned, RoundPlanned
from controller.failsafes import may_be_asked
from controller.people import call_rules
from controller.planning import (
    OBEYED_WITHIN_KW,
    expected_p_kw,
    failed_in_event,
    flexible_devices,
    has_had_turn,
    pressing,
)
from controller.relief import relieves
from controller.requests import RequestRecord
from controller.situation import Expectation, Situation
from customers.registry import Customer, Device
from grid_model.location import Contribution

NAMED = 20
"""of those left alone for one reason so many are named, all are counted"""
Reason = Literal[
    "feeds_in",
    "would_not_help",
    "by_operator",
    "failed_in_event",
    "protected",
    "not_in_its_hours",
    "opted_out",
    "failsafe_not_shown",
    "had_its_turn",
    "power_not_known",
    "being_released",
    "just_released",
    "does_not_obey",
    "at_its_floor",
    "could_give",
]
"""
feeds_in: it feeds in, and less of that would relieve nothing, or nobody may be asked for it ·
would_not_help: it takes power, and less of that would relieve nothing, because feed-in does it ·
by_operator: a person took it or its customer out ·
failed_in_event: it refused, was silent, could not be reached, or was freed by hand in this event ·
protected: critical, or asked by notice only · not_in_its_hours: what was agreed does not let it be called now
· opted_out: its customer said no in this event · failsafe_not_shown: of guard mode, unconfirmed ·
had_its_turn: its customer was asked for as long as one event may ·
power_not_known: offline, or silent for too long · just_released: it rests after a release · does_not_obey:
it takes more than it may, more words are useless · could_give: the others suffice, or the gate held it back
(`RoundPlanned.gate_refused`)
"""
REASONS: tuple[Reason, ...] = get_args(Reason)


def round_record(
    situation: Situation, asked: Sequence[Entry], located: Sequence[Contribution]
) -> tuple[RoundPlanned, ...]:
    """The record of a round in which somebody was asked for something, or for more; none of any other."""
    worst = pressing(situation) or situation.worst
    cuts = tuple(_cuts(situation, asked))
    if situation.event is None or worst is None or not cuts:
        return ()
    effects = {c.service_point: c.part / c.p_kw for c in located if c.violation == worst.element and c.p_kw}
    touched = {entry.request for entry, _, _ in cuts}
    return (
        RoundPlanned(
            at=situation.now,
            event=situation.event.event,
            feeder=situation.control.feeder,
            element=worst.element,
            kind=worst.kind,
            value=worst.value,
            limit=worst.limit,
            expected=situation.is_only_expected(worst),
            asked=tuple(
                AskedInRound(entry.request, round(cut_kw, 3), _rounded(effects.get(service_point)))
                for entry, cut_kw, service_point in cuts
            ),
            left=left_alone(situation, touched, asked),
            gate_refused=tuple(sorted(situation.gatekeeper.refused.items())),
        ),
    )


def _cuts(
    situation: Situation, asked: Sequence[Entry]
) -> Iterator[tuple[RequestPlanned | RequestChanged, float, str]]:
    """Each request that is new or tightened, by how many kW, and where."""
    for entry in asked:
        if isinstance(entry, RequestPlanned):
            yield entry, entry.p_before_kw - entry.limit_kw, entry.service_point
        elif isinstance(entry, RequestChanged) and entry.reason == "tightened":
            before = situation.books.requests[entry.request]
            yield entry, before.limit_kw - entry.limit_kw, before.planned.service_point


def _rounded(effect: float | None) -> float | None:
    return None if effect is None else float(f"{effect:.4g}")


def left_alone(situation: Situation, touched: set[str], asked: Sequence[Entry] = ()) -> tuple[LeftAlone, ...]:
    """All devices that this round asks for nothing, by reason in the order of `REASONS`. `touched`: requests
    of the round."""
    new = {entry.target for entry in asked if isinstance(entry, RequestPlanned)}
    found: dict[str, list[str]] = {}
    _, standing = expected_p_kw(situation)
    can_give = {d.device for d in flexible_devices(situation, standing)}
    failed = failed_in_event(situation.event_records)
    for device in situation.control.registry.devices:
        held = _held(situation, device)
        if device.device in new or (held is not None and held.request in touched):
            continue
        reason = "could_give" if device.device in can_give else why_not(situation, device, failed, standing)
        found.setdefault(reason, []).append(device.device)
    return tuple(
        LeftAlone(reason, len(found[reason]), tuple(found[reason][:NAMED]))
        for reason in REASONS
        if reason in found
    )


def why_not(  # noqa: PLR0911  one line per rule
    situation: Situation, device: Device, failed: frozenset[str], standing: Mapping[int, Expectation]
) -> Reason:
    """Why `planning.flexible_devices` passes a device over: its rules, in their order."""
    registry, owner = situation.control.registry, _owner(situation, device)
    if not relieves(situation, device):
        return "feeds_in" if direction_of(device.kind) == "production" else "would_not_help"
    if device.device in situation.left_alone:
        return "by_operator"
    if device.device in failed:
        return "failed_in_event"
    if owner is not None and owner.customer in situation.left_alone:
        return "by_operator"
    if registry.is_protected(device):
        return "protected"
    uncallable = _uncallable(situation, owner)
    if uncallable is not None:
        return uncallable
    if not may_be_asked(device, situation.state):
        return "failsafe_not_shown"
    if has_had_turn(situation, device, owner):
        return "had_its_turn"
    return _cannot_give(situation, device, standing)


def _owner(situation: Situation, device: Device) -> Customer | None:
    return situation.control.registry.by_service_point.get(device.service_point)


def _uncallable(situation: Situation, owner: Customer | None) -> Reason | None:
    if owner is None or situation.control.registry.agreements is None:
        return None
    slot = call_rules.slot(situation, owner, "devices")
    if slot is None:
        return "not_in_its_hours"
    return "opted_out" if (owner.customer, slot.name) in situation.opted_out else None


def _cannot_give(situation: Situation, device: Device, standing: Mapping[int, Expectation]) -> Reason:
    p_kw = situation.device_p_kw(device.device)
    if p_kw is None:
        return "power_not_known"
    kw = turned(direction_of(device.kind), p_kw)
    held, at_floor = _held(situation, device), kw <= device.min_kw + OBEYED_WITHIN_KW
    if held is None:
        return "at_its_floor" if at_floor else "just_released"
    if held.releasing:
        return "being_released"
    pending = situation.control.device_position[device.device] in standing
    above = kw > held.limit_kw + OBEYED_WITHIN_KW
    return "does_not_obey" if above and not pending else "at_its_floor"


def _held(situation: Situation, device: Device) -> RequestRecord | None:
    return situation.books.held_by(situation.control.feeder, device.device)
