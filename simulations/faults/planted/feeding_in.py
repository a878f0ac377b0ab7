"""Planted bugs in how feeding in is limited."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from controller import planning, release
from controller.planning import Plan
from grid_model.allocation import Curtailment, FlexibleDevice
from simulations.faults.planted.planting import BUSY, FLAWLESS, Set, bug
from simulations.faults.planted.wrong_ways import gate_lets_pass, in_message

SUNNY = BUSY | {"sunny": True}


@bug(**SUNNY)
def feed_in_floor_ignored(put: Set) -> None:
    """A roof may be asked to feed in nothing, whatever it is guaranteed."""
    given = planning.flexible_devices

    def bottomless(*args: Any) -> Iterator[Any]:
        for device in given(*args):
            yield device if device.max_kw is None else replace(device, max_kw=0.0)

    gate_lets_pass(put, "below_floor")
    put(planning, "flexible_devices", bottomless)


@bug(**SUNNY)
def feed_in_told_as_taking(put: Set) -> None:
    """The direction of a limit is lost on its way out."""
    in_message(put, lambda told: replace(told, direction="consumption"))


@bug(**FLAWLESS | {"sunny": True})
def asked_where_it_does_not_help(put: Set) -> None:
    """Whoever can give something is asked, whatever is overloaded and which way."""
    given = planning.plan

    def everybody(situation: Any, *args: Any) -> Plan:
        found = given(situation, *args)
        if not found.entries:
            return found
        cuts = [_all_of(device) for device in planning.flexible_devices(situation, {})]
        return planning._ask(
            situation,
            situation.event,
            cuts,
            worst=planning.pressing(situation) or situation.worst,
            p_kw=situation.check.snapshot.p_kw,
            shares={},
            so_far=Plan(next_number=situation.event.next_number),
        )

    put(planning, "relieves", lambda *_: True)
    put(planning, "plan", everybody)


def _all_of(device: FlexibleDevice) -> Curtailment:
    limit_kw = device.min_kw if device.max_kw is None else device.max_kw
    return Curtailment(device.device, "", device.p_kw, limit_kw, abs(limit_kw - device.p_kw))


@bug(**FLAWLESS | {"sunny": True})
def freed_as_if_the_sun_were_gone(put: Set) -> None:
    """A roof that is let go counts as feeding in no more than it may now."""
    put(release, "free_again_kw", lambda record, _: record.limit_kw)
