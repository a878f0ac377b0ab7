"""The summary's one picture as SVG: seeds over the limit by share, with intervals. Pure; prints as it is."""

import html
from collections.abc import Sequence

from simulations.studies.answers import Case, grid_percent, percent
from simulations.studies.study import Question
from simulations.studies.threshold import AtShare

COLOURS = ("#2f6fb7", "#d9480f", "#2a8f6d", "#8a5cb4")
_WIDTH, _HEIGHT = 680, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 38
_DODGE_PX = 5


def chance_svg(cases: Sequence[Case], question: Question, x_title: str) -> str:
    """The chart of at most four cases with a share."""
    cases = [case for case in cases if case.threshold is not None][: len(COLOURS)]
    shares = sorted({at.share for case in cases for at in case.at})
    if not shares:
        return ""
    plot = _Plot(min(shares), max(shares))
    parts = [plot.grid(shares), plot.allowed(question.seeds_percent)]
    for number, case in enumerate(cases):
        dodge = _DODGE_PX * (number - (len(cases) - 1) / 2)
        parts.append(plot.case(case.at, COLOURS[number], dodge))
    title = (
        f"<text x='{(_LEFT + _WIDTH) / 2:.0f}' y='{_HEIGHT - 3}' class='axis'>{html.escape(x_title)}</text>"
    )
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='Seeds over the limit by share'>"
        f"{''.join(parts)}{title}</svg>"
    )


class _Plot:
    """Shares to pixels."""

    def __init__(self, low: float, high: float) -> None:
        reach = (high - low) or 0.1
        self._low = low - 0.03 * reach
        self._reach = 1.06 * reach

    def x(self, share: float) -> float:
        return _LEFT + (share - self._low) / self._reach * (_WIDTH - _LEFT - _RIGHT)

    def y(self, part: float) -> float:
        return _TOP + (1 - part) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self, shares: Sequence[float]) -> str:
        rows = "".join(
            f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{self.y(p):.1f}' y2='{self.y(p):.1f}' "
            "class='rule'/>"
            f"<text x='{_LEFT - 6}' y='{self.y(p) + 4:.1f}' class='tick end'>{percent(p)}</text>"
            for p in (0, 0.25, 0.5, 0.75, 1)
        )
        every = max(1, len(shares) // 10)
        columns = "".join(
            f"<text x='{self.x(share):.1f}' y='{_HEIGHT - _BOTTOM + 16}' class='tick mid'>"
            f"{grid_percent(share)}</text>"
            for share in shares[::every]
        )
        return rows + columns

    def allowed(self, allowed_percent: float) -> str:
        y = self.y(allowed_percent / 100)
        return f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}' class='limit'/>"

    def case(self, at: Sequence[AtShare], colour: str, dodge: float) -> str:
        points = [(self.x(one.share) + dodge, one.chance) for one in at]
        line = " ".join(f"{x:.1f},{self.y(chance.estimate):.1f}" for x, chance in points)
        bars = "".join(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{self.y(c.low):.1f}' y2='{self.y(c.high):.1f}' "
            f"stroke='{colour}' stroke-width='1.4' opacity='.55'/>"
            f"<circle cx='{x:.1f}' cy='{self.y(c.estimate):.1f}' r='3.4' fill='{colour}'/>"
            for x, c in points
        )
        return f"<polyline points='{line}' fill='none' stroke='{colour}' stroke-width='1.8'/>{bars}"
