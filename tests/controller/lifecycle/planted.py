"""Faults planted in the controller on purpose: what the machine must find, or its green means nothing.

Most are bugs of the fault simulation (`simulations.faults.planted`); those here show only where somebody
decides step by step what happens.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from controller import planning
from controller.bookkeeping import Bookkeeper
from controller.books import Books
from controller.people import call_rules
from controller.situation import Situation
from simulations.faults import planted as public
from simulations.faults.planted.planting import Bug, Set
from tests.controller.lifecycle import scenarios
from tests.controller.lifecycle.scenarios import Scenario

BUGS = {bug.name: bug for bug in public.BUGS}


def own(plant: Callable[[Set], None]) -> Callable[[Set], None]:
    """Adds one to the list."""
    assert plant.__name__ not in BUGS
    BUGS[plant.__name__] = Bug(plant.__name__, plant.__doc__ or "", plant, {})
    return plant


@own
def id_used_twice(put: Set) -> None:
    """A request planned anew gets the id of another."""
    planned = Books._planned

    def over(self: Books, entry: Any) -> None:
        self.requests.pop(entry.request, None)
        planned(self, entry)

    put(planning, "request_id", lambda event, number: f"{event}-R{(number + 1) // 2:03d}")
    put(Books, "_planned", over)
    put(Bookkeeper, "fits", lambda *_: None)


@own
def release_forgotten_at_start(put: Set) -> None:
    """After a restart nobody knows that a release was still to be told."""
    replay = Bookkeeper._replay

    def forgetful(self: Bookkeeper) -> None:
        replay(self)
        self._freeing.clear()

    put(Bookkeeper, "_replay", forgetful)


@own
def replaced_goes_on(put: Set) -> None:
    """Nobody looks whether another controller has taken over, and the devices do not either."""
    BUGS["stale_epoch_accepted"].plant(put)

    async def unchecked(*_: Any) -> None:
        return None

    put(Bookkeeper, "check_epoch", unchecked)


@own
def no_not_heeded(put: Set) -> None:
    """Who said no to a notice is limited all the same."""
    put(Situation, "opted_out", frozenset())


@own
def longest_call_begins_anew(put: Set) -> None:
    """Each request counts as a call of its own."""
    put(call_rules, "_began", lambda *_: None)


PLANTED: dict[str, Scenario] = {
    "end_forgotten": scenarios.the_record_refuses,
    "stale_epoch_accepted": scenarios.two_in_charge,
    "sent_before_it_is_noted": scenarios.the_record_refuses,
    "id_used_twice": scenarios.the_record_refuses,
    "two_for_one_device": scenarios.the_record_refuses,
    "old_epoch_in_commands": scenarios.two_in_charge,
    "released_once_only": scenarios.a_release_is_lost,
    "release_forgotten_at_start": scenarios.an_order_and_a_death,
    "override_ignored": scenarios.an_order_and_a_death,
    "orders_forgotten_at_start": scenarios.an_order_and_a_death,
    "floor_ignored": scenarios.the_record_refuses,
    "protected_limited": scenarios.the_record_refuses,
    "renewed_for_ever": scenarios.a_release_is_lost,
    "no_deadline": scenarios.the_record_refuses,
    "replaced_goes_on": scenarios.two_in_charge,
    "settled_twice": scenarios.the_record_refuses,
    "no_not_heeded": scenarios.people_answer,
    "longest_call_begins_anew": scenarios.people_answer,
}
"""fault → the short evening that must show it"""


def planted(name: str) -> AbstractContextManager[None]:
    """While the block lasts."""
    return public.planted(BUGS[name])
