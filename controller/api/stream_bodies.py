"""Bodies of the console's stream that are nobody else's."""

from typing import Literal

import msgspec

from controller.views import Told

Form = Literal["state", "columns"]


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `told` event: sentences of the journal, oldest first."""

    whole: bool
    """true: these are all that are remembered, and what was known before may have gaps"""
    told: tuple[Told, ...]
