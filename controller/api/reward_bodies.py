"""What is posted to the rewards desk over the API, and what it answers with."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from controller.api.posted import Words
from controller.rewards.customer_rewards import Offer

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,100}(?![\s\S])")]
"""given by whoever asks: the same id again changes nothing. Its pattern ends where the text does, in Python
and in the JSON schema; `$` would let a newline pass."""
Text = Words
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class FactBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something a customer did that may earn."""

    fact: Id
    customer: Text
    kind: Id
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    amount_minor_units: Amount | None = None
    currency: Id | None = None


class FactTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    fact: str
    customer: str
    points: int
    """that it earned now"""
    again: bool
    """it was known already: nothing changed"""


class RedemptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points for an item."""

    redemption: Id
    customer: Text
    item: Id
    who: Text | None = None


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a redemption is fulfilled or voided, and by whom."""

    reason: Text
    who: Text | None = None
    """needed with the operator token, which names nobody"""


class TopUpBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """More for the programme's budget."""

    top_up: Id
    unit: Id
    amount: Annotated[int, msgspec.Meta(ge=1, le=10**15)]
    who: Text | None = None
    """needed with the operator token"""


class PayoutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which payout, and from how much on a customer is paid: both belong together from the first time on,
    also where there was nothing to pay.
    """

    payout: Id
    least_minor_units: Annotated[int, msgspec.Meta(ge=1, le=10**15)] = 1


class PayoutBooked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there is anything in it."""

    payout: str
    booked: bool


class CatalogueBody(msgspec.Struct, frozen=True, kw_only=True):
    """What points are good for now."""

    items: tuple[Offer, ...]


class RedemptionState(msgspec.Struct, frozen=True, kw_only=True):
    """A redemption as it stands."""

    redemption: str
    customer: str
    item: str
    points: int
    state: Literal["pending", "fulfilled", "voided"]
    at: datetime
    """of its latest step"""
    deadline: datetime | None
    """of a pending one"""
    reason: str
