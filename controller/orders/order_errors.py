"""Why an order is not taken, or not carried out. Each says what was expected, and has a code for programs.

OrderRefused
├── UnknownOrder      there is no such order
├── NotOpen           it is over: carried out, withdrawn, expired or void
├── AnotherNeeded     somebody else must agree
├── PersonNeeded      a person with an account must do this, no program and no shared token
├── EffectChanged     the feeder is not as it was when the order was drafted: look again
├── StopHolds         an emergency stop holds there
├── TwoStepsNeeded    its effect must be looked at before it is given
└── TooManyOpen       too many orders wait already
"""

from typing import Literal

from controller.order_effects import WhatIf

EffectCode = Literal[
    "effect_newer",
    "effect_first_seen",
    "effect_unknown",
    "effect_no_solution",
    "effect_not_reached",
    "effect_loading",
    "effect_violation",
    "effect_power",
    "excluded_since",
]
"""why an effect must be looked at again"""
RefusalCode = (
    EffectCode
    | Literal[
        "unknown_order",
        "is_over",
        "expired",
        "restarted",
        "clock_set_back",
        "another_needed",
        "has_agreed",
        "person_needed",
        "stop_holds",
        "automatic_off",
        "two_steps_needed",
        "too_many_open",
        "not_signed_in",
        "may_not_operate",
        "cannot_be_meant",
    ]
)


class OrderRefused(Exception):
    """Nothing was done."""

    code: RefusalCode

    def __init__(self, why: str, code: RefusalCode | None = None) -> None:
        """`code`: where it is not that of all its kind."""
        super().__init__(why)
        if code is not None:
            self.code = code


class UnknownOrder(OrderRefused):
    """There is no such order, or it is long over."""

    code = "unknown_order"


class NotOpen(OrderRefused):
    """It cannot be confirmed or withdrawn any more."""

    code = "is_over"


class AnotherNeeded(OrderRefused):
    """A second, different person must agree."""

    code = "another_needed"


class PersonNeeded(OrderRefused):
    """Two persons must agree, and nobody can tell who this is."""

    code = "person_needed"


class EffectChanged(OrderRefused):
    """Its effect would not be the one that was looked at."""

    def __init__(self, why: str, effect: WhatIf | None, code: EffectCode) -> None:
        super().__init__(why, code)
        self.effect = effect


class StopHolds(OrderRefused):
    """Nobody is limited there before the automatic is handed back."""

    code = "stop_holds"


class TwoStepsNeeded(OrderRefused):
    """It gives power back, so it is drafted, looked at and confirmed."""

    code = "two_steps_needed"


class TooManyOpen(OrderRefused):
    """Confirm or withdraw what waits first."""

    code = "too_many_open"
