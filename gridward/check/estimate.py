"""How sure `gridward check` is of what it says, where meters are missing or the substation was measured.

The estimated powers and the estimated voltage take the place of the plain snapshot: what is located and cut
rests on the same state that the intervals are of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid_model.estimation.certainty import Certainty, certainties
from grid_model.estimation.estimate import Estimate, Estimator
from grid_model.estimation.measurements import house_voltages
from grid_model.estimation.snapshot_estimate import Shown, estimate_snapshot
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.snapshot import Quality
from grid_model.violations import Limits
from gridward.check.input import CheckInput

_DIGITS = 6
_FULLEST = 5
_MOST_ROWS = 12


@dataclass(frozen=True)
class Sureness:
    """The estimated state, and every element against its limits."""

    network: Network
    estimate: Estimate
    elements: tuple[Certainty, ...]
    """the surest violation first"""
    metered: int
    """service points whose meter was read and is believed"""
    inside: int
    """readings of the substation and of voltages that are believed"""


def sureness(
    data: CheckInput, load_flow: FactoredLoadFlow, limits: Limits, warnings: list[str]
) -> Sureness | None:
    """None where every service point was read and nothing else was measured, and where no estimate can be
    given: that is told in the warnings.
    """
    if not data.substation and not (data.snapshot.quality == Quality.ESTIMATED).any():
        return None
    inside = (*data.substation, *house_voltages(data.network, data.measured_v_pu))
    shown = Shown(data.shown_p_kw, data.shown_q_kvar, age_s=data.age_s, inside=inside)
    found = estimate_snapshot(Estimator(data.network, load_flow), data.network, shown)
    if not isinstance(found, Estimate):
        warnings.append(f"how sure this is cannot be told: {found.reason}")
        return None
    warnings += [
        f"{reading.element} is out of service: its {reading.quantity} is not used"
        for reading in found.ignored
    ]
    lost = {suspect.place for suspect in found.suspects if suspect.place is not None}
    metered = int(np.isfinite(data.shown_p_kw).sum()) - len(lost)
    believed = len(inside) - sum(len(suspect.readings) for suspect in found.suspects) - len(found.ignored)
    if not metered and not believed:
        reasons = [f"{suspect.source} {suspect.reason}" for suspect in found.suspects]
        warnings.append("how sure this is cannot be told: " + "; ".join(["no reading is believed", *reasons]))
        return None
    return Sureness(
        network=data.network,
        estimate=found,
        elements=certainties(data.network, found, limits),
        metered=metered,
        inside=believed,
    )


def document(known: Sureness) -> dict[str, Any]:
    """The `estimate` of the JSON document: every value with its 95 % interval."""
    network, estimate = known.network, known.estimate
    return {
        "lines": _intervals(network.lines.ids, "loading_percent", estimate.lines.value, estimate.lines.sd),
        "transformers": _intervals(
            network.transformers.ids,
            "loading_percent",
            estimate.transformers.value,
            estimate.transformers.sd,
        ),
        "buses": _intervals(network.buses.ids, "v_pu", estimate.voltages.value, estimate.voltages.sd),
        "violations": [
            {
                "id": one.element,
                "kind": one.kind,
                "value": round(one.value, _DIGITS),
                "low": round(one.low, _DIGITS),
                "high": round(one.high, _DIGITS),
                "limit": round(one.limit, _DIGITS),
                "probability": round(one.probability, _DIGITS),
            }
            for one in known.elements
            if one.possible
        ],
        "suspects": [
            {
                "source": suspect.source,
                "what": suspect.what,
                "value": _number(suspect.value),
                "expected": _number(suspect.expected),
                "fault": suspect.fault,
                "reason": suspect.reason,
                "instead": sorted(suspect.instead),
            }
            for suspect in estimate.suspects
        ],
        "unusual": [network.service_points[place] for place in estimate.unusual],
        "consistent": estimate.consistency.consistent,
    }


def _intervals(ids: Sequence[str], quantity: str, values: Floats, sd: Floats) -> list[dict[str, Any]]:
    reach = 1.959964 * sd
    return [
        {
            "id": element,
            quantity: _number(value),
            "low": _number(max(value - off, 0.0) if np.isfinite(value) else value),
            "high": _number(value + off),
        }
        for element, value, off in zip(ids, values.tolist(), reach.tolist(), strict=True)
    ]


def _number(value: float) -> float | None:
    """None for what is not known: JSON has no NaN."""
    return round(value, _DIGITS) if np.isfinite(value) else None


def told(known: Sureness, names: dict[str, str]) -> list[tuple[Certainty, str]]:
    """The elements that are worth a line, with their names: all that may be outside, or else the fullest."""
    possible = [one for one in known.elements if one.possible]
    branches = [one for one in known.elements if one.kind in {"line_overload", "transformer_overload"}]
    shown = (possible or branches[:_FULLEST])[:_MOST_ROWS]
    return [(one, names[one.element]) for one in shown]


def left_out(known: Sureness) -> list[str]:
    """What was not believed, and what does not go together, a sentence each."""
    lines = []
    for suspect in known.estimate.suspects:
        who = suspect.source if suspect.place is not None else f"the {suspect.source}"
        perhaps = f" (or it is {', '.join(sorted(suspect.instead)[:3])})" if suspect.instead else ""
        lines.append(f"{who} is left out: {suspect.reason}{perhaps}")
    points = known.network.service_points
    lines += [
        f"{points[place]} has no reading and takes far from what was expected, about "
        f"{known.estimate.p.value[place]:.1f} kW"
        for place in known.estimate.unusual
    ]
    if not known.estimate.consistency.consistent:
        lines.append(
            "what is left does not go together: a reading that is believed is wrong, or the network is"
        )
    return lines
