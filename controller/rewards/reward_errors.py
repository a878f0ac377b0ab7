"""What the rewards desk refuses. Nothing was written then; each message says what was expected.

RewardRefused
├── UnknownReward     no such customer, item or redemption
├── IdTaken           the same id with another content: an alarm, never an update
├── NotDue            the fact is too old, ahead of its time, or lacks what its rule counts
├── NotOffered        the item is not to be had: not now, not any more, not in this tier
├── NotEnough         the customer has fewer points than the item costs
├── BudgetShort       the programme's budget does not allow it: again after a top-up
└── AlreadyDecided    the redemption is fulfilled or voided already, or its deadline has passed
"""

from controller.errors import ControllerError


class RewardRefused(ControllerError):
    """Cannot be done as the rules and the accounts stand."""


class UnknownReward(RewardRefused):
    """Whoever or whatever it is about is not known."""


class IdTaken(RewardRefused):
    """The id stands for something else already."""


class NotDue(RewardRefused):
    """The fact cannot be taken."""


class NotOffered(RewardRefused):
    """The item is not to be had by this customer now."""


class NotEnough(RewardRefused):
    """The customer's points do not suffice."""


class BudgetShort(RewardRefused):
    """The programme's budget does not suffice."""


class AlreadyDecided(RewardRefused):
    """A redemption is decided once."""
