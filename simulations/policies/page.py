"""`policies.html`: one file that opens anywhere, without a network. Shows what policies.json says.

All texts of the run are escaped; style and script are those of the simulation report.
"""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from plotly.offline import get_plotlyjs

from simulations.pages import filled, notes
from simulations.policies import charts
from simulations.policies.names import MARGIN, NONE, OPTIMUM, OURS

Column = tuple[str, str, int]
_GRID: tuple[Column, ...] = (
    ("minutes_over_limit", "Minutes over limit", 1),
    ("left_minutes", "Of them left over", 1),
    ("peak_loading_percent", "Peak, %", 1),
    ("cut_kwh", "kWh held back", 1),
    ("less_kwh", "kWh less", 1),
    ("back_kwh", "kWh back later", 1),
    ("net_kwh", "kWh net", 1),
    ("losses_kwh", "kWh of losses", 1),
)
_PEOPLE: tuple[Column, ...] = (
    ("ev_missing_kwh", "kWh missing at departure", 1),
    ("ev_behind_kwh", "kWh behind at the end", 1),
    ("car_hours_later", "Car-hours until full", 1),
    ("cold_degree_hours", "K·h too cold", 2),
    ("gini", "Gini", 2),
    ("customers_cut", "Customers who gave", 1),
    ("people_kwh", "kWh by notices", 1),
    ("notices", "Notices", 1),
    ("requests", "Requests to devices", 1),
    ("commands", "Commands", 0),
    ("credit_minor_units", "Worth at the rate", 0),
    ("credited_minor_units", "Credited", 0),
)


def page(results: Mapping[str, Any], loading: pd.DataFrame) -> str:
    """The whole page; `loading` has a row per policy, seed and step."""
    seed = _telling_seed(results)
    return filled(
        "policies/policies_page.html",
        title=html.escape(results["title"] or results["network"]),
        tab="Policies side by side · $title",
        verdict=_verdict(results),
        notes=notes(results["warnings"]),
        grid=_table(results, _GRID),
        people=_table(results, _PEOPLE),
        above=_above(results),
        currency=html.escape(results["currency"]),
        knows=_knows(results),
        seed=seed,
        interval=_interval_words(results),
        broken=_broken(results["broken"]),
        footer=html.escape(
            f"Gridward {results['version']} · {results['network']} · from {results['start']}, "
            f"{results['days']:g} days in steps of {results['step_s']} s · seeds "
            f"{', '.join(map(str, results['seeds']))}"
        ),
        plotly=get_plotlyjs(),
        charts=json.dumps(_charts(results, loading, seed), separators=(",", ":")).replace("</", "<\\/"),
    )


def _charts(results: Mapping[str, Any], loading: pd.DataFrame, seed: int) -> dict[str, Any]:
    energy = [("cut_kwh", "held back while limited"), ("less_kwh", "less than without control")]
    comfort = [("car_hours_later", "cars, hours until full"), ("cold_degree_hours", "rooms too cold, K·h")]
    return {
        "loading": charts.loading_chart(results, loading, seed),
        "trade": charts.trade_chart(results),
        "energy": charts.bars_chart(results, energy, "kWh"),
        "comfort": charts.bars_chart(results, comfort, "more than without control"),
        "fairness": charts.bars_chart(results, [("gini", "Gini")], "Gini of what customers gave"),
        "sent": charts.bars_chart(results, [("commands", "commands")], "commands to devices"),
    }


def _telling_seed(results: Mapping[str, Any]) -> int:
    """The seed in which the feeder without control is over its limit longest."""
    free = [row for row in results["runs"] if row["policy"] == NONE]
    return int(max(free, key=lambda row: (row["minutes_over_limit"], -row["seed"]))["seed"])


def _verdict(results: Mapping[str, Any]) -> str:
    means = {name: policy["means"] for name, policy in results["policies"].items()}
    over = means[NONE]["minutes_over_limit"]["mean"]
    parts = [f"Left alone, the feeder is over its limit for <b class='loud'>{over:.0f} minutes</b>."]
    if OURS in means:
        ours = means[OURS]
        parts.append(
            f"Ours leaves <b class='calm'>{ours['minutes_over_limit']['mean']:.1f}</b> and holds back "
            f"<b class='calm'>{ours['cut_kwh']['mean']:.0f} kWh</b>."
        )
    if OPTIMUM in means:
        parts.append(
            f"With perfect knowledge <b>{means[OPTIMUM]['minutes_over_limit']['mean']:.1f}</b> minutes and "
            f"<b>{means[OPTIMUM]['cut_kwh']['mean']:.0f} kWh</b> would do."
        )
    more = results["against"].get(MARGIN, {}).get(OURS, {}).get("cut_kwh")
    if more is not None:
        parts.append(
            "Against the optimum that knows the step before and keeps the same margin, ours holds back "
            f"<b>{abs(more['together']):.0%} {'more' if more['together'] >= 0 else 'less'}</b>."
        )
    return " ".join(parts)


def _above(results: Mapping[str, Any]) -> str:
    """Which policies are above the chart of minutes and kWh."""
    top = charts.trade_top_kwh(results)
    means = {one["label"]: one["means"]["cut_kwh"]["mean"] for one in results["policies"].values()}
    found = [f"{html.escape(label)} ({kwh:.0f} kWh)" for label, kwh in means.items() if kwh > top]
    return f" Above the chart: {', '.join(found)}." if found else ""


def _table(results: Mapping[str, Any], columns: Sequence[Column]) -> str:
    head = "".join(f"<th class='n'>{html.escape(word)}</th>" for _, word, _ in columns)
    rows = "".join(
        f"<tr class='{'ours' if name == OURS else ''}'><td>{html.escape(policy['label'])}</td>"
        f"{''.join(_cells(policy['means'], columns))}</tr>"
        for name, policy in results["policies"].items()
    )
    return f"<table class='policies'><tr><th></th>{head}</tr>{rows}</table>"


def _cells(means: Mapping[str, Any], columns: Sequence[Column]) -> Iterator[str]:
    for key, _, digits in columns:
        mean = means.get(key)
        if mean is None:
            yield "<td class='n'>–</td>"
        else:
            yield f"<td class='n'>{_number(mean['mean'], digits)}{_half(mean, digits)}</td>"


def _number(value: float, digits: int) -> str:
    """Without a minus before a zero."""
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def _half(mean: Mapping[str, Any], digits: int) -> str:
    return "" if mean["high"] is None else f"<small>±{mean['high'] - mean['mean']:,.{digits}f}</small>"


def _knows(results: Mapping[str, Any]) -> str:
    return "".join(
        f"<tr><td>{html.escape(one['label'])}</td><td>{html.escape(one['does'])}</td>"
        f"<td>{html.escape(one['knows'])}</td></tr>"
        for one in results["policies"].values()
    )


def _interval_words(results: Mapping[str, Any]) -> str:
    count = len(results["seeds"])
    if count == 1:
        return "One seed: no interval can be told."
    return f"Means over {count} seeds, ± half of the 95 % interval by Student's t."


def _broken(broken: Sequence[str]) -> str:
    if not broken:
        return "The judge found no broken promise in any run of ours."
    return "<b>The judge found broken promises:</b> " + html.escape("; ".join(broken[:10]))
