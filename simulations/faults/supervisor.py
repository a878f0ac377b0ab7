"""Starts controllers, lets them stand still and be replaced, and starts another one where one is over; people
speak with the one in charge."""

import asyncio
from datetime import timedelta
from typing import Any

from controller.errors import JournalAhead, Replaced
from controller.stores.port import StoreUnavailable
from devices.messages import Direction, Inbound
from simulations.faults import site
from simulations.faults.broker import Broker, Down
from simulations.faults.controllers import Controller
from simulations.faults.disk import Disk, Written
from simulations.faults.promises import protected_of
from simulations.faults.scene import Scene

MOST_CONTROLLERS = 60
LONGEST_DOWN_PERIODS = 2.0
GUARDS_WAIT_PERIODS = 20.0
"""Where there are devices of guard mode, a controller may be away for longer than they are patient."""


class Supervisor:
    """Of one run."""

    def __init__(self, scene: Scene, broker: Broker, disk: Disk) -> None:
        self._scene, self._broker, self._disk = scene, broker, disk
        self.controllers: list[Controller] = []
        self._critical: frozenset[str] = frozenset()
        self._starting: asyncio.TimerHandle | None = None

    @property
    def current(self) -> Controller | None:
        """The one that started last, if it lives."""
        last = self.controllers[-1] if self.controllers else None
        return last if last is not None and last.lives else None

    # --- people

    def operate(
        self,
        action: str,
        target: str | None,
        limit_kw: float | None,
        direction: Direction = "consumption",
    ) -> None:
        """An operator orders something of whoever is in charge."""
        current = self.current
        if (
            current is not None
            and not current.process.paused
            and (not self._scene.healed or action == "automatic_on")
        ):
            self._scene.note("operator", f"{action} {target}")
            current.operate(action, target, limit_kw, direction)

    def answers(self, request: str, answer: Any) -> None:
        """A person answers a notice, by request."""
        current = self.current
        if current is not None and not current.process.paused and not self._scene.healed:
            self._scene.note("person", f"{request} {answer}")
            current.answer(request, answer)

    # --- their lives

    def set_clock(self, off: timedelta) -> None:
        """The clock of the day of the controllers' machine."""
        if off and self._scene.healed:
            return
        self._scene.clock.off = off
        self._scene.judge.clock_is_off(off)
        self._scene.judge.looked.clock_jumps()
        self._scene.note("clock", f"controller {off}")

    def mark_critical(self, device: str) -> None:
        """A device is critical from now on; the controller is started anew with the new registry."""
        current = self.current
        if self._scene.healed or current is None:
            return
        self._critical |= {device}
        self._scene.note("registry", f"{device} is critical")
        current.process.kill()

    def pause(self, one: Controller, steps: int, still_s: float, *, replaced: bool, after_s: float) -> None:
        """Let it stand still in some steps; `replaced`: another one takes over meanwhile."""

        def stands() -> None:
            self._scene.note("pause", f"controller {one.number} for {still_s:.0f} s, replaced {replaced}")
            self._scene.loop.call_later(still_s, self._resumes, one)
            if replaced and self._scene.options.store == "memory":
                self._scene.loop.call_later(after_s, self._takes_over, one)

        one.process.stood_still = stands
        one.process.pause_after(steps)

    def _takes_over(self, one: Controller) -> None:
        if self.current is one and not self._scene.healed:
            self.start(beside=True)

    def _resumes(self, one: Controller) -> None:
        if one.lives and one.process.paused:
            self._scene.note("resumes", f"controller {one.number}")
            one.resume()

    def start(self, *, beside: bool = False) -> None:
        """Another one, where none is in charge or it is to be replaced (`beside`)."""
        self._starting = None
        if (self.current is not None and not beside) or len(self.controllers) >= MOST_CONTROLLERS:
            return
        self._scene.judge.all_is_there([body for _, body in self._disk.rows()])
        options, number = self._scene.options, len(self.controllers)
        control = site.control_of(options.site, self._critical)
        one = Controller(
            number,
            control,
            disk=self._disk,
            broker=self._broker,
            clock=self._scene.clock,
            draws=self._scene.draws,
            period_s=options.period_s,
            sent=self._sends,
            durable=self._durable,
            heard=self._hears,
            over=self._is_over,
        )
        self.controllers.append(one)
        protected = protected_of(control.registry)
        self._scene.judge.far_side.protected[number] = protected
        self._scene.judge.looked.controllable_kw[number] = sum(
            d.rated_kw for d in control.registry.devices if d.device not in protected
        )
        self._scene.note("starts", f"controller {number}")
        one.start()

    def _is_over(self, one: Controller) -> None:
        """It died, or ended by itself; a supervisor starts another one."""
        if self._scene.loop.is_closed():  # the whole run was cut off by Ctrl-C, and its tasks are swept up
            return
        self._scene.note("over", f"controller {one.number} {one.error!r}")
        self._scene.judge.answered(one.noted)
        if one.error is not None and not self._is_its_right(one, one.error):
            self._scene.judge.fault(f"controller {one.number} ended: {one.error!r}")
        if self.current is None:
            rng = self._scene.draws.of("controller_crash")
            long = self._scene.options.guards and rng.random() < 0.3
            down = (GUARDS_WAIT_PERIODS if long else LONGEST_DOWN_PERIODS) * float(rng.random())
            self._restart_soon(0.1 + (0.0 if self._scene.healed else down))

    def _is_its_right(self, one: Controller, error: BaseException) -> bool:
        if isinstance(error, BaseExceptionGroup):
            return all(self._is_its_right(one, inner) for inner in error.exceptions)
        if isinstance(error, Replaced):
            return self._disk.epoch() != one.epoch
        return isinstance(error, JournalAhead) or (
            isinstance(error, StoreUnavailable) and not one.daemon._started
        )

    def _restart_soon(self, periods: float) -> None:
        if self._starting is None:
            self._starting = self._scene.loop.call_later(periods * self._scene.options.period_s, self.start)

    def heal(self) -> None:
        """Nobody dies or stands still any more, and one is there."""
        for one in self.controllers:
            one.process.die_at = one.process.pause_at = None
            if one.lives and one.process.paused:
                self._resumes(one)
        if self.current is None:
            if self._starting is not None:
                self._starting.cancel()
                self._starting = None
            self._restart_soon(0.1)
        half_s = self._scene.options.period_s / 2
        self._scene.loop.call_later(half_s, lambda: self.operate("automatic_on", None, None))

    def close(self) -> None:
        """None lives on."""
        for one in self.controllers:
            one.process.kill()

    # --- what the judge sees of them

    def _sends(self, one: Controller, message: Down) -> None:
        if self._scene.draws.struck.get("disk_error"):
            self._scene.judge.disk_refused()
        self._scene.judge.sends(one.number, message, self._scene.clock.now())

    def _durable(self, one: Controller, written: Written) -> None:
        if one.epoch:
            self._scene.judge.far_side.epoch_of[one.number] = one.epoch
        self._scene.judge.wrote(one.number, written)

    def _hears(self, one: Controller, message: Inbound) -> None:
        self._scene.judge.hears(one.number, message, self._scene.clock.now())
