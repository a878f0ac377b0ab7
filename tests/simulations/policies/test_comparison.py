"""A village's busiest hour under policies, on two seeds: what the figures must add up to, and the files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from simulations.policies.comparison import Comparison, compare, ratios, write
from simulations.policies.names import POLICIES, chosen
from simulations.scenario_file import parse_scenario

VILLAGE = """\
title = "A village <in winter>"
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T17:30:00+00:00"
days = 0.04
[shares]
ev = 0.6
heat_pump = 0.2
critical = 0.08
[devices]
refuse = 0.08
late = 0.08
[people]
share = 1.0
[weather]
shift_k = 6
"""
NAMES = chosen("blanket,ours,late,optimum")


@pytest.fixture(scope="module")
def told() -> list[tuple[int, str]]:
    return []


@pytest.fixture(scope="module")
def comparison(told: list[tuple[int, str]]) -> Comparison:
    return compare(
        parse_scenario(VILLAGE), NAMES, (5, 6), "1.2.3", lambda seed, name: told.append((seed, name))
    )


def figure(comparison: Comparison, name: str, key: str) -> list[Any]:
    table = comparison.table
    return table[table["policy"] == name][key].tolist()


def test_every_policy_meets_every_seed(comparison: Comparison, told: list[tuple[int, str]]) -> None:
    assert told == [(seed, name) for seed in (5, 6) for name in NAMES]
    assert comparison.broken == ()


def test_the_optimum_leaves_nothing_and_holds_back_least(comparison: Comparison) -> None:
    assert min(figure(comparison, "none", "clearable_minutes")) > 15
    assert figure(comparison, "optimum", "clearable_minutes") == [0, 0]
    for name in ("blanket", "ours"):
        for key in ("cut_kwh", "less_kwh"):
            assert all(share > 0 for share in ratios(comparison.results["runs"], name, "optimum", key))


def test_how_much_more_than_the_optimum_together_and_seed_by_seed(comparison: Comparison) -> None:
    ours, best = figure(comparison, "ours", "cut_kwh"), figure(comparison, "optimum", "cut_kwh")
    more = comparison.results["against"]["optimum"]["ours"]["cut_kwh"]
    assert more["together"] == pytest.approx(sum(ours) / sum(best) - 1, abs=1e-4)
    each = [one / least - 1 for one, least in zip(ours, best, strict=True)]
    assert more["mean"] == pytest.approx(sum(each) / 2, abs=1e-4)
    assert more["low"] < more["mean"] < more["high"]
    assert "none" not in comparison.results["against"]["optimum"]


def test_what_nobody_can_clear_is_over_under_every_policy_and_told_apart(comparison: Comparison) -> None:
    left = figure(comparison, "optimum", "minutes_over_limit")
    assert left[0] == 0 < left[1]
    assert (
        figure(comparison, "none", "minutes_over_limit")[1]
        > figure(comparison, "none", "clearable_minutes")[1]
    )
    for name in ("blanket", "ours", "late"):
        assert all(
            one >= least
            for one, least in zip(figure(comparison, name, "minutes_over_limit"), left, strict=True)
        )


def test_who_knows_only_the_step_before_leaves_the_first_minute_of_each_rise(comparison: Comparison) -> None:
    assert min(figure(comparison, "late", "minutes_over_limit")) > 0
    late, ours = figure(comparison, "late", "left_minutes"), figure(comparison, "ours", "left_minutes")
    assert max(ours) <= 1 < min(late)


def test_what_is_not_taken_is_taken_later_or_missing(comparison: Comparison) -> None:
    for name in NAMES:
        for row in comparison.table[comparison.table["policy"] == name].to_dict("records"):
            assert row["net_kwh"] == pytest.approx(row["less_kwh"] - row["back_kwh"], abs=0.002)
            assert row["net_kwh"] == pytest.approx(
                figure(comparison, "none", "energy_kwh")[row["seed"] - 5] - row["energy_kwh"], abs=0.02
            )
    assert min(figure(comparison, "blanket", "ev_behind_kwh")) > 0
    assert figure(comparison, "blanket", "car_hours_later") == [0.167, 0.0]  # it ends before most are full
    assert figure(comparison, "none", "car_hours_later") == [0, 0]
    assert figure(comparison, "none", "cut_kwh") == [0, 0]


def test_a_run_without_control_sends_nothing_and_only_ours_keeps_books(comparison: Comparison) -> None:
    assert figure(comparison, "none", "commands") == [0, 0]
    assert min(figure(comparison, "blanket", "commands")) > min(figure(comparison, "blanket", "requests")) > 0
    assert comparison.results["policies"]["ours"]["means"]["credited_minor_units"]["mean"] > 0
    assert "credited_minor_units" not in comparison.results["policies"]["blanket"]["means"]


def test_the_blanket_burdens_more_evenly_than_the_optimum(comparison: Comparison) -> None:
    pairs = zip(
        figure(comparison, "blanket", "customers_cut"),
        figure(comparison, "optimum", "customers_cut"),
        strict=True,
    )
    assert all(blanket >= optimum > 0 for blanket, optimum in pairs)
    assert figure(comparison, "blanket", "gini") < figure(comparison, "optimum", "gini")


def test_the_files_say_the_same_and_titles_are_escaped(comparison: Comparison, tmp_path: Path) -> None:
    write(comparison, tmp_path)
    results = json.loads((tmp_path / "policies.json").read_text(encoding="utf-8"))
    assert results == comparison.results
    table = pd.read_parquet(tmp_path / "policies.parquet", engine="fastparquet")
    assert len(table) == len(NAMES) * 2
    loading = pd.read_parquet(tmp_path / "loading.parquet", engine="fastparquet")
    assert loading.groupby(["policy", "seed"]).size().nunique() == 1
    text = (tmp_path / "policies.html").read_text(encoding="utf-8")
    assert "A village &lt;in winter&gt;" in text
    assert "<in winter>" not in text
    for name in NAMES:
        assert POLICIES[name].label in text


def test_names_are_put_in_order_and_wrong_ones_told() -> None:
    assert chosen("optimum, ours") == ("none", "ours", "optimum")
    assert chosen("all")[-1] == "optimum"
    assert set(chosen("all,without")) == set(POLICIES)
    with pytest.raises(ValueError, match="there is no policy 'best'; expected all, without, or some of none"):
        chosen("ours,best")
    with pytest.raises(ValueError, match="no policy is named"):
        chosen(" ,")
