"""The overview: what a feeder's row says, in which order, and what changed since."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from controller.api.overview_bodies import OverviewRow
from controller.api.overview_rows import (
    LimitsOf,
    by_severity,
    changes_since,
    row_of,
    row_without_view,
    totals_of,
)
from controller.views import (
    BusVoltage,
    ByHandView,
    DataQuality,
    ElementLoading,
    EventView,
    ExpectedView,
    FeederView,
    Told,
    ViolationView,
)
from tests.controller.api.fake_views import START, FakeViews

VIEWS = FakeViews()
LIMITS = LimitsOf(VIEWS.net, VIEWS.site.limits)
CALM = replace(
    VIEWS.step(1),
    transformers=(ElementLoading("trafo:0", 50.0),),
    lines=(ElementLoading("line:0", 40.04), ElementLoading("line:1", 30.0)),
    buses=(BusVoltage("bus:0", 1.01), BusVoltage("bus:7", 0.97312)),
    quality=DataQuality(16, 1, 1, None, 40.0, 42.04),
    violations=(),
    expected=(),
    event=None,
    automatic=True,
)
OVER = ViolationView("trafo:0", "transformer_overload", 104.0, 100.0, START)
LOW = ViolationView("bus:7", "undervoltage", 0.88, 0.9, START)


def row(**changed: Any) -> OverviewRow:
    silent = changed.pop("silent", False)
    return row_of(replace(CALM, **changed), LIMITS, silent=silent)


def test_a_feeder_that_is_well() -> None:
    calm = row()
    assert (calm.state, calm.warnings) == ("normal", ())
    assert calm.highest is not None
    assert (calm.highest.element, calm.highest.loading_percent) == ("trafo:0", 50.0)
    assert calm.lowest_voltage is not None
    assert (calm.lowest_voltage.bus, calm.lowest_voltage.v_pu) == ("bus:7", 0.973)
    assert calm.data.measured_percent == 89
    assert (calm.p_kw, calm.free_kw) == (42.0, 42.0)
    assert (calm.automatic.state, calm.event, calm.last_at) == ("on", None, None)


@pytest.mark.parametrize(
    ("changed", "state", "warnings"),
    [
        ({"violations": (OVER, LOW)}, "overloaded", ()),
        ({"converged": False}, "not_converged", ()),
        ({"silent": True, "violations": (OVER,)}, "no_data", ()),
        ({"quality": DataQuality(0, 0, 18, "silent", None, None)}, "no_data", ("data_alarm",)),
        ({"quality": DataQuality(5, 4, 9, "too few meters", 1.0, 1.0)}, "warning", ("data_alarm",)),
        ({"lines": (ElementLoading("line:0", 90.0),)}, "warning", ("near_limit",)),
        ({"lines": (ElementLoading("line:0", 89.9),)}, "normal", ()),
        ({"lines": (ElementLoading("line:0", 101.0),), "violations": (OVER,)}, "overloaded", ()),
        ({"automatic": False}, "warning", ("automatic_out",)),
        (
            {"expected": (ExpectedView("line:0", "line_overload", START, 103.0, 100.0, 0.9, START),)},
            "warning",
            ("expected",),
        ),
    ],
)
def test_the_worst_of_it_is_its_state(changed: dict[str, Any], state: str, warnings: tuple[str, ...]) -> None:
    found = row(**changed)
    assert (found.state, found.warnings) == (state, warnings)
    assert (found.last_at is None) == (state != "no_data")


def test_violations_are_counted_by_what_they_are() -> None:
    found = row(violations=(OVER, LOW, LOW))
    assert (found.overloads, found.voltage_violations) == (1, 2)


def test_the_nearest_to_its_own_limit_is_told_not_the_most_loaded() -> None:
    limits = LimitsOf(VIEWS.net, VIEWS.site.limits)
    limits._limits["line:1"] = 25.0
    found = row_of(CALM, limits, silent=False).highest
    assert found is not None
    assert (found.element, found.loading_percent, found.limit_percent) == ("line:1", 30.0, 25.0)


def test_without_a_state_no_figure_is_made_up() -> None:
    found = row(converged=False, quality=DataQuality(16, 1, 1, "diverged", 40.0, None))
    assert (found.highest, found.lowest_voltage, found.p_kw, found.free_kw) == (None, None, None, None)
    assert row(transformers=(ElementLoading("trafo:0", 2.0),)).free_kw is None
    assert row(transformers=(ElementLoading("trafo:0", 125.0),)).free_kw == pytest.approx(-8.0)
    assert row(quality=DataQuality(16, 1, 1, None, -9.0, -9.0)).free_kw is None


def test_the_figures_of_a_silent_feeder_are_not_the_present() -> None:
    expected = (ExpectedView("line:0", "line_overload", START, 103.0, 100.0, 0.9, START),)
    event = EventView("E1", START, None, "line:0", 101.0, 100.0, 112.04, 3, 9.96)
    found = row(silent=True, expected=expected, event=event)
    assert (found.highest, found.lowest_voltage, found.highest_voltage) == (None, None, None)
    assert (found.p_kw, found.free_kw, found.expected) == (None, None, None)
    assert found.event is not None
    assert found.last_at == CALM.at
    totals = totals_of([found, row()])
    assert (totals.p_kw, totals.not_in_sum) == (42.0, 1)


def test_feeders_with_a_voltage_alone_outside_are_told_apart() -> None:
    totals = totals_of([row(violations=(LOW,)), row(violations=(OVER, LOW)), row()])
    assert (totals.overloaded, totals.voltage_only) == (2, 1)


def test_who_keeps_the_automatic_out_and_why() -> None:
    by_ada = ByHandView("Ada", "works on the cable", START)
    off = row(automatic=False, by_hand=by_ada).automatic
    assert (off.state, off.who, off.why, off.since) == ("off", "Ada", "works on the cable", START)
    assert row(automatic=False).automatic.state == "released"
    suspended = row(quality=DataQuality(5, 4, 9, "too few meters", 1.0, 1.0)).automatic
    assert (suspended.state, suspended.why) == ("suspended", "too few meters")


def test_the_worst_stands_first() -> None:
    near = row(feeder="b", lines=(ElementLoading("line:0", 95.0),))
    nearer = row(feeder="c", lines=(ElementLoading("line:0", 97.0),))
    over = row(feeder="d", violations=(OVER,))
    rows = [row(feeder="a"), near, row_without_view("e"), over, nearer, row(feeder="f", converged=False)]
    assert [one.id for one in sorted(rows, key=by_severity)] == ["d", "f", "e", "c", "b", "a"]
    event = EventView("E1", START, None, "line:0", 101.0, 100.0, 112.04, 3, 9.96)
    acted_on = row(feeder="g", event=event)  # less loaded than others, but somebody is held back there
    assert min(acted_on, nearer, key=by_severity) is acted_on
    assert acted_on.event is not None
    assert (acted_on.event.peak_percent, acted_on.event.curtailed_kw) == (112.0, 10.0)
    assert row(event=replace(event, closed_at=START)).event is None
    totals = totals_of(rows)
    assert (totals.feeders, totals.overloaded, totals.warning, totals.normal) == (6, 1, 2, 1)
    assert (totals.not_converged, totals.no_data, totals.automatic_out) == (1, 1, 0)


def told(seq: int, minute: int, entry: str = "event_opened", severity: str = "alarm") -> Told:
    return Told(seq, START + timedelta(minutes=minute), "street", entry, severity, f"sentence {seq}")


def test_what_changed_since() -> None:
    known = (told(1, 0), told(2, 10), told(3, 20, "data_alarm"), told(4, 30, "data_alarm", "good"))
    found = changes_since(known, START + timedelta(minutes=10), remembered=4)
    assert found.is_whole  # the oldest that is remembered is older
    assert [change.seq for change in found.latest] == [4, 3, 2]
    assert found.by_entry == {"event_opened": 1, "data_alarm": 1}
    assert not changes_since(known, START - timedelta(minutes=1), remembered=4).is_whole
    assert changes_since(known, START - timedelta(minutes=1), remembered=5).is_whole


async def test_the_route_is_tagged_and_sorted(views: FakeViews, client: httpx.AsyncClient) -> None:
    before = (await client.get("/api/v1/overview")).json()
    assert (before["at"], before["rows"][0]["state"], before["changes"]) == (None, "no_data", None)
    view: FeederView = views.step_until(lambda view: view.violations)
    answer = await client.get("/api/v1/overview", params={"since": START.isoformat()})
    body = answer.json()
    assert body["rows"][0]["state"] == "overloaded"
    assert body["totals"]["overloaded"] == 1
    assert datetime.fromisoformat(body["at"]) == view.at
    assert {one["entry"] for one in body["changes"]["latest"]} <= {"event_opened", "operator_acted"}
    again = await client.get(
        "/api/v1/overview",
        params={"since": START.isoformat()},
        headers={"if-none-match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    bare = (await client.get("/api/v1/overview", params={"since": START.isoformat(), "rows": False})).json()
    assert bare == body | {"rows": []}
    views.step()
    changed = await client.get("/api/v1/overview", headers={"if-none-match": answer.headers["etag"]})
    assert changed.status_code == 200
    assert (await client.get("/api/v1/overview?since=yesterday")).status_code == 422
    assert (await client.get("/api/v1/overview?since=2016-01-01T00:00:00")).status_code == 422  # which zone?
