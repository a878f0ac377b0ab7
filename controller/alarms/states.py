"""The states of one alarm by ISA-18.2 (IEC 62682, clause 5: the alarm state transition diagram), as a table.
Pure.

    normal ── raised ── unacknowledged ── acknowledged ── returned ── normal
                             │                                         │
                             └── returned ── returned_unacknowledged ──┘ acknowledged

Shelved, suppressed by design and out of service lie over these like a cover: below it the alarm goes on, and
whoever lifts the cover sees it as it stands. Of several covers the one that lasts longest is told.
"""

from collections.abc import Mapping
from typing import Literal

CoreState = Literal["normal", "unacknowledged", "acknowledged", "returned_unacknowledged"]
AlarmState = CoreState | Literal["shelved", "suppressed", "out_of_service"]
Step = Literal["raised", "returned", "acknowledged"]

STEPS: Mapping[tuple[CoreState, Step], CoreState] = {
    ("normal", "raised"): "unacknowledged",
    ("unacknowledged", "raised"): "unacknowledged",
    ("unacknowledged", "acknowledged"): "acknowledged",
    ("unacknowledged", "returned"): "returned_unacknowledged",
    # it has become worse, or has more to tell: what was acknowledged is not what stands now
    ("acknowledged", "raised"): "unacknowledged",
    ("acknowledged", "returned"): "normal",
    ("returned_unacknowledged", "raised"): "unacknowledged",
    ("returned_unacknowledged", "acknowledged"): "normal",
}
"""What it lacks changes nothing: an acknowledgement may come twice, and a return of what is gone is none."""

STANDING: frozenset[CoreState] = frozenset({"unacknowledged", "acknowledged"})
"""The condition is there now."""


def after(state: CoreState, step: Step) -> CoreState:
    """The state after a step."""
    return STEPS.get((state, step), state)


def shown_state(core: CoreState, *, shelved: bool, suppressed: bool, out_of_service: bool) -> AlarmState:
    """What is told of an alarm that may lie under a cover."""
    if out_of_service:
        return "out_of_service"
    if suppressed:
        return "suppressed"
    return "shelved" if shelved else core
