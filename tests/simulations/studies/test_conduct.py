"""A study from file to table: what was done is not done again, whatever ended it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import psutil
import pytest

from simulations.scenario_file import load_scenario
from simulations.studies import one_run
from simulations.studies.conduct import Conductor, Outcome
from simulations.studies.one_run import Finished
from simulations.studies.plan import Run
from simulations.studies.run_files import program_digest
from simulations.studies.study import Run as Where
from simulations.studies.study_file import load_study
from simulations.studies.workers import finished_runs
from tests.simulations.studies.village import BASE, STUDY, village_study, write_study

ROOT = Path(__file__).resolve().parents[3]


class Watched:
    """Notes what a progress bar would show."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def begins(self, total: int, done: int) -> None:
        self.seen.append((total, done))

    def finished(self) -> None:
        self.seen.append("one")

    def ends(self) -> None:
        self.seen.append("end")


def conduct(
    folder: Path, text: str = STUDY, make: Callable[..., Finished] = one_run.make
) -> tuple[Outcome, list[Any]]:
    study, base = village_study(folder, text)
    watched = Watched()
    return Conductor(study, base, folder / "out", "1.2.3", make).conduct(watched), watched.seen


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, list[Any]]:
    folder = tmp_path_factory.mktemp("study")
    text = STUDY.replace("workers = 1", "workers = 1\nseries = true")
    return folder, *conduct(folder, text)


def test_each_point_is_run_under_the_same_seeds(done: tuple[Path, Outcome, list[Any]]) -> None:
    folder, outcome, seen = done
    table = pd.read_parquet(folder / "out" / "results.parquet", engine="fastparquet")
    assert list(zip(table["shares.ev"], table["seed"], strict=True)) == [
        (share, seed) for share in (0.1, 0.9) for seed in (1, 2, 3)
    ]
    assert (outcome.found, outcome.made, outcome.faults) == (0, 6, ())
    assert seen == [(6, 0), *["one"] * 6, "end"]
    few, many = (part for _, part in table.groupby("shares.ev"))
    assert many["devices"].min() > few["devices"].max()
    assert many["uncontrolled_peak_loading_percent"].min() > few["uncontrolled_peak_loading_percent"].max()
    assert table["promises_broken"].sum() == 0


def test_duckdb_reads_the_table_and_the_series(done: tuple[Path, Outcome, list[Any]]) -> None:
    duckdb = pytest.importorskip(
        "duckdb", reason="duckdb is not installed: its reading of a study is not tested"
    )
    folder, outcome, _ = done
    out = folder / "out"
    rows = duckdb.sql(
        f"SELECT \"shares.ev\", count(*), max(uncontrolled_peak_kw) FROM '{out}/results.parquet' "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [(share, count) for share, count, _ in rows] == [(0.1, 3), (0.9, 3)]
    run = outcome.table.iloc[-1]
    ((highest,),) = duckdb.sql(
        "SELECT max(greatest(transformer_loading_percent, max_line_loading_percent)) "
        f"FROM '{out}/runs/{run['run']}.parquet' WHERE run = 'uncontrolled'"
    ).fetchall()
    assert highest == pytest.approx(run["uncontrolled_peak_loading_percent"], abs=0.01)
    earlier = out / "runs" / f"{'0' * 24}.parquet"
    shutil.copy(out / "runs" / f"{run['run']}.parquet", earlier)
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"`(SELECT \* FROM read_parquet\(.*?)`", page)
    query = query.replace("'runs/", f"'{out}/runs/").replace("'results", f"'{out}/results")
    ((read,),) = duckdb.sql(f"SELECT count(DISTINCT filename) FROM ({query})").fetchall()
    earlier.unlink()
    assert read == 6


def test_a_second_time_nothing_is_made_and_the_table_is_the_same(
    done: tuple[Path, Outcome, list[Any]],
) -> None:
    folder, outcome, _ = done
    text = STUDY.replace("workers = 1", "workers = 1\nseries = true")
    again, seen = conduct(folder, text, make=_never)
    assert (again.found, again.made) == (6, 0)
    assert seen == [(6, 6), "end"]
    pd.testing.assert_frame_equal(again.table, outcome.table)


def test_other_costs_need_no_new_runs_and_another_seed_needs_only_its_own(
    done: tuple[Path, Outcome, list[Any]],
) -> None:
    folder, outcome, _ = done
    text = STUDY.replace("workers = 1", "workers = 1\nseries = true") + "[costs]\nline_per_km = 9e6\n"
    dear, _ = conduct(folder, text, make=_never)
    assert dear.table["reinforcement_investment"].sum() > outcome.table["reinforcement_investment"].sum()
    made: list[int] = []
    more, _ = conduct(folder, text.replace("count = 3", "count = 4"), make=_noting(made))
    assert (more.found, more.made, made) == (6, 2, [4, 4])


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    made: list[int] = []
    text = STUDY.replace("[0.1, 0.9]", "[0.1]")
    outcome, _ = conduct(tmp_path, text, make=_noting(made))
    file = tmp_path / "out" / "runs" / f"{outcome.table['run'][1]}.json"
    whole = file.read_bytes()
    for damaged in (whole[:-30], whole.replace(b'"events":0', b'"events":9'), b""):
        assert damaged != whole
        file.write_bytes(damaged)
        made.clear()
        conduct(tmp_path, text, make=_noting(made))
        assert made == [2]


def test_a_run_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    def failing(run: Run, version: str, series: bool) -> Finished:
        return Finished(run.digest, None, fault="x") if run.seed == 2 else _like_a_run(run)

    text = STUDY.replace("[0.1, 0.9]", "[0.1]")
    outcome, _ = conduct(tmp_path, text, make=failing)
    assert [(run.seed, fault) for run, fault in outcome.faults] == [(2, "x")]
    assert list(outcome.table["seed"]) == [1, 3]
    made: list[int] = []
    conduct(tmp_path, text, make=_noting(made))
    assert made == [2]


def test_a_network_that_does_not_exist_is_told_with_its_run(tmp_path: Path) -> None:
    text = STUDY.replace("shares.ev", "network.source").replace("[0.1, 0.9]", '["pandapower:create_nothing"]')
    outcome, _ = conduct(tmp_path, text.replace("count = 3", "count = 1"))
    ((_, fault),) = outcome.faults
    assert fault.startswith("network.source: ")
    assert "not a network function" in fault


def test_another_program_makes_all_anew(tmp_path: Path) -> None:
    for package in ("grid_model", "controller"):
        (tmp_path / package).mkdir()
    file = tmp_path / "controller" / "cycle.py"
    file.write_text("a = 1\n", encoding="utf-8")
    before = program_digest("1.0", tmp_path)
    assert program_digest("1.0", tmp_path) == before
    file.write_text("a = 2\n", encoding="utf-8")
    assert len({before, program_digest("1.0", tmp_path), program_digest("1.1", tmp_path)}) == 3


@pytest.mark.soak
def test_killed_in_the_midst_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """kill -9 of the command while two workers run: no run that was finished is made again, and no worker
    stays behind."""
    text = STUDY.replace("workers = 1", "workers = 2").replace("count = 3", "count = 8")
    study = write_study(tmp_path, text)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "gridward", "study", str(study), "--out", str(out), "--json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        runs = out / "runs"
        _until(lambda: len(list(runs.glob("*.json"))) >= 3 or process.poll() is not None, 120)
        workers = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    there = {file.stem for file in runs.glob("*.json")}
    assert 3 <= len(there) < 16
    _until(lambda: not any(one.is_running() and one.status() != "zombie" for one in workers), 20)
    made: list[str] = []

    def noting(run: Run, version: str, series: bool) -> Finished:
        made.append(run.digest)
        return _like_a_run(run)

    loaded, base = load_study(study)
    inline = msgspec.structs.replace(loaded, run=Where(workers=1))
    outcome = Conductor(inline, base, out, version("gridward"), noting).conduct(Watched())
    assert (outcome.found, outcome.made) == (len(there), 16 - len(there))
    assert not there & set(made)
    assert len(outcome.table) == 16
    assert list(out.rglob("*.begun")) == []


def test_on_a_dask_cluster_by_its_address(tmp_path: Path) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="distributed is not installed: studies on a Dask cluster are not tested"
    )
    study, base = village_study(
        tmp_path, STUDY.replace("[0.1, 0.9]", "[0.9]").replace("count = 3", "count = 1")
    )
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        there = msgspec.structs.replace(study, run=Where(cluster=cluster.scheduler_address))
        on_dask = Conductor(there, base, tmp_path / "dask", "1.2.3").conduct(Watched())
    here = Conductor(study, base, tmp_path / "here", "1.2.3").conduct(Watched())
    assert (on_dask.made, on_dask.faults) == (1, ())
    pd.testing.assert_frame_equal(on_dask.table.drop(columns="cpu_s"), here.table.drop(columns="cpu_s"))


def test_no_run_is_dropped_where_dask_has_more_than_it_is_given_at_once(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    runs = [Run(str(n), "", {}, n) for n in range(11)]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:
        where = Where(cluster=cluster.scheduler_address)
        digests = [done.digest for done in finished_runs(runs, where, "1.2.3", _nothing)]
    assert sorted(digests, key=int) == [run.digest for run in runs]


def _nothing(run: Run, version: str, series: bool) -> Finished:
    return Finished(run.digest, None)


WEATHER = "at,outdoor_c\n2016-01-12T00:00Z,{0}\n2016-01-13T00:00Z,{0}\n"


def test_files_of_a_scenario_are_seen_from_it_and_belong_to_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "weather.csv").write_text(WEATHER.format(3), encoding="utf-8")
    text = STUDY.replace("[0.1, 0.9]", "[0.1]").replace("count = 3", "count = 1")
    monkeypatch.chdir(elsewhere)
    made: list[int] = []

    def again() -> Outcome:
        path = write_study(folder, text, BASE + '[weather]\nfile = "weather.csv"\n')
        return Conductor(*load_study(path), folder / "out", "1", _noting(made)).conduct(Watched())

    assert (again().faults, made) == ((), [1])
    assert again().found == 1
    (kept,) = (folder / "out" / "runs").glob("*.toml")
    assert Path(load_scenario(kept).weather.file or "").read_text() == WEATHER.format(3)
    (folder / "weather.csv").write_text(WEATHER.format(-9), encoding="utf-8")
    assert again().found == 0


def test_a_file_that_is_missing_is_wrong_input_and_told_as_such(tmp_path: Path) -> None:
    path = write_study(tmp_path, STUDY, BASE + '[weather]\nfile = "weather.csv"\n')
    outcome = Conductor(*load_study(path), tmp_path / "out", "1").conduct(Watched())
    told = {fault for _, fault in outcome.faults}
    assert len(told) == 1
    assert told.pop().startswith(f"{tmp_path}/weather.csv: expected a readable CSV file")


def _never(run: Run, version: str, series: bool) -> Finished:
    raise AssertionError(f"run {run.digest} was made again")


def _noting(made: list[int]) -> Callable[..., Finished]:
    def noting(run: Run, version: str, series: bool) -> Finished:
        made.append(run.seed)
        return _like_a_run(run)

    return noting


def _like_a_run(run: Run) -> Finished:
    """A finished run's shape without its work."""
    figures = dict.fromkeys(
        (
            "peak_loading_percent", "peak_transformer_percent", "peak_line_percent", "minutes_over_limit",
            "minutes_voltage_outside", "minutes_not_converged", "min_v_pu", "max_v_pu", "peak_kw",
            "energy_kwh", "ev_left_short_kwh",
        ),
        1.0,
    )  # fmt: skip
    results = {
        "network": "n", "start": "s", "days": 1.0, "loading_limit_percent": 100.0, "customers": 1,
        "devices": 1, "events": 0,
        "uncontrolled": figures, "controlled": figures, "notices_followed": 0, "curtailed_kwh": 0.0,
        "credited_points": 0, "credited_minor_units": 0, "currency": "EUR-cent", "invariants": [],
        "warnings": [],
        "requests": {"refused": 0, "unanswered": 0}, "version": "x",
    }  # fmt: skip
    return Finished(run.digest, results)


def _until(true: Callable[[], bool], most_s: float) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < most_s
        time.sleep(0.05)
