"""A limit that the automatic took below an operator's goes back up to it: when, and when not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.books import Books
from controller.easing import with_eased
from controller.entries import Entry, OperatorActed, Ordered, RequestChanged, RequestMoved, RequestPlanned
from controller.release import Releases
from controller.situation import Situation
from tests.builders import FEEDER, START, control
from tests.controller.passes import Passes, calm_evening

UNTIL = START + timedelta(hours=2)
ORDERED = Ordered(order="O-1", by="Ann", limit_kw=9.0, until=UNTIL)


def _entries() -> list[Entry]:
    """EV00 was ordered to take no more than 9 kW, and held to 4.2 kW by the automatic right after."""
    planned = RequestPlanned(
        at=START, request="O-1-R001", event="O-1", feeder=FEEDER, resource="device", target="EV00",
        kind="ev_charger", customer="C00", service_point="sp00", limit_kw=9.0, p_before_kw=11.0,
        baseline_kw=12.0, start=START, end=UNTIL, epoch=0, sequence=1, element="trafo:0", value=90.0,
        ordered=ORDERED,
    )  # fmt: skip
    told = OperatorActed(
        at=START, who="Ann", why="works", action="limit", feeder=FEEDER, target="EV00", order="O-1"
    )
    changed = RequestChanged(
        at=START, request=planned.request, limit_kw=4.2, end=UNTIL, epoch=0, sequence=2, reason="tightened"
    )
    steps = [
        RequestMoved(at=START, request=planned.request, state=state, reason="test")  # type: ignore[arg-type]
        for state in ("sent", "accepted", "active")
    ]
    return [told, planned, *steps, changed]


def _situation(minutes: float = 30.0, **changes: object) -> Situation:
    """A calm feeder, so many minutes later."""
    calm, books = Passes(control(calm_evening()), charging_kw=2.0, base_kw=1.0).step().situation, Books()
    books.apply_all(_entries())
    now = START + timedelta(minutes=minutes)
    state = replace(
        calm.state, devices={n: replace(d, p_kw=4.2, at=now) for n, d in calm.state.devices.items()}
    )
    keeper = replace(calm.gatekeeper, books=books, now=now)
    situation = replace(calm, books=books, now=now, state=state, gatekeeper=keeper)
    return replace(situation, **changes)  # type: ignore[arg-type]


def test_with_room_it_goes_back_up_to_what_was_ordered() -> None:
    (entry,) = with_eased(_situation(), Releases()).entries
    assert isinstance(entry, RequestChanged)
    assert (entry.reason, entry.limit_kw, entry.end) == ("relaxed", 9.0, UNTIL)


@pytest.mark.parametrize(
    ("minutes", "changes"),
    [
        (30.0, {"good": False}),
        (30.0, {"proves": False}),  # the voltages contradict the load flow
        (1.0, {}),  # it was changed a moment ago
        (121.0, {}),  # the order is over: then it is released
    ],
)
def test_it_does_not_go_up_without_good_data_proof_and_time(
    minutes: float, changes: dict[str, object]
) -> None:
    assert with_eased(_situation(minutes, **changes), Releases()) == Releases()


def test_it_does_not_go_up_in_a_pass_that_frees_somebody() -> None:
    freed = Releases(released=frozenset({"R1"}))
    assert with_eased(_situation(), freed) == freed
