"""From a table of runs to what a planner is told; the table is made here, row by row."""

import json
import math
import re
from typing import Any

import msgspec
import pandas as pd
import pytest

from simulations.studies.answers import cases_of, money, percent
from simulations.studies.proportions import mean_interval, wilson
from simulations.studies.reinforcement import annuity_factor, reinforcement
from simulations.studies.results_table import days_factor
from simulations.studies.sentences import left, need, worth
from simulations.studies.study import Base, Costs, Question, Seeds, Study, Vary
from simulations.studies.study_report import report
from simulations.studies.summary import summary
from simulations.studies.threshold import threshold

QUESTION = Question()


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998)
        # 857–872, Table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(hits: int, count: int, low: float, high: float) -> None:
    interval = wilson(hits, count, 0.95)
    assert interval.estimate == hits / count
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_all_and_of_none() -> None:
    assert (wilson(5, 5, 0.9).high, wilson(0, 5, 0.9).low) == (1.0, 0.0)
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0, 0.95)


def test_the_mean_s_interval_is_student_s() -> None:
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert interval.estimate == 3
    assert interval.high - 3 == pytest.approx(2.7764 * math.sqrt(2.5 / 5), rel=1e-4)  # t of 4 degrees
    assert math.isinf(mean_interval([1.0], 0.95).high)


def test_annuities() -> None:
    assert annuity_factor(5, 40) == pytest.approx(0.058278, abs=1e-6)  # tables of capital recovery factors
    assert annuity_factor(8, 10) == pytest.approx(0.149029, abs=1e-6)
    assert annuity_factor(0, 40) == 1 / 40
    assert annuity_factor(1e-9, 40) == pytest.approx(1 / 40)


def _line(percent_: float, km: float = 0.5, allowed: float = 100.0) -> dict[str, Any]:
    return {
        "id": "line:1",
        "kind": "line",
        "allowed_percent": allowed,
        "uncontrolled_percent": percent_,
        "controlled_percent": 90.0,
        "km": km,
    }


def _transformer(percent_: float, kva: float = 160.0) -> dict[str, Any]:
    line = _line(percent_)
    del line["km"]
    return line | {"id": "trafo:0", "kind": "transformer", "kva": kva}


@pytest.mark.parametrize(
    ("element", "km", "kva", "investment"),
    [
        (_line(100.0), 0, 0, 0),
        (_line(100.1), 0.5, 0, 45_000),
        (_line(200.0), 0.5, 0, 45_000),
        (_line(200.1), 1.0, 0, 90_000),
        (_line(81.0, allowed=80.0), 0.5, 0, 45_000),
        (_transformer(99.0), 0, 0, 0),
        (_transformer(120.0), 0, 250, 8_000 + 250 * 25),
        (_transformer(300.0), 0, 630, 8_000 + 630 * 25),
        (_transformer(700.0), 0, 2000, 2 * (8_000 + 1000 * 25)),
    ],
)
def test_what_has_to_be_built(element: dict[str, Any], km: float, kva: float, investment: float) -> None:
    built = reinforcement([element], "uncontrolled", Costs())
    assert (built.line_km, built.transformer_kva, built.investment) == (km, kva, investment)
    assert reinforcement([element], "controlled", Costs()).investment == (
        45_000 if element["allowed_percent"] < 90 else 0
    )
    if km:
        assert built.per_year == pytest.approx(investment * annuity_factor(5, 45))


def test_a_year_of_days() -> None:
    costs = Costs(like_days_per_year=60)
    assert [days_factor(days, costs) for days in (0.2, 1, 2, 366)] == [60, 60, 30, pytest.approx(365 / 366)]


def rows(exceeding: dict[float, int], seeds: int = 10, **more: Any) -> pd.DataFrame:
    """`exceeding` of the seeds of each share are over the limit for half an hour."""
    return pd.DataFrame(
        [
            {
                "run": f"{share}-{seed}",
                "seed": seed,
                "shares.ev": share,
                "network": "a & b",
                "start": "2016-01-12T16:30:00+00:00",
                "days": 0.2,
                "loading_limit_percent": 100.0,
                "uncontrolled_minutes_over_limit": 30.0 if seed < hits else 0.0,
                "uncontrolled_minutes_not_converged": 0.0,
                "controlled_minutes_over_limit": 0.0,
                "uncontrolled_peak_loading_percent": 120.0,
                "controlled_peak_loading_percent": 99.0,
                "curtailed_kwh": 3.0,
                "reinforcement_investment": 10_000.0 * hits,
                "reinforcement_per_year": 600.0 * hits + seed,
                "control_per_year": 1_000.0 + seed,
                "saved_per_year": 600.0 * hits - 1_000.0 - seed % 3,
                "control_spares_reinforcement": seed != 0 or hits < 10,
                "promises_broken": 0,
                "warnings": "",
            }
            | more
            for share, hits in exceeding.items()
            for seed in range(seeds)
        ]
    )


@pytest.mark.parametrize(
    ("exceeding", "needed", "sure", "below"),
    [
        ({0.1: 0, 0.2: 1, 0.3: 5, 0.4: 10}, 0.2, 0.3, None),
        (
            {0.1: 0, 0.2: 5, 0.3: 0, 0.4: 10},
            0.4,
            0.4,
            None,
        ),  # a share between that needs none is not "from on"
        ({0.1: 0, 0.2: 0}, None, None, None),
        ({0.1: 9, 0.2: 9}, 0.1, 0.1, None),
    ],
)
def test_thresholds(
    exceeding: dict[float, int], needed: float | None, sure: float | None, below: float | None
) -> None:
    found = threshold(rows(exceeding), QUESTION)
    assert (found.needed_from, found.sure_from, found.sure_below) == (needed, sure, below)


def test_many_seeds_make_sure_of_what_is_not_needed() -> None:
    found = threshold(rows({0.1: 0, 0.2: 1, 0.3: 60}, seeds=100), QUESTION)
    assert (found.needed_from, found.sure_from, found.sure_below) == (0.3, 0.3, 0.1)
    assert found.at[1].chance.high > 0.05


def test_minutes_that_are_tolerated_do_not_count() -> None:
    question = msgspec.structs.replace(QUESTION, more_than_minutes_per_day=30.0)
    assert threshold(rows({0.4: 10}), question).needed_from is None


STUDY = Study(
    title="Cars <b>",
    base=Base(scenario="small"),
    vary=(
        Vary(path="network.source", values=("n1", "n2"), names=("one <i>", "two")),
        Vary(path="shares.ev", values=(0.1, 0.2, 0.3), label="Share of homes & cars"),
    ),
    seeds=Seeds(count=10),
)


def two_cases() -> pd.DataFrame:
    return pd.concat(
        [
            rows({0.1: 0, 0.2: 2, 0.3: 10}, **{"network.source": "n1"}),
            rows({0.1: 0, 0.2: 0, 0.3: 0}, **{"network.source": "n2"}),
        ],
        ignore_index=True,
    )


def test_cases_are_all_but_the_share_and_each_is_answered() -> None:
    one, two = cases_of(STUDY, two_cases())
    assert (one.name, two.name) == ("one <i>", "two")
    told = need(one, QUESTION).replace("\N{NO-BREAK SPACE}", " ")
    assert told.startswith(
        "needed from 20 % on: there 2 of 10 seeds are over the limit when left alone (95 %"
    )
    assert told.endswith("Certain from 20 % on (with 95 % confidence).")
    told = need(two, QUESTION).replace("\N{NO-BREAK SPACE}", " ")
    assert told.startswith("not needed up to 30 %, the highest share that was looked at: there 0 of 10 seeds")
    assert told.endswith("too few seeds to be sure of it")


def test_a_case_without_a_name_says_of_what_its_number_is() -> None:
    power = Vary(path="ev.power_kw", values=(3.7, 22.0))
    study = msgspec.structs.replace(STUDY, vary=(power, STUDY.vary[1]))
    table = two_cases().rename(columns={"network.source": "ev.power_kw"}).replace({"n1": 3.7, "n2": 22.0})
    assert [case.name for case in cases_of(study, table)] == ["ev.power_kw 3.7", "ev.power_kw 22"]


def test_worth_says_which_is_cheaper_or_that_nobody_knows() -> None:
    one, two = cases_of(STUDY, two_cases())
    low, middle, high = one.at
    costs = Costs()
    assert "certain" not in worth(middle, costs, 0.95)
    assert worth(high, costs, 0.95).endswith("control is cheaper")
    assert worth(low, costs, 0.95).endswith("reinforcement is cheaper")
    unclear = two_cases().assign(saved_per_year=lambda table: table["seed"] - 4.5)
    assert "not certain from these seeds" in worth(cases_of(STUDY, unclear)[0].at[0], costs, 0.95)
    assert "nothing would have to be reinforced" in worth(
        cases_of(STUDY, two_cases().assign(reinforcement_per_year=0.0))[0].at[0], costs, 0.95
    )
    assert left(high, QUESTION).startswith("in 1 of 10 seeds control leaves more than 15 minutes a day")
    assert left(low, QUESTION).startswith("in no seed more than")
    assert two.at[0].exceeding == 0


def test_without_a_share_each_case_is_answered_by_itself() -> None:
    study = msgspec.structs.replace(STUDY, vary=STUDY.vary[:1])
    one, _ = cases_of(study, two_cases()[lambda table: table["shares.ev"] == 0.3])
    assert one.threshold is None
    assert need(one, QUESTION).startswith("needed: 10 of 10 seeds")
    for page in (report, summary):
        assert "one &lt;i&gt;" in page(study, two_cases(), 60, "1.2.3")


def test_the_report_stands_alone_and_escapes() -> None:
    page = report(STUDY, two_cases(), 60, "1.2.3")
    head = page.split("<script>")[0]
    assert "Cars &lt;b&gt;" in head
    assert "<b>Cars" not in head
    assert "<i>" not in head
    assert "unfinished'>" not in head
    assert "60 of 70 runs are finished" in report(STUDY, two_cases(), 70, "1.2.3")
    assert re.search(r"https?://", head) is None
    for figure in ("chance", "cost", "saved", "peak0", "minutes0", "peak1", "minutes1"):
        assert f'id="{figure}"' in page.replace("'", '"')
        assert f'"{figure}":{{"data":[{{' in page


def test_what_was_noticed_about_the_input_is_told_once() -> None:
    table = two_cases().assign(warnings="loads.csv: load:0 <takes> much\ntwo storages are left out")
    head = report(STUDY, table, 60, "1.2.3").split("<script>")[0]
    assert head.count("Note: loads.csv: load:0 &lt;takes&gt; much.") == 1
    assert head.count("two storages") == 1


def test_the_line_that_peaks_are_held_against_is_the_limit_of_the_runs() -> None:
    table = two_cases()
    table.loc[table["network.source"] == "n2", "loading_limit_percent"] = 60.0
    figures = json.loads(report(STUDY, table, 60, "1.2.3").split("const charts = ")[1].split(";\n")[0])
    assert [figures[name]["layout"]["shapes"][0]["y0"] for name in ("peak0", "peak1")] == [100.0, 60.0]


def test_a_broken_promise_is_told_in_both_pages() -> None:
    table = two_cases()
    table.loc[3, "promises_broken"] = 2
    assert "found 2 promises broken, in runs 0.1-3" in report(STUDY, table, 60, "1.2.3")
    assert "2 promises were broken" in summary(STUDY, table, 60, "1.2.3")


def test_runs_of_several_lengths_and_times_are_told_as_such() -> None:
    table = two_cases()
    table["days"] = [0.25, 7.0] * (len(table) // 2)
    table["start"] = ["2016-07-12T16:00:00+00:00", "2016-01-12T16:00:00+00:00"] * (len(table) // 2)
    told = summary(STUDY, table, 60, "1.2.3")
    assert "of 6 hours to 7 days each from one of 2 times, the first 2016-01-12 16:00," in told


def test_the_summary_has_no_script_and_its_figures_are_the_table_s() -> None:
    page = summary(STUDY, two_cases(), 60, "1.2.3")
    assert "<script" not in page
    assert "Cars &lt;b&gt;" in page
    plain = re.sub(r"[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", page)
    assert "from 20 %" in plain
    assert "100 000 EUR" in plain  # the mean investment at 30 %
    assert "4 999 EUR" in plain  # 600 · 10 − 1 000 − the mean of seed mod 3
    assert page.count("<circle") == 6


def test_what_no_network_carries_is_told_and_not_called_free() -> None:
    """All seeds at the highest share: no loading is known, so no reinforcement either."""
    table = two_cases()
    lost = (table["network.source"] == "n1") & (table["shares.ev"] == 0.3)
    table.loc[lost, "uncontrolled_minutes_not_converged"] = 15.0
    table.loc[lost, ["uncontrolled_peak_loading_percent", "controlled_peak_loading_percent"]] = math.nan
    table.loc[lost, ["reinforcement_investment", "reinforcement_per_year"]] = 0.0
    told = "in 10 of 10 seeds no load flow finds a state for a while"
    for page in (report(STUDY, table, 60, "1.2.3"), summary(STUDY, table, 60, "1.2.3")):
        assert told in page
    said = worth(cases_of(STUDY, table)[0].at[-1], Costs(), 0.95)
    assert "nothing would have to be reinforced" not in said
    assert "which is cheaper cannot be told" in said
    assert "reinforcement is cheaper" not in said
    head = report(STUDY, table, 60, "1.2.3").split("<script>")[0]
    assert "nan" not in head


def test_shares_of_the_grid_are_told_as_they_are() -> None:
    """12.5 % and 12 % are two shares, and two boxes of a chart."""
    study = msgspec.structs.replace(
        STUDY, vary=(Vary(path="shares.ev", values=(0.12, 0.125, 0.375)),), seeds=Seeds(count=10)
    )
    table = rows({0.12: 0, 0.125: 10, 0.375: 10})
    page = report(study, table, 30, "1.2.3")
    boxes = json.loads(page.split("const charts = ")[1].split(";\n")[0])["peak0"]["data"][0]["x"]
    assert [one.replace("\N{NO-BREAK SPACE}", " ") for one in dict.fromkeys(boxes)] == [
        "12 %",
        "12.5 %",
        "37.5 %",
    ]
    for text in (page.split("<script>")[0], summary(study, table, 30, "1.2.3")):
        plain = text.replace("\N{NO-BREAK SPACE}", " ")
        assert "needed from 12.5 % on" in re.sub("</?b>", "", plain)
        assert ">37.5 %<" in plain


def test_numbers_in_words() -> None:
    assert [percent(share) for share in (0, 0.05, 0.125, 0.0361, 1)] == [
        f"{text}\N{NO-BREAK SPACE}%" for text in ("0", "5", "12", "3.6", "100")
    ]
    assert money(-1234.4, "EUR") == "\N{MINUS SIGN}1\N{NARROW NO-BREAK SPACE}234\N{NO-BREAK SPACE}EUR"
    assert money(-0.4, "EUR") == "0\N{NO-BREAK SPACE}EUR"
