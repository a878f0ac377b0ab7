"""The report's charts as plotly figures in plain data. Pure: numbers in, dictionaries out.

Colours are names (`@calm`, `@loud`, ...) that the page resolves by its light or dark theme.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from customers.registry import Registry
from grid_model.network import Floats
from simulations.checker import LimitSpan
from simulations.recording import Recording
from simulations.report_looks import Figure, axis, level_line, looks

Span = tuple[datetime, datetime]
KIND_WORDS: Mapping[str, str] = {
    "ev_charger": "car",
    "heat_pump": "heat pump",
    "air_conditioner": "air conditioner",
    "pv_inverter": "solar roof",
    "battery": "battery",
}
_KIND_COLOURS = {
    "ev_charger": "@ev",
    "heat_pump": "@hp",
    "air_conditioner": "@ac",
    "pv_inverter": "@pv",
    "battery": "@battery",
}
_ROW_PX = 11
_SHORTEST_LIMIT_S = 1.0
_AROUND = timedelta(hours=3)
_MOST_NAMED = 60
_LEAST_KWH = 0.01


def loading_chart(without: Recording, with_: Recording, spans: Sequence[Span], limit: float) -> Figure:
    """The highest loading of any line or transformer, both ways, with its limit and the events."""
    data = [
        _line(without.at, without.loading_percent, "without control", "@loud", 1.6, "%{y:.1f} %"),
        _line(with_.at, with_.loading_percent, "with Gridward", "@calm", 2.2, "%{y:.1f} %"),
    ]
    shapes = [*_bands(spans), level_line(limit)]
    top = float(np.nanmax([*without.loading_percent, *with_.loading_percent, limit]))
    layout = _layout("highest loading, %", with_, spans) | {"shapes": shapes}
    layout["yaxis"]["range"] = [0, top * 1.08]
    layout["annotations"] = [
        {
            "xref": "paper",
            "x": 0.004,
            "y": limit,
            "yshift": 9,
            "text": f"limit {limit:g} %",
            "showarrow": False,
            "xanchor": "left",
            "font": {"color": "@limit", "size": 11},
        }
    ]
    return {"data": data, "layout": layout}


def power_chart(without: Recording, with_: Recording, spans: Sequence[Span]) -> Figure:
    """Total power both ways, and below it what control took away and what came back later."""
    before, after = without.p_kw.sum(axis=1), with_.p_kw.sum(axis=1)
    less = np.maximum(before - after, 0.0)
    more = np.minimum(before - after, 0.0)
    data = [
        _line(without.at, before, "without control", "@loud", 1.6, "%{y:.0f} kW"),
        _line(with_.at, after, "with Gridward", "@calm", 2.2, "%{y:.0f} kW"),
        _area(with_.at, less, "less", "@calm"),
        _area(with_.at, more, "caught up later", "@late"),
    ]
    layout = _layout("all customers, kW", with_, spans) | {"shapes": _bands(spans)}
    layout["yaxis"] |= {"domain": [0.36, 1.0], "rangemode": "tozero"}
    layout["yaxis2"] = axis("difference, kW") | {"domain": [0.0, 0.27], "anchor": "x"}
    layout["xaxis"]["anchor"] = "y2"
    return {"data": data, "layout": layout}


def voltage_chart(
    without: Recording, with_: Recording, spans: Sequence[Span], band: tuple[float, float]
) -> Figure:
    """The lowest and highest bus voltage, both ways."""
    data = [
        _line(without.at, without.min_v_pu, "lowest, without control", "@loud", 1.6, "%{y:.3f} pu"),
        _line(with_.at, with_.min_v_pu, "lowest, with Gridward", "@calm", 2.2, "%{y:.3f} pu"),
        _line(with_.at, with_.max_v_pu, "highest, with Gridward", "@soft", 1.2, "%{y:.3f} pu"),
    ]
    layout = _layout("voltage, pu", with_, spans) | {"shapes": [*_bands(spans), *map(level_line, band)]}
    low = float(np.nanmin([*without.min_v_pu, band[0]]))
    high = float(np.nanmax([*with_.max_v_pu, band[1]]))
    layout["yaxis"]["range"] = [low - 0.01, high + 0.01]
    return {"data": data, "layout": layout}


def limits_chart(
    limits: Sequence[LimitSpan], registry: Registry, with_: Recording, spans: Sequence[Span]
) -> Figure:
    """Who was limited when: a row per device, in the order in which they were first asked."""
    limits = [one for one in _merged(limits) if (one.end - one.begin).total_seconds() >= _SHORTEST_LIMIT_S]
    rows = list(dict.fromkeys(one.device for one in sorted(limits, key=lambda one: (one.begin, one.device))))
    data = []
    for kind, colour in _KIND_COLOURS.items():
        mine = [one for one in limits if registry.device[one.device].kind == kind]
        if mine:
            data.append(_bars(mine, KIND_WORDS[kind], colour))
    layout = _layout("", with_, spans) | {"shapes": _bands(spans), "barmode": "overlay", "bargap": 0.25}
    layout["hovermode"] = "closest"
    layout["height"] = max(240, 90 + _ROW_PX * len(rows))
    layout["yaxis"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": rows[::-1],
        "tickfont": {"size": 8.5},
        "dtick": 1,
        "showgrid": False,
        "showticklabels": len(rows) <= _MOST_NAMED,
    }
    return {"data": data, "layout": layout}


def customers_chart(customers: pd.DataFrame) -> Figure:
    """Verified reduction of each customer who gave, the largest first, coloured by what they have."""
    asked = customers[customers["reduced_kwh"] >= _LEAST_KWH].sort_values("reduced_kwh", ascending=False)
    order = list(asked["customer"])
    data = []
    ev, pump = asked["ev_kw"] > 0, asked["heat_pump_kw"] > 0
    other = (asked["air_conditioner_kw"] > 0) | (asked["battery_kw"] > 0)
    for word, colour, mask in (
        ("car", "@ev", ev & ~pump),
        ("heat pump", "@hp", pump & ~ev),
        ("car and heat pump", "@both", ev & pump),
        ("air conditioner or battery", "@ac", other & ~ev & ~pump),
        ("no device: asked by notice", "@late", ~(ev | pump | other)),
    ):
        part = asked[mask]
        if len(part):
            data.append(
                {
                    "type": "bar",
                    "name": word,
                    "x": list(part["customer"]),
                    "y": _plain(part["reduced_kwh"].to_numpy(dtype=np.float64)),
                    "customdata": part[["requests", "points", "minor_units"]].to_numpy().tolist(),
                    "hovertemplate": "%{x}: %{y:.2f} kWh less<br>%{customdata[0]} requests, "
                    "%{customdata[1]} points, %{customdata[2]} minor units<extra></extra>",
                    "marker": {"color": colour},
                }
            )
    layout = _base("verified reduction, kWh") | {"bargap": 0.2, "hovermode": "closest"}
    layout["xaxis"] = axis("") | {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": order,
        "showgrid": False,
        "tickangle": -60,
        "tickfont": {"size": 8.5},
    }
    return {"data": data, "layout": layout}


def _merged(limits: Sequence[LimitSpan]) -> list[LimitSpan]:
    """Renewals of an unchanged limit as one stretch."""
    merged: dict[str, list[LimitSpan]] = {}
    for one in sorted(limits, key=lambda one: one.begin):
        mine = merged.setdefault(one.device, [])
        last = mine[-1] if mine else None
        same = last is not None and (last.request, last.limit_kw) == (one.request, one.limit_kw)
        if last is not None and same and last.end == one.begin:
            mine[-1] = LimitSpan(one.device, one.request, one.limit_kw, last.begin, one.end, one.told_end)
        else:
            mine.append(one)
    return [one for mine in merged.values() for one in mine]


def _bars(limits: Sequence[LimitSpan], word: str, colour: str) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": word,
        "y": [one.device for one in limits],
        "base": [_iso(one.begin) for one in limits],
        "x": [(one.end - one.begin).total_seconds() * 1000 for one in limits],
        "customdata": [
            [one.limit_kw, f"{one.begin:%H:%M:%S}", f"{one.end:%H:%M:%S}", one.request] for one in limits
        ],
        "hovertemplate": "%{y}: at most %{customdata[0]:.2f} kW<br>%{customdata[1]} to %{customdata[2]}"
        "<br>%{customdata[3]}<extra></extra>",
        "marker": {"color": colour, "line": {"width": 0.5, "color": "@page"}},
    }


def _line(  # noqa: PLR0917  a table of lines reads better without keywords
    at: Sequence[datetime], y: Floats, name: str, colour: str, width: float, hover: str
) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [_iso(one) for one in at],
        "y": _plain(y),
        "line": {"color": colour, "width": width},
        "hovertemplate": f"{hover}<extra>{name}</extra>",
    }


def _area(at: Sequence[datetime], y: Floats, name: str, colour: str) -> Figure:
    return _line(at, y, name, colour, 1.0, "%{y:.0f} kW") | {"fill": "tozeroy", "yaxis": "y2"}


def _plain(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _iso(at: datetime) -> str:
    """Without a zone: plotly would shift it into the reader's own."""
    return at.replace(tzinfo=None).isoformat(timespec="seconds")


def _layout(title: str, recording: Recording, spans: Sequence[Span]) -> Figure:
    layout = _base(title)
    layout["xaxis"] = axis("") | {"type": "date", "range": [_iso(edge) for edge in _view(recording, spans)]}
    return layout


def _base(title: str) -> Figure:
    margin_px = {"l": 62, "r": 18, "t": 34, "b": 42}
    return looks(360, margin_px) | {"hovermode": "x unified", "yaxis": axis(title)}


def _view(recording: Recording, spans: Sequence[Span]) -> Span:
    """A long day is opened at its events; a double click shows all of it."""
    first, last = recording.at[0], recording.at[-1]
    if not spans or spans[-1][1] - spans[0][0] > timedelta(hours=14):
        return first, last
    return max(first, spans[0][0] - _AROUND), min(last, spans[-1][1] + _AROUND)


def _bands(spans: Sequence[Span]) -> list[Mapping[str, Any]]:
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": _iso(begin),
            "x1": _iso(end),
            "y0": 0,
            "y1": 1,
            "fillcolor": "@event",
            "line": {"width": 0},
            "layer": "below",
        }
        for begin, end in spans
    ]
