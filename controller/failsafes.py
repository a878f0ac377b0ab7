"""[6] Devices of guard mode are armed with their failsafe before anything is asked of them. Pure.

First the failsafe, then the proof, then limits: a device whose status does not show the failsafe that the
registry declares is told it (`FailsafeArmed`), again after growing pauses, and is asked for nothing until it
shows it. It is told anew when it shows another value, or when what is declared is not what it was told last.

Whoever must not be limited by silence, because they became protected or are of event mode now, and still show
a failsafe, are told one of their rated power: it limits nothing, and no message disarms.

Alarms name those who are there and do not show what they were told, and those whose own word is that they
hear no heartbeat. What carries it all is `guarding.py`; what the device makes of it, `devices/failsafe.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.books import Books
from controller.entries import Entry, FailsafeArmed, FailsafeConfirmed
from controller.feeder_control import FeederControl
from controller.feeder_state import DeviceState, FeederState
from controller.silence_alarms import (
    ALARM_AFTER_S,
    NOT_LIFTED,
    UNCONFIRMED,
    UNHEARD,
    silence_alarms,
)
from controller.situation import STATUS_FRESH
from customers.registry import Device, Registry
from devices.messages import DEFAULT_FAILSAFE_S, HEARTBEAT_PERIOD_S, HEARTBEAT_TIMEOUT_S

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
"""Between two tellings: it doubles, so that a device that never learns it does not fill the journal."""
KEPT_OVER_ABSENCE = 4
"""So many tellings still count when a device comes back: one that comes and goes is not told each time, and
one that was gone for long is told within minutes."""
ARMED_A_CYCLE = 200
"""Of one feeder; the others come in the next cycles."""
MAY_ROUND_UP_KW = 0.7
"""What a wire takes in steps goes up to the next one; a whole ampere on three phases of 230 V is 0.69 kW."""
SHORTEST_TIMEOUT_S = 2.0 * HEARTBEAT_PERIOD_S
"""A device that waits for less goes to its failsafe while we live."""
_ROUNDING_KW = 1e-6


@dataclass(frozen=True, slots=True)
class _Lacking:
    """A device that does not show what it is to show."""

    since: datetime
    there_at: datetime
    """when it was there last"""
    told: int = 0
    """tellings without effect"""
    told_at: datetime | None = None


@dataclass(frozen=True)
class FailsafeMemory:
    """What of it is remembered from cycle to cycle; all of it may be lost."""

    began: datetime | None = None
    lacking: Mapping[str, _Lacking] = field(default_factory=dict)
    unheard_since: Mapping[str, datetime] = field(default_factory=dict)
    """of devices that are there, and by their own word hear no heartbeat"""


@dataclass(frozen=True)
class Watched:
    """One cycle's outcome."""

    entries: tuple[Entry, ...]
    memory: FailsafeMemory


def may_be_asked(device: Device, state: FeederState) -> bool:
    """Whether a limit may be planned for it: always in event mode, in guard mode once its failsafe is
    proven.
    """
    return device.on_contact_loss == "event" or is_confirmed(device, state.devices.get(device.device))


def unproven(control: FeederControl, state: FeederState) -> frozenset[str]:
    """The devices that may be asked for nothing now, because their failsafe is not proven."""
    return frozenset(d.device for d in control.guarded if not may_be_asked(d, state))


def is_confirmed(device: Device, shown: DeviceState | None) -> bool:
    """Whether the device's own word shows the failsafe that is declared: the same limit or the wire's next
    step above it, held as long or longer, after the same silence or a shorter one that heartbeats can fill.
    What it does not say is not so.
    """
    if shown is None or not shown.online or device.failsafe_kw is None:
        return False
    if shown.failsafe_kw is None or shown.failsafe_s is None or shown.heartbeat_timeout_s is None:
        return False
    return (
        -_ROUNDING_KW <= shown.failsafe_kw - device.failsafe_kw <= MAY_ROUND_UP_KW
        and shown.failsafe_s >= failsafe_s(device)
        and SHORTEST_TIMEOUT_S <= shown.heartbeat_timeout_s <= HEARTBEAT_TIMEOUT_S
    )


def is_let_go(registry: Registry, device: Device) -> bool:
    """Whether silence must not limit it."""
    return device.on_contact_loss == "event" or registry.is_protected(device)


def target_kw(registry: Registry, device: Device) -> float | None:
    """What it is to take in silence at most; its rated power limits nothing."""
    return device.rated_kw if is_let_go(registry, device) else device.failsafe_kw


def failsafe_s(device: Device) -> int:
    """How long its failsafe holds at least."""
    return DEFAULT_FAILSAFE_S if device.failsafe_s is None else device.failsafe_s


def watch(
    control: FeederControl,
    books: Books,
    before: FailsafeMemory,
    state: FeederState,
    *,
    now: datetime,
    epoch: int,
) -> Watched:
    """Who has to be told now, who shows it by now, and whether somebody must be named."""
    lacking, unheard = dict[str, _Lacking](), dict[str, datetime]()
    entries: list[Entry] = []
    for device in _concerned(control, state):
        shown, name = state.devices.get(device.device), device.device
        known = before.lacking.get(name)
        if shown is None or not shown.online:
            if known is not None:
                lacking[name] = replace(known, told=min(known.told, KEPT_OVER_ABSENCE))
            continue
        if shown.guard in ("init", "failsafe") and not is_let_go(control.registry, device):
            unheard[name] = before.unheard_since.get(name, now)
        if _shows(control, device, shown) and _was_told(control, books, device):
            entries += _confirmation(control, books, device, now)
            continue
        lack = _still_lacking(known, now)
        if len(entries) < ARMED_A_CYCLE and (lack.told_at is None or now >= lack.told_at + _pause(lack)):
            entries.append(_armed(control, books, device, now, epoch))
            lack = replace(lack, told=lack.told + 1, told_at=now)
        if not _shows(control, device, shown):
            lacking[name] = lack
    memory = FailsafeMemory(before.began or now, lacking, unheard)
    return Watched((*entries, *_alarms(control, books, memory, now)), memory)


def is_there(control: FeederControl, shown: DeviceState, now: datetime) -> bool:
    """Its status is its heartbeat: one that has said nothing lately is not there, will or no will.

    By the device's own clock: for what is shown to people, never for what a device is told.
    """
    fresh = timedelta(seconds=STATUS_FRESH * control.site.cycle.fresh_s)
    return shown.online and shown.at is not None and now - shown.at <= fresh


def _concerned(control: FeederControl, state: FeederState) -> Iterator[Device]:
    """Those of guard mode, and whoever shows a failsafe that is not to limit them any more."""
    registry = control.registry
    for device in control.guarded:
        shown = state.devices.get(device.device)
        if not registry.is_protected(device) or (shown is not None and shown.failsafe_kw is not None):
            yield device
    for name, shown in state.devices.items():
        known = registry.device.get(name)
        if shown.failsafe_kw is not None and known is not None and known.on_contact_loss == "event":
            yield known


def _shows(control: FeederControl, device: Device, shown: DeviceState) -> bool:
    if not is_let_go(control.registry, device):
        return is_confirmed(device, shown)
    most_kw = device.rated_kw if shown.nominal_kw is None else min(device.rated_kw, shown.nominal_kw)
    return shown.failsafe_kw is None or shown.failsafe_kw >= most_kw - _ROUNDING_KW


def _was_told(control: FeederControl, books: Books, device: Device) -> bool:
    """Whether the last telling said what is declared; one that shows it and was never told needs none."""
    last = books.failsafe_told(control.feeder, device.device)
    if last is None:
        return True
    declared = (target_kw(control.registry, device), failsafe_s(device), HEARTBEAT_TIMEOUT_S)
    return (last.failsafe_kw, last.failsafe_s, last.heartbeat_timeout_s) == declared


def _still_lacking(known: _Lacking | None, now: datetime) -> _Lacking:
    if known is None:
        return _Lacking(since=now, there_at=now)
    long_gone = now - known.there_at >= timedelta(seconds=ALARM_AFTER_S)
    return replace(known, since=now if long_gone else known.since, there_at=now)


def _pause(lack: _Lacking) -> timedelta:
    return timedelta(seconds=min(FIRST_PAUSE_S * 2.0 ** min(lack.told - 1, 20), LONGEST_PAUSE_S))


def _armed(control: FeederControl, books: Books, device: Device, now: datetime, epoch: int) -> FailsafeArmed:
    failsafe_kw = target_kw(control.registry, device)
    assert failsafe_kw is not None, "the registry lets no guard pass without it"
    return FailsafeArmed(
        at=now,
        feeder=control.feeder,
        device=device.device,
        failsafe_kw=failsafe_kw,
        failsafe_s=failsafe_s(device),
        heartbeat_timeout_s=HEARTBEAT_TIMEOUT_S,
        epoch=epoch,
        sequence=books.next_failsafe(control.feeder, device.device),
    )


def _confirmation(
    control: FeederControl, books: Books, device: Device, now: datetime
) -> Iterator[FailsafeConfirmed]:
    """Once for each telling that had an effect."""
    armed = books.failsafe_awaited(control.feeder, device.device)
    if armed is not None:
        yield FailsafeConfirmed(
            at=now,
            feeder=control.feeder,
            device=device.device,
            failsafe_kw=armed.failsafe_kw,
            failsafe_s=armed.failsafe_s,
            sequence=armed.sequence,
        )


def _alarms(control: FeederControl, books: Books, memory: FailsafeMemory, now: datetime) -> Iterator[Entry]:
    """Who is named. Whoever is gone for long is not, whoever comes and goes is."""
    registry, patience = control.registry, timedelta(seconds=ALARM_AFTER_S)
    held, guards = dict[str, datetime](), dict[str, datetime]()
    for name, lack in memory.lacking.items():
        if now - lack.there_at < patience:
            group = held if is_let_go(registry, registry.device[name]) else guards
            group[name] = lack.since
    assert memory.began is not None
    since = {UNCONFIRMED: guards, NOT_LIFTED: held, UNHEARD: memory.unheard_since}
    return silence_alarms(control.feeder, books, since, looked_since=memory.began, now=now)
