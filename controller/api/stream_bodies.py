"""Bodies of the console's stream that are nobody else's."""

from datetime import datetime
from typing import Literal

import msgspec

from controller.views import Told

Form = Literal["state", "columns"]


class AliveEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of an `alive` event: with each sending, and when nothing else is told."""

    now: datetime
    """by the site's clock"""
    at: datetime | None
    """of the newest cycle; null before the first"""
    silent: bool
    """no feeder had a cycle lately: the controller does not do its work"""


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `told` event: sentences of the journal, oldest first."""

    whole: bool
    """true: these are all that are remembered, and what was known before may have gaps"""
    told: tuple[Told, ...]
