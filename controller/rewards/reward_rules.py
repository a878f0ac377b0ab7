"""What earns points beside verified kWh, what points are good for, how long they last: rules as data. Pure.

Tables of `[rewards]` in SITE.toml. Amounts are whole points and whole minor units, bonuses whole percent;
days are calendar days in UTC, and a `valid_until` counts itself. Whether the rules make sense together is
told by `rule_faults`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from controller.rewards.months import Period, after_period
from controller.toml_lines import Place

Whole = Annotated[int, msgspec.Meta(ge=0)]
OneOrMore = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class Earning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one kind of fact earns."""

    rule: Name
    fact: Name
    """the kind of facts that it rewards, such as `bill_paid_on_time`"""
    points: Whole = 0
    """for each fact"""
    points_per_unit: Whole = 0
    """for each whole unit of the fact's amount: for 100 cents where the currency has cents"""
    cap_points: OneOrMore | None = None
    """the most that it gives one customer in a `cap_period`"""
    cap_period: Period = "year"
    tier_bonus: bool = True
    """the bonus of the customer's tier is added"""
    valid_from: date | None = None
    valid_until: date | None = None


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What who earns much is called, and gets more."""

    tier: Name
    from_points: Whole
    """earned in this calendar month and the twelve before it"""
    bonus_percent: Whole = 0
    """added to what earning rules give"""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that points are good for."""

    item: Name
    kind: Literal["gift", "coupon", "bill_credit"]
    points: OneOrMore
    names: dict[str, str]
    """language → what it is called"""
    minor_units: Whole = 0
    """of a bill credit: what the customer is credited in money"""
    stock: Whole | None = None
    """how many there are in all; None: as many as are wanted"""
    from_tier: Name | None = None
    """only for customers of this tier or a higher one"""
    valid_from: date | None = None
    valid_until: date | None = None


class Expiry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When points are gone that nobody used."""

    after_months: OneOrMore
    """whole months after the one, or the quarter, that they were earned in"""
    earned_in: Literal["month", "quarter"] = "month"

    def oldest_left(self, month: int) -> int:
        """Points earned before the month that this names are gone as `month` begins."""
        oldest = month - self.after_months
        while self.gone_in(oldest - 1) > month:
            oldest -= 1
        return oldest

    def gone_in(self, earned: int) -> int:
        """The month as which begins what was earned in a month is gone."""
        return after_period(earned, self.earned_in) + self.after_months


def is_valid(offer: Earning | Item, at: datetime) -> bool:
    """Whether a rule or an item holds on the day of an aware UTC time."""
    day = at.date()
    return (offer.valid_from is None or offer.valid_from <= day) and (
        offer.valid_until is None or day <= offer.valid_until
    )


def tier_of(tiers: Iterable[Tier], earned: int) -> Tier | None:
    """The highest tier that so many points reach; None below the lowest."""
    reached = [tier for tier in tiers if tier.from_points <= earned]
    return max(reached, key=lambda tier: tier.from_points, default=None)


def rule_faults(
    earning: Sequence[Earning], catalogue: Sequence[Item], tiers: Sequence[Tier]
) -> Iterator[tuple[Place, str]]:
    """What cannot be meant: (place in SITE.toml, what was expected)."""
    yield from _twice("earning", "rule", [rule.rule for rule in earning])
    yield from _twice("catalogue", "item", [item.item for item in catalogue])
    yield from _twice("tier", "tier", [tier.tier for tier in tiers])
    yield from _twice("tier", "from_points", [str(tier.from_points) for tier in tiers])
    for number, rule in enumerate(earning):
        place: Place = ("rewards", "earning", number)
        if not rule.points and not rule.points_per_unit:
            yield (*place, "rule"), "expected points or points_per_unit above 0, it earns nothing"
        yield from _days(rule, place)
    known = {tier.tier for tier in tiers}
    for number, item in enumerate(catalogue):
        place = ("rewards", "catalogue", number)
        yield from _item(item, place, known)
        yield from _days(item, place)
    yield from _bonuses(tiers)


def _twice(table: str, key: str, values: Sequence[str]) -> Iterator[tuple[Place, str]]:
    for number, value in enumerate(values):
        first = values.index(value)
        if first < number:
            found = f"expected each {key} once, {value} is rewards.{table}[{first + 1}] already"
            yield ("rewards", table, number, key), found


def _item(item: Item, place: Place, tiers: set[str]) -> Iterator[tuple[Place, str]]:
    if not item.names or not all(name.strip() for name in item.names.values()):
        yield (*place, "names"), "expected at least one language with a name, such as en = 'LED lamp'"
    if (item.kind == "bill_credit") != (item.minor_units > 0):
        expected = "expected above 0 for a bill_credit, and none for a gift or coupon"
        yield (*place, "minor_units"), f"{expected}; got {item.minor_units}"
    if item.from_tier is not None and item.from_tier not in tiers:
        known = ", ".join(sorted(tiers)) or "a [[rewards.tier]] of that name"
        yield (*place, "from_tier"), f"expected one of {known}, got {item.from_tier!r}"


def _days(offer: Earning | Item, place: Place) -> Iterator[tuple[Place, str]]:
    if (
        offer.valid_from is not None
        and offer.valid_until is not None
        and offer.valid_until < offer.valid_from
    ):
        expected = f"expected a day not before valid_from ({offer.valid_from}), got {offer.valid_until}"
        yield (*place, "valid_until"), expected


def _bonuses(tiers: Sequence[Tier]) -> Iterator[tuple[Place, str]]:
    ordered = sorted(tiers, key=lambda tier: tier.from_points)
    for lower, higher in pairwise(ordered):
        if higher.bonus_percent < lower.bonus_percent:
            place: Place = ("rewards", "tier", tiers.index(higher), "bonus_percent")
            least = f"{lower.bonus_percent}, that of {lower.tier}"
            yield place, f"expected at least {least}, got {higher.bonus_percent}"
