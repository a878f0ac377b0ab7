"""States of a span of time: as they were shown, and solved anew where none was kept."""

import shutil
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from controller import settings
from controller.occurrences import recorded_states
from controller.occurrences.computed import computed
from controller.occurrences.frame_files import StateWriter
from controller.occurrences.frames import Drawn, drawn_of, frame_of
from controller.occurrences.kept_bodies import MOST
from controller.occurrences.recorded_states import RecordedStates
from controller.occurrences.recorder import folder_of
from controller.occurrences.replay import (
    LONGEST,
    MOST_STEPS,
    RecordedBody,
    Shown,
    SpanRefused,
    recorded_body,
    steps_of,
)
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats
from tests.builders import FEEDER, HOUSES, START
from tests.controller.occurrences.lived import lived
from tests.controller.occurrences.test_frames import DRAWN, frame

HOUR = START + timedelta(hours=1)


def site_in(folder: Path) -> settings.Site:
    return msgspec.structs.replace(lived().site, store=settings.Store(path=folder / "store.sqlite3"))


def states(folder: Path | None = None) -> RecordedStates:
    of = lived().site if folder is None else site_in(folder)
    return RecordedStates(of, {FEEDER: lived().control}, lambda _: lived().record)


def shown_at(at: datetime) -> dict[str, float]:
    view = next(one for one in lived().views if one.at == at)
    return {one.id: one.loading_percent for one in (*view.lines, *view.transformers)}


def known(rows: list[list[float | None]]) -> Floats:
    """NaN where nothing is."""
    return np.array(rows, dtype=np.float64)


async def test_each_step_is_what_was_shown_then() -> None:
    body = await states().between(
        FEEDER, lived().opened_at, lived().opened_at + timedelta(seconds=50), step_s=10, service_points=True
    )
    assert body.source == ["recorded"] * 6
    assert body.shown_at == body.times
    lines_of, transformers_of = known(body.line_percent), known(body.transformer_percent)
    for at, lines, transformers in zip(body.times, lines_of, transformers_of, strict=True):
        shown = shown_at(at)
        told = dict(zip((*body.lines, *body.transformers), (*lines, *transformers), strict=True))
        assert told.keys() == shown.keys()
        assert all(abs(told[element] - shown[element]) <= 0.06 for element in shown)
    assert max(body.worst_percent) > 100 > body.worst_percent[-1]  # type: ignore[type-var, operator]
    assert body.service_point_kw is not None
    assert [len(row) for row in body.service_point_kw] == [HOUSES] * 6
    (limits,) = body.limits
    assert (limits.step, set(limits.transformer_percent)) == (0, {100.0})


async def test_where_none_was_kept_the_meters_are_solved_anew_and_marked(tmp_path: Path) -> None:
    first = lived().opened_at
    span = (FEEDER, first, first + timedelta(seconds=50))
    kept = await states().between(*span, step_s=10, service_points=False)
    anew = await states(tmp_path).between(*span, step_s=10, service_points=False)
    assert anew.source == ["computed"] * 6
    assert anew.service_point_kw is None
    np.testing.assert_allclose(known(anew.transformer_percent), known(kept.transformer_percent), rtol=0.03)
    assert anew.curtailed_kw == kept.curtailed_kw


async def test_where_nothing_is_known_nothing_is_told(tmp_path: Path) -> None:
    body = await states(tmp_path).between(
        FEEDER, HOUR, HOUR + timedelta(hours=4), step_s=3600, service_points=False
    )
    assert body.source == body.shown_at == body.converged == [None] * 5
    assert np.isnan(known(body.line_percent)).all()
    assert b'"worst_percent":[null,null,null,null,null]' in msgspec.json.encode(body)


async def test_a_store_out_of_order_leaves_what_was_recorded() -> None:
    of = lived().record
    of.fault = OSError("gone")
    try:
        with pytest.raises(OSError, match="gone"):
            await states().between(FEEDER, HOUR, HOUR, step_s=None, service_points=False)
        at = lived().opened_at
        body = await states().between(FEEDER, at, at, step_s=None, service_points=False)
    finally:
        of.fault = None
    assert body.source == ["recorded"]


async def test_a_damaged_file_costs_its_own_time_alone(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "history")
    shutil.copytree(folder_of(lived().site.store.history_folder), folder)
    (path,) = folder.rglob("*.states")
    path.write_bytes(path.read_bytes()[:2000])
    body = await states(tmp_path).between(
        FEEDER, START, lived().views[-1].at, step_s=60, service_points=False
    )
    assert body.source[0] == "recorded"
    assert body.source[-1] == "computed"


async def test_nothing_is_computed_for_a_time_whose_network_had_other_service_points(tmp_path: Path) -> None:
    """Their number alone tells nothing: samples have no names."""
    folder, last = folder_of(tmp_path / "history"), lived().views[-1]
    drawn = drawn_of(lived().control)
    others = msgspec.structs.replace(
        drawn, service_points=tuple(f"other {name}" for name in drawn.service_points)
    )
    writer = StateWriter(folder)
    writer.write(others, replace(frame_of(last, drawn), at=START - timedelta(hours=1)))
    writer.close()
    body = await states(tmp_path).between(FEEDER, START, last.at, step_s=60, service_points=False)
    assert set(body.source) == {None}


def test_computed_states_are_those_of_the_load_flow() -> None:
    control = lived().control
    (sample,) = lived().world.store.samples(
        FEEDER, lived().opened_at, lived().opened_at + timedelta(seconds=1)
    )
    silent = sample.p_kw.copy()
    silent[3] = np.nan
    found = computed(control, (sample, replace(sample, p_kw=sample.p_kw[:5]), replace(sample, p_kw=silent)))
    assert found[1] is None, "of another network"
    whole, partly = found[0], found[2]
    assert whole is not None
    assert partly is not None
    net = control.network
    q_kvar = sample.p_kw * net.default_q_kvar / net.default_p_kw
    referee = FactoredLoadFlow(net).by_runpp(sample.p_kw.astype(float), q_kvar, 1.0)
    np.testing.assert_allclose(partly.transformer_percent, whole.transformer_percent, rtol=0.1)
    np.testing.assert_allclose(whole.line_percent, referee.line_loading_percent, atol=1e-3)
    assert (whole.measured, partly.measured, partly.estimated) == (HOUSES, HOUSES - 1, 1)
    others = np.delete(sample.p_kw, 3).sum() / np.delete(net.default_p_kw, 3).sum()
    assert partly.p_kw[3] == pytest.approx(net.default_p_kw[3] * others)


def test_steps_are_as_fine_as_may_be_and_never_too_many() -> None:
    times, step_s = steps_of(START, HOUR, None, DRAWN, service_points=False)
    assert (len(times), step_s) == (361, 10.0)
    assert steps_of(START, HOUR, 600, DRAWN, service_points=False)[0][-1] == HOUR
    assert len(steps_of(START, START, None, DRAWN, service_points=False)[0]) == 1
    with pytest.raises(SpanRefused, match="at least 10"):
        steps_of(START, HOUR, 5, DRAWN, service_points=False)
    with pytest.raises(SpanRefused, match="not before"):
        steps_of(HOUR, START, None, DRAWN, service_points=False)
    large = msgspec.structs.replace(DRAWN, lines=tuple(f"line:{n}" for n in range(20_000)))
    few, _ = steps_of(START, HOUR, None, large, service_points=False)
    assert len(few) <= 60 < MOST_STEPS


def test_another_network_and_other_limits_stand_in_the_order_of_now() -> None:
    before = Drawn(
        "F 1.x",
        ("line:1", "line:9"),
        ("trafo:0",),
        ("bus:1",),
        ("sp0",),
        (70.0, 60.0),
        (90.0,),
        (0.95,),
        (1.05,),
    )
    old = frame(line_percent=np.array([11.0, 99.0]), v_pu=np.array([0.98]))
    shown = [Shown(old, before, "recorded"), None, *([Shown(frame(), DRAWN, "recorded")] * 2)]
    times = [START + timedelta(minutes=n) for n in range(4)]
    body = recorded_body(DRAWN, times, 60.0, shown, (), service_points=False)
    assert str(body.line_percent[0]) == "[nan, 11.0]"
    assert str(body.v_pu[0]) == "[nan, 0.98]"
    assert [(row.step, row.transformer_percent) for row in body.limits] == [(0, [90.0]), (2, [100.0])]
    assert str(body.limits[0].line_percent) == "[nan, 70.0]"
    assert drawn_of(lived().control).transformer_percent == (100.0,)


async def test_the_loop_only_hands_out_what_was_read_and_put_in_columns_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[threading.Thread] = []
    real = recorded_states.recorded_body

    def noted(*args: Any, **kwargs: Any) -> Any:
        made.append(threading.current_thread())
        return real(*args, **kwargs)

    monkeypatch.setattr(recorded_states, "recorded_body", noted)
    at, of = lived().opened_at, states()
    span = (FEEDER, at, at + timedelta(seconds=50))
    first = await of.between(*span, step_s=10, service_points=False)
    assert [thread is threading.main_thread() for thread in made] == [False]
    assert await of.between(*span, step_s=10, service_points=False) is first, "nothing came since"
    other = await of.between(*span, step_s=25, service_points=False)
    assert len(other.times) == 3
    assert (await of.between(*span, step_s=10, service_points=True)).service_point_kw is not None
    assert len(made) == 3


async def test_an_answer_is_kept_only_while_nothing_else_was_recorded(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "history")
    writer, of = StateWriter(folder), states(tmp_path)
    drawn = drawn_of(lived().control)
    views = lived().views
    writer.write(drawn, frame_of(views[0], drawn))
    span = (FEEDER, views[0].at, views[1].at)
    first = await of.between(*span, step_s=None, service_points=False)
    writer.write(drawn, frame_of(views[1], drawn))
    second = await of.between(*span, step_s=None, service_points=False)
    assert (first.shown_at[-1], second.shown_at[-1]) == (views[0].at, views[1].at)


async def test_answers_are_kept_of_few_feeders_however_many_are_looked_at(tmp_path: Path) -> None:
    writer, view, control = StateWriter(folder_of(tmp_path / "history")), lived().views[0], lived().control
    drawn = drawn_of(control)
    names = [f"F {n}" for n in range(MOST + 1)]
    for name in names:
        writer.write(msgspec.structs.replace(drawn, feeder=name), frame_of(view, drawn))
    of = RecordedStates(site_in(tmp_path), dict.fromkeys(names, control), lambda _: lived().record)

    async def asked(feeder: str) -> RecordedBody:
        return await of.between(feeder, view.at, view.at, step_s=None, service_points=False)

    first = [await asked(name) for name in names]
    assert first[0].source == ["recorded"]
    assert await asked(names[-1]) is first[-1]
    assert await asked(names[0]) is not first[0], "as many as may be were asked for since"


def test_steps_are_of_round_length_and_the_end_is_the_last_of_them() -> None:
    for minutes, expected_s in ((6, 1.0), (12, 2.0), (67, 15.0), (80, 15.0), (60 * 24, 300.0)):
        end = START + timedelta(minutes=minutes, seconds=0.5)
        times, step_s = steps_of(START, end, None, DRAWN, service_points=False)
        assert (step_s, times[0], times[-1]) == (expected_s, START, end)
        assert len(times) <= MOST_STEPS
        assert {b - a for a, b in pairwise(times[:-1])} == {timedelta(seconds=step_s)}
    grown, _ = steps_of(START, START + timedelta(minutes=67, seconds=30), None, DRAWN, service_points=False)
    before, _ = steps_of(START, START + timedelta(minutes=67), None, DRAWN, service_points=False)
    assert grown[: len(before) - 1] == before[:-1], "a page that asks again finds its step again"


def test_no_span_is_longer_than_what_one_answer_is_for() -> None:
    steps_of(START, START + LONGEST, None, DRAWN, service_points=False)
    with pytest.raises(SpanRefused, match="to: expected at most 14 days"):
        steps_of(START, START + LONGEST + timedelta(seconds=1), None, DRAWN, service_points=False)
