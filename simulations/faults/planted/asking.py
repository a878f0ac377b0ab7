"""Planted bugs in whom the automatic asks, for how much, and against whose word."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from controller import (
    cycle,
    data_alarms,
    gatekeeper,
    moments,
    operators,
    planning,
)
from controller.bookkeeping import Bookkeeper
from controller.books.request_book import RequestBook
from controller.operators import Orders
from controller.people import asking
from controller.situation import Situation
from customers.registry import Registry
from simulations.faults.planted.planting import BUSY, FLAWLESS, Set, bug
from simulations.faults.planted.wrong_ways import gate_lets_pass, in_message


@bug(**BUSY, sunny=False)
def floor_ignored(put: Set) -> None:
    """The gate does not look at floors, and plans go to nothing."""
    given = planning.flexible_devices

    def bottomless(*args: Any) -> Iterator[Any]:
        for device in given(*args):
            yield replace(device, min_kw=0.0)

    gate_lets_pass(put, "below_floor")
    put(planning, "flexible_devices", bottomless)


@bug(**BUSY)
def floor_rounded_down(put: Set) -> None:
    """A limit is rounded down to whole kW on its way out."""
    in_message(put, lambda told: replace(told, limit_kw=float(int(told.limit_kw))))


@bug(**BUSY)
def zero_for_no_value(put: Set) -> None:
    """A limit's value is lost on the way: 0 W in its place."""
    in_message(put, lambda told: replace(told, limit_kw=0.0))


@bug(**BUSY)
def protected_limited(put: Set) -> None:
    """The mark of a critical customer is not looked at."""
    put(Registry, "is_protected", lambda *_: False)


@bug(**BUSY, person=0.9)
def critical_asked(put: Set) -> None:
    """People are asked by notice whoever they are."""
    put(asking, "_takes_word", lambda *_: True)
    gate_lets_pass(put, "protected", "below_floor")


@bug(**BUSY)
def two_for_one_device(put: Set) -> None:
    """Who is limited already is asked anew."""
    put(RequestBook, "held_by", lambda *_, **__: None)


@bug(**FLAWLESS)
def reach_ignored(put: Set) -> None:
    """Nobody counts what was commanded in the last minute."""
    put(gatekeeper, "feeder_budget_kw", lambda *_: float("inf"))
    put(cycle, "feeder_budget_kw", lambda *_: float("inf"))


@bug(
    **FLAWLESS | {"operator": 0.95, "period_s": 10.0, "settings": (("safety.feeder_share_per_minute", 0.06),)}
)
def reach_below_orders_ignored(put: Set) -> None:
    """What was tightened below an operator's limit does not count in the next pass."""
    put(gatekeeper, "below_orders_kw_since", lambda *_: 0.0)


@bug(**BUSY, meters_silent=0.3, lost_up=0.5, doubled=0.0)
def acts_on_few_data(put: Set) -> None:
    """Whatever the alarms say, the data count as good."""
    judge = data_alarms.judge
    put(data_alarms, "judge", lambda *args, **named: replace(judge(*args, **named), good=True))


@bug(**(FLAWLESS | {"controller_pause": 0.8}))
def acts_after_a_pause(put: Set) -> None:
    """Who stood still in the middle of a round ends it on what it saw before."""
    put(moments.Moment, "is_past", lambda *_: False)


@bug(**FLAWLESS)
def asked_again_at_once(put: Set) -> None:
    """Who was released is not left alone."""
    put(planning, "_was_just_released", lambda *_: False)


@bug(**BUSY, operator=0.5)
def override_ignored(put: Set) -> None:
    """What an operator ordered does not last."""
    put(Orders, "_acted", lambda self, entry: self)


@bug(**BUSY, operator=0.5, controller_crash=0.5)
def orders_forgotten_at_start(put: Set) -> None:
    """After a restart nobody knows what operators ordered."""
    replay = Bookkeeper._replay

    def forgetful(self: Bookkeeper) -> None:
        replay(self)
        self.orders = Orders()

    put(Bookkeeper, "_replay", forgetful)


@bug(**BUSY, operator=0.5)
def release_by_hand_waits(put: Set) -> None:
    """An operator's release frees nobody."""
    put(operators, "freed_by", lambda *_: [])


@bug(**BUSY, person=1.0)
def no_of_a_person_ignored(put: Set) -> None:
    """Who said no to a notice is asked once more."""
    records = Situation.__dict__["event_records"].func
    put(
        Situation,
        "event_records",
        property(lambda self: tuple(r for r in records(self) if r.resource == "device")),
    )
