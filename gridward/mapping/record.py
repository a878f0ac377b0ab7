"""The history of `gridward mapping` from the daemon's own record: quarter-hours of the stored samples.

Reads the store only, also while the daemon runs. The record holds the meters' active powers and the RTU's,
no voltages.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from controller.settings import Feeder, Site
from controller.stores.port import FeederSample, Record
from grid_model.mapping.observations import FlowMeter
from grid_model.network import Floats, Network, load_network
from gridward.mapping.history import Groups, History

_QUARTER_S = 900
_LEAST_SHARE = 0.5
"""of a quarter-hour's samples that must have a meter's reading"""
_NO_VOLTAGES = "the meters' voltages, which the daemon's record does not hold (--readings takes files)"


def recorded_history(record: Record, site: Site, feeder: Feeder, days: float) -> History | None:
    """The last `days` of a feeder's record, to its newest sample; None when it has none.

    Raises NetworkRejected; StoreUnavailable when the store cannot be read.
    """
    newest = record.last_sample_at(feeder.id)
    if newest is None:
        return None
    network = load_network(feeder.network, metered_generation=feeder.metered_generation)
    n_sp = len(network.service_points)
    quarters = _Quarters(n_sp)
    for samples in _by_day(record, feeder.id, newest - timedelta(days=days), newest):
        quarters.add(samples)
    at, p_kw, substation_p_kw = quarters.means()
    zone = ZoneInfo(site.look_ahead.time_zone)
    return _history(network, feeder, tuple(time.astimezone(zone) for time in at), p_kw, substation_p_kw)


def _by_day(
    record: Record, feeder: str, start: datetime, newest: datetime
) -> Iterator[tuple[FeederSample, ...]]:
    """A day at a time, so that months do not have to be held."""
    while start <= newest:
        end = start + timedelta(days=1)
        yield record.samples(feeder, start, end)
        start = end


class _Quarters:
    """Sums of samples by quarter-hour. Meters and RTU are averaged over the same samples."""

    def __init__(self, n_sp: int) -> None:
        self._n_sp = n_sp
        self._samples: dict[int, list[FeederSample]] = {}
        self._means: dict[int, tuple[Floats, float]] = {}

    def add(self, samples: Sequence[FeederSample]) -> None:
        """Take over what follows in time."""
        for sample in samples:
            if len(sample.p_kw) == self._n_sp:  # else from before the network was another one
                self._samples.setdefault(int(sample.at.timestamp()) // _QUARTER_S, []).append(sample)
        for quarter in list(self._samples)[:-1]:
            self._means[quarter] = _mean(self._samples.pop(quarter))

    def means(self) -> tuple[list[datetime], Floats, Floats]:
        """Beginnings, (n_quarter, n_sp) of the meters and (n_quarter,) of the RTU."""
        self._means |= {quarter: _mean(samples) for quarter, samples in self._samples.items()}
        utc = ZoneInfo("UTC")
        at = [datetime.fromtimestamp(quarter * _QUARTER_S, utc) for quarter in sorted(self._means)]
        means = [self._means[quarter] for quarter in sorted(self._means)]
        p_kw = np.stack([p for p, _ in means]) if means else np.zeros((0, self._n_sp))
        return at, p_kw, np.array([substation for _, substation in means])


def _mean(samples: Sequence[FeederSample]) -> tuple[Floats, float]:
    with_rtu = [sample for sample in samples if sample.substation_p_kw is not None]
    used = with_rtu or samples
    p_kw = np.stack([sample.p_kw for sample in used]).astype(np.float64)
    known = np.isfinite(p_kw)
    total, n = np.where(known, p_kw, 0.0).sum(axis=0), known.sum(axis=0)
    enough = n >= _LEAST_SHARE * len(used)
    mean = np.divide(total, n, out=np.full(len(n), np.nan), where=enough)
    shown = [sample.substation_p_kw for sample in with_rtu if sample.substation_p_kw is not None]
    return mean, float(np.mean(shown)) if shown else np.nan


def _history(
    network: Network, feeder: Feeder, at: tuple[datetime, ...], p_kw: Floats, substation_p_kw: Floats
) -> History:
    n, n_sp, transformers = len(at), len(network.service_points), network.transformers.ids
    unread = np.full((n, n_sp), np.nan)
    with_rtu = bool(np.isfinite(substation_p_kw).any())
    one = with_rtu and len(transformers) == 1
    no_substation = (
        "the readings of each transformer: the record has their sum only"
        if with_rtu
        else f"an RTU ([feeder.rtu] of {feeder.id}) whose readings are in the record: it has none"
    )
    return History(
        network=network,
        at=at,
        p_kw=p_kw,
        q_kvar=unread,
        v_pu=unread,
        # The RTU shows what goes into the transformer, as the daemon's own check of the sums takes it.
        flow_meters=(FlowMeter(transformers[0], "from"),) if one else (),
        flow_p_kw=substation_p_kw[:, None] if one else np.zeros((n, 0)),
        flow_q_kvar=np.full((n, 1), np.nan) if one else np.zeros((n, 0)),
        groups=Groups((feeder.id,), substation_p_kw[:, None], np.zeros(n_sp, dtype=np.int64))
        if with_rtu
        else None,
        notes=tuple(str(finding) for finding in network.warnings),
        no_voltages=_NO_VOLTAGES,
        no_substation=no_substation,
    )
