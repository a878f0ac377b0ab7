"""The running loop over the feeder of solar roofs: inverters that hold what they may feed in."""

from dataclasses import dataclass, replace

from controller import settings
from devices.limit_holder import LimitHolder
from devices.messages import DeviceStatus, Inbound
from devices.signing import device_key
from tests.builders import SECRET, FakeClock, Field
from tests.controller.sunny import roofs
from tests.controller.worlds import World, evening

CHARGERS = 2
"""in the first houses; the next have roofs"""


@dataclass
class SunnyField(Field):
    """Each inverter feeds in what there is of the sun (a house's `ev_kw`, below 0), or what it may."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for device in roofs(chargers=CHARGERS).devices:
            if device.kind == "pv_inverter":
                key = device_key(SECRET, device.device)
                self.holders[device.device] = LimitHolder(device.device, key, 0.0, ("production",))

    def ev_kw(self, number: int) -> float:
        """What the device there takes; below 0 where it feeds in."""
        limit_kw = self.held_back().get(f"EV{number:02d}")
        return super().ev_kw(number) if limit_kw is None else max(self.houses[number].ev_kw, -limit_kw)

    def held_back(self) -> dict[str, float]:
        """The limits on feeding in that are in force, by device."""
        now = self.clock.now()
        limits = {name: holder.limit_at(now, "production") for name, holder in self.holders.items()}
        return {name: limit_kw for name, limit_kw in limits.items() if limit_kw is not None}

    def messages(self) -> list[Inbound]:
        """As ever; an inverter shows its limit as one on feeding in."""
        return [self._shown(one) if isinstance(one, DeviceStatus) else one for one in super().messages()]

    def _shown(self, status: DeviceStatus) -> DeviceStatus:
        held, limit_kw = self.holders[status.device].held_in("production"), self.held_back()
        if held is None or status.device not in limit_kw:
            return status
        return replace(status, production_limit_kw=limit_kw[status.device], production_request=held.request)


class SunnyWorld(World):
    """A daemon and this field on one clock."""

    field: SunnyField

    def __init__(self, of: settings.Site | None = None, *, floor_kw: float = 0.0) -> None:
        who = roofs(floor_kw=floor_kw, chargers=CHARGERS)
        super().__init__(of or evening(), who=who, made_field=_made)

    def shine(self, kw: float) -> None:
        """So much sun on every roof."""
        for device in self.who.devices if self.who is not None else ():
            if device.kind == "pv_inverter":
                self.field.houses[int(device.device[2:])].ev_kw = -kw


def _made(clock: FakeClock) -> SunnyField:
    return SunnyField(clock)
