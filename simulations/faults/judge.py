"""The judge: looks after every step at what the system wrote, sent and holds. Shares no code with it.

The first promise that is broken stays; everything that happened is in the trace, whose digest tells two runs
apart. What it looks at: the journal's rows as text as they become durable, the wire, each device's own state,
what each controller heard, and the true powers.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from customers.registry import Registry
from devices.messages import (
    Answer,
    CustomerNotice,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    Inbound,
    LimitCommand,
    Reading,
    ReadingBatch,
)
from simulations.faults.device import FieldDevice
from simulations.faults.disk import Written
from simulations.faults.far_side import LATE_S, FarSide
from simulations.faults.looked import Looked
from simulations.faults.money import Money
from simulations.faults.promises import Broken, Promised
from simulations.faults.site import TAN_PHI, load_flow, network
from simulations.faults.story import Story
from simulations.faults.told import Told

SMALL_OFF = timedelta(seconds=60)
"""A clock that is wrong by more may have given a limit another end than the controller knows."""
TOLD = 60
"""steps that are kept in words, for whoever looks at what was broken"""


class Judge:
    """`now`: the true time; `at_s`: the same in seconds since the begin."""

    def __init__(
        self, promised: Promised, registry: Registry, now: Callable[[], datetime], at_s: Callable[[], float]
    ) -> None:
        self._now, self._at_s = now, at_s
        self._taken_on: set[str] = set()
        """requests that something from the field showed to be taken on"""
        points = network().service_points
        self.story = Story(promised, self._taken_on.__contains__)
        self.looked = Looked(promised, load_flow(), network(), TAN_PHI)
        self.far_side = FarSide(promised, registry, self.story.requests)
        self.money = Money(promised, self.story, {point: place for place, point in enumerate(points)})
        self._holds_on: dict[tuple[str, str], datetime] = {}
        """(device, request): since when it is seen to hold what it was released of"""
        self.broken: Broken | None = None
        self.broken_at: datetime | None = None
        self.steps = 0
        self._latest: deque[tuple[float, str, str, str]] = deque(maxlen=TOLD)
        self._digest = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """Of everything that happened."""
        return self._digest.hexdigest()

    @property
    def latest(self) -> tuple[str, ...]:
        """The latest steps in words, each with its seconds since the begin."""
        return tuple(
            f"{at_s:10.3f} s  {kind} {subject} {detail}" for at_s, kind, subject, detail in self._latest
        )

    def clock_is_off(self, off: timedelta) -> None:
        """A clock of the day has been wrong by so much."""
        most = max(self.story.off, abs(off))
        self.story.off = self.looked.off = self.far_side.off = most

    def disk_refused(self) -> None:
        """When a controller looked that decides without its disk is not seen."""
        self.far_side.looked_at.clear()

    def notes(self, kind: str, subject: str, detail: str = "") -> None:
        """Something happened that no promise speaks of."""
        self._step(kind, subject, detail)

    def fault(self, what: str) -> None:
        """The system failed by a fault of its own."""
        self._check(lambda: _raise(Broken("sound", what)))

    def breaks(self, broken: Broken) -> None:
        """Somebody else found it."""
        self._check(lambda: _raise(broken))

    def wrote(self, controller: int, written: Written) -> None:
        """A commit became durable."""
        self._step("wrote", f"{controller}", "".join(body for _, body in written.rows))
        self._check(lambda: self._wrote(controller, written))

    def _wrote(self, controller: int, written: Written) -> None:
        epoch = self.far_side.epoch_of.get(controller)
        if epoch is not None and written.epoch != epoch:
            raise Broken(
                "one writer", f"controller {controller} of epoch {epoch} writes under {written.epoch}"
            )
        commit = self.story.read(written.rows, decides=bool(written.samples))
        self.looked.judge(controller, commit, written.samples, self.story.requests)
        for sample in written.samples:
            self.far_side.looked_at[controller] = sample.at
        self.money.judge(commit.entries, self.looked.samples, written.postings)

    def sends(self, controller: int, message: Any, by_its_clock: datetime) -> None:
        """A controller hands something over."""
        self._step("sends", f"{controller}", _short(message))
        self._check(lambda: self.far_side.sends(controller, message, by_its_clock))

    def hears(self, controller: int, message: Inbound, by_its_clock: datetime) -> None:
        """Something is delivered to a controller."""
        self._step("hears", f"{controller}", _short(message))
        match message:
            case Answer(answer="accepted", request=request):
                self._taken_on.add(request)
            case DeviceStatus(request=str(request)) | DeviceStatus(production_request=str(request)):
                self._taken_on.add(request)
            case _:
                pass
        self.looked.hears(controller, message, by_its_clock)

    def arrived(
        self,
        device: FieldDevice,
        command: LimitCommand,
        before: LimitCommand | None,
        *,
        epoch_before: int,
        said: list[Answer],
    ) -> None:
        """A command has reached its device."""
        self._step(
            "arrives", device.name, f"{_short(command)} {[(a.request, a.answer, a.reason) for a in said]}"
        )
        self._check(
            lambda: self.far_side.arrived(
                device, command, before, epoch_before=epoch_before, said=said, now=self._now()
            )
        )
        self.looks(device)

    def arms(self, device: FieldDevice, failsafe: Failsafe) -> None:
        """A failsafe is about to reach a device."""
        self._step("arms", device.name, _short(failsafe))
        self._check(lambda: self.far_side.armed_with(device, failsafe, self._now()))

    def beats(self, device: FieldDevice, heartbeat: Heartbeat) -> None:
        """A heartbeat is about to reach a device."""
        self._check(lambda: self.far_side.beat(device, heartbeat, self._now()))

    def is_freed(self, devices: Iterable[FieldDevice]) -> None:
        """Nothing was lost for a while: whoever was released has heard it, or is about to."""
        now, before = self._now(), self._holds_on
        self._holds_on = {}
        for device in devices:
            told = self._released_of(device)
            if told is not None:
                since = before.get((device.name, told.request), now)
                self._holds_on[device.name, told.request] = since
                if (now - since).total_seconds() >= LATE_S:
                    self.breaks(Broken("freed", f"{device.name} holds {told.request}, which is {told.state}"))

    def _released_of(self, device: FieldDevice) -> Told | None:
        """What it holds though it was released, or though that is over."""
        held = device.held
        told = None if held is None else self.story.requests.get(held.request)
        if told is None or self.story.off > SMALL_OFF:
            return None
        return told if told.releasing or not told.is_open else None

    def looks(self, device: FieldDevice) -> None:
        """At one device."""
        self.steps += 1
        if self.broken is None:
            try:
                self.far_side.looks(device, self._now())
            except Broken as broken:
                self._found(broken)

    def answered(self, noted: list[tuple[str, Any]]) -> None:
        """What people were told that counts."""
        lost = [one for one in noted if one not in self.story.answers]
        if lost:
            self.breaks(Broken("answers", f"{lost} were acknowledged"))

    def all_is_there(self, bodies: list[str]) -> None:
        """Whoever starts reads the journal: is everything there that was acknowledged?"""
        if bodies != self.story.bodies:
            where = next(
                (n for n, (a, b) in enumerate(zip(bodies, self.story.bodies, strict=False)) if a != b),
                len(bodies),
            )
            self.breaks(
                Broken(
                    "lost",
                    f"of {len(self.story.bodies)} entries {len(bodies)} are there, all equal up to {where}",
                )
            )

    def _step(self, kind: str, subject: str, detail: str) -> None:
        self.steps += 1
        step = (self._at_s(), kind, subject, detail)
        self._digest.update(repr(step).encode())
        self._latest.append(step)

    def _check(self, rule: Callable[[], object]) -> None:
        if self.broken is None:
            try:
                rule()
            except Broken as broken:
                self._found(broken)

    def _found(self, broken: Broken) -> None:
        self.broken, self.broken_at = broken, self._now()
        self._step("BROKEN", broken.promise, broken.what)


def _raise(error: Exception) -> None:
    raise error


def _short(message: object) -> str:  # noqa: PLR0911  one line for each kind
    match message:
        case LimitCommand():
            return (
                f"limit {message.device} {message.request}/{message.sequence} {message.limit_kw:g} kW "
                f"{message.start:%H:%M:%S} to {message.end:%H:%M:%S} epoch {message.epoch}"
            )
        case ReadingBatch():
            return f"readings {message.p_kw}"
        case Reading():
            return f"{message.meter} {message.p_kw}"
        case DeviceStatus():
            shown = f"{message.p_kw} {message.limit_kw} {message.request}"
            return f"status {message.device} {message.online} {shown}"
        case Answer():
            return f"{message.device} {message.answer} {message.request} {message.reason}"
        case Failsafe():
            return f"failsafe {message.device} {message.failsafe_kw:g} kW {message.epoch}/{message.sequence}"
        case Heartbeat():
            return f"heartbeat {message.epoch}/{message.sequence}"
        case CustomerNotice():
            return f"{message.kind} {message.customer} {message.request}/{message.sequence}"
        case _:
            return repr(message)
