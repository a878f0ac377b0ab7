"""The charts of a study as plotly figures in plain data. Pure: numbers in, dictionaries out.

Colours are names (`@calm`, `@loud`, ...) that the page resolves by its light or dark theme.
"""

import math
from collections.abc import Callable, Sequence

import pandas as pd

from simulations.report_looks import Figure, axis, level_line, looks
from simulations.studies.answers import Case, grid_percent
from simulations.studies.proportions import Interval
from simulations.studies.study import Question
from simulations.studies.threshold import AtShare

_COLOURS = ("@ev", "@loud", "@both", "@hp", "@late", "@calm")
_DODGE = 0.006
"""of the share: intervals of several cases do not hide each other"""
_HEIGHT_PX = 380


def chance_chart(cases: Sequence[Case], question: Question, x_title: str) -> Figure:
    """Share of the seeds over the limit when left alone, with its interval, and what is allowed."""
    data = [
        _with_interval(case, number, len(cases), lambda one: _times(one.chance, 100), "%{y:.0f} % of seeds")
        for number, case in enumerate(cases)
    ]
    layout = _layout("seeds over the limit, left alone, %", x_title, cases)
    layout["yaxis"] |= {"range": [-3, 103]}
    layout["shapes"] = [level_line(question.seeds_percent)]
    layout["annotations"] = [
        {
            "xref": "paper", "x": 1, "xanchor": "right", "y": question.seeds_percent, "yshift": 9,
            "text": f"allowed {question.seeds_percent:g} %", "showarrow": False,
            "font": {"color": "@limit", "size": 11},
        }
    ]  # fmt: skip
    return {"data": data, "layout": layout}


def cost_chart(cases: Sequence[Case], currency: str, x_title: str) -> Figure:
    """Reinforcement and control by the year, mean over the seeds with its interval."""
    data = []
    for number, case in enumerate(cases):
        named = f"{case.name}: " if len(cases) > 1 else ""
        for field, word, dash in (("reinforcement", "reinforcement", "solid"), ("control", "control", "dot")):
            trace = _with_interval(
                case,
                number,
                len(cases),
                _field(field),
                f"%{{y:,.0f}} {currency} a year",
            )
            trace["name"] = f"{named}{word}"
            trace["line"] |= {"dash": dash}
            data.append(trace)
    layout = _layout(f"{currency} a year", x_title, cases)
    layout["yaxis"] |= {"rangemode": "tozero"}
    return {"data": data, "layout": layout}


def saved_chart(cases: Sequence[Case], currency: str, x_title: str) -> Figure:
    """What control saves against reinforcement, by the year."""
    data = [
        _with_interval(case, number, len(cases), _field("saved"), f"%{{y:,.0f}} {currency} a year")
        for number, case in enumerate(cases)
    ]
    layout = _layout(f"saved by control, {currency} a year", x_title, cases)
    layout["shapes"] = [level_line(0)]
    return {"data": data, "layout": layout}


def spread_chart(
    case: Case, *, column: str, y_title: str, share: str, x_title: str, level: float | None
) -> Figure:
    """All seeds of one case as boxes, with and without control."""
    data = []
    for which, word, colour in (
        ("uncontrolled", "left alone", "@loud"),
        ("controlled", "with Gridward", "@calm"),
    ):
        data.append(
            {
                "type": "box",
                "name": word,
                "x": _labels(case.rows, share),
                "y": [_known(value) for value in case.rows[f"{which}_{column}"]],
                "boxpoints": "all",
                "jitter": 0.5,
                "pointpos": 0,
                "marker": {"color": colour, "size": 4, "opacity": 0.6},
                "line": {"color": colour, "width": 1.4},
                "fillcolor": "rgba(0,0,0,0)",
                "hoverinfo": "y+name",
            }
        )
    layout = _layout(y_title, x_title, [case]) | {"boxmode": "group", "hovermode": "closest"}
    layout["xaxis"] |= {"type": "category"}
    layout["xaxis"].pop("tickformat", None)
    layout["yaxis"] |= {"rangemode": "tozero"}
    if level is not None:
        layout["shapes"] = [level_line(level)]
    return {"data": data, "layout": layout}


def _labels(rows: pd.DataFrame, share: str) -> list[str]:
    return (
        [grid_percent(float(value)) for value in rows[share]] if share in rows else ["all runs"] * len(rows)
    )


def _field(name: str) -> Callable[[AtShare], Interval]:
    return lambda one: getattr(one, name)


def _with_interval(
    case: Case, number: int, count: int, of: Callable[[AtShare], Interval], hover: str
) -> Figure:
    intervals = [of(one) for one in case.at]
    x = [_x(case, one, number, count) for one in case.at]
    colour = _COLOURS[number % len(_COLOURS)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": case.name,
        "x": x,
        "y": [round(one.estimate, 2) for one in intervals],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [_reach(one.high - one.estimate) for one in intervals],
            "arrayminus": [_reach(one.estimate - one.low) for one in intervals],
            "thickness": 1.2,
            "width": 4,
            "color": colour,
        },
        "line": {"color": colour, "width": 2},
        "marker": {"size": 7, "color": colour},
        "hovertemplate": f"{hover}<extra>{case.name}</extra>",
    }


def _x(case: Case, at: AtShare, number: int, count: int) -> float | str:
    if math.isnan(at.share):
        return case.name
    return round(at.share + _DODGE * (number - (count - 1) / 2), 4)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)


def _reach(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 2)


def _times(interval: Interval, factor: float) -> Interval:
    return Interval(factor * interval.estimate, factor * interval.low, factor * interval.high)


def _layout(y_title: str, x_title: str, cases: Sequence[Case]) -> Figure:
    layout = looks(_HEIGHT_PX, {"l": 66, "r": 18, "t": 38, "b": 50})
    layout |= {"hovermode": "x unified", "showlegend": True, "xaxis": axis(x_title), "yaxis": axis(y_title)}
    if any(case.threshold is not None for case in cases):
        layout["xaxis"] |= {"tickformat": ".0%", "zeroline": False}
    return layout
