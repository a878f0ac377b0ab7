from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from grid_model.network import load_network
from simulations.profiles import (
    BaseLoad,
    evening_curve,
    load_profiles,
    quarter_of_2016,
    quarters_of_2016,
)

DAY = datetime(2016, 1, 12, tzinfo=UTC)


def test_households_are_those_of_simbench() -> None:
    """Against simbench's own product of power and profile."""
    import simbench

    code = "1-LV-rural1--0-sw"
    network = load_network(f"simbench:{code}", metered_generation=True)
    start = datetime(2016, 6, 12, tzinfo=UTC)
    base = load_profiles(network, start, 1.0, np.random.default_rng(1))
    net = simbench.get_simbench_net(code)
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    rows = slice(quarter_of_2016(start), quarter_of_2016(start) + len(base.p_kw))
    expected = 1000 * values["load", "p_mw"].to_numpy()[rows]
    for index, unit in net.sgen.iterrows():
        expected[:, list(net.load.bus).index(unit.bus)] -= (
            1000 * values["sgen", "p_mw"][index].to_numpy()[rows]
        )
    assert base.p_kw == pytest.approx(expected, abs=1e-9)
    assert base.p_kw.min() < -1  # at noon in June the roofs feed back
    assert base.q_kvar == pytest.approx(1000 * values["load", "q_mvar"].to_numpy()[rows], abs=1e-9)


def test_between_quarters_lines_are_straight() -> None:
    base = BaseLoad(np.array([[0.0], [4.0], [2.0]]), np.zeros((3, 1)))
    assert [float(base.at(s)[0][0]) for s in (0, 450, 900, 1350, 9999)] == [0, 2, 4, 3, 2]


def test_a_run_that_starts_between_quarters_has_the_load_of_its_own_time() -> None:
    network = load_network("simbench:1-LV-rural1--0-sw", metered_generation=True)
    whole, later = (
        load_profiles(network, DAY.replace(hour=18, minute=minute), 0.1, np.random.default_rng(1))
        for minute in (0, 10)
    )
    assert later.at(120.0)[0] == pytest.approx(whole.at(720.0)[0])
    assert later.at(3000.0)[0] == pytest.approx(whole.at(3600.0)[0])


def test_the_year_is_found_and_goes_round() -> None:
    assert quarter_of_2016(DAY) == 11 * 96
    assert quarter_of_2016(DAY.replace(year=2027)) == 11 * 96
    network = load_network("simbench:1-LV-rural1--0-sw", metered_generation=True)
    end_of_year = load_profiles(
        network, datetime(2016, 12, 31, 12, tzinfo=UTC), 1.0, np.random.default_rng(1)
    )
    new_year = load_profiles(network, datetime(2016, 1, 1, tzinfo=UTC), 0.5, np.random.default_rng(1))
    assert end_of_year.p_kw[48:96] == pytest.approx(new_year.p_kw[:48])


@pytest.mark.parametrize("year", [2015, 2016, 2023, 2024])
def test_every_quarter_has_the_profile_of_its_own_date_leap_years_or_not(year: int) -> None:
    start = datetime(year, 2, 28, 23, 50, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    days = 330
    rows = quarters_of_2016(start, 96 * days)
    for quarter in (0, 1, 97, 96 * 40, 96 * 307 + 3, 96 * days - 1):
        assert rows[quarter] == quarter_of_2016(start + timedelta(minutes=15 * quarter)), quarter


def test_other_networks_get_an_evening() -> None:
    network = load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)
    base = load_profiles(network, DAY, 1.0, np.random.default_rng(1))
    total = base.p_kw[:96].sum(axis=1)
    assert 17 * 4 <= int(np.argmax(total)) <= 21 * 4
    assert total.max() == pytest.approx(network.default_p_kw.sum(), rel=0.4)
    assert float(evening_curve(np.array([19.0]))[0]) == 1.0
