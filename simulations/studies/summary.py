"""`summary.html` of a study: one page of A4 for a planner, without a script. All texts are escaped."""

import html
import math
from collections.abc import Sequence

import pandas as pd

from simulations.pages import filled
from simulations.studies import sentences
from simulations.studies.answers import Case, cases_of, grid_percent, money, percent
from simulations.studies.study import Costs, Study
from simulations.studies.summary_chart import COLOURS, chance_svg
from simulations.studies.threshold import AtShare

_MOST_CASES = len(COLOURS)
"""that fit on one page; the report has all"""
_MOST_SENTENCES = 2
_HEADS = ("Share", "Seeds over", "To invest", "Reinforce, a year", "Control, a year")
"""of the table, between the case and what is saved"""


def summary(study: Study, table: pd.DataFrame, planned: int, version: str) -> str:
    """The whole page; `planned` is how many runs the study has when it is whole."""
    cases = cases_of(study, table)
    shown = cases[:_MOST_CASES]
    share = study.axis(study.question.share)
    return filled(
        "studies/summary_page.html",
        title=html.escape(study.title or "A study"),
        tab="$title: summary",
        what=_what(table, planned),
        needs="".join(_need(number, case, study) for number, case in enumerate(shown)),
        chart=chance_svg(shown, study.question, share.title if share else ""),
        share=html.escape(share.title if share else ""),
        heads=_head(_heads(study)),
        rows="".join(_rows(case, study) for case in shown),
        worths="".join(_worth(case, study) for case in shown[:_MOST_SENTENCES]),
        more="" if len(cases) <= _MOST_CASES else f"{len(cases) - _MOST_CASES} more cases: see report.html.",
        assumed=html.escape(_assumed(study)),
        allowed=f"{study.question.seeds_percent:g}",
        confidence=percent(study.question.confidence),
        footer=html.escape(f"Gridward {version} · assumptions and all seeds: report.html, results.parquet"),
    )


def _what(table: pd.DataFrame, planned: int) -> str:
    done = len(table)
    whole = f"{done} simulated runs" if done >= planned else f"unfinished: {done} of {planned} runs"
    least, most = (_span(days) for days in (table["days"].min(), table["days"].max()))
    span = least if least == most else f"{least} to {most}"
    broken = int(table["promises_broken"].sum())
    kept = "no promise of the control was broken" if not broken else f"{broken} promises were broken"
    networks = ", ".join(dict.fromkeys(table["network"]))
    starts = [start[:16].replace("T", " ") for start in dict.fromkeys(table["start"])]
    start = starts[0] if len(starts) == 1 else f"one of {len(starts)} times, the first {min(starts)}"
    return html.escape(
        f"{whole} of {span} each from {start}, each with and without control, in "
        f"{table['seed'].nunique()} draws of who has what and comes home when; {kept}. {networks}."
    )


def _span(days: float) -> str:
    return f"{24 * days:.3g} hours" if days < 1 else f"{days:g} days"


def _need(number: int, case: Case, study: Study) -> str:
    found = case.threshold
    figure = (
        ""
        if found is None
        else "none"
        if found.needed_from is None
        else f"from {grid_percent(found.needed_from)}"
    )
    return (
        f"<div class='need' style='--case: {COLOURS[number]}'>"
        f"<div class='case'>{html.escape(case.name)}</div>"
        f"<div class='figure'>{figure}</div>"
        f"<p>Control is {html.escape(sentences.need(case, study.question))}</p></div>"
    )


def _telling(case: Case) -> Sequence[AtShare]:
    """At the threshold, the highest share, and one between."""
    found = case.threshold
    if found is None or found.needed_from is None:
        return case.at[-1:]
    shares = [one.share for one in case.at]
    first = shares.index(found.needed_from)
    middle = (first + len(shares) - 1) // 2
    return [case.at[place] for place in sorted({first, middle, len(shares) - 1})]


def _heads(study: Study) -> tuple[str, ...]:
    return (*_HEADS, f"Saved, a year ({percent(study.question.confidence)} interval)")


def _head(heads: Sequence[str]) -> str:
    cells = "".join(f"<th class='n'>{html.escape(head)}</th>" for head in heads)
    return f"<tr><th>Case</th>{cells}</tr>"


def _rows(case: Case, study: Study) -> str:
    return "".join(_row(case, at, study, first=not place) for place, at in enumerate(_telling(case)))


def _row(case: Case, at: AtShare, study: Study, *, first: bool) -> str:
    """On a narrow screen each cell says for itself what it is of."""
    costs, named = study.costs, html.escape(case.name) if first else ""
    cells = (*(html.escape(cell) for cell in _figures(at, costs)), _saved(at, costs))
    numbers = "".join(
        f"<td class='n' data-of='{html.escape(head)}'>{cell and f'<span>{cell}</span>'}</td>"
        for head, cell in zip(_heads(study), cells, strict=True)
    )
    return f"<tr><td>{named}</td>{numbers}</tr>"


def _figures(at: AtShare, costs: Costs) -> tuple[str, ...]:
    return (
        "" if math.isnan(at.share) else grid_percent(at.share),
        f"{at.exceeding} of {at.seeds}",
        money(at.investment, costs.currency),
        money(at.reinforcement.estimate, costs.currency),
        money(at.control.estimate, costs.currency),
    )


def _saved(at: AtShare, costs: Costs) -> str:
    tone = "good" if at.saved.low > 0 else "bad" if at.saved.high < 0 else ""
    saved = f"<b class='{tone}'>{html.escape(money(at.saved.estimate, costs.currency))}</b>"
    if math.isfinite(at.saved.low):
        low, high = (money(edge, "").strip() for edge in (at.saved.low, at.saved.high))
        saved += f" <small>({html.escape(low)} to {html.escape(high)})</small>"
    return saved


def _worth(case: Case, study: Study) -> str:
    at = case.at[-1]
    where = "" if math.isnan(at.share) else f" at {grid_percent(at.share)}"
    said = sentences.worth(at, study.costs, study.question.confidence)
    left = sentences.left(at, study.question)
    return (
        f"<li><b>{html.escape(case.name)}{html.escape(where)}</b>: {html.escape(said)}. "
        f"{html.escape(left[:1].upper() + left[1:])}.</li>"
    )


def _assumed(study: Study) -> str:
    costs = study.costs
    currency = costs.currency
    return (
        f"Cable {money(costs.line_per_km, currency)} per km over {costs.line_years:g} years; transformer "
        f"{money(costs.transformer_fixed, currency)} and {costs.transformer_per_kva:g} {currency} per kVA "
        f"over {costs.transformer_years:g} years; interest {costs.interest_percent:g} %; credits as booked "
        f"in the runs, a point worth {costs.point:g} {currency}; a kWh put off {costs.put_off_per_kwh:g} "
        f"{currency}; "
        f"operation {costs.control_per_customer_year:g} {currency} per customer and year. "
        f"{costs.like_days_per_year:g} days a year are taken to be like the simulated ones (a run of 300 "
        "days or more counts as its own year)."
    )
