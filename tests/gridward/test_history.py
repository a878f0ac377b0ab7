import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from controller.housekeeping import Housekeeping
from controller.settings import Store
from controller.stores.history import History
from controller.stores.port import FeederSample
from controller.stores.sqlite import SqliteStore
from grid_model.network import load_network
from gridward.cli import main
from tests.gridward.test_config_check import site

Output = pytest.CaptureFixture[str]
NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
NAMES = load_network("pandapower:create_kerber_landnetz_freileitung_1").service_points


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two days in files, two in the store, and one in both."""
    folder = tmp_path_factory.mktemp("site")
    site(folder)
    store = SqliteStore(folder / "state" / "gridward.sqlite3", durable=False)
    store.take_over("test")
    history = History(folder / "state" / "history")
    kept = Store(keep_samples_days=14.0, keep_history_days=400.0)
    housekeeping = Housekeeping(store, kept, {"dorf": NAMES, "vorstadt": NAMES}, history)
    store.commit([], [_sample(days) for days in (18, 17, 15, 10, 9.9)])
    store.commit([], [_sample(0, "vorstadt")])  # or nobody would believe that it is so late
    while housekeeping.step(NOW):
        pass
    store.commit([], [_sample(15), _sample(14.99)])
    store.close()
    return folder


def _sample(days_ago: float, feeder: str = "dorf") -> FeederSample:
    p_kw = np.full(len(NAMES), days_ago, np.float32)
    p_kw[1] = np.nan
    return FeederSample(feeder, NOW - timedelta(days=days_ago), p_kw, 80.0, None, None, 0.0)


def ask(place: Path, *more: str) -> int:
    return main(["history", str(place / "site.toml"), "--from", "2026-03-01", "--to", "2026-03-20", *more])


def test_files_and_store_are_told_together(place: Path, capsys: Output) -> None:
    assert ask(place, "--feeder", "dorf", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    read = round(100 * (1 - 1 / len(NAMES)), 1)
    assert document["days"] == [
        {"day": "2026-03-02", "rows": 1, "from_files": 1, "read_percent": read},
        {"day": "2026-03-03", "rows": 1, "from_files": 1, "read_percent": read},
        {"day": "2026-03-05", "rows": 2, "from_files": 1, "read_percent": read},
        {"day": "2026-03-10", "rows": 2, "from_files": 0, "read_percent": read},
    ]
    assert ask(place) == 0
    assert "2026-03-05       2                    1" in capsys.readouterr().out


def test_one_csv_of_all_days(place: Path, tmp_path: Path, capsys: Output) -> None:
    out = tmp_path / "out.csv"
    assert ask(place, "--csv", str(out)) == 0
    assert capsys.readouterr().out == f"{out}: 6 rows of 4 days of dorf\n"
    table = pd.read_csv(out, parse_dates=["at"])
    assert table["at"].tolist() == [NOW - timedelta(days=d) for d in (18, 17, 15, 14.99, 10, 9.9)]
    assert table[f"p_kw:{NAMES[0]}"].tolist() == [18.0, 17.0, 15.0, 14.99, 10.0, 9.9]
    assert table[f"p_kw:{NAMES[1]}"].isna().all()


def test_one_parquet_of_all_days(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert ask(place, "--parquet", str(out)) == 0
    table = pd.read_parquet(out, engine="fastparquet")
    assert len(table) == 6
    assert table[f"p_kw:{NAMES[-1]}"].dtype == np.float32
    assert table[f"p_kw:{NAMES[0]}"].tolist() == pytest.approx([18, 17, 15, 14.99, 10, 9.9])


def test_days_without_anything(place: Path, tmp_path: Path, capsys: Output) -> None:
    quiet = ["history", str(place / "site.toml"), "--from", "2025-01-01", "--to", "2025-01-02"]
    assert main(quiet) == 0
    assert capsys.readouterr().out == "no readings of dorf on these days\n"
    assert main([*quiet, "--parquet", str(tmp_path / "none.parquet")]) == 0
    assert len(pd.read_parquet(tmp_path / "none.parquet", engine="fastparquet")) == 0


def test_wrong_input_is_told(place: Path, capsys: Output) -> None:
    assert ask(place, "--feeder", "stadt") == 2
    assert "--feeder stadt: expected one of dorf" in capsys.readouterr().err
    assert ask(place, "--csv", str(place / "state" / "gridward.sqlite3")) == 2
    assert "this is the store" in capsys.readouterr().err
    backwards = ["history", str(place / "site.toml"), "--from", "2026-03-02", "--to", "2026-03-01"]
    assert main(backwards) == 2
    assert "expected a day not before" in capsys.readouterr().err
