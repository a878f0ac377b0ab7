"""Rules as data: when points expire, who is in which tier, and what a settings file cannot mean."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from controller.errors import ConfigRejected
from controller.rewards.months import after_period, month_name, month_of, period_name
from controller.rewards.reward_rules import Earning, Expiry, Item, Tier, is_valid, tier_of
from controller.settings_file import load_site

SITE = """\
name = "s"
[[feeder]]
id = "f"
network = "net.json"
customers = "customers.csv"
devices = "devices.csv"
[rewards]
budget_points = 1_000_000
[rewards.expiry]
after_months = 12
earned_in = "quarter"
[[rewards.tier]]
tier = "silver"
from_points = 300
bonus_percent = 5
[[rewards.earning]]
rule = "on-time"
fact = "bill_paid_on_time"
points = 50
cap_points = 600
cap_period = "year"
valid_until = 2026-12-31
[[rewards.catalogue]]
item = "lamp"
kind = "gift"
points = 100
names = { en = "LED lamp", de = "LED-Lampe" }
from_tier = "silver"
"""


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    for name in ("customers.csv", "devices.csv", "net.json"):
        (tmp_path / name).touch()
    return tmp_path / "site.toml"


def number(year: int, month: int) -> int:
    return month_of(datetime(year, month, 28, tzinfo=UTC))


def test_months_by_name_and_number() -> None:
    at = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert month_name(month_of(at)) == "2026-01"
    assert [period_name(at, "month"), period_name(at, "quarter"), period_name(at, "year")] == [
        "2026-01", "2026-Q1", "2026",
    ]  # fmt: skip
    assert period_name(datetime(2026, 12, 31, tzinfo=UTC), "quarter") == "2026-Q4"
    assert number(2026, 1) - number(2025, 12) == 1
    assert month_name(after_period(number(2026, 11), "quarter")) == "2027-01"


@pytest.mark.parametrize(
    ("earned", "expiry", "gone"),
    [
        ((2026, 1), Expiry(after_months=1), (2026, 3)),
        ((2026, 12), Expiry(after_months=12), (2028, 1)),
        ((2026, 1), Expiry(after_months=3, earned_in="quarter"), (2026, 7)),
        ((2026, 3), Expiry(after_months=3, earned_in="quarter"), (2026, 7)),
        ((2026, 4), Expiry(after_months=3, earned_in="quarter"), (2026, 10)),
    ],
)
def test_points_are_gone_after_whole_months(
    earned: tuple[int, int], expiry: Expiry, gone: tuple[int, int]
) -> None:
    assert expiry.gone_in(number(*earned)) == number(*gone)


@pytest.mark.parametrize("earned_in", ["month", "quarter"])
@pytest.mark.parametrize("after_months", [1, 2, 5, 24])
def test_what_is_left_and_what_is_gone_meet(earned_in: str, after_months: int) -> None:
    expiry = Expiry(after_months=after_months, earned_in=earned_in)  # type: ignore[arg-type]
    for present in range(number(2026, 1), number(2027, 1)):
        oldest = expiry.oldest_left(present)
        assert expiry.gone_in(oldest - 1) <= present < expiry.gone_in(oldest)


def test_tiers_by_what_was_earned() -> None:
    tiers = (Tier(tier="gold", from_points=100), Tier(tier="silver", from_points=10))
    found = [tier_of(tiers, earned) for earned in (9, 10, 99, 100)]
    assert [tier and tier.tier for tier in found] == [None, "silver", "silver", "gold"]


def test_an_offer_holds_on_its_first_and_last_day() -> None:
    rule = Earning(rule="r", fact="f", points=1, valid_from=date(2026, 3, 1), valid_until=date(2026, 3, 2))
    days = [datetime(2026, 2, 28, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
    days += [datetime(2026, 3, 2, 23, 59, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)]
    assert [is_valid(rule, at) for at in days] == [False, True, True, False]
    assert is_valid(Item(item="i", kind="gift", points=1, names={"en": "x"}), days[0])


def test_rules_are_read_from_the_site_file(site_file: Path) -> None:
    site_file.write_text(SITE)
    rewards = load_site(site_file).rewards
    assert rewards.earning == (
        Earning(
            rule="on-time",
            fact="bill_paid_on_time",
            points=50,
            cap_points=600,
            valid_until=date(2026, 12, 31),
        ),
    )
    assert rewards.catalogue[0].names == {"en": "LED lamp", "de": "LED-Lampe"}
    assert rewards.tier == (Tier(tier="silver", from_points=300, bonus_percent=5),)
    assert rewards.expiry == Expiry(after_months=12, earned_in="quarter")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'from_tier = "silver"',
            'from_tier = "gold"',
            "rewards.catalogue[1].from_tier: expected one of silver",
        ),
        ("points = 50", "points = 0", "line 17: rewards.earning[1].rule: expected points or points_per_unit"),
        ("points = 50", "points = -1", "line 19: rewards.earning[1].points"),
        ("points = 50", "points = 0.5", "line 19: rewards.earning[1].points: expected"),
        ('kind = "gift"', 'kind = "bill_credit"', "minor_units: expected above 0 for a bill_credit"),
        ('kind = "gift"', 'kind = "gold"', "rewards.catalogue[1].kind: expected one of 'gift'"),
        (
            'names = { en = "LED lamp", de = "LED-Lampe" }',
            "names = {}",
            "names: expected at least one language",
        ),
        ('names = { en = "LED lamp", de = "LED-Lampe" }', 'names = { en = " " }', "names: expected"),
        (
            "valid_until = 2026-12-31",
            "valid_until = 2026-12-31\nvalid_from = 2027-01-01",
            "expected a day not before valid_from",
        ),
        (
            "valid_until = 2026-12-31",
            'valid_until = "soon"',
            "rewards.earning[1].valid_until: expected a date such as 2026-12-31",
        ),
        ("after_months = 12", "after_months = 0", "rewards.expiry.after_months"),
        ("budget_points = 1_000_000", "budget_points = -1", "rewards.budget_points"),
        ('rule = "on-time"', 'rule = "on time"', "rewards.earning[1].rule"),
        ('rule = "on-time"', 'rule = "on-time\\n"', "rewards.earning[1].rule"),
    ],
)
def test_what_a_site_file_cannot_mean(site_file: Path, old: str, new: str, said: str) -> None:
    assert old in SITE
    site_file.write_text(SITE.replace(old, new))
    with pytest.raises(ConfigRejected) as rejected:
        load_site(site_file)
    assert said in str(rejected.value)
    assert len(rejected.value.findings) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            '[[rewards.tier]]\ntier = "silver"\nfrom_points = 500\nbonus_percent = 5',
            "rewards.tier[1] already",
        ),
        ('[[rewards.tier]]\ntier = "gold"\nfrom_points = 300\nbonus_percent = 5', "300 is rewards.tier[1]"),
        ('[[rewards.tier]]\ntier = "gold"\nfrom_points = 500', "expected at least 5, that of silver, got 0"),
        (
            '[[rewards.earning]]\nrule = "on-time"\nfact = "x"\npoints = 1',
            "on-time is rewards.earning[1] already",
        ),
        (
            '[[rewards.catalogue]]\nitem = "lamp"\nkind = "gift"\npoints = 1\nnames = { en = "x" }',
            "lamp is rewards.catalogue[1] already",
        ),
        ('[[rewards.tier]]\ntier = "x"\nfrom_points = 500\nbonus_per = 5', "did you mean bonus_percent?"),
    ],
)
def test_rules_that_contradict_each_other(site_file: Path, more: str, said: str) -> None:
    site_file.write_text(f"{SITE}{more}\n")
    with pytest.raises(ConfigRejected) as rejected:
        load_site(site_file)
    assert said in str(rejected.value)
