"""`report.html` of a study: one file that opens anywhere, without a network. All texts are escaped.

plotly's script is inlined from the installed package.
"""

import html
import json
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd
from plotly.offline import get_plotlyjs

from simulations.pages import figure, filled, notes
from simulations.studies import sentences
from simulations.studies import study_charts as charts
from simulations.studies.answers import Case, cases_of, grid_percent, money, percent
from simulations.studies.study import Study
from simulations.studies.threshold import AtShare

_MOST_CHARTED = 6
"""cases with charts of their own; the table has all"""
_SPREADS = (
    ("peak", "peak_loading_percent", "peak loading, %", "loading_limit_percent"),
    ("minutes", "minutes_over_limit", "minutes over the limit", None),
)
"""of each: the chart's name, what it shows, and the column that has the limit"""


def report(study: Study, table: pd.DataFrame, planned: int, version: str) -> str:
    """The whole page; `planned` is how many runs the study has when it is whole."""
    cases = cases_of(study, table)
    share = study.axis(study.question.share)
    x_title = share.title if share else ""
    shown = cases[:_MOST_CHARTED]
    figures = {
        "chance": charts.chance_chart(shown, study.question, x_title),
        "cost": charts.cost_chart(shown, study.costs.currency, x_title),
        "saved": charts.saved_chart(shown, study.costs.currency, x_title),
    }
    for number, case in enumerate(shown):
        for name, column, y_title, limit in _SPREADS:
            figures[f"{name}{number}"] = charts.spread_chart(
                case,
                column=column,
                y_title=y_title,
                share=study.question.share,
                x_title=x_title,
                level=None if limit is None else _same(case.rows[limit]),
            )
    return filled(
        "studies/study_page.html",
        title=html.escape(study.title or "A study"),
        unfinished=_unfinished(len(table), planned),
        notes=notes(_warnings(table)),
        answers="".join(_answer(case, study) for case in cases),
        spread="".join(_spread(number, case) for number, case in enumerate(shown)),
        more=_more(len(cases)),
        table=_table(cases, study),
        promises=_promises(table),
        settings=html.escape(json.dumps(msgspec.to_builtins(study), indent=2, ensure_ascii=False)),
        footer=html.escape(f"Gridward {version} · {len(table)} runs · {_networks(table)}"),
        plotly=get_plotlyjs(),
        charts=json.dumps(figures, separators=(",", ":")).replace("</", "<\\/"),
    )


def _same(values: "pd.Series[float]") -> float | None:
    """The value of all; None where they have several."""
    return float(values.iloc[0]) if values.nunique() == 1 else None


def _unfinished(done: int, planned: int) -> str:
    if done >= planned:
        return ""
    return (
        f"<p class='unfinished'>{done} of {planned} runs are finished: what follows is what they tell so "
        "far. The same command makes the rest.</p>"
    )


def _answer(case: Case, study: Study) -> str:
    highest = case.at[-1]
    first, colon, rest = sentences.need(case, study.question).partition(":")
    at = "" if case.threshold is None else f"at {grid_percent(highest.share)} "
    return (
        f"<div class='answer'><h3>{html.escape(case.name)}</h3>"
        f"<p>Control is <b>{html.escape(first)}</b>{colon}{html.escape(rest)}</p>"
        f"<p><b>What it saves</b> {at}: "
        f"{html.escape(sentences.worth(highest, study.costs, study.question.confidence))}. "
        f"With control, {html.escape(sentences.left(highest, study.question))}.</p></div>"
    ).replace(" : ", ": ")


def _spread(number: int, case: Case) -> str:
    return (
        f"<h3>{html.escape(case.name)}</h3><div class='two'><div class='chart' id='peak{number}'></div>"
        f"<div class='chart' id='minutes{number}'></div></div>"
    )


def _more(count: int) -> str:
    if count <= _MOST_CHARTED:
        return ""
    return f"<p class='lead'>{count - _MOST_CHARTED} more cases are in the table only.</p>"


def _table(cases: Sequence[Case], study: Study) -> str:
    heads = (
        "Case", "Share", "Seeds over the limit", "Interval", "Peak left alone, %", "Peak with control, %",
        "Left with control, seeds", "Put off, kWh", "Invest", "Reinforcement / a", "Control / a", "Saved / a",
    )  # fmt: skip
    head = "".join(
        f"<th{' class=n' if place else ''}>{html.escape(word)}</th>" for place, word in enumerate(heads)
    )
    body = "".join(_row(case, at, study) for case in cases for at in case.at)
    return f"<table><tr>{head}</tr>{body}</table>"


def _row(case: Case, at: AtShare, study: Study) -> str:
    share = study.question.share
    rows = case.rows if case.threshold is None else case.rows[case.rows[share] == at.share]
    currency = study.costs.currency
    cells: list[Any] = [
        "" if case.threshold is None else grid_percent(at.share),
        f"{at.exceeding} of {at.seeds}",
        f"{percent(at.chance.low)} to {percent(at.chance.high)}",
        _mean(rows["uncontrolled_peak_loading_percent"]),
        _mean(rows["controlled_peak_loading_percent"]),
        at.still_exceeding,
        f"{rows['curtailed_kwh'].mean():.1f}",
        money(at.investment, currency),
        money(at.reinforcement.estimate, currency),
        money(at.control.estimate, currency),
        money(at.saved.estimate, currency),
    ]
    numbers = "".join(f"<td class='n'>{html.escape(str(cell))}</td>" for cell in cells)
    return f"<tr><td>{html.escape(case.name)}</td>{numbers}</tr>"


def _warnings(table: pd.DataFrame) -> list[str]:
    """Each once, whatever runs it is of."""
    return list(dict.fromkeys(line for told in table["warnings"] for line in told.splitlines()))


def _mean(values: "pd.Series[float]") -> str:
    """Of those that are known."""
    mean = float(values.mean())
    return figure(None if math.isnan(mean) else mean, 1)


def _promises(table: pd.DataFrame) -> str:
    broken = int(table["promises_broken"].sum())
    if not broken:
        return "An independent judge looked at every run and found no promise broken."
    seeds = html.escape(", ".join(table.loc[table["promises_broken"] > 0, "run"].head(10)))
    return f"<b class='alarm'>The judge found {broken} promises broken, in runs {seeds}.</b>"


def _networks(table: pd.DataFrame) -> str:
    names = list(dict.fromkeys(table["network"]))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
