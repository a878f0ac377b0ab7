"""What a rule's limits become on the wire, against real emulated devices."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from devices.messages import LimitCommand
from grid_model.network import Floats
from simulations.field import FieldModel
from simulations.policies.command_desk import CommandDesk
from tests.simulations.policies.worlds import feeder
from tests.simulations.small_field import SECRET, START, field_of, marked, population, scenario

FREE = np.full(3, np.inf)
LOW = np.full(3, 4.2)


class World:
    """Three cars that come home at six, and a desk that tells them what to take."""

    def __init__(self, **flags: list[int]) -> None:
        a_scenario = scenario(ev={"arrival_hour": 18.0, "arrival_sd_hours": 0.001, "energy_sigma": 0.01})
        who = marked(population(a_scenario, cars=3, pumps=0, people=0), **flags)
        self.field: FieldModel = field_of(a_scenario, who)
        some = feeder()
        some = replace(
            some,
            place=who.device_place,
            floor_kw=LOW,
            rated_kw=np.full(3, 11.0),
            may_be_limited=np.ones(3, dtype=bool),
            feeds_in=np.zeros(3, dtype=bool),
        )
        self.desk = CommandDesk("F1", some, who.registry.devices, SECRET, renew_before_s=180)
        self.at = START

    def step(self, limit_kw: Floats | None, minutes: float = 1.0) -> list[LimitCommand]:
        """Look, tell the devices, and let time pass; None: all stays as it is."""
        self.desk.hear(self.field.advance(self.at))
        look = self.desk.look(self.field.power())
        sent = list(self.desk.commands(self.desk.held_kw() if limit_kw is None else limit_kw, look, self.at))
        for command in sent:
            self.field.receive(command)
        self.at += timedelta(minutes=minutes)
        self.desk.hear(self.field.advance(self.at))
        return sent

    def takes(self) -> list[float]:
        return self.field.power().device_kw.tolist()


def home(**flags: list[int]) -> World:
    """At ten past six."""
    world = World(**flags)
    world.step(None, minutes=130)
    return world


def limits(commands: Iterable[LimitCommand]) -> list[float]:
    return [command.limit_kw for command in commands]


def test_devices_obey_and_are_free_again_when_no_limit_is_wanted() -> None:
    world = home()
    assert world.takes() == [11.0, 11.0, 11.0]
    assert limits(world.step(np.array([4.2, 7.0, np.inf]))) == [4.2, 7.0]
    assert world.takes() == [4.2, 7.0, 11.0]
    assert world.desk.requests == 2
    ended = world.step(FREE)
    assert [one.end <= world.at for one in ended] == [True, True]
    assert world.takes() == [11.0, 11.0, 11.0]


def test_what_stands_is_not_told_again_but_renewed_before_it_ends() -> None:
    world = home()
    (first, *_) = world.step(LOW)
    assert world.step(LOW) == []
    world.at = first.end - timedelta(seconds=170)
    (renewed, *_) = world.step(LOW)
    assert (renewed.request, renewed.sequence) == (first.request, 2)
    assert renewed.end > first.end
    world.at = first.end + timedelta(minutes=1)
    world.step(None)
    assert world.takes() == [4.2, 4.2, 4.2]


def test_a_device_that_refused_is_left_alone() -> None:
    world = home(refuses=[1])
    assert len(world.step(LOW)) == 3
    assert world.takes() == [4.2, 11.0, 4.2]
    seen = world.desk.look(world.field.power())
    assert seen.open_to.tolist() == [True, False, True]
    assert seen.free_kw.tolist() == [11.0, 11.0, 11.0]  # the limited ones would take what they took
    assert world.step(LOW) == []


def test_who_is_gone_is_not_told_anything_and_his_limit_ends_by_itself() -> None:
    world = home(vanishes=[0])
    (first, *_) = world.step(LOW)
    world.step(LOW, minutes=11)
    assert not world.field.devices.online[0]
    assert [one.device for one in world.step(FREE)] == ["ev-002", "ev-003"]
    world.at = first.end + timedelta(minutes=1)
    world.step(FREE)
    assert world.takes() == [11.0, 11.0, 11.0]
    assert np.isfinite(world.desk.held_kw()).tolist() == [True, False, False]  # nobody has told it so


def test_how_long_each_has_been_asking() -> None:
    world = World()
    world.step(None, minutes=120.5)
    world.step(None, minutes=30)
    seen = world.desk.look(world.field.power())
    assert seen.asking_s.tolist() == [1800.0, 1800.0, 1800.0]
