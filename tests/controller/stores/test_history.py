import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from controller.stores import history as subject
from controller.stores import whole_file
from controller.stores.history import History, HistoryUnreadable
from controller.stores.port import FeederSample, LateReading
from tests.controller.stores.killed import killed_at

DAY = date(2026, 11, 26)
NAMES = ("LV1 Load 1", "load:1", "Ünï/kø.de")


def sample(second: int, p_kw: tuple[float, ...] = (1.5, math.nan, -0.25)) -> FeederSample:
    at = datetime(2026, 11, 26, tzinfo=UTC) + timedelta(seconds=second)
    return FeederSample("dorf", at, np.array(p_kw, np.float32), 80.5, None, None, 2.5, 11.0)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def test_a_day_comes_back_with_names_gaps_and_times(history: History) -> None:
    path = history.write("dorf", DAY, [sample(0), sample(5)], NAMES)
    assert path.parts[-2:] == ("dorf", "2026-11-26.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    table = history.read("dorf", DAY)
    assert table is not None
    assert list(table.columns) == ["at", *subject.FEEDER_COLUMNS, *(f"p_kw:{name}" for name in NAMES)]
    assert table["at"].tolist() == [sample(0).at, sample(5).at]
    assert table["p_kw:Ünï/kø.de"].tolist() == [-0.25, -0.25]
    assert table["p_kw:load:1"].isna().all()
    assert table["transformer_loading_percent"].tolist() == [80.5, 80.5]
    assert table["max_line_loading_percent"].isna().all()
    assert table["substation_p_kw"].dtype == np.float32
    assert pd.read_parquet(path, engine="fastparquet").equals(table), "anybody's Parquet reader reads it"
    assert history.days("dorf") == (DAY,)
    assert history.days("stadt") == ()
    assert history.read("dorf", DAY + timedelta(days=1)) is None


def test_the_same_day_again_is_the_same_file(history: History, tmp_path: Path) -> None:
    path = history.write("dorf", DAY, [sample(0), sample(5)], NAMES)
    first, made = path.read_bytes(), path.stat().st_mtime_ns
    history.write("dorf", DAY, [sample(5)], NAMES)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, made)
    other = History(tmp_path / "other").write("dorf", DAY, [sample(0), sample(5)], NAMES)
    assert other.read_bytes() == first


def test_what_comes_later_is_added_in_its_place(history: History) -> None:
    history.write("dorf", DAY, [sample(0), sample(10)], NAMES)
    history.write("dorf", DAY, [sample(5), sample(10, (9.0, 9.0, 9.0))], NAMES)
    table = history.read("dorf", DAY)
    assert table is not None
    assert table["at"].tolist() == [sample(second).at for second in (0, 5, 10)]
    assert table["p_kw:LV1 Load 1"].tolist() == [1.5, 1.5, 1.5]


def test_samples_of_another_network_have_numbers_for_names(history: History) -> None:
    history.write("dorf", DAY, [sample(0, (7.0, 8.0)), sample(5)], NAMES)
    table = history.read("dorf", DAY)
    assert table is not None
    assert table["p_kw:#1"].tolist()[0] == 8.0
    assert math.isnan(table["p_kw:LV1 Load 1"][0])
    assert math.isnan(table["p_kw:#0"][1])
    assert table["p_kw:LV1 Load 1"][1] == 1.5


def test_late_readings_stand_beside_and_go_with_their_day(history: History) -> None:
    history.write("dorf", DAY, [sample(0)], NAMES)
    late = [LateReading("dorf", meter, sample(second).at, 2.5) for second, meter in ((5, "M-2"), (5, "M-1"))]
    history.write_late("dorf", DAY, late)
    first = history.file("dorf", DAY).with_name("2026-11-26.late.parquet").read_bytes()
    path = history.write_late("dorf", DAY, late[:1])
    assert path.read_bytes() == first
    history.write_late("dorf", DAY, [LateReading("dorf", "M-2", sample(5).at, 9.0, "D-1")])
    table = pd.read_parquet(path, engine="fastparquet")
    assert table["meter"].tolist() == ["M-1", "M-2", "M-2"]
    assert table["p_kw"].tolist() == [2.5, 9.0, 2.5]
    assert history.days("dorf") == (DAY,)
    assert history.prune(DAY + timedelta(days=1)) == 2
    assert not path.exists()


@pytest.mark.parametrize("feeder", ["..", ".", "süd 1", "a%b", "%2E"])
def test_a_feeder_is_a_folder_of_its_own_whatever_its_name(history: History, feeder: str) -> None:
    path = history.write(feeder, DAY, [sample(0)], NAMES)
    assert path.resolve().parent.parent == history.file("x", DAY).resolve().parent.parent
    assert history.days(feeder) == (DAY,)
    assert {history.file(name, DAY) for name in ("..", ".", "%2E", "a%b", "a")} & {path} <= {
        history.file(feeder, DAY)
    }


def test_old_days_go_and_what_is_not_ours_stays(history: History) -> None:
    for days in range(4):
        history.write("dorf", DAY + timedelta(days=days), [sample(0)], NAMES)
    history.write("gone", DAY, [sample(0)], NAMES)
    note = history.file("dorf", DAY).with_name("note.parquet")
    note.write_text("not ours")
    assert history.prune(DAY + timedelta(days=2)) == 3
    assert history.days("dorf") == (DAY + timedelta(days=2), DAY + timedelta(days=3))
    assert history.days("gone") == ()
    assert note.exists()


def test_a_damaged_file_is_told_and_left_as_it_is(history: History) -> None:
    path = history.write("dorf", DAY, [sample(0)], NAMES)
    half = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(half)
    with pytest.raises(HistoryUnreadable, match=r"2026-11-26\.parquet is no readable Parquet file"):
        history.write("dorf", DAY, [sample(5)], NAMES)
    assert path.read_bytes() == half


def test_killed_anywhere_the_day_is_as_it_was_or_whole(history: History) -> None:
    history.write("dorf", DAY, [sample(0)], NAMES)
    rows = set()
    for number in range(1, 1000, 3):
        before = len(_rows(history))
        done = not killed_at(
            number,
            (subject, whole_file),
            lambda number=number: history.write("dorf", DAY, [sample(number)], NAMES),  # type: ignore[misc]
        )
        found = len(_rows(history))
        assert found - before in (0, 1)
        rows.add(found - before)
        if done:
            break
    assert rows == {0, 1}
    assert number > 40


def _rows(history: History) -> pd.DataFrame:
    table = history.read("dorf", DAY)
    assert table is not None
    return table
