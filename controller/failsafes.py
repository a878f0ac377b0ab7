"""[6] Devices of guard mode are armed with their failsafe before anything is asked of them. Pure.

First the failsafe, then the proof, then limits: a device whose status does not show the failsafe that the
registry declares is told it (`FailsafeArmed`), again after growing pauses, and is asked for nothing until it
shows it. It is told anew when it comes back or shows another value. One that is there and does not show it
for `ALARM_AFTER_S` is named in an alarm. What carries it is `guarding.py`; what the device makes of it,
`devices/failsafe.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.books import Books
from controller.entries import DataAlarm, Entry, FailsafeArmed, FailsafeConfirmed
from controller.feeder_control import FeederControl
from controller.feeder_state import DeviceState, FeederState
from controller.situation import STATUS_FRESH
from customers.registry import Device
from devices.messages import DEFAULT_FAILSAFE_S, HEARTBEAT_TIMEOUT_S

UNCONFIRMED = "failsafe_unconfirmed"
"""The alarm's kind; it stops nobody but the devices that it names."""
ALARM_AFTER_S = 120.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0
"""Between two tellings: it doubles, so that a device that never learns it does not fill the journal."""
ARMED_A_CYCLE = 200
"""Of one feeder; the others come in the next cycles."""
SHOWN_WITHIN_KW = 0.05
NAMED = 10
"""So many devices are named in an alarm."""


@dataclass(frozen=True, slots=True)
class _Telling:
    """How often a device was told without effect since it came, and when last."""

    count: int
    at: datetime


@dataclass(frozen=True)
class FailsafeMemory:
    """What of it is remembered from cycle to cycle; all of it may be lost."""

    told: Mapping[str, _Telling] = field(default_factory=dict)
    unconfirmed_since: Mapping[str, datetime] = field(default_factory=dict)
    """of devices that are there"""


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


def is_confirmed(device: Device, shown: DeviceState | None) -> bool:
    """Whether the device's own word shows the failsafe that is declared: the same limit, held as long or
    longer, after the same silence or a shorter one. What it does not say is not so.
    """
    if shown is None or not shown.online or device.failsafe_kw is None:
        return False
    if shown.failsafe_kw is None or shown.failsafe_s is None or shown.heartbeat_timeout_s is None:
        return False
    return (
        abs(shown.failsafe_kw - device.failsafe_kw) <= SHOWN_WITHIN_KW
        and shown.failsafe_s >= failsafe_s(device)
        and shown.heartbeat_timeout_s <= HEARTBEAT_TIMEOUT_S
    )


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
    told, since = dict[str, _Telling](), dict[str, datetime]()
    entries: list[Entry] = []
    for device in control.guarded:
        shown, name = state.devices.get(device.device), device.device
        if shown is None or not is_there(control, shown, now):
            continue  # told at once when it is back
        if is_confirmed(device, shown):
            entries += _confirmation(control, books, device, now)
            continue
        since[name] = before.unconfirmed_since.get(name, now)
        telling = before.told.get(name)
        if (telling is None or now >= telling.at + _pause(telling)) and len(entries) < ARMED_A_CYCLE:
            entries.append(_armed(control, books, device, now, epoch))
            telling = _Telling(1 if telling is None else telling.count + 1, now)
        if telling is not None:
            told[name] = telling
    overdue = [d for d, at in since.items() if now - at >= timedelta(seconds=ALARM_AFTER_S)]
    return Watched((*entries, *_alarm(control, books, overdue, now)), FailsafeMemory(told, since))


def is_there(control: FeederControl, shown: DeviceState, now: datetime) -> bool:
    """Its status is its heartbeat: one that has said nothing lately is not there, will or no will."""
    fresh = timedelta(seconds=STATUS_FRESH * control.site.cycle.fresh_s)
    return shown.online and shown.at is not None and now - shown.at <= fresh


def _pause(telling: _Telling) -> timedelta:
    return timedelta(seconds=min(FIRST_PAUSE_S * 2.0 ** min(telling.count - 1, 20), LONGEST_PAUSE_S))


def _armed(control: FeederControl, books: Books, device: Device, now: datetime, epoch: int) -> FailsafeArmed:
    assert device.failsafe_kw is not None, "the registry lets no guard pass without it"
    return FailsafeArmed(
        at=now,
        feeder=control.feeder,
        device=device.device,
        failsafe_kw=device.failsafe_kw,
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


def _alarm(control: FeederControl, books: Books, overdue: list[str], now: datetime) -> Iterator[DataAlarm]:
    raised = next((a for a in books.alarms(control.feeder) if a.kind == UNCONFIRMED), None)
    if overdue:
        more = "" if len(overdue) <= NAMED else f" and {len(overdue) - NAMED} more"
        text = f"{', '.join(sorted(overdue)[:NAMED])}{more}"
        if raised is None or raised.text != text:
            yield DataAlarm(at=now, feeder=control.feeder, kind=UNCONFIRMED, raised=True, text=text)
    elif raised is not None:
        text = "all devices of guard mode that are there show their failsafe"
        yield DataAlarm(at=now, feeder=control.feeder, kind=UNCONFIRMED, raised=False, text=text)
