"""What one operation's example is made of, and the one evening from which all of them are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from controller.api.encoding import to_json

FEEDER, CUSTOMER, DEVICE, SERVICE_POINT = "dorf", "C-008", "ev-005", "LV3.101 Load 97"
EVENT = "E-dorf-20260112T175447Z"
REQUEST = f"{EVENT}-R001"
OPENED = datetime(2026, 1, 12, 17, 54, 47, tzinfo=UTC)
NOW = datetime(2026, 1, 12, 18, 4, 47, tzinfo=UTC)
CLOSED = datetime(2026, 1, 12, 20, 12, 47, tzinfo=UTC)
NEXT_DAY = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)
PATH_EXAMPLES: Mapping[str, object] = {
    "feeder": FEEDER,
    "customer": CUSTOMER,
    "device": DEVICE,
    "event_id": EVENT,
    "request_id": REQUEST,
    "order": "O-dorf-20260112T180447Z",
    "alarm": "overload-3f9a2c81d0b4",
    "dispute": f"D-20260113T090000Z-{REQUEST}",
    "redemption": "shop-20260113-77",
    "shift": 41,
    "note": 117,
    "token": "t-5f0c6a0e",
}
"""what stands in a path, by the name of its parameter"""


@dataclass(frozen=True)
class Example:
    """Of one operation: the bodies as values of their own types."""

    posted: msgspec.Struct | None = None
    answered: object = None
    files: Mapping[str, object] | None = None
    """an answer that is no JSON: its text by media type; of a stream the data of one event"""


Examples = Mapping[str, Example]
"""by operation, such as `GET /api/v1/feeders`"""


def as_json(value: object) -> Any:
    """As it is on the wire."""
    return msgspec.json.decode(to_json(value))


def as_posted(body: msgspec.Struct) -> dict[str, Any]:
    """As somebody would write it: without what may be left out."""
    whole = as_json(body)
    fields = msgspec.structs.fields(body)
    return {
        one.encode_name: whole[one.encode_name]
        for one in fields
        if one.required or getattr(body, one.name) != one.default
    }
