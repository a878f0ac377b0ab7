from datetime import datetime

import pytest

from controller import entries as e
from controller.auditing.curtailments import Curtailment, curtailments
from controller.errors import RecordBroken
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, T0, after, closed, moved, opened, planned

R1, R2 = f"{EVENT}-R001", f"{EVENT}-R002"


def numbered(*entries: e.Entry) -> list[Numbered]:
    return [Numbered(seq, entry) for seq, entry in enumerate(entries, start=1)]


def started(epoch: int, *feeders: str, at: datetime = T0) -> e.ControllerStarted:
    return e.ControllerStarted(at=at, epoch=epoch, version="0.1.0", feeders=feeders)


def appeared(element: str, limit: float = 90.0) -> e.ViolationAppeared:
    return e.ViolationAppeared(
        at=T0, feeder="dorf", element=element, kind="line_overload", value=127.4, limit=limit
    )


def acted(action: str, target: str | None = None, feeder: str = "dorf") -> e.OperatorActed:
    return e.OperatorActed(at=T0, who="ann", why="a call", action=action, feeder=feeder, target=target)


def settled(request: str, outcome: str = "refused_or_silent") -> e.RequestSettled:
    return e.RequestSettled(
        at=after(960), request=request, asked_kwh=0.0, reduced_kwh=0.0, intervals=0, intervals_measured=0,
        compliance_percent=0.0, points=0, minor_units=0, outcome=outcome,
    )  # fmt: skip


def of(request: str, *entries: e.Entry) -> Curtailment:
    return curtailments(numbered(*entries), lambda plan: plan.request == request)[request]


def test_a_request_has_its_own_entries_and_those_of_its_event() -> None:
    one = of(
        R1, started(1, "dorf"), appeared("line:3"), appeared("line:4"), opened(), planned(1), planned(2),
        moved(R2, "sent", T0), moved(R1, "sent", T0), moved(R1, "refused", T0), moved(R2, "refused", T0),
        settled(R1), settled(R2), closed(),
    )  # fmt: skip
    assert one.seqs == (2, 4, 5, 8, 9, 11, 13)
    assert (one.record.state, one.event.closed, one.record.settled) == ("refused", closed(), settled(R1))
    assert one.event.requests == (R1, R2)


def test_the_limit_is_that_of_the_violation_that_it_was_asked_for() -> None:
    on_the_other = planned(1, element="line:4")
    assert of(R1, appeared("line:4"), opened(), on_the_other).limit == 90.0
    assert of(R1, opened(), planned(1)).limit == 100.0, "of the event, when the element is the same"
    cleared = e.ViolationCleared(at=T0, feeder="dorf", element="line:4", kind="line_overload")
    gone = of(R1, appeared("line:4"), cleared, opened(), on_the_other)
    assert (gone.limit, gone.kind) == (None, None), "the journal does not say, and nothing is made up"


def test_who_acted_on_it_while_it_lived() -> None:
    one = of(
        R1, acted("release_all"), opened(), planned(1),
        acted("release", "ev-001"), acted("exclude", "C-001"), acted("automatic_off"),
        acted("release", "ev-002"), acted("automatic_off", feeder="vorstadt"),
        started(1, "vorstadt"), started(2, "dorf"),
        moved(R1, "overridden", T0), settled(R1), acted("automatic_on"),
    )  # fmt: skip
    assert one.seqs == (2, 3, 4, 5, 6, 10, 11, 12)


def test_what_its_element_did_while_it_lived() -> None:
    gone = e.ViolationCleared(at=T0, feeder="dorf", element="line:3", kind="line_overload")
    one = of(R1, appeared("line:3"), opened(), planned(1), gone, appeared("line:4"), appeared("line:3"))
    assert one.seqs == (1, 2, 3, 4, 6)


def test_only_what_is_wanted_and_the_running_event_as_it_stands() -> None:
    found = curtailments(numbered(opened(), planned(1), planned(2)), lambda plan: plan.request == R2)
    assert list(found) == [R2]
    one = of(R1, opened(), planned(1), planned(2))
    assert one.event.requests == (R1, R2), "also those that were planned after it"
    assert one.event.closed is None


def test_requests_in_force_at_the_same_meter() -> None:
    same = {"service_point": "load:1"}
    life = [opened(), planned(1), planned(2, **same), planned(3)]
    for request in (R1, R2, f"{EVENT}-R003"):
        life += [moved(request, state, T0) for state in ("sent", "accepted", "active")]
        life.append(moved(request, "ended", after(900)))
    assert of(R1, *life, settled(R1, "too_little_data")).beside == (R2,)


def test_a_journal_that_cannot_be() -> None:
    with pytest.raises(RecordBroken, match="entry 2 cannot be: "):
        curtailments(numbered(opened(), moved(R1, "sent", T0)), lambda plan: True)
