"""Bytes and messages, both ways: the design's JSON, refusals with a reason, no exception for any bytes."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import CommandRejected, MalformedMessage
from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Inbound,
    LimitCommand,
    NoticeKind,
    Reading,
    ReadingBatch,
    Refused,
)
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from devices.wire import MSGPACK

AT = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
T = Topics()
METER = T.meter_reading("f1", "m1")
BATCH = T.batch("f1")
SUB = T.substation_reading("f1")
STATUS = T.status("f1", "d1")
ANSWER = T.answer("f1", "d1")
REQUEST = T.request("f1", "d1")
NOTICE = T.notice("f1", "c1")

AT_JSON = "2026-01-12T18:00:00Z"
GOOD: dict[str, dict[str, Any]] = {
    METER: {"at": AT_JSON, "p_kw": 1.5, "q_kvar": 0.2, "v_v": [230.1, 231, 229], "energy_kwh": 1234.5},
    SUB: {"at": AT_JSON, "p_kw": 150, "q_kvar": 9, "v_v": [230, 230, 230], "i_a": [1, 2, 3], "energy_kwh": 9},
    BATCH: {"at": AT_JSON, "meters": ["m1", "m2"], "p_kw": [1.0, -2.5], "q_kvar": [0.1, 0]},
    STATUS: {"at": AT_JSON, "online": True, "p_kw": 11.0, "limit_kw": 4.2, "request": "r1"},
    ANSWER: {"request": "r1", "answer": "refused", "reason": "below floor"},
}
COMMAND = LimitCommand("f1", "d1", "r1", 4.2, AT, AT + timedelta(minutes=15), 3, 1, "ab" * 32)
NOTE = CustomerNotice("f1", "c1", "r1", 1.5, AT, AT + timedelta(minutes=15), 1, "Bitte bis 18:15 weniger ⚡")


def decode(topic: str, body: Any) -> Inbound:
    return codec.decode(topic, json.dumps(body).encode())


def reason(message: Inbound | LimitCommand | CustomerNotice) -> str:
    assert isinstance(message, Refused), message
    return message.reason


# ---- good


def test_decodes_the_designs_json() -> None:
    assert decode(METER, GOOD[METER]) == Reading(
        "f1", "m1", AT, 1.5, 0.2, (230.1, 231.0, 229.0), None, 1234.5
    )
    assert decode(SUB, GOOD[SUB]) == Reading(
        "f1", SUBSTATION, AT, 150.0, 9.0, (230.0, 230.0, 230.0), (1.0, 2.0, 3.0), 9.0
    )
    assert decode(BATCH, GOOD[BATCH]) == ReadingBatch("f1", AT, ("m1", "m2"), (1.0, -2.5), (0.1, 0.0))
    with_voltages = GOOD[BATCH] | {"v_v": [229.5, None]}
    assert decode(BATCH, with_voltages) == ReadingBatch(
        "f1", AT, ("m1", "m2"), (1.0, -2.5), (0.1, 0.0), (229.5, None)
    )
    assert decode(STATUS, GOOD[STATUS]) == DeviceStatus("f1", "d1", AT, True, 11.0, 4.2, "r1")
    assert decode(ANSWER, GOOD[ANSWER]) == Answer("f1", "d1", "r1", "refused", "below floor")


def test_encodes_the_designs_json() -> None:
    assert json.loads(codec.encode_command(COMMAND)) == {
        "request": "r1",
        "limit_kw": 4.2,
        "start": "2026-01-12T18:00:00Z",
        "end": "2026-01-12T18:15:00Z",
        "epoch": 3,
        "sequence": 1,
        "signature": "ab" * 32,
    }
    for topic, message in (
        (METER, codec.encode_reading(decode(METER, GOOD[METER]))),  # type: ignore[arg-type]
        (SUB, codec.encode_reading(decode(SUB, GOOD[SUB]))),  # type: ignore[arg-type]
        (BATCH, codec.encode_batch(decode(BATCH, GOOD[BATCH]))),  # type: ignore[arg-type]
        (STATUS, codec.encode_status(decode(STATUS, GOOD[STATUS]))),  # type: ignore[arg-type]
        (ANSWER, codec.encode_answer(decode(ANSWER, GOOD[ANSWER]))),  # type: ignore[arg-type]
    ):
        assert json.loads(message) == GOOD[topic]


@pytest.mark.parametrize("topic", GOOD, ids=lambda topic: topic.split("/", 2)[2])
def test_messagepack_says_the_same_with_and_without_a_content_type(topic: str) -> None:
    packed = msgspec.msgpack.encode(GOOD[topic])
    expected = decode(topic, GOOD[topic])
    assert codec.decode(topic, packed, "application/msgpack") == expected
    assert codec.decode(topic, packed) == expected
    assert (
        codec.decode(topic, json.dumps(GOOD[topic]).encode(), "application/json; charset=utf-8") == expected
    )
    assert reason(codec.decode(topic, packed, "application/json")) == "malformed"


def test_a_large_batch_as_messagepack_from_our_own_encoder() -> None:
    batch = ReadingBatch("f1", AT, tuple(f"m{n}" for n in range(5000)), tuple(float(n) for n in range(5000)))
    packed = codec.encode_batch(batch, "application/msgpack")
    assert codec.decode(BATCH, packed) == batch
    assert codec.decode(BATCH, codec.encode_batch(batch)) == batch


@pytest.mark.parametrize(
    "at", ["2026-01-12T19:00:00+01:00", "2026-01-12T12:30:00-05:30", "2026-01-12T18:00:00.000Z"]
)
def test_times_of_other_zones_become_utc(at: str) -> None:
    reading = decode(METER, GOOD[METER] | {"at": at})
    assert isinstance(reading, Reading)
    assert reading.at == AT
    assert reading.at.tzinfo is UTC


def test_unknown_fields_are_ignored_at_any_sensible_depth() -> None:
    extra = GOOD[METER] | {"vendor": {"nested": [[[1, {"x": None}]]]}, "unit": "kW"}
    assert decode(METER, extra) == decode(METER, GOOD[METER])


def test_a_will_knows_no_time() -> None:
    will = DeviceStatus("f1", "d1", None, online=False)
    assert codec.decode(STATUS, codec.encode_status(will)) == will


# ---- absent, null and 0 are three things

NULLABLE = {
    METER: {"q_kvar", "v_v", "energy_kwh"},
    SUB: {"q_kvar", "v_v", "i_a", "energy_kwh"},
    BATCH: {"q_kvar"},
    STATUS: {"p_kw", "limit_kw", "request"},
    ANSWER: {"reason"},
}
FIELDS = [(topic, field) for topic, body in GOOD.items() for field in body]


@pytest.mark.parametrize(("topic", "field"), FIELDS)
def test_an_absent_field_is_refused(topic: str, field: str) -> None:
    body = {name: value for name, value in GOOD[topic].items() if name != field}
    assert reason(decode(topic, body)) == "missing_field"


@pytest.mark.parametrize(("topic", "field"), FIELDS)
def test_null_means_not_measured_where_that_can_be_and_is_never_0(topic: str, field: str) -> None:
    message = decode(topic, GOOD[topic] | {field: None})
    if field in NULLABLE[topic]:
        assert not isinstance(message, Refused)
        assert getattr(message, field) is None
    else:
        assert reason(message) == "wrong_type"


@pytest.mark.parametrize("field", ["request", "limit_kw", "start", "end", "epoch", "sequence", "signature"])
def test_a_command_without_any_one_field_is_refused(field: str) -> None:
    body = json.loads(codec.encode_command(COMMAND))
    del body[field]
    assert reason(codec.decode_command(REQUEST, json.dumps(body).encode())) == "missing_field"
    body[field] = None
    assert reason(codec.decode_command(REQUEST, json.dumps(body).encode())) == "wrong_type"


# ---- bad


def batch_of(count: int) -> bytes:
    return json.dumps(
        GOOD[BATCH] | {"meters": [f"m{n}" for n in range(count)], "p_kw": [1.0] * count, "q_kvar": None}
    ).encode()


def test_the_largest_batch_is_read() -> None:
    assert isinstance(codec.decode(BATCH, batch_of(codec.MAX_BATCH_METERS)), ReadingBatch)


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        (METER, b"", "malformed"),
        (METER, b"{", "malformed"),
        (METER, b"\xff\xfe", "malformed"),
        (METER, b"[1, 2]", "wrong_type"),
        (METER, b'{"at": NaN}', "malformed"),
        (METER, b'{"vendor":' + b"[" * 30_000, "malformed"),
        (METER, json.dumps(GOOD[METER] | {"p_kw": "1.5"}).encode(), "wrong_type"),
        (METER, json.dumps(GOOD[METER] | {"p_kw": True}).encode(), "wrong_type"),
        (METER, json.dumps(GOOD[METER] | {"at": 1768240800}).encode(), "wrong_type"),
        (METER, json.dumps(GOOD[METER] | {"at": "2026-01-12T18:00:00"}).encode(), "wrong_type"),
        (METER, json.dumps(GOOD[METER] | {"at": "yesterday"}).encode(), "wrong_type"),
        (METER, json.dumps(GOOD[METER] | {"at": "0001-01-01T00:00:00+14:00"}).encode(), "out_of_range"),
        (METER, json.dumps(GOOD[METER] | {"v_v": []}).encode(), "out_of_range"),
        (METER, json.dumps(GOOD[METER] | {"v_v": [230] * 4}).encode(), "out_of_range"),
        (METER, json.dumps(GOOD[METER]).encode().replace(b"1.5", b"1e999"), "out_of_range"),
        (METER, json.dumps(GOOD[METER] | {"x": "y" * 70_000}).encode(), "too_large"),
        (BATCH, b" " * (codec.MAX_BATCH_BYTES + 1), "too_large"),
        (BATCH, batch_of(codec.MAX_BATCH_METERS + 1), "too_large"),
        (BATCH, json.dumps(GOOD[BATCH] | {"p_kw": [1.0]}).encode(), "malformed"),
        (BATCH, json.dumps(GOOD[BATCH] | {"q_kvar": [1.0]}).encode(), "malformed"),
        (BATCH, json.dumps(GOOD[BATCH] | {"meters": ["m1", "m1"]}).encode(), "malformed"),
        (BATCH, json.dumps(GOOD[BATCH] | {"meters": ["m1", "m/2"]}).encode(), "malformed"),
        (BATCH, json.dumps(GOOD[BATCH] | {"p_kw": [1.0, None]}).encode(), "wrong_type"),
        (STATUS, json.dumps(GOOD[STATUS] | {"at": None}).encode(), "wrong_type"),
        (STATUS, json.dumps(GOOD[STATUS] | {"online": 1}).encode(), "wrong_type"),
        (ANSWER, json.dumps(GOOD[ANSWER] | {"answer": "maybe"}).encode(), "wrong_type"),
        (ANSWER, json.dumps(GOOD[ANSWER] | {"request": ""}).encode(), "malformed"),
        (ANSWER, json.dumps(GOOD[ANSWER] | {"reason": "x" * 501}).encode(), "out_of_range"),
        ("gridward/f1/meter/m1/reading", b"{}", "unknown_topic"),
        ("elsewhere", b"{}", "unknown_topic"),
        (REQUEST, codec.encode_command(COMMAND), "unknown_topic"),
        (NOTICE, codec.encode_notice(NOTE), "unknown_topic"),
    ],
)
def test_refuses_with_a_reason(topic: str, payload: bytes, expected: str) -> None:
    message = codec.decode(topic, payload)
    assert reason(message) == expected
    assert isinstance(message, Refused)
    assert message.source == topic
    assert message.detail
    assert len(message.payload) <= codec.KEPT_BYTES


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("topic", "field"),
    [(METER, "p_kw"), (METER, "q_kvar"), (METER, "energy_kwh"), (STATUS, "p_kw"), (STATUS, "limit_kw")],
)
def test_messagepack_can_say_nan_and_it_is_refused(topic: str, field: str, value: float) -> None:
    packed = msgspec.msgpack.encode(GOOD[topic] | {field: value})
    assert reason(codec.decode(topic, packed)) == "out_of_range"


@pytest.mark.parametrize(
    ("topic", "field"), [(METER, "v_v"), (SUB, "i_a"), (BATCH, "p_kw"), (BATCH, "q_kvar")]
)
def test_nan_in_a_column_or_phase_is_refused(topic: str, field: str) -> None:
    packed = msgspec.msgpack.encode(GOOD[topic] | {field: [1.0, math.nan]})
    assert reason(codec.decode(topic, packed)) == "out_of_range"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signature": ""}, "not signed"),
        ({"limit_kw": -0.1}, "from 0 up"),
        ({"limit_kw": math.nan}, "from 0 up"),
        ({"limit_kw": math.inf}, "from 0 up"),
        ({"request": "a/b"}, "request id"),
        ({"start": AT.replace(tzinfo=None)}, "time zone"),
        ({"end": AT.replace(tzinfo=None)}, "time zone"),
    ],
)
def test_a_command_that_must_not_go_out_is_not_encoded(change: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandRejected, match=words):
        codec.encode_command(replace(COMMAND, **change))


@pytest.mark.parametrize(
    "change", [{"epoch": -1}, {"sequence": 1.5}, {"epoch": 1 << 70}, {"limit_kw": "4.2"}, {"end": "soon"}]
)
def test_a_device_refuses_a_broken_command(change: dict[str, Any]) -> None:
    body = json.loads(codec.encode_command(COMMAND)) | change
    assert reason(codec.decode_command(REQUEST, json.dumps(body).encode())) in ("out_of_range", "wrong_type")
    assert reason(codec.decode_command(METER, codec.encode_command(COMMAND))) == "unknown_topic"
    assert reason(codec.decode_notice(REQUEST, codec.encode_notice(NOTE))) == "unknown_topic"


# ---- for any input

ids = st.text(
    st.characters(exclude_characters="/+#$", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | numbers
times = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001  # hypothesis wants them so
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))]
    ),
)
phases = st.none() | st.lists(numbers, min_size=1, max_size=3).map(tuple)


readings = st.builds(
    Reading,
    feeder=ids,
    meter=ids,
    at=times,
    p_kw=numbers,
    q_kvar=maybe,
    v_v=phases,
    energy_kwh=maybe,
)
commands = st.builds(
    LimitCommand,
    feeder=ids,
    device=ids,
    request=ids,
    limit_kw=st.floats(min_value=0, allow_infinity=False),
    start=times,
    end=times,
    epoch=st.integers(0, 2**63 - 1),
    sequence=st.integers(0, 2**63 - 1),
    signature=st.just("ab"),
)


@given(readings, phases)
def test_readings_survive_the_wire(reading: Reading, i_a: tuple[float, ...] | None) -> None:
    topic = T.meter_reading(reading.feeder, reading.meter)
    assert codec.decode(topic, codec.encode_reading(reading)) == reading
    substation = replace(reading, meter=SUBSTATION, i_a=i_a)
    assert codec.decode(T.substation_reading(reading.feeder), codec.encode_reading(substation)) == substation


@given(commands, st.text(st.characters(codec="utf-8")))
def test_commands_and_notices_survive_the_wire(command: LimitCommand, text: str) -> None:
    topic = T.request(command.feeder, command.device)
    assert codec.decode_command(topic, codec.encode_command(command)) == command
    notice = replace(
        NOTE,
        feeder=command.feeder,
        customer=command.device,
        request=command.request,
        limit_kw=command.limit_kw,
        start=command.start,
        end=command.end,
        sequence=command.sequence,
        text=text,
    )
    topic = T.notice(notice.feeder, notice.customer)
    assert codec.decode_notice(topic, codec.encode_notice(notice)) == notice


@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_each_kind_of_word_survives_the_wire(kind: NoticeKind) -> None:
    word = replace(NOTE, kind=kind)
    assert codec.decode_notice(NOTICE, codec.encode_notice(word)) == word


def test_a_word_without_a_kind_is_the_notice_itself() -> None:
    body = json.loads(codec.encode_notice(replace(NOTE, kind="thanks")))
    del body["kind"]
    assert codec.decode_notice(NOTICE, json.dumps(body).encode()) == NOTE


def test_a_word_of_a_kind_that_nobody_knows_is_refused() -> None:
    body = json.loads(codec.encode_notice(NOTE)) | {"kind": "reminder"}
    assert reason(codec.decode_notice(NOTICE, json.dumps(body).encode())) == "wrong_type"


any_topic = st.one_of(
    st.text(max_size=60),
    st.sampled_from([*GOOD, REQUEST, NOTICE]),
    ids.map(lambda name: T.meter_reading("f1", name)),
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=6),
    max_leaves=12,
)
nearly_good = st.builds(
    lambda body, field, value: json.dumps(body | {field: value}).encode(),
    st.sampled_from([*GOOD.values(), json.loads(codec.encode_command(COMMAND))]),
    st.sampled_from(
        ["at", "p_kw", "q_kvar", "v_v", "meters", "request", "limit_kw", "end", "epoch", "online"]
    ),
    any_json,
)
any_payload = st.one_of(
    st.binary(max_size=200),
    any_json.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.text(max_size=8), st.floats() | st.text() | st.none()).map(msgspec.msgpack.encode),
    nearly_good,
    st.sampled_from([json.dumps(body).encode() for body in GOOD.values()]).flatmap(
        lambda good: st.integers(0, len(good)).map(lambda cut: good[:cut])
    ),
)
any_content_type = (
    st.none() | st.sampled_from(["application/json", "application/msgpack", ""]) | st.text(max_size=9)
)


@given(any_topic, any_payload, any_content_type)
def test_any_bytes_are_accepted_or_refused_but_never_raise(
    topic: str, payload: bytes, content_type: str | None
) -> None:
    message = codec.decode(topic, payload, content_type)
    assert isinstance(message, Reading | ReadingBatch | DeviceStatus | Answer | Refused)
    match message:
        case Reading():
            assert math.isfinite(message.p_kw)
            assert message.at.utcoffset() == timedelta(0)
        case ReadingBatch():
            assert len(message.meters) == len(message.p_kw)
        case Refused():
            assert message.reason in {
                "malformed",
                "unknown_topic",
                "missing_field",
                "wrong_type",
                "too_large",
                "out_of_range",
            }
            message.detail.encode()
        case _:
            pass
    assert isinstance(codec.decode_command(topic, payload, content_type), LimitCommand | Refused)
    assert isinstance(codec.decode_notice(topic, payload, content_type), CustomerNotice | Refused)


def test_a_meter_that_calls_itself_the_substation_is_refused() -> None:
    payload = codec.encode_reading(Reading("f1", "m1", datetime(2026, 1, 12, tzinfo=UTC), 1.0))
    refused = codec.decode(T.meter_reading("f1", SUBSTATION), payload)
    assert isinstance(refused, Refused)
    assert refused.reason == "unknown_topic"


def test_meters_of_batches_are_looked_at_once_and_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "KEPT_METERS", 5)
    columns = codec._MeterColumns()
    first = columns.checked(("a", "b", "c"))
    assert columns.checked(tuple("abc")) is first
    for _ in range(2):
        with pytest.raises(MalformedMessage, match="more than once"):
            columns.checked(("a", "a"))
        with pytest.raises(MalformedMessage, match="control characters"):
            columns.checked(("a", "b/c"))
    columns.checked(("d", "e", "f"))
    assert columns.checked(tuple("abc")) == first
    assert len(columns._fit) == 1


@pytest.mark.parametrize(
    ("p_kw", "reason"),
    [((1e308, 1e308), None), ((1.0, math.nan), "out_of_range"), ((math.inf, -math.inf), "out_of_range")],
)
def test_a_column_is_finite_value_by_value(p_kw: tuple[float, ...], reason: str | None) -> None:
    batch = ReadingBatch("f1", datetime(2026, 1, 12, tzinfo=UTC), ("a", "b"), p_kw)
    message = codec.decode(T.batch("f1"), codec.encode_batch(batch, MSGPACK))
    assert (message.reason if isinstance(message, Refused) else None) == reason
