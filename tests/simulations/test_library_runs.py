"""Every scenario that comes along in a short form: some minutes of its worst hour, judged.

Elements may carry only a part of what they can, so that there is something to do at once. Reading a network
of SimBench takes longer than such minutes, so all that stand on one are judged together. A network on which
only one scenario stands is read by `make soak` alone: there the whole substation is judged, and the heat wave
where it belongs. In each run the heat wave meets the village, and `test_feeders.py` has several feeders under
one daemon.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from controller.settings import Limits
from controller.stores.sqlite import SqliteStore
from simulations.checker import judge
from simulations.record_reading import Record, of_feeder, read_record
from simulations.runner import FieldRun, run_controlled_together
from simulations.scenario_file import load_scenario
from simulations.scenario_library import find_scenario, names
from simulations.setups import Setup, prepare_all
from simulations.simulate import evidence_of

SHORT: dict[str, tuple[str, int]] = {
    "attack": ("2016-01-12T17:48", 6),
    "broken-broker": ("2016-01-12T17:57", 3),
    "cold-snap": ("2016-01-19T18:20", 4),
    "ev-evening-peak": ("2016-01-12T17:50", 5),
    "evening": ("2016-01-12T17:50", 4),
    "heat-wave": ("2016-07-19T18:10", 4),
    "mass-refusal": ("2016-01-12T17:48", 5),
    "pv-noon": ("2016-05-15T11:55", 4),
    "quick-telemetry": ("2016-01-12T17:55", 1),
    "rebound": ("2016-01-20T18:00", 4),
    "reconfiguration": ("2016-01-12T17:27", 6),
    "silent-concentrator": ("2016-01-12T18:06", 6),
    "small": ("2016-01-12T17:50", 3),
    "substation": ("2016-01-12T17:55", 2),
    "unknown-reconfiguration": ("2016-01-12T17:27", 5),
    "week": ("2016-01-12T17:50", 3),
    "wrong-meter": ("2016-01-12T17:55", 4),
    "year": ("2016-01-12T17:30", 30),
}
"""from when, and for how many minutes"""
VILLAGE = "simbench:1-LV-rural3--0-sw"
TOGETHER: dict[str, list[str]] = {}
"""the scenarios that stand on each network"""
for each in names():
    TOGETHER.setdefault(load_scenario(find_scenario(each)).network.source, []).append(each)
ALONE = {source for source, those in TOGETHER.items() if len(those) == 1}


def controlled(name: str, source: str, folder: Path) -> tuple[tuple[Setup, ...], list[FieldRun], Record]:
    start, minutes = SHORT[name]
    whole = load_scenario(find_scenario(name))
    time = msgspec.structs.replace(
        whole.time, start=datetime.fromisoformat(start).replace(tzinfo=UTC), days=minutes / 1440
    )
    control = msgspec.structs.replace(
        whole.control,
        cycle=msgspec.structs.replace(whole.control.cycle, compiled=False),  # so few steps are not worth it
        limits=Limits(loading_percent=30.0),
        events=msgspec.structs.replace(whole.control.events, persistence_checks=1),
    )
    network = msgspec.structs.replace(whole.network, source=source)
    feeders = whole.feeder[::6]
    setups = prepare_all(
        msgspec.structs.replace(whole, network=network, time=time, control=control, feeder=feeders)
    )
    path = folder / f"{name}.sqlite3"
    store = SqliteStore(path, durable=False)
    try:
        runs = run_controlled_together(setups, store, path, "1")
    finally:
        store.close()
    return setups, runs, read_record(path)


def judged(name: str, source: str, folder: Path) -> None:
    setups, runs, record = controlled(name, source, folder)
    for number, (setup, run) in enumerate(zip(setups, runs, strict=True)):
        mine = of_feeder(record, setup.feeder, and_nobodys=not number)
        assert judge(evidence_of(setup, run, mine)) == [], name
        assert len(run.recording.at) == setup.scenario.steps + 1, name
    told = {entry["entry"] for entry in record.entries}
    assert told & {"event_opened", "data_alarm"}, (name, told)
    asked = sum(len(run.wire) for run in runs)
    assert asked > 0 or name == "attack", name


def test_every_scenario_has_a_short_form_and_few_stand_alone() -> None:
    assert set(SHORT) == set(names())
    assert sorted(name for source in ALONE for name in TOGETHER[source]) == ["heat-wave", "substation"]


@pytest.mark.parametrize(
    "source", [pytest.param(one, marks=pytest.mark.soak if one in ALONE else ()) for one in TOGETHER]
)
def test_the_judge_finds_nothing(source: str, tmp_path: Path) -> None:
    there = TOGETHER[source] + (["heat-wave"] if source == VILLAGE else [])
    for name in there:
        judged(name, source, tmp_path)
