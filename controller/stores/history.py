"""Readings of past days as Parquet, a file for each feeder and UTC day: `FOLDER/FEEDER/2026-11-26.parquet`.

For whoever looks back further than the store keeps its samples. A file appears whole or not at all, and the
same samples always give the same file. Columns: `at` (UTC), what is known of the feeder (`FEEDER_COLUMNS`),
and `p_kw:NAME` for each service point; 32-bit floats, NaN where nothing fresh was read, zstd.

Readings that came late stand beside, in `2026-11-26.late.parquet`: `at`, `meter`, `source`, `p_kw`.

Of a day on which the network was another one, samples that have another number of service points than now
stand in columns `p_kw:#0`, `p_kw:#1` ...: their names are not known any more. Knows no store and no clock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from controller.stores.port import FeederSample, LateReading
from controller.stores.whole_file import whole_file

if TYPE_CHECKING:
    import pandas as pd

FEEDER_COLUMNS = (
    "substation_p_kw",
    "transformer_loading_percent",
    "max_line_loading_percent",
    "without_control_percent",
    "curtailed_kw",
)
"""as in `FeederSample`"""


class HistoryUnreadable(OSError):
    """A file of the history is damaged: it is left as it is, for somebody to look at."""


class History:
    """The files of a site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, feeder: str, day: date) -> Path:
        """Where that day is, if it is."""
        return self._of(feeder) / f"{day.isoformat()}.parquet"

    def days(self, feeder: str) -> tuple[date, ...]:
        """The days that are there, in order."""
        return tuple(sorted(day for day, path in self._files(feeder) if path == self.file(feeder, day)))

    def write(self, feeder: str, day: date, samples: Sequence[FeederSample], names: Sequence[str]) -> Path:
        """Add one day's samples to what is there of that day; nothing is written when that has them all.

        `names`: (n_sp,) of the service points. Raises HistoryUnreadable and OSError, and has changed nothing.
        """
        path = self.file(feeder, day)
        _add(path, table_of(samples, names), ("at",))
        return path

    def write_late(self, feeder: str, day: date, readings: Sequence[LateReading]) -> Path:
        """Add late readings to what is there of that day's; as `write`."""
        path = self.file(feeder, day).with_suffix(".late.parquet")
        _add(path, late_table_of(readings), ("at", "meter", "source"))
        return path

    def read(self, feeder: str, day: date) -> "pd.DataFrame | None":
        """One day, in order of time; None when it is not there. Raises HistoryUnreadable."""
        path = self.file(feeder, day)
        return read_table(path) if path.exists() else None

    def late(self, feeder: str, day: date) -> tuple[LateReading, ...]:
        """The readings of one day that came late; none when there is no file. Raises HistoryUnreadable."""
        path = self.file(feeder, day).with_suffix(".late.parquet")
        if not path.exists():
            return ()
        table = read_table(path)
        columns = (table["meter"], table["at"], table["p_kw"], table["source"])
        rows = zip(*columns, strict=True)
        return tuple(
            LateReading(feeder, meter, at.to_pydatetime(), float(p_kw), source)
            for meter, at, p_kw, source in rows
        )

    def columns(self, feeder: str, day: date) -> tuple[str, ...]:
        """Of that day's file; none without one. Raises HistoryUnreadable."""
        import fastparquet  # noqa: PLC0415

        path = self.file(feeder, day)
        if not path.exists():
            return ()
        with _readable(path):
            return tuple(fastparquet.ParquetFile(path).columns)

    def prune(self, before: date) -> int:
        """Delete the days before this one, of all feeders that there ever were; returns how many."""
        old = [path for folder in self._feeders() for day, path in _dated(folder) if day < before]
        for path in old:
            path.unlink()
        return len(old)

    def _of(self, feeder: str) -> Path:
        return self._folder / quote(feeder, safe=" ").replace(".", "%2E")

    def _feeders(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (folder for folder in self._folder.iterdir() if folder.is_dir())

    def _files(self, feeder: str) -> Iterator[tuple[date, Path]]:
        folder = self._of(feeder)
        if folder.is_dir():
            yield from _dated(folder)


def table_of(samples: Sequence[FeederSample], names: Sequence[str]) -> "pd.DataFrame":
    """Samples as a table with the columns of the history."""
    import pandas as pd  # noqa: PLC0415

    at = pd.DatetimeIndex([sample.at for sample in samples], tz="UTC").as_unit("us")
    columns: dict[str, object] = {"at": at}
    for name in FEEDER_COLUMNS:
        values = [getattr(sample, name) for sample in samples]
        columns[name] = np.array([np.nan if v is None else v for v in values], dtype=np.float32)
    named = np.array([len(sample.p_kw) == len(names) for sample in samples], dtype=bool)
    columns |= _power(samples, named, [f"p_kw:{name}" for name in names])
    most = max((len(s.p_kw) for s, fits in zip(samples, named, strict=True) if not fits), default=0)
    columns |= _power(samples, ~named, [f"p_kw:#{number}" for number in range(most)])
    return pd.DataFrame(columns)


def late_table_of(readings: Sequence[LateReading]) -> "pd.DataFrame":
    """Late readings as a table, in order of time."""
    import pandas as pd  # noqa: PLC0415

    rows = sorted(readings, key=lambda one: (one.at, one.meter, one.source))
    return pd.DataFrame(
        {
            "at": pd.DatetimeIndex([one.at for one in rows], tz="UTC").as_unit("us"),
            "meter": [one.meter for one in rows],
            "source": [one.source for one in rows],
            "p_kw": np.array([one.p_kw for one in rows], dtype=np.float64),
        }
    )


def _add(path: Path, more: "pd.DataFrame", key: Sequence[str]) -> None:
    """Add rows to a file, unless it has them all."""
    there = read_table(path) if path.exists() else None
    table = merged(there, more, key)
    if there is None or len(table) != len(there):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(path) as part:
            write_table(part, table)


def _power(
    samples: Sequence[FeederSample], chosen: NDArray[np.bool_], names: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Of the chosen samples; NaN of the others."""
    p_kw = np.full((len(samples), len(names)), np.nan, dtype=np.float32)
    for row, sample in enumerate(samples):
        if chosen[row]:
            p_kw[row, : len(sample.p_kw)] = sample.p_kw
    return dict(zip(names, p_kw.T, strict=True))


def read_table(path: Path) -> "pd.DataFrame":
    """One file. Raises HistoryUnreadable."""
    import fastparquet  # noqa: PLC0415  slow, and of use to nobody else

    with _readable(path):
        table: pd.DataFrame = fastparquet.ParquetFile(path).to_pandas()
        return table


def merged(
    there: "pd.DataFrame | None", more: "pd.DataFrame", key: Sequence[str] = ("at",)
) -> "pd.DataFrame":
    """Both, in order of time, each `key` once: what was there already stays as it is."""
    import pandas as pd  # noqa: PLC0415

    if there is None or there.empty:
        return more
    known = pd.MultiIndex.from_frame(there[list(key)])
    new = more[~pd.MultiIndex.from_frame(more[list(key)]).isin(known)]
    return there if new.empty else pd.concat([there, new]).sort_values(list(key), ignore_index=True)


def write_table(path: Path, table: "pd.DataFrame", *, append: bool = False) -> None:
    """Write a table, or add its rows to a file that has the same columns."""
    import fastparquet  # noqa: PLC0415

    fastparquet.write(
        str(path), table, compression="ZSTD", write_index=False, has_nulls=False, stats=False, append=append
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """The reader raises whatever the damage leads it to."""
    try:
        yield
    except Exception as error:
        raise HistoryUnreadable(f"{path} is no readable Parquet file: {error}") from error


def _dated(folder: Path) -> Iterator[tuple[date, Path]]:
    for path in folder.glob("*.parquet"):
        try:
            yield date.fromisoformat(path.name.removesuffix(".parquet").removesuffix(".late")), path
        except ValueError:
            continue  # not ours
