"""What a check per phase says: the JSON document of `report.py` with phases in it, and the same for
people. Formats only."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from grid_model.network import Floats
from grid_model.three_phase.location import PhaseContribution
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.phases import PHASES
from grid_model.three_phase.violations import Conductor, PhaseViolation, worst_of_each_kind
from gridward.check.limits_told import NUMBERS, cells, numbers
from gridward.check.phases_outcome import PhaseOutcome, PhaseState
from gridward.check.report import element_names, size, table

__all__ = ["PhaseOutcome", "document", "report"]

_DIGITS = 6
_TOP = 5
_ROWS_OF_A_KIND = 3
_WORDS = {
    "line_overload": "line overload",
    "transformer_overload": "transformer overload",
    "neutral_overload": "neutral overload",
    "undervoltage": "voltage too low",
    "overvoltage": "voltage too high",
    "voltage_unbalance": "voltage unbalance",
}


def document(outcome: PhaseOutcome) -> dict[str, Any]:
    """The JSON document. Holds no NaN: what is not known is null."""
    return {
        "network": outcome.network.source,
        "converged": outcome.converged,
        "before": _state(outcome.network, outcome.before),
        "located": [_located_row(part) for part in outcome.located],
        "allocation": [
            {
                "device": cut.told.device,
                "service_point": cut.told.service_point,
                "phase": cut.phases,
                **numbers(cut.told),
            }
            for cut in outcome.curtailments
        ],
        "curtailed_kw": outcome.curtailed_kw,
        "curtailed_by_phase_kw": outcome.curtailed_by_phase_kw,
        "cleared": outcome.cleared,
        "after": _state(outcome.network, outcome.after),
        "warnings": list(outcome.warnings),
    }


def _located_row(part: PhaseContribution) -> dict[str, Any]:
    return {
        "service_point": part.service_point,
        "service_point_phase": part.phase,
        "violation": part.violation.element,
        "phase": part.violation.phase,
        "kind": part.violation.kind,
        "share_percent": round(part.share_percent, _DIGITS),
        "p_kw": round(part.p_kw, _DIGITS),
        "flexible_kw": round(part.flexible_kw, _DIGITS),
    }


def _state(network: ThreePhaseNetwork, state: PhaseState) -> dict[str, Any]:
    result = state.result
    if not result.converged:
        return {"lines": [], "transformers": [], "buses": [], "violations": []}
    lines = zip(network.lines.ids, result.line_loading_percent, result.neutral_loading_percent, strict=True)
    trafos = zip(network.transformers.ids, result.transformer_loading_percent, strict=True)
    buses = zip(network.buses.ids, result.v_pu, result.unbalance_percent, strict=True)
    return {
        "lines": [
            {"id": element, "loading_percent": _numbers(loading), "neutral_percent": _number(neutral)}
            for element, loading, neutral in lines
        ],
        "transformers": [
            {"id": element, "loading_percent": _numbers(loading)} for element, loading in trafos
        ],
        "buses": [
            {"id": element, "v_pu": _numbers(v_pu), "unbalance_percent": _number(unbalance)}
            for element, v_pu, unbalance in buses
        ],
        "violations": [
            {
                "id": violation.element,
                "phase": violation.phase,
                "kind": violation.kind,
                "value": round(violation.value, _DIGITS),
                "limit": round(violation.limit, _DIGITS),
            }
            for violation in state.violations
        ],
    }


def _numbers(values: Floats) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)


def report(outcome: PhaseOutcome) -> str:
    """The same for people."""
    lines = [f"Network {outcome.network.source}: {_size(outcome.network)}"]
    if not outcome.converged:
        lines += ["", "The load flow does not converge: nothing can be said, and nothing must be done."]
    else:
        lines += ["", "Before", *_summary(outcome.network, outcome.before), *_located(outcome)]
        if outcome.before.violations:
            lines += [*_allocation(outcome), "", "After", *_summary(outcome.network, outcome.after)]
        lines += ["", _verdict(outcome)]
    if outcome.warnings:
        lines += ["", "Warnings", *(f"  {warning}" for warning in outcome.warnings)]
    return "\n".join(lines)


def _size(network: ThreePhaseNetwork) -> str:
    single = int((network.connected.sum(axis=1) == 1).sum())
    return f"{size(network)}, {single} of them on one phase"


def _summary(network: ThreePhaseNetwork, state: PhaseState) -> list[str]:
    """The worst of each kind: along a feeder hundreds of buses share one cause, and would hide the rest."""
    result, names = state.result, element_names(network)
    rows = [
        [
            names[violation.element],
            _on(violation.phase),
            _WORDS[violation.kind] + (" backwards" if violation.reverse else ""),
            _value(violation.kind, violation.value),
            _value(violation.kind, violation.limit),
        ]
        for violation in worst_of_each_kind(state.violations, _ROWS_OF_A_KIND)
    ]
    more = len(state.violations) - len(rows)
    header = ["outside its limits", "phase", "kind", "value", "limit"]
    return [
        f"  highest line loading {_highest(result.line_loading_percent)}, "
        f"neutral {_highest(result.neutral_loading_percent)}, "
        f"transformer {_highest(result.transformer_loading_percent)}",
        f"  voltages {np.nanmin(result.v_pu):.3f} to {np.nanmax(result.v_pu):.3f} pu, "
        f"unbalance up to {np.nanmax(result.unbalance_percent):.2f} %",
        *(table(header, rows) if rows else ["  no violations"]),
        *([f"  and {more} more; in all {_counts(state.violations)}"] if more else []),
    ]


def _counts(violations: Sequence[PhaseViolation]) -> str:
    """`3 line overload, 12 voltage too low`: the most frequent first."""
    counted = Counter(_WORDS[violation.kind] for violation in violations)
    return ", ".join(f"{count} {words}" for words, count in counted.most_common())


def _on(phase: Conductor | None) -> str:
    return {None: "all", "n": "neutral"}.get(phase) or str(phase)


def _value(kind: str, value: float) -> str:
    return f"{value:.3f} pu" if kind in {"undervoltage", "overvoltage"} else f"{value:.1f} %"


def _highest(loading: Floats) -> str:
    return f"{loading.max():.1f} %" if loading.size else "(none)"


def _located(outcome: PhaseOutcome) -> list[str]:
    """Who causes the worst of each kind."""
    lines: list[str] = []
    names = element_names(outcome.network)
    wanted = set(worst_of_each_kind(outcome.before.violations, 1))
    for violation, group in groupby(outcome.located, lambda one: one.violation):
        if violation not in wanted:
            continue
        parts = [*group]
        phase = f", phase {violation.phase}" if violation.phase in PHASES else ""
        where = f"{names[violation.element]}{phase}, {_WORDS[violation.kind]}"
        count = len({part.service_point for part in parts})
        lines += ["", f"Who causes {where} ({count} service points; the largest shares)"]
        lines += table(["service point", "phase", "share", "kW", "flexible kW"], _shares(parts[:_TOP]))
    return lines


def _shares(parts: Sequence[PhaseContribution]) -> list[list[str]]:
    return [
        [
            part.service_point,
            part.phase,
            f"{part.share_percent:.1f} %",
            f"{part.p_kw:.2f}",
            f"{part.flexible_kw:.2f}",
        ]
        for part in parts
    ]


def _allocation(outcome: PhaseOutcome) -> list[str]:
    if not outcome.curtailments:
        return ["", "Nothing can be cut: no device at hand helps."]
    rows = [
        [cut.told.device, cut.told.service_point, cut.phases, *cells(cut.told)]
        for cut in outcome.curtailments
    ]
    header = ["device", "service point", "phase", *NUMBERS]
    on = ", ".join(f"{kw:.2f} on {phase}" for phase, kw in outcome.curtailed_by_phase_kw.items())
    worth = "the least that clears it" if outcome.cleared else "the best that can be done"
    return ["", f"What to cut: {outcome.curtailed_kw:.2f} kW ({on}), {worth}", *table(header, rows)]


def _verdict(outcome: PhaseOutcome) -> str:
    if not outcome.before.violations:
        return "Within all limits, on every phase."
    if outcome.cleared:
        count = len(outcome.curtailments)
        return f"Cleared by cutting {outcome.curtailed_kw:.2f} kW at {count} devices."
    left = _counts(outcome.after.violations)
    return f"NOT cleared: {left} remain with all that the devices can give."
