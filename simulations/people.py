"""People who get a notice: some follow it after a while, until its end. Pure: time is passed in.

A first notice is followed or not by the scenario's chance; a later word on the same request (a new end, an
early release) only moves the end for those who follow it. Reminders and thanks change nothing.
"""

from datetime import datetime, timedelta

import numpy as np

from devices.messages import CustomerNotice
from simulations.draws import stream
from simulations.occurrences import Due, PersonActs
from simulations.population import Population
from simulations.scenario import Scenario


class Residents:
    """All customers of a feeder, each with dice of their own."""

    def __init__(self, population: Population, scenario: Scenario) -> None:
        self._people = scenario.people
        self._seed = scenario.seed
        self._place = {c.customer: n for n, c in enumerate(population.registry.customers)}
        self._dice: dict[int, np.random.Generator] = {}
        self._follows: dict[str, bool] = {}
        self._cuts_until: dict[int, datetime] = {}
        self.notices = 0
        """first notices that were read"""
        self.followed = 0

    def receive(self, notice: CustomerNotice, now: datetime) -> list[Due]:
        """A notice is read at once; what it leads to is due later."""
        place = self._place.get(notice.customer)
        if place is None or notice.kind not in ("notice", "taken_back"):
            return []
        if notice.request in self._follows:
            return self._moved(notice, place, now)
        dice = self._dice.setdefault(place, stream(self._seed, "person", place))
        follows = bool(dice.random() < self._people.comply)
        after = timedelta(seconds=self._people.reaction_s * (0.5 + dice.random()))
        self._follows[notice.request] = follows
        self.notices += 1
        begins = max(now + after, notice.start)
        if not follows or begins >= notice.end:
            return []
        self.followed += 1
        self._cuts_until[place] = notice.end
        return [Due(begins, PersonActs(place, True)), Due(notice.end, PersonActs(place, False))]

    def still_due(self, what: PersonActs, now: datetime) -> bool:
        """Whether a planned act still stands: the end may have moved since."""
        until = self._cuts_until.get(what.service_point)
        return until is not None and (now < until if what.cutting else now >= until)

    def _moved(self, notice: CustomerNotice, place: int, now: datetime) -> list[Due]:
        if not self._follows[notice.request]:
            return []
        until = max(notice.end, now)
        self._cuts_until[place] = until
        return [Due(until, PersonActs(place, False))]
