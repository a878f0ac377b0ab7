"""[3] The forecast after a restart: learnt once more from the samples that the store keeps. Pure.

A sample holds what the meters showed, and how much all limits together took away. Whose part that was is read
off the requests that were in force then: each gets a share of it by what its limit took away when it was
planned. A sample that was curtailed by requests that the books have forgotten is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from controller.books import Books
from controller.bounds import at_point
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
    after, last, in_force = before, None, _InForce(books, control.feeder)
    for sample in samples:
        if last is not None and (sample.at - last).total_seconds() < _EVERY_S:
            continue
        last = sample.at
        added_kw = _curtailed_kw(control, in_force.at(sample.at), sample)
        if added_kw is not None:
            shown = np.isfinite(sample.p_kw)
            p_kw = np.where(shown, sample.p_kw, 0.0) + added_kw
            after = gather(after, control, sample.at, p_kw, np.where(shown, 1.0, 0.0))
    return after


def _curtailed_kw(
    control: FeederControl, in_force: Iterable[RequestRecord], sample: FeederSample
) -> Floats | None:
    """(n_sp,) what limits took away; None when nobody can tell any more from whom."""
    taken, total_kw = np.zeros(len(control.network.service_points)), 0.0
    if sample.curtailed_kw <= _NEGLIGIBLE_KW:
        return taken
    for record in in_force:
        position = control.place.get(record.planned.service_point)
        if position is not None:
            taken[position] += at_point(record, cut_kw(record))
            total_kw += cut_kw(record)
    return taken * (sample.curtailed_kw / total_kw) if total_kw > 0 else None


class _InForce:
    """Which requests of a feeder were in force at times that only go on: each is taken up and laid down once,
    however many samples there are."""

    def __init__(self, books: Books, feeder: str) -> None:
        begun = [(r.active_at, r) for r in books.requests.values() if r.planned.feeder == feeder]
        self._later = [(at, record) for at, record in begun if at is not None]
        self._later.sort(key=lambda pair: pair[0], reverse=True)
        self._now: list[RequestRecord] = []

    def at(self, at: datetime) -> Sequence[RequestRecord]:
        """Those in force at `at`, which must not lie before the last one."""
        while self._later and self._later[-1][0] <= at:
            self._now.append(self._later.pop()[1])
        self._now = [record for record in self._now if at < (record.ended_at or record.end)]
        return self._now
