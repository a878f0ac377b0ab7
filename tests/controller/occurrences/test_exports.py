"""An event as a file: nobody in it who may not be, the same bytes each time."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import msgspec
import pytest

from controller import entries as e
from controller import settings
from controller.occurrences import exports
from controller.occurrences.archive import EventArchive
from controller.occurrences.bodies import EventBody, Step
from controller.occurrences.event_desk import TYPES, EventDesk
from controller.occurrences.exports import Table
from controller.occurrences.index import Wanted
from controller.occurrences.recorded_states import RecordedStates
from controller.occurrences.timeline import key_of
from controller.silence_alarms import FAILSAFE_ALARMS
from tests.builders import FEEDER, START, control
from tests.controller.occurrences.lived import Kept, lived
from tests.controller.occurrences.test_timeline import told
from tests.controller.worlds import World, evening

ACTED = Step(
    seq=9, at=START, phase="holding", key="operator_acted.release", severity="warning",
    text="meier released EV01 (Mrs. Huber called)", request=None,
    values={"who": "meier", "why": "Mrs. Huber called", "target": "EV01", "feeder": FEEDER},
)  # fmt: skip


def with_order() -> EventBody:
    return msgspec.structs.replace(told(), steps=(*told().steps, ACTED))


def names() -> set[str]:
    rows = told().requests
    return {row.customer for row in rows} | {row.target for row in rows} | {row.service_point for row in rows}


async def written(form: str, table: Table = "requests", *, named: bool = False) -> bytes:
    return await lived().desk().exported(with_order(), form, table, named=named)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("form", list(TYPES))
@pytest.mark.parametrize("table", ["requests", "timeline", "rounds", "states"])
async def test_without_the_right_to_see_customers_nobody_is_in_it(form: str, table: Table) -> None:
    content = await written(form, table)
    texts = [content] if form != "zip" else [*unpacked(content).values()]
    for text in texts:
        assert not [name for name in (*names(), "Huber", "meier") if name.encode() in text]


async def test_with_it_their_ids_are_and_what_operators_wrote_is_not() -> None:
    content = await written("json", named=True)
    assert all(name.encode() in content for name in names())
    assert b"Huber" not in content
    (acted,) = [step for step in json.loads(content)["event"]["steps"] if step["key"] == ACTED.key]
    assert acted["values"] == {"target": "EV01", "feeder": FEEDER}


async def test_numbers_stand_for_the_same_everywhere() -> None:
    document = json.loads(await written("json"))["event"]
    by_request = {row["request"]: row["customer"] for row in document["requests"]}
    assert len(set(by_request.values())) == len({row.customer for row in told().requests})
    for one in document["rounds"]:
        assert {asked["request"]: asked["customer"] for asked in one["asked"]} == by_request
        assert all(left["devices"] == [] for left in one["left"])


async def test_the_tables() -> None:
    requests = rows_of(await written("csv", "requests"))
    assert [row["request"] for row in requests] == [row.request for row in told().requests]
    assert sum(int(row["points"]) for row in requests) == told().summary.points
    rounds = rows_of(await written("csv", "rounds"))
    assert {row["left_because"] for row in rounds} > {"protected", ""}
    assert len(rounds) == len(told().requests) + len(told().rounds[0].left or ())
    timeline = rows_of(await written("csv", "timeline"))
    assert [row["seq"] for row in timeline] == [
        "" if s.seq is None else str(s.seq) for s in with_order().steps
    ]
    states = rows_of(await written("csv", "states"))
    peak = max(float(row["worst_percent"]) for row in states if row["worst_percent"])
    assert peak == pytest.approx(told().summary.peak_percent, abs=0.05)


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_the_zip_has_it_all_and_is_the_same_each_time() -> None:
    content = await written("zip")
    files = unpacked(content)
    assert set(files) == {
        "timeline.csv",
        "rounds.csv",
        "requests.csv",
        "states.csv",
        "event.json",
        "README.txt",
    }
    assert files["requests.csv"] == await written("csv")
    assert content == await written("zip")


def test_no_cell_is_a_formula() -> None:
    row = msgspec.structs.replace(told().requests[0], kind="=1+1")
    body = msgspec.structs.replace(told(), requests=(row,))
    assert rows_of(exports.as_csv(body, None, "requests"))[0]["kind"] == "'=1+1"


async def test_what_an_operator_did_by_hand_is_in_it_and_who_is_not() -> None:
    """Through the journal: one device released, another limited."""
    of = evening(events=settings.Events(close_after_s=60.0))
    world = World(of)
    await world.tick(4)
    world.charge()
    await world.tick(8)
    named = [n.entry.target for n in world.store.replay() if isinstance(n.entry, e.RequestPlanned)]
    until = world.clock.now() + timedelta(hours=1)
    await world.daemon.operate(FEEDER, "release", named[0], "Frau Meier", "Mr Huber called")
    await world.daemon.operate(
        FEEDER, "limit", None, "Frau Meier", "by Huber", limit_kw=5.0, until=until, targets=[named[1]]
    )
    await world.tick(6)
    record = Kept(world.store)
    states = RecordedStates(of, {FEEDER: control(of)}, lambda _: record)
    desk = EventDesk(EventArchive(of, lambda _: record), states, world.clock)
    body = await desk.archive.event((await desk.archive.page(Wanted(), 1, None)).items[0].event)
    assert any(b"Meier" in msgspec.json.encode(part) for part in (*body.steps, *body.requests))
    for is_named in (False, True):
        document = await desk.exported(body, "json", "requests", named=is_named)
        assert b"Meier" not in document
        assert b"Huber" not in document
        event = json.loads(document)["event"]
        moved = {step["values"]["reason"] for step in event["steps"] if step["key"].endswith(".overridden")
                 and step["key"].startswith("request_moved")}  # fmt: skip
        assert moved == {"release"}
        assert [step["text"] for step in event["steps"] if step["key"] == "request_moved.overridden"] == [""]
    kept = [step["text"] for step in event["steps"] if step["key"] == "request_moved.active"]
    assert all(kept), "what names no operator keeps its words where customers may be named"


@pytest.mark.parametrize("table", ["requests", "timeline", "rounds", "states"])
async def test_each_table_has_its_line_of_names_and_tells_that_it_is_utf_8(table: Table) -> None:
    content = await written("csv", table)
    assert content.startswith(b"\xef\xbb\xbf")
    names = next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    bare = msgspec.structs.replace(told(), steps=(), rounds=(), requests=())
    nothing = exports.as_csv(bare, None, table).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(nothing))) == [names]


async def test_all_steps_are_in_it_however_many() -> None:
    few = msgspec.structs.replace(told(), steps=told().steps[:20])
    content = await lived().desk().exported(few, "zip", "requests", named=True)
    files = unpacked(content)
    assert len(rows_of(files["timeline.csv"])) == told().steps_total
    assert json.loads(files["event.json"])["event"]["steps_total"] == told().steps_total


def test_what_a_household_used_and_earned_is_not_for_whoever_looks() -> None:
    body = exports.for_whoever_looks(with_order())
    assert exports.steps_for_whoever_looks(with_order().steps) == body.steps
    text = msgspec.json.encode(body).decode()
    assert [name for name in (*names(), "Huber", "meier") if f'"{name}"' in text] == []
    wrong = msgspec.structs.replace(
        ACTED, text="", key="data_alarm.raised", values={"kind": "wrong_meter", "text": "the meter of sp0"}
    )
    assert exports.steps_for_whoever_looks([wrong])[0].values == {"kind": "wrong_meter"}


def test_no_step_of_a_request_tells_what_its_household_takes_or_earned() -> None:
    kept = {step.key: set(step.values) for step in exports.steps_for_whoever_looks(told().steps)}
    known = {step.key: set(step.values) for step in told().steps}
    assert known["request_planned"] - kept["request_planned"] == {
        "baseline_kw", "customer", "service_point", "target", "ordered",
    }  # fmt: skip
    thanks = e.MessagePlanned(
        at=START, message="R/thanks/1", request="R", customer="C00", kind="thanks",
        p_kw=1.7, reduced_kwh=2.5, points=25,
    )  # fmt: skip
    (step,) = exports.steps_for_whoever_looks([step_of(thanks, request="R")])
    assert set(step.values) == {"request", "kind"}


@pytest.mark.parametrize("kind", ["wrong_meter", *FAILSAFE_ALARMS, "of_a_later_release"])
def test_the_words_of_an_alarm_that_may_name_devices_are_left_out(kind: str) -> None:
    alarm = e.DataAlarm(at=START, feeder=FEEDER, kind=kind, raised=True, text="EV-17, EV-18")
    of_all = e.DataAlarm(at=START, feeder=FEEDER, kind="too_few_meters", raised=True, text="2 of 9 are fresh")
    named, other = exports.steps_for_whoever_looks([step_of(alarm), step_of(of_all)])
    assert "EV-17" not in msgspec.json.encode(named).decode()
    assert (other.text, other.values["text"]) == ("the sentence", of_all.text)


def step_of(entry: e.Entry, request: str | None = None) -> Step:
    told_apart = ("entry", "at")
    values = {name: value for name, value in msgspec.to_builtins(entry).items() if name not in told_apart}
    return Step(
        seq=1, at=entry.at, phase="asking", key=key_of(entry), severity="info", text="the sentence",
        request=request, values=values,
    )  # fmt: skip
