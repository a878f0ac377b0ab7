"""Topics are those of the design, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mqtt import topics
from devices.mqtt.topics import Address, Topics

TOPICS = Topics()


def test_topics_are_the_designs() -> None:
    assert TOPICS.meter_reading("f1", "m1") == "gridward/f1/meters/m1/reading"
    assert TOPICS.batch("f1") == "gridward/f1/readings"
    assert TOPICS.substation_reading("f1") == "gridward/f1/substation/reading"
    assert TOPICS.status("f1", "d1") == "gridward/f1/devices/d1/status"
    assert TOPICS.request("f1", "d1") == "gridward/f1/devices/d1/request"
    assert TOPICS.answer("f1", "d1") == "gridward/f1/devices/d1/answer"
    assert TOPICS.notice("f1", "c1") == "gridward/f1/customers/c1/notice"
    assert TOPICS.controller_status == "gridward/controller/status"
    assert Topics("site/north").batch("f1") == "site/north/f1/readings"


@pytest.mark.parametrize("topics", [Topics(), Topics("site/north")], ids=lambda topics: topics.root)
def test_parse_is_the_inverse(topics: Topics) -> None:
    assert topics.parse(topics.meter_reading("f 1", "Ä-9")) == Address("meter", "f 1", "Ä-9")
    assert topics.parse(topics.batch("f1")) == Address("batch", "f1", "")
    assert topics.parse(topics.substation_reading("f1")) == Address("substation", "f1", "")
    for kind, build in (
        ("status", topics.status),
        ("request", topics.request),
        ("answer", topics.answer),
        ("notice", topics.notice),
    ):
        assert topics.parse(build("f1", "x")) == Address(kind, "f1", "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gridward",
        "gridward/",
        "gridwards/f1/readings",
        "other/f1/readings",
        "gridward/f1/reading",
        "gridward/f1/meters/m1",
        "gridward/f1/meters//reading",
        "gridward/f1/meters/m1/reading/",
        "gridward/f1/meters/m1/status",
        "gridward/f1/devices/d1/reading",
        "gridward/f1/meters/m\x001/reading",
        "gridward/f1/meters/+/reading",
        "gridward/f1/meters/" + "m" * 129 + "/reading",
        "gridward/controller/status",
    ],
)
def test_what_is_no_topic_of_ours_is_none(topic: str) -> None:
    assert TOPICS.parse(topic) is None


@pytest.mark.parametrize("bad", ["", "a/b", "a+b", "#", "a\nb", "a\x7fb", "\ud800", "$SYS", "x" * 129])
def test_ids_that_would_break_out_of_their_level_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="id"):
        TOPICS.request("f1", bad)
    with pytest.raises(ValueError, match="id"):
        TOPICS.reading_filters(bad)


@pytest.mark.parametrize("root", ["", "/a", "a/", "a//b", "a/#", "$share/x"])
def test_a_root_that_cannot_be_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="MQTT root"):
        Topics(root)


def test_only_so_many_topics_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "KEPT_TOPICS", 3)
    some = Topics()
    for number in range(10):
        topic = some.meter_reading("f1", f"m{number}")
        assert some.parse(topic) == some.parse(topic) == Address("meter", "f1", f"m{number}")
        some.parse(f"gridward/nothing/{number}")
    assert set(some._known) == {some.meter_reading("f1", "m9")}


@given(st.text(max_size=300))
def test_parse_never_raises(topic: str) -> None:
    TOPICS.parse(topic)
    TOPICS.parse("gridward/" + topic)
