"""The judge's eye on wire and devices: what left a controller, what reached a device, what it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from customers.registry import Registry
from devices.messages import (
    HEARTBEAT_TIMEOUT_S,
    Answer,
    CustomerNotice,
    Failsafe,
    Heartbeat,
    LimitCommand,
)
from simulations.faults.device import FieldDevice
from simulations.faults.promises import Broken, Promised, floors, protected_of
from simulations.faults.told import EPSILON_KW, Told, expect

SOON_S = 0.001
LATE_S = 5.0
"""A device may be limited this long past its end, and go to its failsafe so much later (C3, C9)."""


@dataclass
class Guard:
    """What the judge knows of a device of guard mode."""

    failsafe_kw: float
    failsafe_s: int
    order: tuple[int, int]
    silent_since: datetime
    beat: tuple[int, int] = (0, 0)
    excused: bool = False
    """it was let go after a whole failsafe, or came back: begins anew when a heartbeat comes"""


class FarSide:
    """Judges each sending, each arrival, and each look at a device."""

    def __init__(self, promised: Promised, registry: Registry, requests: Mapping[str, Told]) -> None:
        self._promised, self._requests = promised, requests
        self._floors, self._always_protected = floors(registry), protected_of(registry)
        self._roofs = {d.device for d in registry.devices if d.kind == "pv_inverter"}
        self._guards = {d.device for d in registry.devices if d.on_contact_loss == "guard"}
        self.armed: dict[str, Guard] = {}
        self.free_by: dict[str, datetime] = {}
        """device → the true time at which what it holds must have ended"""
        self.epoch_of: dict[int, int] = {}
        self.protected: dict[int, frozenset[str]] = {}
        """controller → whom its registry protects, or does not know"""
        self.looked_at: dict[int, datetime] = {}
        """controller → when it had looked at the feeder that it decided on last, by its clock; not kept up
        where the disk refuses"""
        self._content: dict[tuple[str, int], tuple[str, float, datetime]] = {}
        self.off = timedelta(0)

    # --- what leaves a controller

    def sends(self, controller: int, message: object, by_its_clock: datetime) -> None:
        """A controller hands something over."""
        match message:
            case LimitCommand():
                self._command(controller, message, by_its_clock)
            case CustomerNotice():
                self._notice(controller, message)
            case Failsafe() | Heartbeat():
                own = message.epoch == self.epoch_of[controller]
                expect(own, "one writer", f"{message} under another epoch than {self.epoch_of[controller]}")
            case _:
                pass

    def _command(self, controller: int, command: LimitCommand, by_its_clock: datetime) -> None:
        name = f"{command.request}/{command.sequence}"
        own = command.epoch == self.epoch_of[controller]
        expect(own, "one writer", f"{name} under epoch {command.epoch}, not {self.epoch_of[controller]}")
        if command.end <= by_its_clock:
            return  # a release may go out without a word in the journal while the disk fails
        fits = (command.direction == "production") == (command.device in self._roofs)
        expect(fits, "direction", f"{name} limits the {command.direction} of {command.device}")
        if command.limit_kw < self._floors[command.device]:
            raise Broken("floor", f"{name} tells {command.device} {command.limit_kw:g} kW")
        if command.device in self.protected[controller]:
            raise Broken("protected", f"{name} limits {command.device}")
        content = (command.device, command.limit_kw, command.end)
        same = self._content.setdefault((command.request, command.sequence), content) == content
        expect(same, "order", f"{name} is sent with two contents")
        told = self._requests.get(command.request)
        if told is None:
            raise Broken("noted", f"{name} is not in the journal")
        noted = told.commands.get(command.sequence) == (command.limit_kw, command.end)
        expect(noted, "noted", f"{name} says {command.limit_kw:g} kW until {command.end}: {told.commands}")
        expect(told.target == command.device, "noted", f"{name} goes to {command.device}, not {told.target}")
        self._is_of_now(controller, told, name, by_its_clock)
        soon = command.end <= by_its_clock + self._promised.soon + self.off
        expect(soon, "own end", f"{name} ends at {command.end}, sent at {by_its_clock}")

    def _is_of_now(self, controller: int, told: Told, name: str, by_its_clock: datetime) -> None:
        """What the automatic asks for rests on a look at the feeder that is as fresh as readings must be."""
        looked_at = self.looked_at.get(controller)
        if looked_at is None or self.off or told.ordered_until is not None:
            return
        age_s = (by_its_clock - looked_at).total_seconds()
        expect(
            age_s <= self._promised.fresh_s + SOON_S, "few data", f"{name} on readings of {age_s:.0f} s ago"
        )

    def _notice(self, controller: int, notice: CustomerNotice) -> None:
        name = f"{notice.kind} {notice.request}/{notice.sequence}"
        told = self._requests.get(notice.request)
        if told is None:
            raise Broken("noted", f"{name} is not in the journal")
        asks = notice.kind == "notice"
        if asks and notice.customer in self.protected[controller]:
            raise Broken("protected", f"{name} asks {notice.customer}")
        expect(not asks or notice.sequence in told.commands, "noted", f"{name} is not in the journal")

    # --- what reaches a device

    def arrived(
        self,
        device: FieldDevice,
        command: LimitCommand,
        before: LimitCommand | None,
        *,
        epoch_before: int,
        said: Sequence[Answer],
        now: datetime,
    ) -> None:
        """A command has reached its device, which held `before` and had seen `epoch_before`."""
        after = device.held
        if command.epoch < epoch_before:
            took = any(a.answer == "accepted" and a.request == command.request for a in said)
            unchanged = after is before or after is None
            same = unchanged and not took
            expect(same, "one writer", f"{device.name} obeys {command} though it knows epoch {epoch_before}")
        if after is not None and before is not None and after is not before:
            expect(
                after.epoch >= before.epoch,
                "order",
                f"{device.name}: epoch {after.epoch} after {before.epoch}",
            )
            if after.request == before.request:
                grows = after.sequence > before.sequence
                expect(grows, "order", f"{device.name}: {after.sequence} after {before.sequence}")
        if after is command and after is not before:
            self._must_end(device, command, before, now)
        elif after is None:
            self.free_by.pop(device.name, None)

    def _must_end(
        self, device: FieldDevice, command: LimitCommand, before: LimitCommand | None, now: datetime
    ) -> None:
        """By the true time: what is left by its clock, or its whole window where its clock is behind; a
        change of what it holds moves the end by no more than both ends differ.
        """
        left = command.end - max(command.start, device.now())
        free_by = now + left
        known = self.free_by.get(device.name)
        if before is not None and before.request == command.request and known is not None:
            free_by = min(free_by, known + (command.end - before.end))
        self.free_by[device.name] = free_by

    def armed_with(self, device: FieldDevice, failsafe: Failsafe, now: datetime) -> None:
        """A failsafe has reached a device."""
        order = (failsafe.epoch, failsafe.sequence)
        known = self.armed.get(device.name)
        if (
            not device.online
            or failsafe.epoch < device.highest_epoch
            or (known is not None and order <= known.order)
        ):
            return
        if failsafe.failsafe_kw < self._floors[device.name]:
            raise Broken("floor", f"{device.name} is armed with {failsafe.failsafe_kw:g} kW")
        if known is None:
            self.armed[device.name] = Guard(failsafe.failsafe_kw, failsafe.failsafe_s, order, now)
        else:
            known.failsafe_kw, known.failsafe_s, known.order = (
                failsafe.failsafe_kw,
                failsafe.failsafe_s,
                order,
            )

    def beat(self, device: FieldDevice, heartbeat: Heartbeat, now: datetime) -> None:
        """A heartbeat has reached a device."""
        guard = self.armed.get(device.name)
        order = (heartbeat.epoch, heartbeat.sequence)
        if (
            guard is None
            or not device.online
            or heartbeat.epoch < device.highest_epoch
            or order <= guard.beat
        ):
            return
        guard.beat, guard.silent_since, guard.excused = order, now, False

    def came_back(self, device: FieldDevice, now: datetime, away: timedelta) -> None:
        """After a crash it listens anew. What it held goes on; how long it was away only its clock can tell,
        so where that is wrong the limit lasts for what it had left, and where it is right again no longer
        than to the end that it was told, which a clock that was wrong may have set.
        """
        if device.name in self.free_by:
            known, held = self.free_by.pop(device.name), device.held
            if held is not None:
                told = known + away if device.clock_off else max(known, held.end)
                self.free_by[device.name] = min(known + away, told)
        guard = self.armed.get(device.name)
        if guard is not None:
            guard.silent_since, guard.excused = now, True

    # --- what a device holds

    def looks(self, device: FieldDevice, now: datetime) -> None:
        """At any time."""
        name, limit_kw = device.name, device.limit_kw()
        if limit_kw is not None:
            if limit_kw < self._floors[name]:
                raise Broken("floor", f"{name} is held to {limit_kw:g} kW")
            by_request = device.limit_by_request_kw()
            if by_request is not None:
                self._holds(device, now)
        guard = self.armed.get(name)
        if guard is not None and not guard.excused and device.online:
            self._silence(device, guard, limit_kw, now)

    def _holds(self, device: FieldDevice, now: datetime) -> None:
        name, held = device.name, device.held
        assert held is not None
        if name in self._always_protected:
            raise Broken("protected", f"{name} is limited by {held.request}")
        if name in self._guards and name not in self.armed:
            raise Broken("armed", f"{name} is limited by {held.request}, and was told nothing of silence")
        free_by = self.free_by.get(name)
        if free_by is not None and now > free_by + timedelta(seconds=LATE_S):
            raise Broken("past end", f"{name} holds {held.request} at {now}; its end was {free_by}")
        told = self._requests.get(held.request)
        if told is None:
            raise Broken("noted", f"{name} holds {held.request}, which nobody planned")

    def _silence(self, device: FieldDevice, guard: Guard, limit_kw: float | None, now: datetime) -> None:
        silent_s = (now - guard.silent_since).total_seconds()
        if silent_s <= HEARTBEAT_TIMEOUT_S + LATE_S or silent_s >= guard.failsafe_s:
            return
        if limit_kw is None or limit_kw > guard.failsafe_kw + EPSILON_KW:
            raise Broken(
                "silence", f"{device.name} hears nothing for {silent_s:.0f} s, and may take {limit_kw} kW"
            )
