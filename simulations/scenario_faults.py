"""Tables of a scenario for what goes wrong between field and controller: meters, messages, whole ways."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from controller.settings import NotNegative, Share

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Meters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who has a meter, and how well it measures."""

    share: Share = 1.0
    """of service points; those with a device that can be limited have one in any case: who is limited must be
    metered"""
    noise_percent: NotNegative = 0.0
    """standard deviation of each reading, of its own value"""
    bias_percent: NotNegative = 0.0
    """standard deviation over the meters of what each is off by, always, of its value: 1 for class 1"""
    voltages: bool = True
    """whether they show their voltage, the mean of three phases, and tell it"""
    voltage_bias_percent: NotNegative = 0.5
    """standard deviation over the meters of what each one's voltage is off by, always"""
    concentrators: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """that collect readings, each those of neighbouring meters"""


class FalseReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Meters that show something else than what flows: broken, wired wrongly, or attacked."""

    meters: tuple[str, ...] = ()
    """by name: M-001 is that of the first service point"""
    share: Share = 0.0
    """of all meters, drawn, beside those named"""
    begin: Moment | None = None
    """None: from the start"""
    end: Moment | None = None
    """None: to the end"""
    scale: float = 1.0
    """times the true power: -1 for a meter that is wired the wrong way round, 0.001 for W taken for kW"""
    add_kw: float = 0.0
    frozen: bool = False
    """shows for ever what it showed first"""


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of each message, up and down; of a batch as a whole."""

    delay_s: NotNegative = 0.0
    """mean; exponential, so that messages overtake each other"""
    loss: Share = 0.0
    duplicate: Share = 0.0
    """of those that are not lost: that come once more, later"""


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A time in which a part of the way is gone."""

    of: Literal["broker", "concentrator", "substation"]
    """broker: nothing passes either way · concentrator: its meters are silent · substation: the RTU is"""
    number: Annotated[int, msgspec.Meta(ge=1)] = 1
    """which concentrator"""
    begin: Moment
    end: Moment
