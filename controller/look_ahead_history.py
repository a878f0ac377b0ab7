"""[3] The forecast after a restart: learnt once more from the samples that the store keeps. Pure.

A sample holds what the meters showed, and how much all limits together took away. Whose part that was is read
off the requests that were in force then: each gets a share of it by what its limit took away when it was
planned. A sample that was curtailed by requests that the books have forgotten is left out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np

from controller.books import Books
from controller.feeder_control import FeederControl
from controller.look_ahead import LookAhead, gather
from controller.reach import cut_kw
from controller.requests import RequestRecord
from controller.stores.port import FeederSample
from grid_model.network import Floats

_CHUNK = timedelta(days=1)
_EVERY_S = 60.0
"""More samples than one a minute would change no quarter-hour's mean."""
_NEGLIGIBLE_KW = 0.01


def chunks(now: datetime, days: float) -> Iterator[tuple[datetime, datetime]]:
    """The past in pieces that fit into memory, oldest first."""
    start = now - timedelta(days=days)
    while start < now:
        yield start, min(start + _CHUNK, now)
        start += _CHUNK


def relearn(
    before: LookAhead, control: FeederControl, books: Books, samples: Iterable[FeederSample]
) -> LookAhead:
    """Take in samples that are in order and later than all before."""
    after, last = before, None
    records = [r for r in books.requests.values() if r.planned.feeder == control.feeder and r.active_at]
    for sample in samples:
        if last is not None and (sample.at - last).total_seconds() < _EVERY_S:
            continue
        last = sample.at
        added_kw = _curtailed_kw(control, records, sample)
        if added_kw is not None:
            shown = np.isfinite(sample.p_kw)
            p_kw = np.where(shown, sample.p_kw, 0.0) + added_kw
            after = gather(after, control, sample.at, p_kw, np.where(shown, 1.0, 0.0))
    return after


def _curtailed_kw(
    control: FeederControl, records: Iterable[RequestRecord], sample: FeederSample
) -> Floats | None:
    """(n_sp,) what limits took away; None when nobody can tell any more from whom."""
    taken = np.zeros(len(control.network.service_points))
    if sample.curtailed_kw <= _NEGLIGIBLE_KW:
        return taken
    for record in records:
        position = control.place.get(record.planned.service_point)
        if position is not None and _in_force(record, sample.at):
            taken[position] += cut_kw(record)
    return taken * (sample.curtailed_kw / taken.sum()) if taken.any() else None


def _in_force(record: RequestRecord, at: datetime) -> bool:
    if record.active_at is None or at < record.active_at:
        return False
    return at < (record.ended_at or record.end)
