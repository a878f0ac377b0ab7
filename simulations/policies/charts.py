"""The charts of the comparison as plotly figures in plain data; colours are names that the page resolves."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from simulations.policies.names import NONE, OPTIMUM, OURS
from simulations.report_looks import Figure, axis, bare_axis, level_line, looks

_COLOUR = {
    NONE: "@loud",
    "blanket": "@late",
    "first-come": "@ev",
    "largest-first": "@hp",
    "pro-rata": "@both",
    OURS: "@calm",
    "margin": "@soft",
    "late": "@warning",
    OPTIMUM: "@good",
}
_SHOWN_FIRST = (NONE, "blanket", OURS, OPTIMUM)
_NEAR = 0.9
"""of the limit: the chart of loadings opens where the feeder without control is above this"""
_FAR_ABOVE = 2.0
_AROUND = pd.Timedelta(minutes=45)


def loading_chart(results: Mapping[str, Any], loading: pd.DataFrame, seed: int) -> Figure:
    """The highest loading of any line or transformer on one seed, a line per policy."""
    mine, limit = loading[loading["seed"] == seed], results["loading_limit_percent"]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": policy["label"],
            "x": _times(one),
            "y": one["loading_percent"].tolist(),
            "line": {"color": _COLOUR.get(name, "@soft"), "width": 2.4 if name == OURS else 1.5},
            "visible": True if name in _SHOWN_FIRST else "legendonly",
            "hovertemplate": "%{y:.1f} %",
        }
        for name, policy in results["policies"].items()
        if len(one := mine[mine["policy"] == name])
    ]
    figure = _figure("highest loading, %", data)
    busy = mine[(mine["policy"] == NONE) & (mine["loading_percent"] > _NEAR * limit)]["time"]
    if len(busy):
        edges = (busy.min() - _AROUND, busy.max() + 3 * _AROUND)
        figure["layout"]["xaxis"]["range"] = [edge.tz_localize(None).isoformat() for edge in edges]
    figure["layout"]["xaxis"]["type"] = "date"
    figure["layout"]["hovermode"] = "x unified"
    figure["layout"]["shapes"] = [level_line(limit)]
    return figure


def trade_chart(results: Mapping[str, Any]) -> Figure:
    """What each policy leaves over the limit, and what it takes for that: nearer to the corner is better."""
    data = [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": policy["label"],
            "text": [policy["label"]],
            "textposition": "top center" if place % 2 else "bottom center",
            "x": [policy["means"]["minutes_over_limit"]["mean"]],
            "y": [policy["means"]["cut_kwh"]["mean"]],
            "marker": {"color": _COLOUR.get(name, "@soft"), "size": 13 if name == OURS else 10},
            "hovertemplate": "%{x:.1f} min, %{y:.1f} kWh",
            "showlegend": False,
        }
        for place, (name, policy) in enumerate(results["policies"].items())
        if name != NONE
    ]
    figure = _figure("kWh held back", data)
    longest = max((one["x"][0] for one in data), default=0.0)
    figure["layout"]["xaxis"] |= {
        "title": {"text": "minutes over the limit", "font": {"size": 11.5}},
        "range": [-0.06 * max(longest, 1), 1.12 * max(longest, 1)],
    }
    figure["layout"]["yaxis"]["range"] = [0, trade_top_kwh(results)]
    figure["layout"]["hovermode"] = "closest"
    return figure


def trade_top_kwh(results: Mapping[str, Any]) -> float:
    """Where the chart of minutes and kWh ends: one policy that takes far more than all others is left out."""
    kwh: list[float] = sorted(one["means"]["cut_kwh"]["mean"] for one in results["policies"].values())
    top = kwh[-2] if len(kwh) > 2 and kwh[-1] > _FAR_ABOVE * kwh[-2] else kwh[-1]
    return 1.2 * max(top, 1.0)


def bars_chart(results: Mapping[str, Any], keys: Sequence[tuple[str, str]], title: str) -> Figure:
    """One or two figures of every policy but none, with their intervals."""
    names = [name for name in results["policies"] if name != NONE]
    names.reverse()  # plotly draws the first at the bottom
    labels = [results["policies"][name]["label"] for name in names]
    data: list[Figure] = []
    for place, (key, word) in enumerate(keys):
        means = [results["policies"][name]["means"][key] for name in names]
        data.append(
            {
                "type": "bar",
                "name": word,
                "orientation": "h",
                "y": labels,
                "x": [mean["mean"] for mean in means],
                "error_x": _intervals(means),
                "marker": {"color": ("@calm", "@late")[place]},
                "hovertemplate": "%{x:.2f}",
                "showlegend": len(keys) > 1,
            }
        )
    figure = _figure("", data)
    figure["layout"] |= {"barmode": "group", "margin": {"l": 10, "r": 24, "t": 52, "b": 48}}
    figure["layout"]["yaxis"]["automargin"] = True
    figure["layout"]["xaxis"]["title"] = {"text": title, "font": {"size": 11.5}}
    values = [value for one in data for value in one["x"]]
    if min(values, default=0.0) >= 0:  # an interval of a few seeds may reach far below what is possible
        figure["layout"]["xaxis"]["range"] = [0, 1.35 * max([*values, 0.01])]
    return figure


def _times(one: pd.DataFrame) -> list[str]:
    """Without a zone: plotly would shift it into the reader's own."""
    return [at.isoformat(timespec="seconds") for at in one["time"].dt.tz_localize(None)]


def _intervals(means: Sequence[Mapping[str, Any]]) -> Figure:
    half = [0.0 if mean["high"] is None else mean["high"] - mean["mean"] for mean in means]
    return {"type": "data", "array": half, "thickness": 1.2, "width": 4, "color": "@soft-ink"}


def _figure(title: str, data: list[Figure]) -> Figure:
    layout = looks(400, {"l": 62, "r": 24, "t": 52, "b": 48}) | {"xaxis": bare_axis(), "yaxis": axis(title)}
    return {"data": data, "layout": layout}
