"""What goes wrong in each period, drawn class by class; field and supervisor carry it out.

Each class has a stream of its own, so that turning one off moves nothing of the others.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from devices.messages import Direction
from simulations.faults.device import FieldDevice
from simulations.faults.field import Field
from simulations.faults.scene import Scene
from simulations.faults.supervisor import Supervisor

JUMPS_S = (-1.0, 1.0, 5.0, -30.0, 45.0, 600.0, -3600.0, 86400.0, -86400.0 * 365)
EVERYWHERE = 0.4
"""of the jumps: the whole field follows the same wrong server, and obeys"""
STEPS_AHEAD = 160
"""A death or a pause strikes within so many steps: two to four cycles."""
ORDERS = ("release_all", "automatic_off", "automatic_on", "release", "exclude", "include", "limit")
TARGETED = ("release", "exclude", "include", "limit")
PHASES = ("calm", "busy", "severe", "mixed")
CHANGES = 0.22
"""of a period: another phase begins"""


class Troubles:
    """Draws and starts them."""

    def __init__(self, scene: Scene, field: Field, supervisor: Supervisor) -> None:
        self._scene, self._field, self._supervisor = scene, field, supervisor
        self._draws, self._period_s = scene.draws, scene.options.period_s

    def begin_period(self) -> None:
        """All that may begin in this period."""
        field, draws = self._field, self._draws
        if draws.of("phases").random() < CHANGES:
            field.begin_phase(str(draws.of("phases").choice(PHASES, p=(0.2, 0.3, 0.25, 0.25))))
        self._wire()
        self._controllers()
        for device in field.devices.values():
            self._device(device)
        self._people()

    # --- the wire and the meters

    def _wire(self) -> None:
        scene, field, draws = self._scene, self._field, self._draws
        if draws.strikes("cut"):
            both = draws.of("cut").integers(3)
            field.broker.cut_up |= bool(both != 0)
            field.broker.cut_down |= bool(both != 1)
            scene.note("cut", f"up {field.broker.cut_up}, down {field.broker.cut_down}")
            self._later("cut", 4.0, field.mend_links)
        if draws.strikes("broker_down"):
            field.broker.goes_away()
            scene.note("broker", "is away")
            self._later("broker_down", 2.0, field.broker_is_back)
        if draws.strikes("meters_silent"):
            seconds = 3.0 * self._period_s * draws.of("meters_silent").random()
            field.street.silent_until = scene.now() + timedelta(seconds=seconds)
            scene.note("meters", f"silent for {seconds:.0f} s")

    # --- the controllers

    def _controllers(self) -> None:
        supervisor, draws = self._supervisor, self._draws
        current = supervisor.current
        if current is not None and draws.strikes("controller_crash"):
            current.process.die_after(1 + int(draws.of("controller_crash").integers(STEPS_AHEAD)))
        if current is not None and not current.process.paused and draws.strikes("controller_pause"):
            rng = draws.of("controller_pause")
            steps, replaced = 1 + int(rng.integers(STEPS_AHEAD)), bool(rng.random() < 0.5)
            still_s = 4.0 * self._period_s * rng.random()
            supervisor.pause(current, steps, still_s, replaced=replaced, after_s=still_s * rng.random())
        if draws.strikes("clock_jump"):
            rng = draws.of("clock_jump")
            off = timedelta(seconds=float(rng.choice(JUMPS_S)))
            everywhere = bool(rng.random() < EVERYWHERE)
            self._at("clock_jump", 1.0, lambda: self._clock_jumps(off, everywhere))
            self._later("clock_jump", 4.0, lambda: self._clock_jumps(timedelta(0), everywhere), after=1.0)
        if draws.strikes("registry"):
            name = str(draws.of("registry").choice([n for n in self._field.devices if n != "D10"]))
            self._at("registry", 1.0, lambda: supervisor.mark_critical(name))

    def _clock_jumps(self, off: timedelta, everywhere: bool) -> None:
        self._supervisor.set_clock(off)
        if everywhere:
            self._field.set_clocks(off)

    # --- the devices

    def _device(self, device: FieldDevice) -> None:
        draws, field = self._draws, self._field
        if device.online and draws.strikes("device_crash"):
            forgets = draws.strikes("device_forgets")
            told = bool(draws.of("device_crash").random() < 0.5)
            self._at("device_crash", 1.0, lambda: field.crash(device, forgets=forgets, told=told))
            self._later("device_crash", 3.0, lambda: field.comes_back(device), after=1.0)
        if draws.strikes("device_mood"):
            mood = str(draws.of("device_mood").choice(("obeys", "ignores", "partly", "refuses")))
            self._at("device_mood", 1.0, lambda: field.mood(device, mood))
        if draws.strikes("owner_takes_back"):
            self._at("owner_takes_back", 1.0, lambda: field.taken_back(device))
        if draws.strikes("device_clock"):
            off = timedelta(seconds=float(draws.of("device_clock").choice(JUMPS_S)))
            self._at("device_clock", 1.0, lambda: field.set_device_clock(device, off))

    # --- the people

    def _people(self) -> None:
        supervisor, draws = self._supervisor, self._draws
        if draws.strikes("operator"):
            rng = draws.of("operator")
            action = str(rng.choice(ORDERS))
            named = (*self._field.devices, "C3", "C11", "C2")
            target = str(rng.choice(named)) if action in TARGETED else None
            limit_kw = 5.0 if action == "limit" else None
            device = self._field.devices.get(target or "")
            feeds_in = device is not None and device.feeds_in
            direction: Direction = "production" if feeds_in else "consumption"
            self._at("operator", 1.0, lambda: supervisor.operate(action, target, limit_kw, direction))

    def _at(self, subject: str, periods: float, then: Callable[[], None]) -> None:
        """Some time within so many periods."""
        seconds = periods * self._period_s * float(self._draws.of(subject).random())
        asyncio.get_running_loop().call_later(seconds, then)

    def _later(self, subject: str, periods: float, then: Callable[[], None], *, after: float = 0.2) -> None:
        """After `after` periods, and within so many."""
        seconds = (after + (periods - after) * float(self._draws.of(subject).random())) * self._period_s
        asyncio.get_running_loop().call_later(seconds, then)
