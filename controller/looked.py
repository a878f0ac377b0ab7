"""A feeder as it was looked at last, for whoever decides between two cycles: a person. Pure."""

from dataclasses import dataclass
from datetime import datetime

from controller.books import Books
from controller.cycle import Decisions, Surroundings, situation_of
from controller.feeder_control import FeederControl
from controller.memory import Memory
from controller.operators import Orders
from controller.situation import Situation


@dataclass(frozen=True)
class Looked:
    """The latest check with what is known now."""

    situation: Situation
    excluded: frozenset[str]
    """targets that operators took out until they are handed back"""
    at: datetime
    """of the check"""


def looked(
    control: FeederControl,
    books: Books,
    memory: Memory,
    latest: Decisions,
    *,
    orders: Orders,
    epoch: int,
    now: datetime,
    good: bool,
) -> Looked:
    """`latest`: what the latest cycle that succeeded decided; `good`: the data were good then and are now. No
    event stands in the situation: a person needs none.
    """
    around = Surroundings(now=now, epoch=epoch, orders=orders, fleet_budget_kw=float("inf"))
    situation = situation_of(control, books, memory, latest.check, good=good, around=around)
    return Looked(situation, orders.excluded.get(control.feeder, frozenset()), latest.sample.at)
