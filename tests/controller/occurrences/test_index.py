"""Which entries belong to which event, and what an event came to."""

from datetime import timedelta
from typing import Any

import pytest

from controller import entries as e
from controller.occurrences.index import EventIndex, Wanted, event_of, request_of
from controller.requests import request_id
from controller.stores.port import Numbered
from tests.builders import START

R1 = request_id("E-F1-x", 1)


def opened(event: str, minute: int = 0, feeder: str = "F1", **more: Any) -> e.EventOpened:
    values: dict[str, Any] = {
        "element": "trafo:0",
        "kind": "transformer_overload",
        "value": 120.0,
        "limit": 100.0,
    } | more
    return e.EventOpened(at=START + timedelta(minutes=minute), event=event, feeder=feeder, **values)


def closed(event: str, minute: int, feeder: str = "F1") -> e.EventClosed:
    return e.EventClosed(at=START + timedelta(minutes=minute), event=event, feeder=feeder, peak_percent=121.0)


def appeared(element: str = "trafo:0", feeder: str = "F1") -> e.ViolationAppeared:
    return e.ViolationAppeared(at=START, feeder=feeder, element=element, kind="o", value=120.0, limit=100.0)


def cleared(element: str = "trafo:0", feeder: str = "F1") -> e.ViolationCleared:
    return e.ViolationCleared(at=START, feeder=feeder, element=element, kind="o")


def alarm(raised: bool) -> e.DataAlarm:
    return e.DataAlarm(at=START, feeder="F1", kind="wrong_meter", raised=raised, text="t")


def planned(request: str = R1, resource: e.Resource = "device") -> e.RequestPlanned:
    return e.RequestPlanned(
        at=START, request=request, event="E-F1-x", feeder="F1", resource=resource, target="EV1", kind="k",
        customer="C1", service_point="sp1", limit_kw=4.2, p_before_kw=11.0, baseline_kw=12.0, start=START,
        end=START, epoch=1, sequence=1, element="trafo:0", value=120.0,
    )  # fmt: skip


def moved(state: e.RequestState, request: str = R1) -> e.RequestMoved:
    return e.RequestMoved(at=START, request=request, state=state, reason="")


def corrected(version: int, kwh: float, before: float) -> e.SettlementCorrected:
    return e.SettlementCorrected(
        at=START, request=R1, feeder="F1", customer="C1", version=version, cause="dispute", dispute="D1",
        asked_kwh=2.0, reduced_kwh=kwh, intervals=1, intervals_measured=1, compliance_percent=50.0,
        points=int(kwh * 100), minor_units=0, outcome="credited", reduced_kwh_before=before,
        points_before=int(before * 100), minor_units_before=0,
    )  # fmt: skip


def settled(kwh: float) -> e.RequestSettled:
    return e.RequestSettled(
        at=START, request=R1, asked_kwh=2.0, reduced_kwh=kwh, intervals=1, intervals_measured=1,
        compliance_percent=50.0, points=int(kwh * 100), minor_units=0, outcome="credited",
    )  # fmt: skip


def index_of(*entries: e.Entry, **bounds: int) -> EventIndex:
    index = EventIndex(**bounds)
    for seq, entry in enumerate(entries, start=1):
        index.take(Numbered(seq, entry))
    return index


def numbers(index: EventIndex, event: str = "E-F1-x") -> list[int]:
    found = index.event(event)
    assert found is not None
    return list(found.numbers)


def test_to_an_event_belongs_what_stood_when_it_opened_and_all_that_followed() -> None:
    started = e.ControllerStarted(at=START, epoch=1, version="1", feeders=("F1",))
    acted = e.OperatorActed(at=START, who="w", why="y", action="release", feeder="F1", target="EV1")
    index = index_of(
        appeared("line:1"),  # 1, is over before
        cleared("line:1"),
        appeared(),  # 3, stands
        alarm(True),  # 4, stands
        alarm(True),  # 5, takes its place
        appeared(feeder="F2"),
        opened("E-F1-x"),  # 7
        planned(),  # 8
        acted,  # 9
        started,  # 10
        opened("E-F2-y", feeder="F2"),
        e.MessageDone(at=START, message=f"{R1}/thanks/1", outcome="sent", reason="taken"),  # 12
        cleared(),  # 13
        alarm(False),  # 14
        closed("E-F1-x", 5),  # 15
        appeared(),  # of nobody
        e.LedgerPosted(at=START, key="k", postings=(), reason="r", request=R1),  # 17
        corrected(1, 1.0, 0.0),  # 18
    )
    assert numbers(index) == [3, 5, 7, 8, 9, 10, 12, 13, 14, 15, 17, 18]
    assert numbers(index, "E-F2-y") == [6, 11]


def test_what_an_event_came_to_has_its_corrections_in_it() -> None:
    index = index_of(
        opened("E-F1-x"),
        planned(),
        planned(request_id("E-F1-x", 2), "person"),
        moved("refused", request_id("E-F1-x", 2)),
        e.EventShort(at=START, event="E-F1-x", feeder="F1", element="t", value=1.0, limit=1.0),
        settled(1.5),
        e.DisputeOpened(at=START, dispute="D1", request=R1, reason="other", who="w"),
        corrected(1, 1.0, 1.5),
    )
    one = index.event("E-F1-x")
    assert one is not None
    assert (one.devices, one.people, one.not_done, one.settled, one.short) == (1, 1, 1, 1, True)
    assert (one.reduced_kwh, one.points, one.disputes) == (1.0, 100, 1)
    index.take(
        Numbered(9, e.DisputeClosed(at=START, dispute="D1", request=R1, outcome="upheld", who="w", why=""))
    )
    assert one.disputes == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["C", "B", "A"]),
        (Wanted(feeder="F2"), ["B"]),
        (Wanted(feeders=frozenset({"F1"})), ["C", "A"]),
        (Wanted(state="running"), ["C"]),
        (Wanted(state="closed"), ["B", "A"]),
        (Wanted(state="short"), ["A"]),
        (Wanted(kind="undervoltage"), ["B"]),
        (Wanted(start=START + timedelta(minutes=6)), ["C", "B"]),  # A was over at 5
        (Wanted(end=START + timedelta(minutes=10)), ["A"]),  # B began at 10
        (Wanted(start=START + timedelta(minutes=4), end=START + timedelta(minutes=11)), ["B", "A"]),
    ],
)
def test_events_that_fit_newest_first(wanted: Wanted, found: list[str]) -> None:
    index = index_of(
        opened("A"),
        e.EventShort(at=START, event="A", feeder="F1", element="t", value=1.0, limit=1.0),
        closed("A", 5),
        opened("B", 10, "F2", kind="undervoltage"),
        closed("B", 15, "F2"),
        opened("C", 20),
    )
    assert [one.event for one in index.newest(wanted)] == found


def test_pages_go_on_where_the_one_before_ended() -> None:
    index = index_of(opened("A"), closed("A", 1), opened("B", 2), closed("B", 3), opened("C", 4))
    assert [one.event for one in index.newest(Wanted(), before=5)] == ["B", "A"]


def test_the_oldest_go_when_there_are_too_many_or_they_are_too_large() -> None:
    lives = [entry for n in range(5) for entry in (opened(f"E{n}", n), closed(f"E{n}", n))]
    index = index_of(*lives, most_events=2)
    assert [one.event for one in index.newest(Wanted())] == ["E4", "E3"]
    assert (len(index), index.forgotten) == (2, 3)
    assert len(index_of(*lives, most_numbers=4)) == 2
    running = index_of(opened("E-F1-x"), opened("B", 1, "F2"), opened("C", 2, "F3"), most_events=1)
    assert len(running) == 3, "one that runs is never let go"


@pytest.mark.parametrize("number", [1, 12, 1234])
def test_a_request_tells_its_event(number: int) -> None:
    assert event_of(request_id("E-a-R7-20160112T170000Z", number)) == "E-a-R7-20160112T170000Z"


def test_entries_about_no_request() -> None:
    assert request_of(appeared()) is None
    index_of(moved("ended", "someone-R001"), planned(request_id("unknown", 3)))  # of no event here: no fault
