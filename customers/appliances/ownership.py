"""[4] What a customer could give by what they own, where no device is connected. Pure.

For each appliance: the share of its kind's rated power that runs at this hour and season (`use.toml`), less
for very old ones, which may be gone. The meter says more than the clock: a house that takes 12 kW and has a
charger of 11 kW is charging, most likely, and one that takes 2 kW is not. With q the share, r the
rated power and what else a house takes spread exponentially with mean b, Bayes' rule gives for an appliance
that is on or off

    P(on | meter shows p) = q e^(r/b) / (q e^(r/b) + 1 - q)   for p >= r,

as the densities at p - r and at p differ by e^(r/b). Below r it may still run at part load: q of what is
there. Appliances are taken one after the other, the largest first, each from what the ones before left. The
sum is never more than the meter shows above what nobody is asked to go below. It is an expectation for many
houses, no promise of one: nobody's plan counts on it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from customers.appliances.values import Appliance

_LARGEST_EXPONENT = 50.0


@dataclass(frozen=True, slots=True)
class Use:
    """How one kind of appliance is used."""

    share: Mapping[str, tuple[float, ...]]
    """24 shares of the rated power, from 00:00 local time, by season"""
    flexible: float
    """of what runs, the share that can wait"""
    life_years: float
    """fewer and fewer are left beyond this age, none at twice of it"""


@dataclass(frozen=True)
class UseTable:
    """How all kinds are used."""

    kinds: Mapping[str, Use]
    seasons: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
    """(month, day) of the first and last day, by season; all other days are the season `otherwise`"""
    otherwise: str
    other_kw: float
    """what else a house takes on average, kW"""

    def season(self, day: date) -> str:
        """The season of a day."""
        at = (day.month, day.day)
        for season, (first, last) in self.seasons.items():
            if (first <= at <= last) if first <= last else (at >= first or at <= last):
                return season
        return self.otherwise

    def share(self, kind: str, local: datetime | None) -> float:
        """The share of a kind's rated power that runs at a local time; the mean of all without one."""
        use = self.kinds[kind]
        if local is not None:
            return use.share[self.season(local.date())][local.hour]
        return math.fsum(sum(hours) for hours in use.share.values()) / (24 * len(use.share))

    def left(self, appliance: Appliance, today: date | None) -> float:
        """The probability that it is still there."""
        if appliance.bought_on is None or today is None:
            return 1.0
        years = (today - appliance.bought_on).days / 365.25
        life = self.kinds[appliance.kind].life_years
        return min(max(2.0 - years / life, 0.0), 1.0)


@dataclass(frozen=True)
class Ownership:
    """Who owns what on one feeder, and how it is used."""

    appliances: tuple[Appliance, ...]
    use: UseTable
    by_service_point: Mapping[str, tuple[Appliance, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Appliance]] = defaultdict(list)
        for one in sorted(self.appliances, key=lambda one: (-one.rated_kw, one.kind)):
            found[one.service_point].append(one)
        object.__setattr__(self, "by_service_point", {name: tuple(all_) for name, all_ in found.items()})

    def of(self, service_point: str, customer: str | None = None) -> tuple[Appliance, ...]:
        """What is owned there, of this customer only where one is given: who lived there before is another
        household.
        """
        owned = self.by_service_point.get(service_point, ())
        return owned if customer is None else tuple(one for one in owned if one.customer == customer)

    def flexible_kw(
        self, owned: Iterable[Appliance], p_kw: float, least_kw: float, local: datetime | None
    ) -> float:
        """What they could give while the meter shows `p_kw` and nobody is asked to go below `least_kw`.

        `owned` with the largest first; `local` is the time there, None where nobody tells it.
        """
        left_kw = max(p_kw - least_kw, 0.0)
        if not math.isfinite(left_kw):
            return 0.0
        flexible_kw = 0.0
        for one in owned:
            running = self._running(one, left_kw, local)
            taken_kw = running * min(one.rated_kw, left_kw)
            flexible_kw += taken_kw * self.use.kinds[one.kind].flexible
            left_kw -= taken_kw
        return flexible_kw

    def _running(self, one: Appliance, left_kw: float, local: datetime | None) -> float:
        """The probability that it runs, as the meter shows so much that may be its own."""
        today = None if local is None else local.date()
        share = self.use.share(one.kind, local) * self.use.left(one, today) * one.confidence
        if left_kw < one.rated_kw or share in (0.0, 1.0):
            return share
        weight = share * math.exp(min(one.rated_kw / self.use.other_kw, _LARGEST_EXPONENT))
        return weight / (weight + 1.0 - share)
