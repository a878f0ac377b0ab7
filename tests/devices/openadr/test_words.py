"""One set of objects, two versions: what is written in one is read in the other. And times."""

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.openadr.event_schedule import end_of
from devices.openadr.iso_time import after, checked_date_time, checked_duration, duration_of, moment, written
from tests.devices.openadr import world as w

CREATED = "2026-11-26T20:00:00.000Z"
OF_EVENTS = {"objectType": "EVENT_PAYLOAD_DESCRIPTOR"}
OF_REPORTS = {"objectType": "REPORT_PAYLOAD_DESCRIPTOR"}
TYPED = [{"type": "GROUP", "values": ["a", 5]}, {"type": "PRIVATE", "values": [{"x": 1.0, "y": 2.0}, True]}]


async def test_what_301_writes_it_reads_back_word_for_word() -> None:
    body = {
        "programName": "full",
        "programLongName": "a full one",
        "retailerName": None,
        "timeZoneOffset": "PT1H",
        "country": "DE",
        "bindingEvents": False,
        "intervalPeriod": {"start": "2026-01-01T00:00:00+01:00", "duration": "P1Y", "randomizeStart": "PT5M"},
        "programDescriptions": [{"URL": "https://example.org/x"}],
        "payloadDescriptors": [
            {
                "objectType": "EVENT_PAYLOAD_DESCRIPTOR",
                "payloadType": "PRICE",
                "units": "",
                "currency": "EUR",
            },
            {
                "objectType": "REPORT_PAYLOAD_DESCRIPTOR",
                "payloadType": "USAGE",
                "accuracy": 0.5,
                "confidence": 9,
            },
        ],
        "targets": TYPED,
    }
    async with w.world() as world:
        made = await world.made("bl", "3.0.1", "/programs", body)
        assert {name: made[name] for name in body} == body
        new = (await world.ask("bl", "3.1.1", "GET", f"/programs/{made['id']}")).json()
        assert new["targets"] == ["a", "5", "PRIVATE:{'x': 1.0, 'y': 2.0}", "PRIVATE:True"]
        assert new["payloadDescriptors"][0]["units"] is None, "3.1.1 has no empty units"
        assert "country" not in new
        event = w.event(
            made["id"], targets=TYPED, priority=None, payloadDescriptors=[{"payloadType": "PRICE"}]
        )
        event["reportDescriptors"] = [
            {"payloadType": "USAGE", "targets": TYPED, "aggregate": True, "repeat": -1}
        ]
        held = await world.made("bl", "3.0.1", "/events", event)
        assert held["reportDescriptors"] == event["reportDescriptors"]
        assert held["targets"] == TYPED
        new = (await world.ask("bl", "3.1.1", "GET", f"/events/{held['id']}")).json()
        assert new["reportDescriptors"][0]["targets"][0] == "a"
        assert new["payloadDescriptors"] == [
            {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "PRICE"}
        ]


async def test_a_target_that_311_cannot_write_is_left_out_there() -> None:
    async with w.world() as world:
        targets = [{"type": "GROUP", "values": ["", "x" * 129, "fits"]}]
        made = await world.made("bl", "3.0.1", "/programs", w.program(targets=targets))
        new = (await world.ask("bl", "3.1.1", "GET", f"/programs/{made['id']}")).json()
        assert new["targets"] == ["fits"]
        assert (await world.ask("ven1", "3.1.1", "GET", f"/programs/{made['id']}")).status_code == 404


async def test_what_311_writes_301_reads_in_its_words() -> None:
    async with w.world() as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program(intervalPeriod={"duration": "P1Y"}))
        old = (await world.ask("bl", "3.0.1", "GET", f"/programs/{program['id']}")).json()
        assert old["intervalPeriod"] == {"start": program["createdDateTime"], "duration": "P1Y"}
        lone = await world.made(
            "bl", "3.1.1", "/events", {"programID": program["id"], "targets": ["g", "VEN_NAME:v"]}
        )
        old = (await world.ask("bl", "3.0.1", "GET", f"/events/{lone['id']}")).json()
        assert old["intervals"] == []
        assert old["targets"] == [{"type": "GROUP", "values": ["g"]}, {"type": "VEN_NAME", "values": ["v"]}]
        intervals = [{**w.INTERVAL, "intervalPeriod": {"duration": "PT2H"}}, w.INTERVAL]
        event = await world.made("bl", "3.1.1", "/events", w.event(program["id"], intervals=intervals))
        old = (await world.ask("bl", "3.0.1", "GET", f"/events/{event['id']}")).json()
        period = {"start": "2026-11-26T20:00:00.000Z", "duration": "PT2H"}
        assert old["intervals"] == [{**w.INTERVAL, "intervalPeriod": period}, w.INTERVAL]
        body = w.report("3.1.1", "", event["id"])
        body["resources"][0]["intervals"] = [{**w.INTERVAL, "intervalPeriod": {"duration": "PT2H"}}]
        report = await world.made("ven1", "3.1.1", "/reports", body)
        old = (await world.ask("ven1", "3.0.1", "GET", f"/reports/{report['id']}")).json()
        assert old["programID"] == program["id"]


async def test_301_has_no_words_for_a_subscription_without_a_program() -> None:
    async with w.world() as world:
        made = await world.made("ven1", "3.1.1", "/subscriptions", w.subscription(None))
        assert (await world.ask("ven1", "3.0.1", "GET", "/subscriptions")).json() == []
        assert (await world.ask("ven1", "3.0.1", "GET", f"/subscriptions/{made['id']}")).status_code == 404
        assert (await world.ask("ven1", "3.0.1", "DELETE", f"/subscriptions/{made['id']}")).status_code == 404
        assert len((await world.ask("ven1", "3.1.1", "GET", "/subscriptions")).json()) == 1


async def test_a_report_of_301_names_the_program_of_its_event() -> None:
    async with w.world() as world:
        one = await world.made("bl", "3.0.1", "/programs", w.program())
        two = await world.made("bl", "3.0.1", "/programs", w.program(programName="two"))
        event = await world.made("bl", "3.0.1", "/events", w.event(one["id"]))
        wrong = w.report("3.0.1", two["id"], event["id"])
        assert (await world.ask("ven1", "3.0.1", "POST", "/reports", wrong)).status_code == 409


async def test_a_ven_of_301_shows_its_resources() -> None:
    async with w.world() as world:
        ven = await world.made(
            "ven1", "3.0.1", "/vens", {"venName": "home", "resources": [{"resourceName": "x"}]}
        )
        assert "resources" not in ven, "resources are made at their own path"
        made = await world.made("ven1", "3.0.1", f"/vens/{ven['id']}/resources", {"resourceName": "charger"})
        shown = (await world.ask("ven1", "3.0.1", "GET", f"/vens/{ven['id']}")).json()
        assert shown["resources"] == [made]
        other = await world.made("bl", "3.0.1", "/vens", {"venName": "other"})
        path = f"/vens/{other['id']}/resources/{made['id']}"
        assert (await world.ask("bl", "3.0.1", "GET", path)).status_code == 404, "not of that ven"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z"),
        ("2026-11-26t20:00:00.5z", "2026-11-26t20:00:00.5z"),
        ("2024-02-29T23:59:60+23:59", "2024-02-29T23:59:60+23:59"),
        ("2026-02-29T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01", None),
        ("2026-01-01T00:00:00+24:00", None),
        ("２026-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z\n", None),
        ("", None),
    ],
)
def test_date_times(text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(ValueError, match=r"date-time|day"):
            checked_date_time(text)
    else:
        assert checked_date_time(text) == kept


def test_moments_and_durations() -> None:
    assert moment("2026-11-26T20:00:00.25+01:00") == datetime(2026, 11, 26, 19, 0, 0, 250_000, UTC)
    assert moment("0001-01-01T00:00:00Z") is None
    assert moment("9999-12-31T23:59:59-12:00") is None
    assert written(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    start = datetime(2024, 1, 31, tzinfo=UTC)
    for text, end in (
        ("PT1H30M", datetime(2024, 1, 31, 1, 30, tzinfo=UTC)),
        ("P1M", datetime(2024, 2, 29, tzinfo=UTC)),
        ("P1Y2W", datetime(2025, 2, 14, tzinfo=UTC)),
        ("-P1D", datetime(2024, 1, 30, tzinfo=UTC)),
        ("PT0.5S", datetime(2024, 1, 31, 0, 0, 0, 500_000, UTC)),
        ("P9999Y", None),
        ("P99999999999999999999D", None),
        ("P7999Y11M", None),
        ("-P3000Y", None),
    ):
        assert after(start, duration_of(text)) == end, text
    for wrong in ("", "P", "PT", "1H", "P1H", "P1.5D"):
        with pytest.raises(ValueError, match="duration"):
            duration_of(wrong)


def _event(period: Any = None, intervals: Any = None, **more: Any) -> Any:
    body = {"programID": "p", "intervalPeriod": period, "intervals": intervals, **more}
    return {name: value for name, value in body.items() if value is not None}


def _at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


NOW_FOR_AN_HOUR = {"start": "0001-01-01T00:00:00Z", "duration": "PT1H"}
OWN = {**w.INTERVAL, "intervalPeriod": w.PERIOD}
NEXT_DAY = {**w.INTERVAL, "intervalPeriod": {"start": "2026-11-27T00:00:00Z"}}


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (_event(w.PERIOD), _at(26, 21)),
        (_event(w.PERIOD, [w.INTERVAL] * 3), _at(26, 23)),
        (_event({"duration": "PT1H"}, [w.INTERVAL]), _at(26, 21)),
        (_event(NOW_FOR_AN_HOUR), _at(26, 21)),
        (_event(w.PERIOD, [w.INTERVAL], duration="PT6H"), _at(27, 2)),
        (_event(None, [OWN]), _at(26, 21)),
        (_event(w.PERIOD, [NEXT_DAY]), _at(27, 1)),
        (_event(), None),
        (_event({"start": w.PERIOD["start"]}), None),
        (_event({"start": w.PERIOD["start"], "duration": "PT0S"}), None),
        (_event({"start": w.PERIOD["start"], "duration": "P9999Y"}), None),
        (_event(None, [w.INTERVAL]), None),
    ],
)
def test_when_an_event_is_over(event: Any, end: datetime | None) -> None:
    assert end_of(event, CREATED) == end


def test_a_duration_of_thousands_of_digits_is_none() -> None:
    for text in ("P" + "9" * 4301 + "D", "P" + "9" * 101 + "Y", "PT" + "9" * 5000 + "S"):
        with pytest.raises(ValueError, match="ISO 8601"):
            checked_duration(text)
        with pytest.raises(ValueError, match="ISO 8601"):
            duration_of(text)
    most = "9" * 100
    for text in ("-P999999999DT25H", f"P{most}Y", f"-P{most}D", f"PT{most}.{most}S", f"P{most}M"):
        assert after(datetime(2026, 1, 1, tzinfo=UTC), duration_of(text)) is None, text
    assert after(datetime(2026, 1, 1, tzinfo=UTC), duration_of(f"-P{most}Y")) is None
