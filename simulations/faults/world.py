"""Street, broker, disk, controllers and judge on one simulated clock: one seed from its begin to its rest.

First the safety phase: faults strike as the options say, and nothing wrong may happen. Then the liveness
phase: they stop, everything is mended, nobody takes much, and within a stated bound all must be free, settled
and at rest.
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.books import Books
from controller.errors import ControllerError, JournalAhead, Replaced
from controller.stores.port import StoreUnavailable
from devices.messages import CustomerNotice, DeviceStatus, Failsafe, Heartbeat, Inbound, LimitCommand
from simulations.errors import StandStill
from simulations.faults import site
from simulations.faults.broker import Broker, Down
from simulations.faults.controllers import Controller, ShiftedClock
from simulations.faults.device import FieldDevice, Mood
from simulations.faults.disk import Disk, MemoryDisk, Written
from simulations.faults.judge import Judge
from simulations.faults.log_ears import Ears, listening
from simulations.faults.options import Draws, Options
from simulations.faults.process import Crashed, step_tasks
from simulations.faults.promises import Broken, protected_of
from simulations.faults.site import FEEDER
from simulations.faults.sqlite_disk import SqliteDisk
from simulations.faults.street import Street
from simulations.faults.troubles import Troubles
from simulations.virtual_time import VirtualLoop

START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
CONTROLLER_LEAD_S = 1.0
"""It looks so long after the meters spoke."""
MOST_CONTROLLERS = 60
QUIET_PERIODS = 4
"""In half of the runs so many of the last ones begin with little load: releases then meet the faults."""
CALM_PERIODS = 4
"""After so many without faults a release has been told, once more where it was lost, and heard."""
SPEAKS_EVERY = 2
"""periods; a device speaks in between when it has news"""
LONGEST_DOWN_PERIODS = 2.0
GUARDS_WAIT_PERIODS = 20.0
"""Where there are devices of guard mode, a controller may be away for longer than they are patient."""


class World:
    """One run."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.draws = Draws(options)
        self.loop = asyncio.get_running_loop()
        self._now = (0.0, START)
        self.clock = ShiftedClock(START)
        self.devices = self._devices()
        self.street = Street(options, self.draws, self.devices)
        self.broker = Broker(self.draws, options.period_s, self._arrives)
        self.disk: Disk = SqliteDisk() if options.store == "sqlite" else MemoryDisk()
        registry = site.registry(options.guards)
        self.judge = Judge(site.promised(options), registry, self.now, self.loop.time)
        self.critical: frozenset[str] = frozenset()
        self.controllers: list[Controller] = []
        self.periods = 0
        self._troubles = Troubles(self)
        self._gone_at: dict[str, datetime] = {}
        self._healed = False
        self._starting: asyncio.TimerHandle | None = None
        self._internal: list[str] = []

    def _devices(self) -> dict[str, FieldDevice]:
        registry, keys = site.registry(self.options.guards), site.keys()
        return {d.device: FieldDevice(d, keys[d.device], self.now, self.loop.time) for d in registry.devices}

    def now(self) -> datetime:
        """The true time."""
        at_s = self.loop.time()
        if at_s != self._now[0]:
            self._now = (at_s, START + timedelta(seconds=at_s))
        return self._now[1]

    @property
    def current(self) -> Controller | None:
        """The one that started last, if it lives."""
        last = self.controllers[-1] if self.controllers else None
        return last if last is not None and last.lives else None

    def note(self, kind: str, what: str) -> None:
        """For the trace."""
        self.judge.notes(kind, "", what)

    # --- the course of a run

    async def run(self) -> None:
        """Both phases; what was broken is the judge's to say."""
        self.loop.set_exception_handler(self._unheard)
        self.begin_phase(str(self.draws.of("phases").choice(("busy", "severe", "mixed", "calm"))))
        self.loop.call_later(CONTROLLER_LEAD_S, self._start_controller)
        quiet_from = self.options.cycles - QUIET_PERIODS if self.draws.of("phases").random() < 0.5 else None
        for period in range(self.options.cycles):
            if period == quiet_from:
                self.begin_phase("calm")
            self._troubles.begin_period()
            await self._period()
            if self.judge.broken is not None:
                return
        await self._come_to_rest()

    async def _period(self) -> None:
        """The field speaks, and a period passes."""
        self.periods += 1
        truth = self.street.truth(self.now())
        for message in (*self.street.readings(truth), *self.street.ended()):
            self.broker.say(message)
        for place, device in enumerate(self.devices.values()):
            if device.online and (device.has_news() or (place + self.periods) % SPEAKS_EVERY == 0):
                self.broker.say(device.status())
            self.judge.looks(device)
        await self.clock.sleep(self.options.period_s)

    async def _come_to_rest(self) -> None:
        self.heal()
        promised = site.promised(self.options)
        until = self.now() + timedelta(seconds=promised.rest_s)
        left, calm, in_charge = ["everything"], 0, self.current
        while left and self.now() < until and self.judge.broken is None:
            await self._period()
            calm = calm + 1 if self.current is in_charge is not None else 0
            left, in_charge = self.left(), self.current
            if calm >= CALM_PERIODS:
                self.judge.is_freed(self.devices.values())
        if left:
            self.judge.breaks(Broken("rest", f"after {promised.rest_s:.0f} s: {'; '.join(left[:8])}"))
        if self.judge.broken is None:
            self._at_the_end()

    def left(self) -> list[str]:
        """What is not at rest yet."""
        story, current = self.judge.story, self.current
        held = [
            f"{d.name} may take {d.limit_kw()} kW" for d in self.devices.values() if d.limit_kw() is not None
        ]
        ahead = story.stamped_ahead(self.now()) if story.off else set()
        left = [
            *story.unsettled(self.now()),
            *held,
            *(f"{event} is open" for event in story.open_events - ahead),
        ]
        if current is None or current.process.paused or not current.daemon._started:
            return [*left, "no controller is in charge"]
        if not current.queues_are_empty and not left:
            left.append("a queue is not empty")
        return left

    def _at_the_end(self) -> None:
        judge, disk = self.judge, self.disk
        judge.all_is_there([body for _, body in disk.rows()])
        try:
            judge.money.at_rest(disk.postings())
            books = Books()
            books.apply_all(disk.replay())
        except Broken as broken:
            judge.breaks(broken)
            return
        except ControllerError as error:
            judge.breaks(Broken("whole", f"the journal cannot be replayed: {error}"))
            return
        current = self.current
        assert current is not None
        own = current.daemon.books
        for one in (books, own):
            one.count_by_state(FEEDER)  # asking makes an empty sum where none is
        if own.seq == books.seq and own != books:
            judge.breaks(Broken("whole", "a replay gives other books than the controller has"))

    def heal(self) -> None:
        """Everything works again, and nobody takes much."""
        self._healed, self.draws.on = True, False
        self.mend_links()
        self.broker_is_back()
        self.set_clock(timedelta(0))
        self.street.silent_until = None
        self.begin_phase("calm")
        for device in self.devices.values():
            device.clock_off = timedelta(0)
            device.mood = "obeys"
            if not device.online:
                self.comes_back(device)
        for one in self.controllers:
            one.process.die_at = one.process.pause_at = None
            if one.lives and one.process.paused:
                self._resumes(one)
        if self.current is None:
            if self._starting is not None:
                self._starting.cancel()
                self._starting = None
            self._restart_soon(0.1)
        self.loop.call_later(self.options.period_s / 2, lambda: self.operate("automatic_on", None, None))

    # --- the field

    def begin_phase(self, phase: str) -> None:
        """Everybody takes what the phase says."""
        if self._healed and phase != "calm":
            return
        self.street.begin_phase(phase)
        self.note("phase", phase)

    def _arrives(self, message: Down) -> None:
        match message:
            case LimitCommand():
                self._command(message)
            case Failsafe():
                device = self.devices[message.device]
                self.judge.arms(device, message)
                device.arm(message)
                self._changed(device)
            case Heartbeat():
                for device in self.devices.values():
                    self.judge.beats(device, message)
                    device.hear(message)
                    self._changed(device)
            case CustomerNotice():
                self._notice(message)

    def _command(self, command: LimitCommand) -> None:
        device = self.devices[command.device]
        before, epoch = device.held, device.highest_epoch
        said = device.receive(command)
        self.judge.arrived(device, command, before, epoch_before=epoch, said=said)
        for answer in said:
            self.broker.say(answer)
        self._changed(device)

    def _changed(self, device: FieldDevice) -> None:
        """Look again when its limit ends, or silence may change something."""
        seconds = device.seconds_to_end()
        if seconds is not None:
            self.loop.call_later(seconds + 0.01, self._look_again, device)

    def _look_again(self, device: FieldDevice) -> None:
        for answer in device.ended():
            self.broker.say(answer)
        self.judge.looks(device)

    def _notice(self, notice: CustomerNotice) -> None:
        if notice.kind != "notice":
            return
        place = int(notice.customer[1:])
        rng = self.draws.of("people")
        self.street.saves(place, 0.5 if rng.random() < 0.5 and notice.end > self.now() else 0.0)
        if self.draws.strikes("person"):
            answer = str(self.draws.of("person").choice(("opted_in", "opted_out")))
            seconds = 2 * self.options.period_s * float(self.draws.of("person").random())
            self.loop.call_later(seconds, self._answers, notice.request, answer)

    def crash(self, device: FieldDevice, *, forgets: bool, told: bool) -> None:
        """A device is gone. `told`: the broker says so for it."""
        if self._healed or not device.online:
            return
        device.crash(forgets=forgets)
        self._gone_at[device.name] = self.now()
        self.note("crash", f"{device.name} forgets {forgets}")
        if told:
            self.broker.say(DeviceStatus(FEEDER, device.name, None, False))

    def comes_back(self, device: FieldDevice) -> None:
        """It is there again."""
        if device.online:
            return
        device.come_back()
        self.judge.far_side.came_back(device, self.now(), self.now() - self._gone_at[device.name])
        self.note("back", device.name)
        self.broker.say(device.status())
        self._look_again(device)
        self._changed(device)

    def mood(self, device: FieldDevice, mood: Any) -> None:
        """It begins to behave in another way."""
        if not self._healed:
            chosen: Mood = mood
            device.mood = chosen
            self.note("mood", f"{device.name} {mood}")

    def taken_back(self, device: FieldDevice) -> None:
        """Its owner ends the limit."""
        if self._healed:
            return
        for answer in device.taken_back():
            self.broker.say(answer)
        self.judge.far_side.free_by.pop(device.name, None)
        self.note("taken back", device.name)

    def set_device_clock(self, device: FieldDevice, off: timedelta) -> None:
        """Its clock of the day jumps."""
        if not self._healed:
            device.clock_off = off
            self.judge.clock_is_off(off)
            self.note("clock", f"{device.name} {off}")

    def mend_links(self) -> None:
        """All directions carry again."""
        self.broker.cut_up = self.broker.cut_down = False
        self.note("cut", "is over")

    def broker_is_back(self) -> None:
        """The broker is there again."""
        self.broker.away = False
        self.note("broker", "is there")

    # --- people

    def operate(self, action: str, target: str | None, limit_kw: float | None) -> None:
        """An operator orders something of whoever is in charge."""
        current = self.current
        if (
            current is not None
            and not current.process.paused
            and (not self._healed or action == "automatic_on")
        ):
            self.note("operator", f"{action} {target}")
            current.operate(action, target, limit_kw)

    def _answers(self, request: str, answer: Any) -> None:
        current = self.current
        if current is not None and not current.process.paused and not self._healed:
            self.note("person", f"{request} {answer}")
            current.answer(request, answer)

    # --- controllers

    def set_clock(self, off: timedelta) -> None:
        """The clock of the day of the controllers' machine."""
        if off and self._healed:
            return
        self.clock.off = off
        self.judge.clock_is_off(off)
        self.note("clock", f"controller {off}")

    def mark_critical(self, device: str) -> None:
        """A device is critical from now on; the controller is started anew with the new registry."""
        current = self.current
        if self._healed or current is None:
            return
        self.critical |= {device}
        self.note("registry", f"{device} is critical")
        current.process.kill()

    def pause(self, one: Controller, steps: int, still_s: float, *, replaced: bool, after_s: float) -> None:
        """Let it stand still in some steps; `replaced`: another one takes over meanwhile."""

        def stands() -> None:
            self.note("pause", f"controller {one.number} for {still_s:.0f} s, replaced {replaced}")
            self.loop.call_later(still_s, self._resumes, one)
            if replaced and self.options.store == "memory":
                self.loop.call_later(after_s, self._takes_over, one)

        one.process.stood_still = stands
        one.process.pause_after(steps)

    def _takes_over(self, one: Controller) -> None:
        if self.current is one and not self._healed:
            self._start_controller(beside=True)

    def _resumes(self, one: Controller) -> None:
        if one.lives and one.process.paused:
            self.note("resumes", f"controller {one.number}")
            one.resume()

    def _sends(self, one: Controller, message: Down) -> None:
        if self.draws.struck.get("disk_error"):
            self.judge.disk_refused()
        self.judge.sends(one.number, message, self.clock.now())

    def _start_controller(self, *, beside: bool = False) -> None:
        self._starting = None
        if (self.current is not None and not beside) or len(self.controllers) >= MOST_CONTROLLERS:
            return
        self.judge.all_is_there([body for _, body in self.disk.rows()])
        options, number = self.options, len(self.controllers)
        control = site.control_of(options.period_s, options.act_early, options.guards, self.critical)
        one = Controller(
            number,
            control,
            disk=self.disk,
            broker=self.broker,
            clock=self.clock,
            draws=self.draws,
            period_s=options.period_s,
            sent=self._sends,
            durable=self._durable,
            heard=self._hears,
            over=self._is_over,
        )
        self.controllers.append(one)
        protected = protected_of(control.registry)
        self.judge.far_side.protected[number] = protected
        self.judge.looked.controllable_kw[number] = sum(
            d.rated_kw for d in control.registry.devices if d.device not in protected
        )
        self.note("starts", f"controller {number}")
        one.start()

    def _durable(self, one: Controller, written: Written) -> None:
        if one.epoch:
            self.judge.far_side.epoch_of[one.number] = one.epoch
        self.judge.wrote(one.number, written)

    def _hears(self, one: Controller, message: Inbound) -> None:
        self.judge.hears(one.number, message, self.clock.now())

    def _is_over(self, one: Controller) -> None:
        """It died, or ended by itself; a supervisor starts another one."""
        self.note("over", f"controller {one.number} {one.error!r}")
        self.judge.answered(one.noted)
        if one.error is not None and not self._is_its_right(one, one.error):
            self.judge.fault(f"controller {one.number} ended: {one.error!r}")
        if self.current is None:
            rng = self.draws.of("controller_crash")
            long = self.options.guards and rng.random() < 0.3
            down = (GUARDS_WAIT_PERIODS if long else LONGEST_DOWN_PERIODS) * float(rng.random())
            self._restart_soon(0.1 + (0.0 if self._healed else down))

    def _is_its_right(self, one: Controller, error: BaseException) -> bool:
        if isinstance(error, BaseExceptionGroup):
            return all(self._is_its_right(one, inner) for inner in error.exceptions)
        if isinstance(error, Replaced):
            return self.disk.epoch() != one.epoch
        return isinstance(error, JournalAhead) or (
            isinstance(error, StoreUnavailable) and not one.daemon._started
        )

    def _restart_soon(self, periods: float) -> None:
        if self._starting is None:
            self._starting = self.loop.call_later(periods * self.options.period_s, self._start_controller)

    # --- our own faults

    def _unheard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What no task was waiting for. Of the dead it is no news; of ours it must not pass."""
        error = context.get("exception")
        if error is not None and not isinstance(
            error, Crashed | asyncio.CancelledError | ControllerError | StoreUnavailable
        ):
            self._internal.append(f"{context.get('message')}: {error!r}")

    def close(self) -> None:
        """Put everything away; raises RuntimeError for a fault of the simulation's own."""
        for one in self.controllers:
            one.process.kill()
        self.disk.close()
        if self._internal:
            raise RuntimeError(f"seed {self.options.seed}: {self._internal[0]}")


@contextmanager
def running(options: Options) -> Iterator[tuple[VirtualLoop, Ears]]:
    """A loop of its own, with nothing collected meanwhile: that costs more than all else."""
    collects = gc.isenabled()
    gc.disable()
    loop = VirtualLoop()
    step_tasks(loop)
    asyncio.set_event_loop(loop)
    try:
        with listening() as ears:
            yield loop, ears
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        if collects:
            gc.enable()


__all__ = ["StandStill", "World", "running"]
