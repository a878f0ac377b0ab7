"""The field of a run: devices, street and broker, what reaches them, and what goes wrong with them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from devices.messages import CustomerNotice, DeviceStatus, Failsafe, Heartbeat, LimitCommand
from simulations.faults import site
from simulations.faults.broker import Broker, Down
from simulations.faults.device import FieldDevice, Mood
from simulations.faults.scene import Scene
from simulations.faults.site_settings import FEEDER
from simulations.faults.street import Street

SPEAKS_EVERY = 2
"""periods; a device speaks in between when it has news"""


class Field:
    """One run's. `answers`: a person says yes or no to a notice, by request."""

    def __init__(self, scene: Scene, answers: Callable[[str, Any], None]) -> None:
        self._scene, self._answers = scene, answers
        registry, keys = site.registry_of(scene.options), site.keys()
        self.devices = {
            d.device: FieldDevice(d, keys[d.device], scene.now, scene.loop.time) for d in registry.devices
        }
        self.street = Street(scene.options, scene.draws, self.devices)
        self.broker = Broker(scene.draws, scene.options.period_s, self._arrives)
        self._gone_at: dict[str, datetime] = {}

    def speak(self, period: int) -> None:
        """What is said at the begin of a period."""
        truth = self.street.truth(self._scene.now())
        for message in (*self.street.readings(truth), *self.street.ended()):
            self.broker.say(message)
        for place, device in enumerate(self.devices.values()):
            if device.online and (device.has_news() or (place + period) % SPEAKS_EVERY == 0):
                self.broker.say(device.status())
            self._scene.judge.looks(device)

    def heal_wire(self) -> None:
        """Messages get through again, and meters speak."""
        self.mend_links()
        self.broker_is_back()
        self.street.silent_until = None
        self.street.clock_off = timedelta(0)
        self.street.cables_are_as_filed()

    def heal_devices(self) -> None:
        """They obey, know the time, and are there."""
        for device in self.devices.values():
            device.clock_off = timedelta(0)
            device.mood = "obeys"
            if not device.online:
                self.comes_back(device)

    def begin_phase(self, phase: str) -> None:
        """Everybody takes what the phase says."""
        if self._scene.healed and phase != "calm":
            return
        self.street.begin_phase(phase)
        self._scene.note("phase", phase)

    # --- what reaches it

    def _arrives(self, message: Down) -> None:
        match message:
            case LimitCommand():
                self._command(message)
            case Failsafe():
                device = self.devices[message.device]
                self._scene.judge.arms(device, message)
                device.arm(message)
                self._changed(device)
            case Heartbeat():
                for device in self.devices.values():
                    self._scene.judge.beats(device, message)
                    device.hear(message)
                    self._changed(device)
            case CustomerNotice():
                self._notice(message)

    def _command(self, command: LimitCommand) -> None:
        device = self.devices[command.device]
        before, epoch = device.held, device.highest_epoch
        said = device.receive(command)
        self._scene.judge.arrived(device, command, before, epoch_before=epoch, said=said)
        for answer in said:
            self.broker.say(answer)
        self._changed(device)

    def _changed(self, device: FieldDevice) -> None:
        """Look again when its limit ends, or silence may change something."""
        seconds = device.seconds_to_end()
        if seconds is not None:
            self._scene.loop.call_later(seconds + 0.01, self._look_again, device)

    def _look_again(self, device: FieldDevice) -> None:
        for answer in device.ended():
            self.broker.say(answer)
        self._scene.judge.looks(device)

    def _notice(self, notice: CustomerNotice) -> None:
        if notice.kind != "notice":
            return
        place = int(notice.customer[1:])
        rng = self._scene.draws.of("people")
        self.street.saves(place, 0.5 if rng.random() < 0.5 and notice.end > self._scene.now() else 0.0)
        if self._scene.draws.strikes("person"):
            answer = str(self._scene.draws.of("person").choice(("opted_in", "opted_out")))
            seconds = 2 * self._scene.options.period_s * float(self._scene.draws.of("person").random())
            self._scene.loop.call_later(seconds, self._answers, notice.request, answer)

    # --- what goes wrong with it

    def crash(self, device: FieldDevice, *, forgets: bool, told: bool) -> None:
        """A device is gone. `told`: the broker says so for it."""
        if self._scene.healed or not device.online:
            return
        device.crash(forgets=forgets)
        self._gone_at[device.name] = self._scene.now()
        self._scene.note("crash", f"{device.name} forgets {forgets}")
        if told:
            self.broker.say(DeviceStatus(FEEDER, device.name, None, False))

    def comes_back(self, device: FieldDevice) -> None:
        """It is there again."""
        if device.online:
            return
        device.come_back()
        now = self._scene.now()
        self._scene.judge.far_side.came_back(device, now, now - self._gone_at[device.name])
        self._scene.note("back", device.name)
        self.broker.say(device.status())
        self._look_again(device)
        self._changed(device)

    def mood(self, device: FieldDevice, mood: Any) -> None:
        """It begins to behave in another way."""
        if not self._scene.healed:
            chosen: Mood = mood
            device.mood = chosen
            self._scene.note("mood", f"{device.name} {mood}")

    def taken_back(self, device: FieldDevice) -> None:
        """Its owner ends the limit."""
        if self._scene.healed:
            return
        for answer in device.taken_back():
            self.broker.say(answer)
        self._scene.judge.far_side.free_by.pop(device.name, None)
        self._scene.note("taken back", device.name)

    def set_device_clock(self, device: FieldDevice, off: timedelta) -> None:
        """Its clock of the day jumps."""
        if not self._scene.healed:
            device.clock_off = off
            self._scene.judge.clock_is_off(off)
            self._scene.note("clock", f"{device.name} {off}")

    def set_clocks(self, off: timedelta) -> None:
        """Those of all devices and meters: they ask the same server for the time as the controllers."""
        if off and self._scene.healed:
            return
        self.street.clock_off = off
        for device in self.devices.values():
            device.clock_off = off
        self._scene.judge.clock_is_off(off)
        self._scene.note("clock", f"all of the field {off}")

    def mend_links(self) -> None:
        """All directions carry again."""
        self.broker.cut_up = self.broker.cut_down = False
        self._scene.note("cut", "is over")

    def broker_is_back(self) -> None:
        """The broker is there again."""
        self.broker.away = False
        self._scene.note("broker", "is there")
