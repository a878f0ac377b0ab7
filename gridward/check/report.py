"""What `gridward check` says: the JSON document of the design, and the same for people. Formats only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.allocation import Curtailment
from grid_model.explanation import Explanation
from grid_model.load_flow import LoadFlowResult
from grid_model.location import Composition
from grid_model.network import Floats, Network
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.violations import Violation
from gridward.check.drill_down import composition, contribution, explained, explanation, sum_line
from gridward.check.estimate import Sureness, left_out, told
from gridward.check.estimate import document as estimate_document
from gridward.check.limits_told import NUMBERS, cells, numbers

_DIGITS = 6
_TOP = 5
_MOST_ROWS = 12
_WORDS = {
    "line_overload": "line overload",
    "transformer_overload": "transformer overload",
    "undervoltage": "voltage too low",
    "overvoltage": "voltage too high",
}


@dataclass(frozen=True)
class State:
    """One load flow and what is outside its limits."""

    result: LoadFlowResult
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Outcome:
    """All that one check found."""

    network: Network
    before: State
    composed: tuple[Composition, ...]
    """one of each violation before"""
    curtailments: tuple[Curtailment, ...]
    after: State
    warnings: tuple[str, ...]
    explanations: tuple[Explanation, ...] = ()
    """of the customers who were asked for"""
    known: Sureness | None = None
    """None where nothing had to be estimated"""

    @property
    def converged(self) -> bool:
        """Whether the numbers mean anything."""
        return self.before.result.converged

    @property
    def cleared(self) -> bool:
        """Nothing is outside its limits, at once or after the cuts."""
        return self.converged and self.after.result.converged and not self.after.violations

    @property
    def curtailed_kw(self) -> float:
        """In all."""
        return round(math.fsum(cut.curtailed_kw for cut in self.curtailments), _DIGITS)


def document(outcome: Outcome) -> dict[str, Any]:
    """The JSON document of the design, section 4. Holds no NaN: what is not known is null, or absent from its
    list."""
    return {
        "network": outcome.network.source,
        "converged": outcome.converged,
        "before": _state(outcome.network, outcome.before),
        "located": [contribution(part) for composed in outcome.composed for part in composed.causes],
        "relieving": [contribution(part) for composed in outcome.composed for part in composed.relief],
        "compositions": [composition(composed) for composed in outcome.composed],
        "explanations": [explanation(told) for told in outcome.explanations],
        "allocation": [
            {"device": cut.device, "service_point": cut.service_point, **numbers(cut)}
            for cut in outcome.curtailments
        ],
        "curtailed_kw": outcome.curtailed_kw,
        "cleared": outcome.cleared,
        "after": _state(outcome.network, outcome.after),
        "warnings": list(outcome.warnings),
        **({} if outcome.known is None else {"estimate": estimate_document(outcome.known)}),
    }


def _state(network: Network, state: State) -> dict[str, Any]:
    result = state.result
    if not result.converged:
        return {"lines": [], "transformers": [], "buses": [], "violations": []}
    return {
        "lines": _values(network.lines.ids, "loading_percent", result.line_loading_percent),
        "transformers": _values(
            network.transformers.ids, "loading_percent", result.transformer_loading_percent
        ),
        "buses": _values(network.buses.ids, "v_pu", result.v_pu),
        "violations": [
            {
                "id": violation.element,
                "kind": violation.kind,
                "value": round(violation.value, _DIGITS),
                "limit": round(violation.limit, _DIGITS),
            }
            for violation in state.violations
        ],
    }


def _values(ids: Sequence[str], quantity: str, values: Floats) -> list[dict[str, Any]]:
    return [
        {"id": element, quantity: None if np.isnan(value) else round(float(value), _DIGITS)}
        for element, value in zip(ids, values, strict=True)
    ]


def report(outcome: Outcome) -> str:
    """The same for people."""
    lines = [f"Network {outcome.network.source}: {size(outcome.network)}"]
    if not outcome.converged:
        lines += [
            "",
            "The load flow does not converge: nothing can be said, and nothing must be done, from this.",
        ]
    else:
        lines += ["", "Before", *_summary(outcome, outcome.before), *_how_sure(outcome), *_located(outcome)]
        if outcome.before.violations:
            lines += [*_allocation(outcome), "", "After", *_summary(outcome, outcome.after)]
        lines += [*explained(outcome.explanations), "", _verdict(outcome)]
    if outcome.warnings:
        lines += ["", "Warnings", *(f"  {warning}" for warning in outcome.warnings)]
    return "\n".join(lines)


def size(network: Network | ThreePhaseNetwork) -> str:
    """How many of what."""
    return (
        f"{len(network.buses.ids)} buses, {len(network.lines.ids)} lines, "
        f"{len(network.transformers.ids)} transformers, {len(network.service_points)} service points"
    )


def element_names(network: Network | ThreePhaseNetwork) -> dict[str, str]:
    """What people call each element: its own name, with its id behind."""
    return {
        element: element if name == element else f"{name} ({element})"
        for table in (network.lines, network.transformers, network.buses)
        for element, name in zip(table.ids, table.names, strict=True)
    }


def _summary(outcome: Outcome, state: State) -> list[str]:
    result, names = state.result, element_names(outcome.network)
    rows = [
        [
            names[violation.element],
            _WORDS[violation.kind] + (" backwards" if violation.reverse else ""),
            _value(violation.kind, violation.value),
            _value(violation.kind, violation.limit),
        ]
        for violation in state.violations[:_MOST_ROWS]
    ]
    more = len(state.violations) - len(rows)
    return [
        f"  highest line loading {_highest(result.line_loading_percent)}, "
        f"transformer {_highest(result.transformer_loading_percent)}, "
        f"voltages {np.nanmin(result.v_pu):.3f} to {np.nanmax(result.v_pu):.3f} pu",
        *(table(["outside its limits", "kind", "value", "limit"], rows) if rows else ["  no violations"]),
        *([f"  and {more} more"] if more else []),
    ]


def _how_sure(outcome: Outcome) -> list[str]:
    known = outcome.known
    if known is None:
        return []
    names = element_names(outcome.network)
    rows = [
        [
            name,
            _WORDS[one.kind],
            _value(one.kind, one.value),
            f"{_value(one.kind, one.low)} to {_value(one.kind, one.high)}",
            _value(one.kind, one.limit),
            percent(one.probability),
        ]
        for one, name in told(known, names)
    ]
    points = len(outcome.network.service_points)
    return [
        "",
        f"How sure: from {known.metered} of {points} meters and {known.inside} readings inside the network",
        *table(["element", "kind", "value", "95 % interval", "limit", "probability"], rows),
        *(f"  {line}" for line in left_out(known)),
    ]


def percent(probability: float) -> str:
    """A probability; never quite 0 or 100 %, which nobody knows."""
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def _value(kind: str, value: float) -> str:
    return f"{value:.3f} pu" if kind in {"undervoltage", "overvoltage"} else f"{value:.1f} %"


def _highest(loading: Floats) -> str:
    return f"{loading.max():.1f} %" if loading.size else "(none)"


def _located(outcome: Outcome) -> list[str]:
    lines: list[str] = []
    names = element_names(outcome.network)
    for composed in outcome.composed[:_TOP]:
        rows = [
            [
                part.service_point,
                f"{part.share_percent:.1f} %",
                f"{part.losses_percent:.1f} %",
                f"{part.p_kw:.2f}",
                f"{part.flexible_kw:.2f}",
            ]
            for part in (*composed.causes[:_TOP], *composed.relief[:1])
        ]
        if rows:
            count = len(composed.causes)
            name = names[composed.violation.element]
            lines += ["", f"Who causes {name} ({count} service points; the largest shares)"]
            lines += table(["service point", "share", "of it losses", "kW", "flexible kW"], rows)
            lines += [f"  {sum_line(composed)}"]
    return lines


def _allocation(outcome: Outcome) -> list[str]:
    if not outcome.curtailments:
        return ["", "Nothing can be cut: no device at hand helps."]
    rows = [[cut.device, cut.service_point, *cells(cut)] for cut in outcome.curtailments]
    header = ["device", "service point", *NUMBERS]
    return ["", f"What to cut: {outcome.curtailed_kw:.2f} kW, the least that helps", *table(header, rows)]


def _verdict(outcome: Outcome) -> str:
    if not outcome.before.violations:
        return "Within all limits."
    if outcome.cleared:
        return f"Cleared by cutting {outcome.curtailed_kw:.2f} kW at {len(outcome.curtailments)} devices."
    return (
        f"NOT cleared: {len(outcome.after.violations)} violations remain with all that the devices can give."
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns in line, all but the first two to the right where they are numbers."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
