"""Why an order is not taken, or not carried out. Each says what was expected.

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

from controller.order_effects import WhatIf


class OrderRefused(Exception):
    """Nothing was done."""


class UnknownOrder(OrderRefused):
    """There is no such order, or it is long over."""


class NotOpen(OrderRefused):
    """It cannot be confirmed or withdrawn any more."""


class AnotherNeeded(OrderRefused):
    """A second, different person must agree."""


class PersonNeeded(OrderRefused):
    """Two persons must agree, and nobody can tell who this is."""


class EffectChanged(OrderRefused):
    """Its effect would not be the one that was looked at."""

    def __init__(self, why: str, effect: WhatIf | None) -> None:
        super().__init__(why)
        self.effect = effect


class StopHolds(OrderRefused):
    """Nobody is limited there before the automatic is handed back."""


class TwoStepsNeeded(OrderRefused):
    """It gives power back, so it is drafted, looked at and confirmed."""


class TooManyOpen(OrderRefused):
    """Confirm or withdraw what waits first."""
