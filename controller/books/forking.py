"""Copies of the books: to see whether entries fit before they are durable for ever, and for whoever looks at
them while they change.
"""

import copy
from dataclasses import fields, is_dataclass
from datetime import datetime

import msgspec

from controller.books.books import Books, EventRecord
from controller.burdens import Burdens
from controller.compliance import Compliance
from controller.orders.order_book import OrderBook
from controller.proving.asked_times import AskedTimes
from controller.requests import RequestRecord
from controller.rewards.accounts import Accounts
from controller.shared_map import SharedMap


def fork(books: Books) -> Books:
    """A copy that can be written to without touching the original; its records are frozen and shared."""
    copied = Books()
    for field in fields(Books):
        setattr(copied, field.name, _copied(getattr(books, field.name)))
    return copied


_FROZEN = (str, int, tuple, datetime, RequestRecord, EventRecord, msgspec.Struct)


def _copied(value: object) -> object:
    if isinstance(value, dict):
        first = next(iter(value.values()), None)
        frozen = first is None or isinstance(first, _FROZEN)
        return dict(value) if frozen else {key: _copied(inner) for key, inner in value.items()}
    if isinstance(value, list | set):
        return copy.copy(value)
    if isinstance(value, Accounts | AskedTimes | Burdens | Compliance | OrderBook | SharedMap):
        return value.fork()
    if is_dataclass(value) and not isinstance(value, RequestRecord | EventRecord):
        return copy.deepcopy(value)
    return value
