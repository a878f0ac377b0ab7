"""The alarm state diagram of ISA-18.2, step by step."""

from typing import get_args

import pytest

from controller.alarms.states import STANDING, CoreState, Step, after, shown_state

STORIES: tuple[tuple[tuple[Step, ...], CoreState], ...] = (
    (("raised",), "unacknowledged"),
    (("raised", "acknowledged"), "acknowledged"),
    (("raised", "acknowledged", "returned"), "normal"),
    (("raised", "returned"), "returned_unacknowledged"),
    (("raised", "returned", "acknowledged"), "normal"),
    (("raised", "returned", "raised"), "unacknowledged"),
    (("raised", "acknowledged", "raised"), "unacknowledged"),
    (("raised", "acknowledged", "acknowledged"), "acknowledged"),
    (("acknowledged",), "normal"),
    (("returned",), "normal"),
)


@pytest.mark.parametrize(("steps", "state"), STORIES)
def test_what_becomes_of_an_alarm(steps: tuple[Step, ...], state: CoreState) -> None:
    core: CoreState = "normal"
    for step in steps:
        core = after(core, step)
    assert core == state


def test_nothing_but_an_acknowledgement_takes_an_unseen_alarm_away() -> None:
    for state in get_args(CoreState):
        for step in get_args(Step):
            if state in ("unacknowledged", "returned_unacknowledged") and after(state, step) == "normal":
                assert step == "acknowledged"
            if step == "raised":
                assert after(state, step) in STANDING


@pytest.mark.parametrize(
    ("covers", "state"),
    [
        ((False, False, False), "unacknowledged"),
        ((True, False, False), "shelved"),
        ((True, True, False), "suppressed"),
        ((True, True, True), "out_of_service"),
    ],
)
def test_of_several_covers_the_one_that_lasts_is_told(covers: tuple[bool, bool, bool], state: str) -> None:
    shelved, suppressed, out_of_service = covers
    assert (
        shown_state("unacknowledged", shelved=shelved, suppressed=suppressed, out_of_service=out_of_service)
        == state
    )
