"""One scenario from draw to report: both runs, the judge, the figures and the files.

Everything that is written is in one folder: results.json, series.parquet, customers.parquet, report.html and
the store with the journal of the controlled run, which `gridward audit` and `gridward ledger` read. Of
several feeders each has a folder of its own within, and what is on top sums them up.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from controller.stores.sqlite import SqliteStore
from controller.views import Told
from grid_model.network import Floats
from simulations.checker import FEEDS_IN, Broken, Evidence, judge
from simulations.overview import overview, summed
from simulations.record_reading import Record, of_feeder, read_record
from simulations.report import Findings, page, sentences
from simulations.results import customer_table, figures_of, rules_of, series_table
from simulations.runner import FieldRun, run_controlled_together, run_uncontrolled_together
from simulations.scenario import Scenario
from simulations.setups import Setup, prepare_all

STORE = "journal.sqlite3"


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    results: dict[str, Any]
    broken: tuple[Broken, ...]


def simulate(scenario: Scenario, out: Path, version: str, elapsed_s: Callable[[], float]) -> Outcome:
    """Run the scenario and write its files into `out`; older files of the same names are replaced.

    `elapsed_s` tells how long it has taken so far. Raises NetworkRejected, and OSError when `out` cannot be
    written.
    """
    out.mkdir(parents=True, exist_ok=True)
    setups = prepare_all(scenario)
    uncontrolled = run_uncontrolled_together(setups)
    path = out / STORE
    for old in (path, *out.glob(f"{STORE}-*")):
        old.unlink(missing_ok=True)
    store = SqliteStore(path, durable=False)
    try:
        controlled = run_controlled_together(setups, store, path, version)
        told = sentences(list(store.replay()))
    finally:
        store.close()
    record = read_record(path)
    if len(setups) == 1:
        runs = _Runs(setups[0], uncontrolled[0], controlled[0], record, told)
        results, broken = _written(runs, out, version)
    else:
        parts = [
            _written(
                _Runs(setup, before, after, of_feeder(record, setup.feeder, and_nobodys=not number), told),
                out / setup.feeder,
                version,
            )
            for number, (setup, before, after) in enumerate(
                zip(setups, uncontrolled, controlled, strict=True)
            )
        ]
        results = summed(scenario, setups, [part for part, _ in parts])
        broken = tuple(one for _, found in parts for one in found)
        (out / "report.html").write_text(overview(results), encoding="utf-8")
    results = results | {"wall_s": round(elapsed_s(), 2)}
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return Outcome(results, broken)


@dataclass(frozen=True)
class _Runs:
    """One feeder, both ways."""

    setup: Setup
    uncontrolled: FieldRun
    controlled: FieldRun
    record: Record
    told: Sequence[Told]


def _written(runs: _Runs, out: Path, version: str) -> tuple[dict[str, Any], tuple[Broken, ...]]:
    """Judge one feeder and write its files, results.json but for `wall_s` included."""
    out.mkdir(parents=True, exist_ok=True)
    setup, uncontrolled, controlled, record = runs.setup, runs.uncontrolled, runs.controlled, runs.record
    results, broken, evidence = judged(setup, uncontrolled, controlled, record, version)
    results |= {"untrue_credits": untrue_credits(setup, controlled, evidence)}
    customers = customer_table(setup, uncontrolled.recording, controlled.recording, record)
    series = series_table(uncontrolled.recording, controlled.recording)
    series.to_parquet(out / "series.parquet", engine="fastparquet", index=False)
    customers.to_parquet(out / "customers.parquet", engine="fastparquet", index=False)
    told = [one for one in runs.told if one.feeder in (None, setup.feeder)]
    findings = Findings(setup, uncontrolled, controlled, record, results, customers, broken, told)
    (out / "report.html").write_text(page(findings), encoding="utf-8")
    (out / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return results, broken


def judged(
    setup: Setup, uncontrolled: FieldRun, controlled: FieldRun, record: Record, version: str
) -> tuple[dict[str, Any], tuple[Broken, ...], Evidence]:
    """The figures of one feeder's two runs, the promises that were broken, and what the judge was shown."""
    evidence = evidence_of(setup, controlled, record)
    free_kw = uncontrolled.recording.device_kw
    if len(free_kw) == len(evidence.at):
        evidence = replace(evidence, sun_kw=_sun_kw(setup, free_kw))
    broken = tuple(judge(evidence))
    results = figures_of(
        setup,
        uncontrolled=uncontrolled,
        controlled=controlled,
        record=record,
        broken=broken,
        version=version,
    )
    return results, broken, evidence


def evidence_of(setup: Setup, controlled: FieldRun, record: Record) -> Evidence:
    """What the judge is shown."""
    recording = controlled.recording
    points = [c.service_point for c in setup.population.registry.customers]
    shown_kw = recording.p_kw if recording.shown_kw is None else recording.shown_kw
    return Evidence(
        registry=setup.population.registry,
        rules=rules_of(setup.scenario),
        wire=controlled.wire,
        journal=controlled.journal,
        record=record,
        at=recording.at,
        meter_kw={point: shown_kw[:, place] for place, point in enumerate(points)},
        ended_at=recording.at[-1],
    )


def _sun_kw(setup: Setup, device_kw: Floats) -> dict[str, Floats]:
    """What the inverters fed in, of (n_step, n_device)."""
    devices = setup.population.registry.devices
    return {d.device: -device_kw[:, place] for place, d in enumerate(devices) if d.kind == FEEDS_IN}


def untrue_credits(setup: Setup, controlled: FieldRun, evidence: Evidence) -> int:
    """How many credits rest on false readings: on what the meters showed and the true powers do not."""
    recording = controlled.recording
    if recording.shown_kw is None:
        return 0
    points = [c.service_point for c in setup.population.registry.customers]
    truth = replace(
        evidence, meter_kw={point: recording.p_kw[:, place] for place, point in enumerate(points)}
    )
    return sum(one.invariant == "shown" for one in judge(truth))
