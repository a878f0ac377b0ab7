"""Recorded states: as bytes, in files, by the recorder."""

import asyncio
import errno
import resource
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from controller.occurrences import frame_files
from controller.occurrences.frame_files import StateReader, StateWriter, prune
from controller.occurrences.frames import Drawn, Frame, decoded, encoded, frame_of
from controller.occurrences.recorder import QUIET_EVERY, Recorder, has_room
from controller.views import FeederView
from tests.builders import FEEDER, START, inline
from tests.controller.occurrences.lived import lived

DRAWN = Drawn(
    "F 1.x",
    ("line:0", "line:1"),
    ("trafo:0",),
    ("bus:0", "bus:1"),
    ("sp0",),
    (100.0, 80.0),
    (100.0,),
    (0.9, None),
    (1.1, None),
)


def frame(at: datetime = START, worst: float = 106.93, **changes: Any) -> Frame:
    made = Frame(
        at, True, 10, 2, 3, 371.25, np.nan, 120.0, 4.5, worst,
        line_percent=np.array([41.34, np.nan]), transformer_percent=np.array([worst]),
        v_pu=np.array([1.0203, np.nan]), p_kw=np.array([-3.1416]),
    )  # fmt: skip
    return replace(made, **changes)


numbers = st.one_of(st.just(np.nan), st.floats(0, 1300))


@settings(max_examples=30)
@given(
    lines=st.tuples(numbers, numbers),
    volts=st.floats(0, 6.5),
    kw=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)),
)
def test_a_frame_comes_back_within_its_steps_and_the_unknown_stays_unknown(
    lines: tuple[float, float], volts: float, kw: float
) -> None:
    one = frame(line_percent=np.array(lines), v_pu=np.array([volts, np.nan]), p_kw=np.array([kw]))
    back = decoded(START, encoded(one), DRAWN)
    np.testing.assert_allclose(back.line_percent, one.line_percent, atol=0.01 + 1e-9)
    np.testing.assert_allclose(back.v_pu, one.v_pu, atol=5e-5 + 1e-9)
    np.testing.assert_allclose(back.p_kw, one.p_kw, atol=5e-4 + 1e-9)
    assert (back.converged, back.measured, back.stale, back.estimated) == (True, 10, 2, 3)
    assert back.worst_percent == pytest.approx(106.93)
    assert np.isnan(back.model_p_kw)


def test_what_is_beyond_all_bounds_stays_known() -> None:
    back = decoded(START, encoded(frame(line_percent=np.array([99_999.0, 0.0]))), DRAWN)
    assert back.line_percent[0] > 1300


@pytest.mark.parametrize("body", [b"", b"nothing", zlib.compress(b"short")])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        decoded(START, body, DRAWN)


def test_a_frame_holds_what_the_view_showed() -> None:
    view = next(one for one in lived().views if one.event is not None)
    drawn = reader_of_lived()[0]
    made = frame_of(view, drawn)
    assert made.transformer_percent.tolist() == [one.loading_percent for one in view.transformers]
    assert dict(zip(drawn.buses, made.v_pu, strict=True)) == {one.id: one.v_pu for one in view.buses}
    assert made.worst_percent == max(one.loading_percent for one in (*view.lines, *view.transformers))
    nothing = frame_of(replace(view, lines=(), buses=(), service_point_kw=(None,)), drawn)
    assert np.isnan(nothing.line_percent).all()
    assert np.isnan(nothing.v_pu).all()


def reader_of_lived() -> tuple[Drawn, Frame]:
    from controller.occurrences.recorder import folder_of

    reader = StateReader(folder_of(lived().site.store.history_folder))
    (found,) = reader.at_or_before(FEEDER, (lived().views[-1].at,))
    assert found is not None
    return found


# --- files


def times(reader: StateReader, *asked: datetime) -> list[datetime | None]:
    return [None if one is None else one[1].at for one in reader.at_or_before(DRAWN.feeder, asked)]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_the_latest_state_that_is_not_later(tmp_path: Path) -> None:
    writer, reader = StateWriter(tmp_path), StateReader(tmp_path)
    assert times(reader, START) == [None]
    for minute in (0, 1, 2):
        writer.write(DRAWN, frame(at(minute), worst=minute))
    assert times(reader, at(-1), at(0), at(0.5), at(1), at(9)) == [None, at(0), at(0), at(1), at(2)]
    writer.write(DRAWN, frame(at(3)))
    writer.write(DRAWN, frame(at(3), worst=1))  # twice the same time
    assert times(reader, at(9)) == [at(3)]
    (found,) = reader.at_or_before(DRAWN.feeder, (at(1),))
    assert found is not None
    assert (found[0], found[1].worst_percent) == (DRAWN, 1.0)


def test_what_was_torn_by_a_crash_ends_the_file_and_the_next_start_begins_another(tmp_path: Path) -> None:
    writer = StateWriter(tmp_path)
    for minute in (0, 1):
        writer.write(DRAWN, frame(at(minute)))
    writer.close()
    (path,) = tmp_path.rglob("*.states")
    whole = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(whole[:-cut])
        assert times(StateReader(tmp_path), at(9)) == [at(0)]
    path.write_bytes(whole[:-4] + b"\x00\x00\x00\x00")
    StateWriter(tmp_path).write(msgspec.structs.replace(DRAWN, line_percent=(90.0, 80.0)), frame(at(5)))
    assert times(StateReader(tmp_path), at(4), at(9)) == [at(0), at(5)]
    for broken in (b"", b"GWS1", b"GWS1\x02\x00\x00\x00{}", b"other things"):
        path.write_bytes(broken)
        assert times(StateReader(tmp_path), at(4), at(9)) == [None, at(5)]


def test_each_day_has_its_file_and_old_days_go(tmp_path: Path) -> None:
    writer = StateWriter(tmp_path)
    days = [datetime(2016, 1, day, 23, 59, tzinfo=UTC) for day in (1, 2, 3)]
    for day in days:
        writer.write(DRAWN, frame(day))
    writer.write(DRAWN, frame(days[2] + timedelta(minutes=2)))
    names = sorted(path.name for path in tmp_path.rglob("*.states"))
    assert [name[:8] for name in names] == ["20160101", "20160102", "20160103", "20160104"]
    (tmp_path / "F 1%2Ex" / "mine.states").write_text("not ours")
    assert prune(tmp_path, days[1], 10**9) == 1
    assert times(StateReader(tmp_path), days[0], days[1]) == [None, days[1]]
    assert prune(tmp_path, days[0], 1) == 2, "too large: all but the newest"
    assert times(StateReader(tmp_path), days[2], at(10**5)) == [None, days[2] + timedelta(minutes=2)]


def test_a_clock_that_was_set_back_begins_a_file_and_both_are_found(tmp_path: Path) -> None:
    writer = StateWriter(tmp_path)
    for minute in range(60):
        writer.write(DRAWN, frame(at(60 + minute), worst=111))
    for minute in range(0, 180, 3):  # an hour earlier, within the same run
        writer.write(DRAWN, frame(at(minute), worst=50))
    assert len(list(tmp_path.rglob("*.states"))) == 2
    assert times(StateReader(tmp_path), at(30), at(150), at(170)) == [at(30), at(150), at(168)]
    writer.close()
    again = StateWriter(tmp_path)
    again.write(DRAWN, frame(at(0), worst=1))  # a time at which there is a file already
    assert len(list(tmp_path.rglob("*.states"))) == 3


def test_a_file_whose_first_state_failed_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StateWriter(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(frame_files, "encoded", disk_full)
        with pytest.raises(OSError, match="full"):
            writer.write(DRAWN, frame())
        assert list(tmp_path.rglob("*.states")) == []
    writer.write(DRAWN, frame(at(1)))
    with monkeypatch.context() as broken:
        broken.setattr(frame_files, "encoded", disk_full)
        with pytest.raises(OSError, match="full"):
            writer.write(DRAWN, frame(at(2)))
    assert times(StateReader(tmp_path), at(9)) == [at(1)]


def test_a_file_whose_header_failed_is_not_left_behind_and_not_left_open(tmp_path: Path) -> None:
    long = msgspec.structs.replace(DRAWN, buses=tuple(f"bus:{n}" for n in range(5_000)))
    writer, opened = StateWriter(tmp_path), len(list(Path("/proc/self/fd").iterdir()))
    for second in range(3):
        with files_of_at_most(4_096), pytest.raises(OSError, match="too large"):
            writer.write(long, frame(at(second)))
    assert list(tmp_path.rglob("*.states")) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
    writer.write(long, frame(at(3), v_pu=np.full(5_000, 1.0)))
    assert times(StateReader(tmp_path), at(9)) == [at(3)]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write more into one, as it does where the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def disk_full(*_: Any) -> bytes:
    raise OSError(errno.ENOSPC, "the disk is full")


def test_the_states_of_a_feeder_that_is_no_more_go_with_the_others(tmp_path: Path) -> None:
    StateWriter(tmp_path).write(msgspec.structs.replace(DRAWN, feeder="old"), frame())
    writer = StateWriter(tmp_path)
    writer.write(DRAWN, frame())
    later = START + timedelta(days=365)
    assert prune(tmp_path, later, 10**9, writer.open_files) == 1
    assert [path.parent.name for path in tmp_path.rglob("*.states")] == ["F 1%2Ex"]
    assert prune(tmp_path, None, 0) == 0, "the newest goes by age alone"


# --- the recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path, {FEEDER: lived().control}, inline, keep_days=14)


async def kept(recorder: Recorder, tmp_path: Path, views: list[Any]) -> int:
    for view in views:
        recorder.take(view)
        await recorder.keep()
    reader = StateReader(tmp_path)
    found = [one for one in reader.at_or_before(FEEDER, tuple(view.at for view in views)) if one is not None]
    return len({one[1].at for one in found})


async def test_quiet_times_are_kept_once_a_minute_and_lively_ones_always(
    recorder: Recorder, tmp_path: Path
) -> None:
    quiet = [
        one for one in lived().views if one.event is None and not one.violations and not one.quality.alarm
    ]
    lively = [one for one in lived().views if one.event is not None and one.event.closed_at is None]
    assert len(quiet) > 6, "views ten seconds apart"
    assert await kept(recorder, tmp_path, quiet) == 1 + (quiet[-1].at - quiet[0].at) // QUIET_EVERY
    assert await kept(recorder, tmp_path, lively) == len(lively)


async def test_only_the_newest_waits_for_a_slow_disk(recorder: Recorder, tmp_path: Path) -> None:
    lively = [one for one in lived().views if one.event is not None and one.event.closed_at is None]
    for view in lively:
        recorder.take(view)
    await recorder.keep()
    assert recorder.dropped == len(lively) - 1
    (found,) = StateReader(tmp_path).at_or_before(FEEDER, (lively[-1].at,))
    assert found is not None
    assert found[1].at == lively[-1].at


async def test_a_full_disk_costs_states_and_nothing_else(tmp_path: Path) -> None:
    broken = True

    async def offload(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if broken:
            raise OSError("no space left")
        return function(*args, **kwargs)

    recorder = Recorder(tmp_path, {FEEDER: lived().control}, offload, keep_days=14)
    lively = [one for one in lived().views if one.event is not None and one.event.closed_at is None]
    recorder.take(lively[0])
    await recorder.keep()
    broken = False
    assert await kept(recorder, tmp_path, lively[1:]) == len(lively) - 1


async def test_what_goes_wrong_costs_states_and_not_the_daemon(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views, (first, second, *_) = FakeViews(), lively()
    task = asyncio.create_task(recorder.run(views))
    await asyncio.sleep(0)
    with monkeypatch.context() as broken:
        broken.setattr(recorder, "keep", None)
        views.show(first)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
    views.show(second)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (found,) = StateReader(tmp_path).at_or_before(FEEDER, (second.at,))
    assert found is not None
    assert found[1].at == second.at


async def test_one_folder_that_cannot_be_written_costs_no_other_feeder_its_states(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("in the way")
    control = lived().control
    recorder = Recorder(tmp_path, {"A": control, FEEDER: control}, inline, keep_days=14)
    recorder._drawn["A"] = msgspec.structs.replace(recorder._drawn["A"], feeder="A")
    lost: list[str] = []
    recorder._lost = lost.append
    with capture_logs() as logs:
        for view in lively()[:3]:
            recorder.take(replace(view, feeder="A"))
            recorder.take(view)
            await recorder.keep()
        (tmp_path / "A").unlink()
        recorder.take(replace(lively()[3], feeder="A"))
        await recorder.keep()
    assert times_of(tmp_path, FEEDER, lively()[2].at) == lively()[2].at
    assert times_of(tmp_path, "A", lively()[3].at) == lively()[3].at
    assert lost == ["A"] * 3
    told = [(one["event"], one["feeder"]) for one in logs]
    assert told == [("states_not_recorded", "A"), ("states_recorded_again", "A")]


def lively() -> list[FeederView]:
    return [one for one in lived().views if one.event is not None and one.event.closed_at is None]


def times_of(folder: Path, feeder: str, at: datetime) -> datetime | None:
    (found,) = StateReader(folder).at_or_before(feeder, (at,))
    return None if found is None else found[1].at


async def test_a_full_disk_is_pruned_before_it_is_written_and_its_last_room_is_left(
    tmp_path: Path,
) -> None:
    full = False
    recorder = Recorder(tmp_path, {FEEDER: lived().control}, inline, keep_days=1, room=lambda _: not full)
    first = lively()[0]

    async def shown(hours: float) -> None:
        recorder.take(replace(first, at=first.at + timedelta(hours=hours)))
        await recorder.keep()

    for hours in (0, 24):
        await shown(hours)
    full = True
    for hours in (25, 47.9, 48.9, 49):  # what is left of the first day is too old then
        await shown(hours)
    assert [path.name[:8] for path in tmp_path.rglob("*.states")] == ["20160113"]
    assert times_of(tmp_path, FEEDER, first.at + timedelta(hours=60)) == first.at + timedelta(hours=24)
    full = False
    await shown(50)
    assert times_of(tmp_path, FEEDER, first.at + timedelta(hours=60)) == first.at + timedelta(hours=50)


async def test_a_leap_of_the_clock_deletes_nothing_and_one_back_is_followed(tmp_path: Path) -> None:
    recorder, first = Recorder(tmp_path, {FEEDER: lived().control}, inline, keep_days=1), lively()[0]
    quiet = replace(first, event=None, violations=(), expected=())
    for days in (0, 1, 4000, 1.5):
        recorder.take(replace(quiet, at=first.at + timedelta(days=days)))
        await recorder.keep()
    assert len(list(tmp_path.rglob("*.states"))) == 4 - 1, "the day that is too old by the right clock"
    assert times_of(tmp_path, FEEDER, first.at + timedelta(days=2)) == first.at + timedelta(days=1.5)
    again = Recorder(tmp_path, {FEEDER: lived().control}, inline, keep_days=1)
    again.take(replace(quiet, at=first.at + timedelta(days=9000)))
    await again.keep()
    assert len(list(tmp_path.rglob("*.states"))) == 4


def test_of_each_disk_some_room_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for total, free, expected in ((2**40, 2**30, False), (2**40, 2**30 + 1, True), (2**30, 2**26, True)):
        usage = shutil._ntuple_diskusage(total, total - free, free)  # type: ignore[attr-defined]
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        assert has_room(tmp_path / "not" / "there") is expected


async def test_it_follows_what_is_shown_until_it_is_ended(recorder: Recorder, tmp_path: Path) -> None:
    views = FakeViews()
    task = asyncio.create_task(recorder.run(views))
    await asyncio.sleep(0)
    shown = [one for one in lived().views if one.event is not None and one.event.closed_at is None][:2]
    views.show(shown[0])
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    views.show(shown[1])
    await recorder.keep()
    (found,) = StateReader(tmp_path).at_or_before(FEEDER, (shown[1].at,))
    assert found is not None
    assert found[1].at == shown[0].at


class FakeViews:
    """Shows what it is given."""

    def __init__(self) -> None:
        self._changed: list[Callable[[str], None]] = []
        self._view: FeederView | None = None

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        self._changed.append(changed)
        return lambda: self._changed.remove(changed)

    def feeder_view(self, feeder: str) -> FeederView | None:
        return self._view

    def show(self, view: FeederView) -> None:
        self._view = view
        for changed in self._changed:
            changed(view.feeder)
