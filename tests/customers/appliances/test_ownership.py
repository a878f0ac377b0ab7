"""What customers could give by what they own: an expectation with bounds."""

import math
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances.kinds import KINDS
from customers.appliances.ownership import Ownership
from customers.appliances.use_files import default_use, load_use
from customers.appliances.values import Appliance, Observation
from customers.errors import RegistryRejected

EVENING, JULY = datetime(2026, 1, 12, 18, tzinfo=UTC), datetime(2026, 7, 12, 18, tzinfo=UTC)


def own(
    kind: str, kw: float, bought: date | None = None, confidence: float = 1.0, point: str = "p"
) -> Appliance:
    return Appliance(
        "C-1", point, kind, kw, bought, confidence, (Observation("l", kind, kw, bought, confidence),)
    )


def flexible(p_kw: float, at: datetime | None, *owned: Appliance) -> float:
    all_ = Ownership(owned, default_use())
    return all_.flexible_kw(all_.of("p"), p_kw, 0.5, at)


def test_a_house_that_takes_what_a_charger_takes_is_charging() -> None:
    charger = own("ev_charger", 11.0)
    assert flexible(12.0, EVENING, charger) == pytest.approx(11.0, abs=0.05)
    q, least = 0.039, 1.5
    assert flexible(2.0, EVENING, charger) == pytest.approx(q * least)
    assert flexible(0.4, EVENING, charger) == 0.0
    weight = q * math.exp(3.7)
    assert flexible(6.0, EVENING, own("ev_charger", 3.7)) == pytest.approx(3.7 * weight / (weight + 1 - q))


def test_season_hour_age_and_sureness_count() -> None:
    cooler = own("air_conditioner", 1.1)
    assert flexible(1.0, JULY, cooler) > 2 * flexible(1.0, EVENING, cooler)
    assert flexible(1.0, datetime(2026, 7, 12, 4, tzinfo=UTC), cooler) < flexible(1.0, JULY, cooler)
    new, old, gone = (own("boiler", 5.0, date(year, 1, 1)) for year in (2020, 2003, 1990))
    values = [flexible(2.0, EVENING, one) for one in (new, old, gone)]
    assert values[0] > values[1] > values[2] == 0.0
    assert flexible(2.0, EVENING, own("boiler", 5.0, None, 0.5)) == pytest.approx(values[0] / 2)
    assert flexible(2.0, None, new) > 0.0, "without a time the mean of all counts"


def test_what_takes_nothing_that_could_wait_gives_nothing() -> None:
    assert flexible(9.0, EVENING, own("pv_inverter", 8.0), own("battery", 5.0)) == 0.0


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.05, 350), st.floats(0, 1)), max_size=6),
    st.floats(-50, 400) | st.just(math.nan),
    st.datetimes(timezones=st.just(UTC)),
)
@profile(max_examples=80, deadline=None)
def test_never_more_than_the_meter_shows_above_the_least(
    owned: list[tuple[str, float, float]], p_kw: float, at: datetime
) -> None:
    found = flexible(p_kw, at, *(own(kind, kw, None, confidence) for kind, kw, confidence in owned))
    assert 0.0 <= found <= (max(p_kw - 0.5, 0.0) + 1e-9 if math.isfinite(p_kw) else 0.0)


def test_a_customer_who_moved_in_does_not_own_what_was_there() -> None:
    ownership = Ownership((own("boiler", 2.0),), default_use())
    assert ownership.of("p", "C-1")
    assert ownership.of("p", "C-2") == ownership.of("q") == ()


def test_the_table_of_the_package_is_whole() -> None:
    use = default_use()
    assert set(use.kinds) == set(KINDS)
    assert use.season(date(2026, 12, 31)) == use.season(date(2026, 3, 20)) == "winter"
    assert (use.season(date(2026, 3, 21)), use.season(date(2026, 9, 14))) == ("transition", "summer")
    assert all(set(one.share) == {"winter", "summer", "transition"} for one in use.kinds.values())


def test_a_sites_own_table_counts_where_it_says_something(tmp_path: Path) -> None:
    path = tmp_path / "use.toml"
    path.write_text(
        'other_kw = 2.0\n[seasons]\nwinter = ["05-15", "09-14"]\nsummer = ["11-01", "03-20"]\n'
        f"[boiler]\nwinter = {[0.5] * 24}\n"
    )
    use = load_use(path)
    assert (use.season(date(2026, 7, 1)), use.other_kw) == ("winter", 2.0)
    assert use.share("boiler", JULY) == 0.5
    assert use.kinds["boiler"].flexible == default_use().kinds["boiler"].flexible
    assert use.kinds["heat_pump"] == default_use().kinds["heat_pump"]
    assert load_use(None) is default_use()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[boiler]\nwinter = [1, 2]", "boiler.winter"),
        (f"[boiler]\nwinter = {[1.5] * 24}", "boiler.winter"),
        ("[boiler]\nlife_years = 0", "boiler.life_years"),
        ("[boiler]\nflexible = 2", "boiler.flexible"),
        ("[toaster]", "toaster"),
        ("boiler = 1", "boiler"),
        ("other_kw = 0", "other_kw"),
        ('[seasons]\nwinter = ["13-01", "03-20"]\nsummer = ["05-15", "09-31"]', "seasons.winter"),
        ("[", None),
    ],
)
def test_a_wrong_table_says_where(tmp_path: Path, text: str, where: str | None) -> None:
    path = tmp_path / "use.toml"
    path.write_text(text)
    with pytest.raises(RegistryRejected) as rejected:
        load_use(path)
    assert rejected.value.findings[0].field == where


@pytest.mark.soak
def test_the_shares_are_those_of_simbench() -> None:
    import numpy as np
    import pandas as pd
    import simbench

    profiles = simbench.get_all_simbench_profiles(2)["load"]
    at = pd.to_datetime(profiles["time"], format="%d.%m.%Y %H:%M")
    use = default_use()
    season = at.dt.date.map(use.season)
    for kind, names, hours in (("heat_pump", ("Air", "Soil"), 5), ("ev_charger", ("HLS",), 3)):
        columns = [c for c in profiles if c.startswith(names) and c.endswith("_pload")]
        mean = (profiles[columns] / profiles[columns].max()).mean(axis=1)
        for name, share in use.kinds[kind].share.items():
            by_hour = mean[season == name].groupby(at[season == name].dt.hour).mean().to_numpy()
            smooth = sum(np.roll(by_hour, k) for k in range(-(hours // 2), hours // 2 + 1)) / hours
            assert share == pytest.approx(smooth, abs=0.006)
