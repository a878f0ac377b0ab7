"""An event as a file: nobody in it who may not be, the same bytes each time."""

import csv
import io
import json
import zipfile

import msgspec
import pytest

from controller.occurrences import exports
from controller.occurrences.bodies import EventBody, Step
from controller.occurrences.event_desk import TYPES
from controller.occurrences.exports import Table
from tests.builders import FEEDER, START
from tests.controller.occurrences.lived import lived
from tests.controller.occurrences.test_timeline import told

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
    return list(csv.DictReader(io.StringIO(content.decode())))


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


def test_an_event_without_anything_is_an_empty_table() -> None:
    body = msgspec.structs.replace(told(), requests=())
    assert exports.as_csv(body, None, "requests") == b""
    assert exports.as_csv(body, None, "states") == b""
