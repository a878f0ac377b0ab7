"""[6] The one way in which the automatic changes the request of a device: by the gate, and under a higher
sequence. Pure.
"""

from datetime import datetime
from typing import Literal

from controller.entries import RequestChanged
from controller.requests import RequestRecord
from controller.situation import Situation


def changed(
    situation: Situation,
    record: RequestRecord,
    reason: Literal["renewed", "tightened", "raised", "relaxed"],
    *,
    limit_kw: float | None = None,
    end: datetime | None = None,
) -> RequestChanged | None:
    """The request with another limit or end; what is not given stays. None when the gate refuses."""
    limit_kw, end = record.limit_kw if limit_kw is None else limit_kw, end or record.end
    passes = situation.gatekeeper.passes(
        record.request,
        "device",
        record.planned.target,
        "tightened" if reason == "tightened" else "renewed",
        limit_kw=limit_kw,
        start=record.planned.start,
        end=end,
        epoch=situation.epoch,
        moves_kw=max(record.limit_kw - limit_kw, 0.0),
        direction=record.planned.direction,
    )
    if not passes:
        return None
    return RequestChanged(
        at=situation.now,
        request=record.request,
        limit_kw=limit_kw,
        end=end,
        epoch=situation.epoch,
        sequence=record.sequence + 1,
        reason=reason,
    )
