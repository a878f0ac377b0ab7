"""Reports in our words, and what they mean for a request: accepted only when the VEN says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import MalformedMessage
from devices.messages import LimitCommand
from devices.openadr.channel_settings import OpenAdrDevice
from devices.openadr.event_book import EventBook, Heard, OwnEvent, clock_off_s, measured_at
from devices.openadr.reports_in import MAX_INTERVALS, Report, Said, read_report
from tests.devices.openadr.reports import report

AT = datetime(2026, 1, 10, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
END = AT + 15 * MINUTE
DEVICE = OpenAdrDevice("f1", "ev1", "home-1", "client-1", "wallbox")
COMMAND = LimitCommand("f1", "ev1", "r1", 4.2, AT, END, 1, 2)


def only(body: dict[str, Any]) -> Said:
    (said,) = read_report(body).said
    return said


# ---- reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payloads", "units", "p_kw"),
    [
        ({"READING": -3.2}, "KW", -3.2),
        ({"READING": 7}, None, 7.0),
        ({"DEMAND": 3.5}, "KW", 3.5),
        ({"USAGE": 0.5}, "KWH", 2.0),
        ({"READING": 5.0, "DATA_QUALITY": "OK"}, "KW", 5.0),
        ({"READING": 5.0, "DATA_QUALITY": "BAD"}, "KW", None),
        ({"READING": 5.0, "DATA_QUALITY": "ESTIMATED"}, "KW", None),
        ({"SIMPLE_LEVEL": 2}, None, None),
    ],
)
def test_a_power_is_what_was_measured(
    payloads: dict[str, Any], units: str | None, p_kw: float | None
) -> None:
    body = report("e1", 0, at=AT, duration="PT15M", units=units, **payloads)
    assert only(body).p_kw == p_kw


def test_a_forecast_is_no_measurement() -> None:
    assert only(report("e1", 0, READING=5.0, reading_type="FORECAST")).p_kw is None


def test_energy_over_a_long_or_unknown_time_is_no_power() -> None:
    assert only(report("e1", 0, at=AT, duration="PT1H", units="KWH", USAGE=4.0)).p_kw is None
    assert only(report("e1", 0, units="KWH", USAGE=4.0)).p_kw is None


def test_an_energy_register_is_read_beside_a_power() -> None:
    said = only(report("e1", 0, units="KWH", READING=1234.5))
    assert (said.p_kw, said.energy_kwh) == (None, 1234.5)


def test_intervals_follow_each_other_and_take_the_resource_s_period() -> None:
    body = report("e1", 1, READING=1.0)
    body["resources"][0]["intervalPeriod"] = {"start": "2026-01-10T18:00:00Z", "duration": "PT1M"}
    body["resources"][0]["intervals"].append({"id": 2, "payloads": [{"type": "READING", "values": [2.0]}]})
    first, second = read_report(body).said
    assert (first.start, first.end) == (AT, AT + MINUTE)
    assert (second.start, second.end) == (AT + MINUTE, AT + 2 * MINUTE)


def changed(path: str, value: object) -> dict[str, Any]:
    body = report("e1", 2, at=AT, SETPOINT=4.2, OPERATING_STATE="NORMAL")
    interval = body["resources"][0]["intervals"][0]
    place = {
        "resources": body,
        "clientName": body,
        "resourceName": body["resources"][0],
        "id": interval,
        "intervalPeriod": interval,
        "payloads": interval,
        "units": body["payloadDescriptors"][0],
        "values": interval["payloads"][0],
        "type": interval["payloads"][0],
    }[path]
    if value is None:
        del place[path]
    else:
        place[path] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("resources", None, "missing_field"),
        ("clientName", None, "missing_field"),
        ("payloads", None, "missing_field"),
        ("resources", "x", "wrong_type"),
        ("id", "2", "wrong_type"),
        ("values", ["4.2"], "wrong_type"),
        ("values", [True], "wrong_type"),
        ("values", [], "out_of_range"),
        ("values", [4.2, 4.2], "out_of_range"),
        ("values", [-1.0], "out_of_range"),
        ("values", [float("nan")], "out_of_range"),
        ("values", [float("inf")], "out_of_range"),
        ("values", [10**5000], "out_of_range"),
        ("resourceName", "", "out_of_range"),
        ("units", "W", "malformed"),
        ("intervalPeriod", {"start": "2026-01-10T18:00:00Z", "duration": "soon"}, "malformed"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(path: str, value: object, reason: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_report(changed(path, value))
    assert caught.value.reason == reason


def test_a_state_that_nobody_knows_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="OPERATING_STATE"):
        read_report(report("e1", 2, OPERATING_STATE="HALF_CURTAILED"))


def test_a_report_has_a_bound() -> None:
    body = report("e1", 2, READING=1.0)
    body["resources"][0]["intervals"] *= MAX_INTERVALS + 1
    with pytest.raises(MalformedMessage) as caught:
        read_report(body)
    assert caught.value.reason == "too_large"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    "resources",
    "clientName",
    "resourceName",
    "id",
    "intervalPeriod",
    "payloads",
    "units",
    "values",
    "type",
]


@given(st.sampled_from(PLACES), json_values.filter(lambda value: value is not None))
def test_any_value_anywhere_is_read_or_raises_the_one_error(path: str, value: object) -> None:
    try:
        read = read_report(changed(path, value))
    except MalformedMessage as error:
        reason = error.reason
    else:
        assert isinstance(read, Report)
        return
    assert reason in {"malformed", "missing_field", "wrong_type", "out_of_range", "too_large"}


# ---- what it means -----------------------------------------------------------------------------------------

STATES = [
    # state, setpoint, minutes from the start, accepted before, released -> answer
    (None, 4.2, -1, False, False, "accepted"),
    ("NORMAL", 4.2, -1, False, False, "accepted"),
    ("NORMAL", None, -1, True, False, None),
    (None, 3.7, 1, False, False, "accepted"),
    ("RUNNING_CURTAILED", 4.2, 1, False, False, "accepted"),
    ("IDLE_CURTAILED", None, 1, False, False, "accepted"),
    ("RUNNING_CURTAILED", 11.0, 1, False, False, None),
    (None, 11.0, 1, False, False, None),
    ("NORMAL", 4.2, 1, False, False, None),
    ("RUNNING_HEIGHTENED", None, 1, False, False, None),
    ("RUNNING_OPTED_OUT", None, 1, False, False, "refused"),
    ("IDLE_OPTED_OUT", 4.2, -1, True, False, "refused"),
    ("ERROR", None, 1, False, False, "refused"),
    ("SGD_ERROR_CONDITION", None, 1, False, False, "refused"),
    ("NORMAL", None, 1, True, False, "ended"),
    ("NORMAL", None, 1, False, False, None),
    ("RUNNING_NORMAL", None, 16, True, False, "ended"),
    ("NORMAL", None, 16, False, False, None),
    ("RUNNING_CURTAILED", 4.2, 16, True, False, None),
    (None, 4.2, 16, False, False, None),
    ("NORMAL", None, 1, True, True, "ended"),
    ("NORMAL", None, 1, False, True, "ended"),
    ("IDLE_OPTED_OUT", None, 1, False, True, "ended"),
    ("RUNNING_CURTAILED", 4.2, 1, True, True, None),
    (None, None, 1, True, False, None),
]


@pytest.mark.parametrize("row", STATES)
def test_only_the_ven_s_own_word_is_an_answer(
    row: tuple[str | None, float | None, int, bool, bool, str | None],
) -> None:
    state, setpoint_kw, minutes, accepted, released, expected = row
    own = OwnEvent("e1", DEVICE, COMMAND, AT - 5 * MINUTE, END, released, accepted)
    said = Said("wallbox", 2, state=state, setpoint_kw=setpoint_kw)
    answer = own.hear(said, AT + minutes * MINUTE)
    assert (None if answer is None else answer.answer) == expected


@pytest.mark.parametrize(("before_s", "reason"), [(0.5, "end reached"), (60, "let go early")])
def test_an_end_just_before_the_end_is_the_end(before_s: float, reason: str) -> None:
    own = OwnEvent("e1", DEVICE, COMMAND, AT, END, accepted=True)
    answer = own.hear(Said("wallbox", 2, state="NORMAL"), END - timedelta(seconds=before_s))
    assert answer is not None
    assert answer.reason == reason


def test_the_same_word_twice_is_one_answer_and_another_word_is_news() -> None:
    own = OwnEvent("e1", DEVICE, COMMAND, AT, END)
    curtailed = Said("wallbox", 2, state="RUNNING_CURTAILED")
    assert own.hear(curtailed, AT) is not None
    assert own.hear(curtailed, AT) is None
    opted_out = own.hear(replace(curtailed, state="RUNNING_OPTED_OUT"), AT)
    assert opted_out is not None
    assert (opted_out.answer, opted_out.reason) == ("refused", "opted out")


@pytest.mark.parametrize(
    ("interval", "modified", "about"),
    [
        (2, None, "newest"),
        (1, None, "earlier"),
        (1, AT + MINUTE, "earlier"),
        (3, None, "unknown"),
        (-1, None, "unknown"),
        (0, None, "earlier"),
        (0, AT - MINUTE, "earlier"),
        (0, AT + MINUTE, "newest"),
    ],
)
def test_a_report_is_about_one_version_of_a_request(
    interval: int, modified: datetime | None, about: str
) -> None:
    own = OwnEvent("e1", DEVICE, COMMAND, AT, END)
    body = report("e1", interval, modified=modified, SETPOINT=4.2)
    read = read_report(body)
    assert own.about(read.said[0], read) == about


@pytest.mark.parametrize(
    ("setpoint_kw", "minutes", "shown"),
    [
        (4.2, 1, (4.2, "r1")),
        (3.7, 1, (3.7, "r1")),
        (None, 1, (4.2, "r1")),
        (4.2, -1, None),
        (4.2, 15, None),
    ],
)
def test_a_limit_is_shown_while_it_is_in_force(
    setpoint_kw: float | None, minutes: int, shown: tuple[float, str] | None
) -> None:
    own = OwnEvent("e1", DEVICE, COMMAND, AT - 5 * MINUTE, END)
    own.hear(Said("wallbox", 2, setpoint_kw=setpoint_kw, state="RUNNING_CURTAILED"), AT)
    assert own.shown(AT + minutes * MINUTE) == shown


def test_a_set_point_that_rises_above_the_limit_is_shown_without_the_request() -> None:
    own = OwnEvent("e1", DEVICE, COMMAND, AT, END)
    own.hear(Said("wallbox", 2, setpoint_kw=4.2), AT)
    own.hear(Said("wallbox", 2, setpoint_kw=11.0), AT)
    assert own.shown(AT) == (11.0, None)


# ---- time --------------------------------------------------------------------------------------------------


def test_a_measurement_was_true_at_its_end_or_is_still() -> None:
    said = Said("wallbox", 1, AT, AT + 5 * MINUTE, p_kw=1.0)
    assert measured_at(said, AT + 20 * MINUTE, MINUTE) == AT + 5 * MINUTE
    assert measured_at(said, AT + 2 * MINUTE, MINUTE) == AT + 2 * MINUTE
    assert measured_at(Said("wallbox", 1, p_kw=1.0), AT, MINUTE) == AT
    with pytest.raises(MalformedMessage, match="still to come"):
        measured_at(said, AT - 2 * MINUTE, MINUTE)


@pytest.mark.parametrize(
    ("start", "end", "modified", "off_s"),
    [
        (AT, AT, AT, 0.0),
        (AT + 60 * MINUTE, AT + 60 * MINUTE, AT, 3600.0),
        (AT - 60 * MINUTE, AT - 60 * MINUTE, AT, -3600.0),
        (AT - 60 * MINUTE, AT - 60 * MINUTE, AT - 60 * MINUTE, None),
        (AT - 60 * MINUTE, AT + 60 * MINUTE, AT, 0.0),
        (None, None, AT, None),
        (COMMAND.start + 2 * MINUTE, END, AT, None),
    ],
)
def test_what_a_ven_says_of_now_is_a_witness_of_its_clock(
    start: datetime | None, end: datetime | None, modified: datetime, off_s: float | None
) -> None:
    own = OwnEvent("e1", DEVICE, replace(COMMAND, start=AT + 2 * MINUTE), AT, END)
    said = Said("wallbox", 2, start, end, state="NORMAL")
    told = Report("rep1", "e1", "home-1", None, modified, (said,))
    assert clock_off_s(said, told, own, AT, MINUTE) == off_s


def test_a_measurement_that_comes_late_does_not_replace_a_newer_one() -> None:
    heard = Heard().measured(5.0, AT).measured(3.0, AT - MINUTE)
    assert heard.power_kw(AT, MINUTE) == 5.0
    assert heard.power_kw(AT + 2 * MINUTE, MINUTE) is None


def test_a_measurement_that_is_sent_late_is_no_witness_of_a_clock() -> None:
    late = read_report(
        report("e1", 0, at=AT - 20 * MINUTE, duration="PT15M", modified=AT, units="KWH", USAGE=1.0)
    )
    assert late.said[0].p_kw == 4.0
    assert clock_off_s(late.said[0], late, None, AT, MINUTE) is None
    ahead = read_report(report("e1", 0, at=AT + 20 * MINUTE, modified=AT, READING=1.0))
    assert clock_off_s(ahead.said[0], ahead, None, AT, MINUTE) == 1200.0
    state = read_report(report("e1", 0, at=AT - 20 * MINUTE, modified=AT, OPERATING_STATE="NORMAL"))
    assert clock_off_s(state.said[0], state, None, AT, MINUTE) == -1200.0


def test_until_a_ven_answers_to_a_renewal_it_shows_the_limit_before() -> None:
    book = EventBook()
    own = book.write("e1", DEVICE, COMMAND, AT, released=False)
    heard = read_report(report("e1", 2, SETPOINT=4.2))
    own.hear(heard.said[0], AT)
    book.write(
        "e1", DEVICE, replace(COMMAND, sequence=3, limit_kw=3.0, end=END + 15 * MINUTE), AT, released=False
    )
    assert book.shown(("f1", "ev1"), AT + MINUTE) == {"consumption": (4.2, None)}, (
        "it still holds the larger one"
    )
    book.write("e1", DEVICE, replace(COMMAND, sequence=4, limit_kw=5.0), AT, released=False)
    assert book.shown(("f1", "ev1"), AT + MINUTE) == {"consumption": (4.2, "r1")}
    assert book.shown(("f1", "ev1"), END) == {}
