"""Several feeders in one: their figures summed up, and a page with a row for each. Pure."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from simulations.pages import figure, filled, notes
from simulations.scenario import Scenario
from simulations.setups import Setup

_SUMMED = (
    "customers",
    "devices",
    "events",
    "curtailed_kwh",
    "credited_points",
    "credited_minor_units",
    "ledger_sum",
)


def summed(scenario: Scenario, setups: Sequence[Setup], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`results.json` of all: as that of one feeder, with each under `feeders`.

    Minutes over the limit are those of all feeders together; the energy is that of feeders that no other one
    supplies, since theirs contains the rest.
    """
    own = [part for setup, part in zip(setups, parts, strict=True) if setup.supplied_at is None]
    lowest: dict[str, float] = {}
    for part in parts:
        for kind, kw in part["min_limit_kw"].items():
            lowest[kind] = min(lowest.get(kind, kw), kw)
    return {
        "title": scenario.title,
        "network": scenario.network.source,
        **{key: parts[0][key] for key in ("start", "days", "step_s")},
        **{key: round(sum(part[key] for part in parts), 3) for key in _SUMMED},
        **{run: _run(run, parts, own) for run in ("uncontrolled", "controlled")},
        "requests": {state: sum(part["requests"][state] for part in parts) for state in parts[0]["requests"]},
        "currency": parts[0]["currency"],
        "min_limit_kw": dict(sorted(lowest.items())),
        "invariants": [one for part in parts for one in part["invariants"]],
        "warnings": [
            f"{setup.feeder}: {one}"
            for setup, part in zip(setups, parts, strict=True)
            for one in part["warnings"]
        ],
        "seed": scenario.seed,
        "version": parts[0]["version"],
        "feeders": {setup.feeder: dict(part) for setup, part in zip(setups, parts, strict=True)},
    }


def _run(run: str, parts: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    peaks = [
        part[run]["peak_loading_percent"] for part in parts if part[run]["peak_loading_percent"] is not None
    ]
    lowest = [part[run]["min_v_pu"] for part in parts if part[run]["min_v_pu"] is not None]
    return {
        "peak_loading_percent": max(peaks, default=None),
        "minutes_over_limit": round(sum(part[run]["minutes_over_limit"] for part in parts), 2),
        "min_v_pu": min(lowest, default=None),
        "energy_kwh": round(sum(part[run]["energy_kwh"] for part in own), 2),
    }


def overview(results: Mapping[str, Any]) -> str:
    """The page."""
    before, after = results["uncontrolled"], results["controlled"]
    broken = len(results["invariants"])
    kept = f"<b class='loud'>{broken} promises were broken</b>" if broken else "every promise was kept"
    verdict = (
        f"Left alone, {len(results['feeders'])} feeders are over a limit for <b class='loud'>"
        f"{before['minutes_over_limit']:.0f} minutes</b> together, the worst at <b class='loud'>"
        f"{figure(before['peak_loading_percent'], 0)} %</b>. Under control they are so for <b class='calm'>"
        f"{after['minutes_over_limit']:.0f} minutes</b>, the worst at <b class='calm'>"
        f"{figure(after['peak_loading_percent'], 0)} %</b>. The meters prove "
        f"<b>{results['curtailed_kwh']:.0f} kWh</b> less at the right time; {kept}."
    )
    return filled(
        "overview_page.html",
        title=html.escape(results["title"] or results["network"]),
        verdict=verdict,
        rows="".join(_row(name, part) for name, part in results["feeders"].items()),
        footer=html.escape(
            f"Gridward {results['version']} · seed {results['seed']} · "
            f"{results['customers']} service points, {results['devices']} devices · "
            f"from {results['start']}, {results['days']:g} days"
        ),
        notes=notes(results["warnings"]),
    )


def _row(name: str, part: Mapping[str, Any]) -> str:
    before, after = part["uncontrolled"], part["controlled"]
    tone = "loud" if after["minutes_over_limit"] else "calm"
    cells = (
        f"<a href='{html.escape(name)}/report.html'>{html.escape(name)}</a>",
        html.escape(part["network"]),
        str(part["customers"]),
        str(part["devices"]),
        figure(before["peak_loading_percent"], 1),
        figure(after["peak_loading_percent"], 1),
        f"{before['minutes_over_limit']:.0f}",
        f"<span class='{tone}'>{after['minutes_over_limit']:.0f}</span>",
        figure(after["min_v_pu"], 3),
        str(sum(part["requests"].values())),
        f"{part['curtailed_kwh']:.1f}",
        f"{part['credited_points']:,}",
    )
    return (
        "<tr>"
        + "".join(f"<td class={'n' if place > 1 else 'name'}>{cell}</td>" for place, cell in enumerate(cells))
        + "</tr>"
    )
