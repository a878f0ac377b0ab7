"""What a request is settled by: the rates and the baseline of its programme, or the site's own. Pure.

Step [8] of the path. Knows no request and no reading.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields

from msgspec.structs import replace

from controller.baselines import programmes as published
from controller.baselines.rules import Programme as Rule
from controller.requests import RequestRecord
from controller.settings import Rewards
from customers.programmes import LIVE_METER, Programme

RULES: Mapping[str, Rule] = {rule.name: rule for rule in published.PROGRAMMES}
"""The published rules by name"""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one request is settled."""

    rewards: Rewards
    rule: Rule | None = None
    """the published rule of the baseline; None: the live meter's"""
    needs_yes: bool = False
    """a request to a person counts only where they said that they take part"""

    def counts(self, record: RequestRecord) -> bool:
        """Whether what a request asked for counts for anything."""
        return not self.needs_yes or record.resource == "device" or record.said_yes


TermsOf = Callable[[str | None], Terms]
"""What holds for the programme that a request names; None, and whatever is not known, is the site's own."""


def terms_of(rewards: Rewards, programmes: Iterable[Programme] = ()) -> TermsOf:
    """The terms of a site and its programmes. Raises ValueError for a baseline that nobody has published."""
    site = Terms(rewards)
    known = {one.programme: _of_programme(rewards, one) for one in programmes}
    return lambda programme: site if programme is None else known.get(programme, site)


def apart(programmes: Mapping[str, Iterable[Programme]]) -> list[str]:
    """What is wrong with programmes by feeder: one of an id that is another one at another feeder. A request
    names the id only, so it could not be told by which of them it is settled.
    """
    first: dict[str, tuple[str, Programme]] = {}
    findings = []
    for feeder, several in programmes.items():
        for one in several:
            where, known = first.setdefault(one.programme, (feeder, one))
            if known != one:
                findings.append(
                    f"programme {one.programme!r}: expected the same terms at every feeder, those of feeder "
                    f"{where!r} and of feeder {feeder!r} differ in {', '.join(_differ(known, one))}"
                )
    return findings


def _differ(one: Programme, other: Programme) -> list[str]:
    return [
        field.name for field in fields(Programme) if getattr(one, field.name) != getattr(other, field.name)
    ]


def _of_programme(rewards: Rewards, programme: Programme) -> Terms:
    rates = replace(
        rewards,
        programme=programme.programme,
        points_per_kwh=programme.points_per_kwh,
        minor_units_per_kwh=programme.minor_units_per_kwh,
    )
    rule = None if programme.baseline == LIVE_METER else rule_named(programme.baseline)
    return Terms(rates, rule, needs_yes=programme.answer == "opt_in")


def counting(terms: TermsOf, records: Iterable[RequestRecord]) -> tuple[RequestRecord, ...]:
    """Those of several requests that count: only these share what a meter shows."""
    return tuple(record for record in records if terms(record.planned.programme).counts(record))


def rule_named(name: str) -> Rule:
    """The published rule of this name; raises ValueError that lists those there are."""
    if name not in RULES:
        raise ValueError(f"there is no baseline {name!r}; expected one of {', '.join(RULES)}")
    return RULES[name]
