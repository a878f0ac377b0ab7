"""The judge where clocks are wrong: what it cannot know it does not hold against anybody."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.messages import LimitCommand, Reading
from devices.signing import sign
from simulations.faults import site
from simulations.faults.device import FieldDevice
from simulations.faults.ears import Ears
from simulations.faults.far_side import FarSide
from simulations.faults.options import Options
from simulations.faults.promises import Broken
from simulations.faults.site_settings import FEEDER
from simulations.faults.told import Told

NOON = datetime(2016, 1, 12, 12, 0, tzinfo=UTC)
OPTIONS = Options(seed=0, period_s=60.0)
YEAR = timedelta(days=365)


HEARD_AT = NOON + timedelta(seconds=1)
LOOKS_AGAIN_AT = NOON + timedelta(seconds=2)


def _hears(ears: Ears, at: datetime, kw: float, kwh: float, *, off: timedelta = timedelta(0)) -> None:
    ears.hear(Reading(FEEDER, "M3", at, kw, energy_kwh=kwh), HEARD_AT + off)


@pytest.mark.parametrize("off", [timedelta(0), -YEAR])
@pytest.mark.parametrize("before", [False, True])
def test_a_register_contradicts_nobody_once_the_clock_jumps_before_it_is_looked_at(
    off: timedelta, before: bool
) -> None:
    """The controller looks at it by another clock, and refuses it as too old, or as of the future."""
    ears = Ears(site.promised(OPTIONS))
    _hears(ears, NOON + off, 24.4, 1002.0, off=off)
    ears.looks(NOON + off)
    if before:
        _hears(ears, NOON, 24.3, 1001.0, off=off)
        assert not ears.said(3, 24.3)
    ears.clock_jumps()
    if not before:
        _hears(ears, NOON, 24.3, 1001.0)
    assert len(ears.said(3, 24.3)) == len(ears.said(3, 24.4)) == 1


@pytest.mark.parametrize("off", [timedelta(0), -YEAR])
def test_a_register_that_was_looked_at_contradicts_whoever_goes_back_whatever_clocks_do(
    off: timedelta,
) -> None:
    ears = Ears(site.promised(OPTIONS))
    _hears(ears, NOON + off, 24.4, 1002.0, off=off)
    ears.looks(LOOKS_AGAIN_AT + off)
    _hears(ears, NOON, 24.2, 997.0, off=off)
    ears.clock_jumps()
    ears.clock_jumps()
    _hears(ears, NOON, 24.3, 997.0)
    assert not ears.said(3, 24.2)
    assert not ears.said(3, 24.3)


class _Gateway:
    """A device that takes a limit while its clock is off, and restarts."""

    def __init__(self, off: timedelta) -> None:
        self.at_s = 0.0
        device = next(d for d in site.registry_of(OPTIONS).devices if d.device == "D4")
        self.device = FieldDevice(device, site.keys()["D4"], self.now, lambda: self.at_s)
        self.device.clock_off = off
        self.far_side = FarSide(site.promised(OPTIONS), site.registry_of(OPTIONS), {"R": _told(NOON)})
        self.takes(1, self.device.now(), self.device.now() + timedelta(minutes=60))

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.at_s)

    def takes(self, sequence: int, start: datetime, end: datetime) -> None:
        command = sign(LimitCommand(FEEDER, "D4", "R", 5.0, start, end, 1, sequence), site.SECRET)
        before, epoch = self.device.held, self.device.highest_epoch
        said = self.device.receive(command)
        self.far_side.arrived(self.device, command, before, epoch_before=epoch, said=said, now=self.now())

    def restarts(self, away: timedelta) -> None:
        self.device.crash(forgets=False)
        self.at_s += away.total_seconds()
        self.device.come_back()
        self.far_side.came_back(self.device, self.now(), away)


def _told(at: datetime) -> Told:
    return Told("R", "E", "device", "D4", "C4", "", at, 11.0, 11.0, 5.0, at, at)


@pytest.mark.parametrize("off_min", [0, 10])
def test_who_restarts_with_a_limit_that_a_wrong_clock_told_cannot_tell_how_long_it_was_away(
    off_min: int,
) -> None:
    """By its clock, which is right by now, the limit has ten minutes more than it had."""
    gateway = _Gateway(timedelta(minutes=off_min))
    gateway.at_s = 600.0
    gateway.device.clock_off = timedelta(0)
    gateway.restarts(timedelta(minutes=12))
    gateway.at_s = 3900.0
    gateway.device.ended()
    gateway.far_side.looks(gateway.device, gateway.now())


def test_who_holds_a_limit_past_its_end_is_found_also_after_a_restart() -> None:
    gateway = _Gateway(timedelta(0))
    gateway.restarts(timedelta(minutes=12))
    gateway.at_s = 3610.0  # and does not let go
    gateway.device._at_s = lambda: 3590.0
    with pytest.raises(Broken, match="past end"):
        gateway.far_side.looks(gateway.device, gateway.now())
