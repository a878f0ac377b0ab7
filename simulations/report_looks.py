"""What charts on the pages of reports have in common, as plotly's plain data. Pure.

Colours are names (`@ink`, `@limit`, ...), which the page resolves by its light or dark theme
(`page_charts.js`).
"""

from collections.abc import Mapping
from typing import Any

Figure = dict[str, Any]


def looks(height_px: int, margin_px: Mapping[str, int]) -> Figure:
    """A layout without axes; the legend stands above, on the right."""
    return {
        "height": height_px,
        "margin": dict(margin_px),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 12, "color": "@ink"},
        "hoverlabel": {"bgcolor": "@page", "bordercolor": "@rule", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    }


def bare_axis() -> Figure:
    """An axis that says nothing of itself."""
    return {"gridcolor": "@rule", "zerolinecolor": "@rule", "linecolor": "@rule"}


def axis(title: str) -> Figure:
    """An axis with what it shows."""
    return {"title": {"text": title, "font": {"size": 11.5}}} | bare_axis()


def level_line(value: float) -> Figure:
    """A limit across the whole chart."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": "@limit", "width": 1.3, "dash": "dash"},
    }
