"""What is posted to ask for the effect of orders."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from controller.api.posted import Words
from controller.entries import OperatorAction
from controller.order_effects import MOST_ORDERS, MOST_TARGETS
from devices.messages import Direction


class OrderToTry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One order that somebody thinks of giving."""

    action: OperatorAction
    target: Words | None = None
    """a device, a customer (who stands for their devices too) or a request"""
    targets: Annotated[tuple[Words, ...], msgspec.Meta(max_length=MOST_TARGETS)] = ()
    """several of them, for `limit`"""
    limit_kw: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    """for `limit`: what each device may take, or feed in, at most"""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """for `limit`: its end; without it as long as the site's requests last"""
    direction: Direction = "consumption"
    """for `limit`: what it bounds; `production`: what inverters feed in"""


class WhatIfBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Orders to be looked at together, in this order."""

    orders: Annotated[tuple[OrderToTry, ...], msgspec.Meta(min_length=1, max_length=MOST_ORDERS)]
    columns: bool = False
    """with all loadings and voltages afterwards, in the order of the network's lists, for a drawing"""


EXAMPLE: dict[str, Any] = {
    "orders": [{"action": "limit", "targets": ["ev-001", "C-002"], "limit_kw": 6.0}],
    "columns": False,
}
