"""The figures of a scenario: `results.json` (design, section 4) and the tables beside it. Pure.

Everything but `wall_s` is a function of scenario and seed: numbers are rounded, because the last bits of a
load flow depend on the machine.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd

from controller.entries import RequestState
from devices.messages import LimitCommand
from grid_model.network import Floats
from simulations.checker import Broken, Rules, plain
from simulations.record_reading import Record
from simulations.recording import Recording
from simulations.runner import FieldRun
from simulations.scenario import Scenario
from simulations.setups import Setup

_POINTS = "points"
RATED_COLUMNS: Mapping[str, str] = {
    "ev": "ev_charger",
    "heat_pump": "heat_pump",
    "air_conditioner": "air_conditioner",
    "pv": "pv_inverter",
    "battery": "battery",
}
"""columns of the customers' table, `_kw` left out, and the kind of device whose rated power each has"""


def figures_of(
    setup: Setup,
    *,
    uncontrolled: FieldRun,
    controlled: FieldRun,
    record: Record,
    broken: Sequence[Broken],
    version: str,
) -> dict[str, Any]:
    """All of results.json but `wall_s`."""
    scenario = setup.scenario
    settled = settled_entries(record)
    units = _units(record)
    return {
        "title": scenario.title,
        "network": scenario.network.source,
        "start": scenario.time.start.isoformat(),
        "days": scenario.time.days,
        "step_s": scenario.time.step_s,
        "loading_limit_percent": scenario.control.limits.loading_percent,
        "customers": len(setup.population.registry.customers),
        "devices": len(setup.population.registry.devices),
        "uncontrolled": run_figures(uncontrolled.recording, scenario) | _comfort(uncontrolled),
        "controlled": run_figures(controlled.recording, scenario) | _comfort(controlled),
        "events": sum(entry["entry"] == "event_opened" for entry in record.entries),
        "requests": request_states(record),
        "requests_by_resource": _by_resource(record),
        "answered_share": _answered_share(record),
        "notices_followed": controlled.notices_followed,
        "curtailed_kwh": round(sum(entry["reduced_kwh"] for entry in settled), 3),
        "settlements": dict(sorted(Counter(entry["outcome"] for entry in settled).items())),
        "credited_points": units.get(_POINTS, 0),
        "credited_minor_units": units.get(scenario.control.rewards.currency, 0),
        "currency": scenario.control.rewards.currency,
        "ledger_sum": sum(amount for _, _, _, amount in record.postings),
        "min_limit_kw": _min_limits(setup, controlled),
        "energy_cost_minor_units": {
            "uncontrolled": _cost(uncontrolled.recording, scenario),
            "controlled": _cost(controlled.recording, scenario),
        },
        "invariants": plain(broken),
        "warnings": list(setup.base.warnings),
        "seed": scenario.seed,
        "version": version,
    }


def settled_entries(record: Record) -> list[Mapping[str, Any]]:
    """The settlement of each request that holds: the latest correction, or else the first."""
    kinds = ("request_settled", "settlement_corrected")
    latest = {entry["request"]: entry for entry in record.entries if entry["entry"] in kinds}
    return list(latest.values())


def rules_of(scenario: Scenario) -> Rules:
    """What the judge holds the daemon to."""
    control = scenario.control
    return Rules(
        longest_event_s=control.events.max_duration_s,
        points_per_kwh=control.rewards.points_per_kwh,
        minor_units_per_kwh=control.rewards.minor_units_per_kwh,
    )


def run_figures(recording: Recording, scenario: Scenario) -> dict[str, Any]:
    """One run's own figures; each step counts until the next, the last look only for peaks."""
    limits, minutes = scenario.control.limits, recording.step_s / 60
    over = recording.over_limit[:-1] > 1
    within = (recording.min_v_pu[:-1] >= limits.min_v_pu) & (recording.max_v_pu[:-1] <= limits.max_v_pu)
    lost = np.isinf(recording.over_limit[:-1])
    return {
        "peak_loading_percent": _rounded(_peak(recording.loading_percent), 2),
        "peak_transformer_percent": _rounded(_peak(recording.transformer_percent), 2),
        "peak_line_percent": _rounded(_peak(recording.line_percent), 2),
        "minutes_over_limit": _rounded(float(over.sum()) * minutes, 2),
        "minutes_voltage_outside": _rounded(float((~within).sum()) * minutes, 2),
        "minutes_not_converged": _rounded(float(lost.sum()) * minutes, 2),
        "min_v_pu": _rounded(-_peak(-recording.min_v_pu), 4),
        "max_v_pu": _rounded(_peak(recording.max_v_pu), 4),
        "peak_kw": _rounded(float(recording.p_kw.sum(axis=1).max()), 2),
        "least_kw": _rounded(float(recording.p_kw.sum(axis=1).min()), 2),
        "energy_kwh": _rounded(float(recording.p_kw[:-1].sum()) * recording.step_s / 3600, 2),
    }


def request_states(record: Record) -> dict[str, int]:
    """How many requests ended in each state; every state is there."""
    state: dict[str, str] = {}
    for entry in record.entries:
        if entry["entry"] == "request_planned":
            state[entry["request"]] = "planned"
        elif entry["entry"] == "request_moved":
            state[entry["request"]] = entry["state"]
    counts = Counter(state.values())
    return {word: counts.get(word, 0) for word in get_args(RequestState)}


def series_table(uncontrolled: Recording, controlled: Recording) -> pd.DataFrame:
    """One row per step and run."""
    return pd.concat(
        [_series("uncontrolled", uncontrolled, None), _series("controlled", controlled, uncontrolled)],
        ignore_index=True,
    )


def customer_table(
    setup: Setup, uncontrolled: Recording, controlled: Recording, record: Record
) -> pd.DataFrame:
    """One row per customer: what they have, used, were asked for, gave and were credited."""
    registry = setup.population.registry
    planned = {e["request"]: e for e in record.entries if e["entry"] == "request_planned"}
    asked = Counter(plan["customer"] for plan in planned.values())
    gave: dict[str, float] = {}
    for entry in settled_entries(record):
        customer = planned[entry["request"]]["customer"]
        gave[customer] = gave.get(customer, 0.0) + entry["reduced_kwh"]
    kinds = {(d.service_point, d.kind): d for d in registry.devices}
    earned = _earned(record)
    currency = setup.scenario.control.rewards.currency
    hours = controlled.step_s / 3600
    return pd.DataFrame(
        {
            "customer": [c.customer for c in registry.customers],
            "service_point": [c.service_point for c in registry.customers],
            "critical": [c.critical for c in registry.customers],
            "takes_notices": [c.takes_notices for c in registry.customers],
            **{
                f"{column}_kw": [_rated(kinds, c.service_point, kind) for c in registry.customers]
                for column, kind in RATED_COLUMNS.items()
            },
            "uncontrolled_kwh": np.round(uncontrolled.p_kw[:-1].sum(axis=0) * hours, 3),
            "controlled_kwh": np.round(controlled.p_kw[:-1].sum(axis=0) * hours, 3),
            "requests": [asked[c.customer] for c in registry.customers],
            "reduced_kwh": [round(gave.get(c.customer, 0.0), 3) for c in registry.customers],
            "points": [earned.get((c.customer, _POINTS), 0) for c in registry.customers],
            "minor_units": [earned.get((c.customer, currency), 0) for c in registry.customers],
        }
    )


def _series(run: str, recording: Recording, without: Recording | None) -> pd.DataFrame:
    total = recording.p_kw.sum(axis=1)
    held = np.where(np.isfinite(recording.limit_kw), recording.limit_kw, np.nan)
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(recording.at),
            "run": run,
            "transformer_loading_percent": np.round(recording.transformer_percent, 3),
            "max_line_loading_percent": np.round(recording.line_percent, 3),
            "min_v_pu": np.round(recording.min_v_pu, 5),
            "max_v_pu": np.round(recording.max_v_pu, 5),
            "total_kw": np.round(total, 3),
            "devices_limited": np.sum(np.isfinite(held), axis=1).astype(np.int64),
            "curtailed_kw": np.zeros(len(total))
            if without is None
            else np.round(without.p_kw.sum(axis=1) - total, 3),
        }
    )


def _comfort(run: FieldRun) -> dict[str, float]:
    """What people and devices had of it."""
    return {"ev_left_short_kwh": round(run.ev_left_short_kwh, 2)} | {
        key: round(value, 2) for key, value in run.comfort.items()
    }


def _cost(recording: Recording, scenario: Scenario) -> int:
    """What all customers pay for what they took, less what they get for what they fed in."""
    kwh = recording.p_kw[:-1] * recording.step_s / 3600
    prices = scenario.prices
    taken, fed_in = float(np.maximum(kwh, 0.0).sum()), float(np.maximum(-kwh, 0.0).sum())
    return round(taken * prices.minor_units_per_kwh - fed_in * prices.feed_in_minor_units_per_kwh)


def _units(record: Record) -> Mapping[str, int]:
    """What customers were credited, by unit; what was taken back counts against it."""
    sums: Counter[str] = Counter()
    for (_, unit), amount in _earned(record).items():
        sums[unit] += amount
    return sums


def _earned(record: Record) -> dict[tuple[str, str], int]:
    """(customer, unit) → credited."""
    earned: Counter[tuple[str, str]] = Counter()
    for _, account, unit, amount in record.postings:
        kind, _, customer = account.partition(":")
        if kind == "customer":
            earned[customer, unit] += amount
    return dict(earned)


def _by_resource(record: Record) -> dict[str, int]:
    planned: Counter[str] = Counter(
        entry["resource"] for entry in record.entries if entry["entry"] == "request_planned"
    )
    return {"device": planned["device"], "person": planned["person"]}


def _answered_share(record: Record) -> float | None:
    """Of the requests that went to devices, how many were answered at all; None when none went."""
    devices = {
        entry["request"]
        for entry in record.entries
        if entry["entry"] == "request_planned" and entry["resource"] == "device"
    }
    sent = {e["request"] for e in record.entries if e["entry"] == "request_sent"} & devices
    answered = {e["request"] for e in record.entries if e["entry"] == "request_answered"} & sent
    return round(len(answered) / len(sent), 4) if sent else None


def _min_limits(setup: Setup, run: FieldRun) -> dict[str, float]:
    """The lowest limit ever sent to each kind of device."""
    lowest: dict[str, float] = {}
    for passed in run.wire:
        if isinstance(passed.message, LimitCommand):
            kind = setup.population.registry.device[passed.message.device].kind
            lowest[kind] = min(lowest.get(kind, np.inf), passed.message.limit_kw)
    return dict(sorted(lowest.items()))


def _rated(kinds: Mapping[tuple[str, str], Any], point: str, kind: str) -> float:
    device = kinds.get((point, kind))
    return device.rated_kw if device is not None else 0.0


def _peak(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if known.size else float("nan")


def _rounded(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(value, digits)
