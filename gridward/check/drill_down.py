"""What `gridward check` says of who causes a violation: sums that add up, and what to tell one customer.

Formats only; the numbers are those of `grid_model.location` and `grid_model.explanation`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from grid_model.explanation import Explanation, PathElement
from grid_model.explanation_words import sentence
from grid_model.location import Composition, Contribution

_DIGITS = 6
_WHEN = "in these readings"


def contribution(part: Contribution) -> dict[str, Any]:
    """One row of `located` or `relieving`."""
    return {
        "service_point": part.service_point,
        "violation": part.violation,
        "share_percent": round(part.share_percent, _DIGITS),
        "p_kw": round(part.p_kw, _DIGITS),
        "flexible_kw": round(part.flexible_kw, _DIGITS),
        "part": round(part.part, _DIGITS),
        "losses_percent": round(part.losses_percent, _DIGITS),
    }


def composition(composed: Composition) -> dict[str, Any]:
    """What one violation's value is made of; the sum of all but `value` is `value`."""
    return {
        "violation": composed.violation.element,
        "value": round(composed.value, _DIGITS),
        "without_load": round(composed.without_load, _DIGITS),
        "caused": round(composed.caused, _DIGITS),
        "losses": round(composed.losses, _DIGITS),
        "relieved": round(composed.relieved, _DIGITS),
        "rest": round(composed.rest, _DIGITS),
    }


def explanation(told: Explanation) -> dict[str, Any]:
    """All numbers of an explanation, and its sentence."""
    numbers = {key: _rounded(value) for key, value in asdict(told).items() if key != "path"}
    return {**numbers, "path": [_step(step) for step in told.path], "sentence": sentence(told, _WHEN)}


def _step(step: PathElement) -> dict[str, Any]:
    return {key: _rounded(value) for key, value in asdict(step).items()}


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value


def sum_line(composed: Composition) -> str:
    """The same for people: `111.2 % = -0.1 without load + 104.1 of 8 customers + 7.2 for losses`."""
    voltage = composed.violation.kind in {"undervoltage", "overvoltage"}
    digits, unit = (3, "pu") if voltage else (1, "%")
    parts = [
        (composed.caused, f"of {len(composed.causes)} customers"),
        (composed.losses, "for losses and voltage drops"),
        (composed.relieved, f"relieved by {len(composed.relief)}"),
        (composed.rest, "rest"),
    ]
    told = "".join(
        f" {'+' if value >= 0 else '-'} {abs(value):.{digits}f} {words}"
        for value, words in parts
        if abs(value) >= 0.5 * 10**-digits
    )
    return f"{composed.value:z.{digits}f} {unit} = {composed.without_load:z.{digits}f} without load{told}"


def explained(explanations: Sequence[Explanation]) -> list[str]:
    """What to tell each customer who was asked for."""
    lines: list[str] = []
    for name in dict.fromkeys(told.service_point for told in explanations):
        own = [told for told in explanations if told.service_point == name]
        way = [f"{step.name} ({step.flow_kw:.1f} kW, {step.loading_percent:.0f} %)" for step in own[0].path]
        lines += ["", f"What to tell {name!r}", *(f"  {sentence(told, _WHEN)}" for told in own)]
        lines += [f"  The way to the grid: {', '.join(way)}"] if way else []
    return lines
