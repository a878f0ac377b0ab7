"""One run of a study: the scenario with and without control, judged, as figures. What a worker does.

Knows no files of the study: it gives back values, wherever it was called. What money and thresholds are made
of (loadings of elements, lengths, ratings) is kept in full, so that other costs and questions need no new
runs.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from controller.stores.sqlite import SqliteStore
from grid_model.errors import NetworkRejected
from grid_model.network import Floats
from grid_model.network_equipment import equipment_of
from grid_model.network_sources import keep_named
from simulations.errors import ScenarioRejected
from simulations.record_reading import read_record
from simulations.recording import Recording
from simulations.results import series_table
from simulations.runner import run_controlled, run_uncontrolled
from simulations.scenario_file import parse_scenario
from simulations.setups import Setup, prepare
from simulations.simulate import STORE, judged
from simulations.studies.plan import Run

_NEARLY = 0.9
"""Elements from this share of what they may carry on are kept."""
_NETWORKS_KEPT = 2
INTERNAL = "internal"
"""A fault that begins so is ours; any other is of what the study was given."""


@dataclass(frozen=True)
class Finished:
    """What a run gives back; either `results`, or the reason why there are none."""

    digest: str
    results: dict[str, Any] | None
    elements: tuple[dict[str, Any], ...] = ()
    """lines and transformers that were near or over what they may carry in one of the runs: `id`, `kind`,
    `allowed_percent`, `uncontrolled_percent` and `controlled_percent` (highest quarter-hourly mean), `km` or
    `kva`"""
    series: bytes | None = None
    """Parquet"""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    fault: str | None = None


def make(run: Run, version: str, series: bool) -> Finished:
    """Make one run. A network or file that is rejected, and any fault of ours, comes back as `fault`: one
    run that cannot be made must not end a study of thousands."""
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        results, elements, table = _made(run, version, series)
    except NetworkRejected as fault:
        told = f"network.source: {'; '.join(str(finding) for finding in fault.findings)}"
        return Finished(run.digest, None, fault=told)
    except ScenarioRejected as fault:
        return Finished(run.digest, None, fault="; ".join(fault.findings))
    except Exception as fault:  # noqa: BLE001  the border of a worker: told with the run, which is made again
        return Finished(run.digest, None, fault=f"{INTERNAL}: {type(fault).__name__}: {fault}")
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    return Finished(run.digest, results, elements, table, cpu_s, wall_s)


def _made(
    run: Run, version: str, series: bool
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...], bytes | None]:
    keep_named(_NETWORKS_KEPT)
    setup = prepare(parse_scenario(run.scenario))
    uncontrolled = run_uncontrolled(setup)
    with TemporaryDirectory(prefix="gridward-study-") as folder:
        path = Path(folder) / STORE
        store = SqliteStore(path, durable=False)
        try:
            controlled = run_controlled(setup, store, path, version)
        finally:
            store.close()
        record = read_record(path)
    results, _, _ = judged(setup, uncontrolled, controlled, record, version)
    recordings = uncontrolled.recording, controlled.recording
    table = series_table(*recordings).to_parquet(None, engine="fastparquet", index=False) if series else None
    return results, _elements(setup, *recordings), table


def _elements(setup: Setup, without: Recording, with_: Recording) -> tuple[dict[str, Any], ...]:
    network, allowed = setup.network, setup.scenario.control.limits.loading_percent
    equipment = equipment_of(network)
    lines, transformers = network.lines, network.transformers
    return (
        *_near(
            "line",
            lines.ids,
            np.minimum(allowed, lines.max_loading_percent),
            (without.line_quarter_percent, with_.line_quarter_percent),
            ("km", equipment.line_km),
        ),
        *_near(
            "transformer",
            transformers.ids,
            np.minimum(allowed, transformers.max_loading_percent),
            (without.transformer_quarter_percent, with_.transformer_quarter_percent),
            ("kva", equipment.transformer_kva),
        ),
    )


def _near(
    kind: str,
    ids: tuple[str, ...],
    allowed: Floats,
    peaks: tuple[Floats, Floats],
    size: tuple[str, Floats],
) -> list[dict[str, Any]]:
    return [
        {
            "id": ids[place],
            "kind": kind,
            "allowed_percent": float(allowed[place]),
            "uncontrolled_percent": round(float(peaks[0][place]), 2),
            "controlled_percent": round(float(peaks[1][place]), 2),
            size[0]: float(size[1][place]),
        }
        for place in np.flatnonzero(np.maximum(*peaks) >= _NEARLY * allowed)
    ]
