"""[2] The estimate of one snapshot where nobody keeps a history of each house: the network's own values are
the pseudo-readings.

They follow the level of the meters, so a wrong meter spoils them as well: once meters are left out, the level
is taken anew without them, and the rest is estimated again.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grid_model.estimation.belief import Belief
from grid_model.estimation.estimate import MOST_SUSPECTS, Estimate, Estimator, NoEstimate
from grid_model.estimation.measurements import (
    METER_ACCURACY,
    Measurement,
    Measurements,
    MeterReadings,
    meter_readings,
)
from grid_model.estimation.priors import from_defaults
from grid_model.network import Floats, Network

_FEW_SUSPECTS = 3
_MOST_SUSPECT = 0.1
"""Of the meters that are read."""


@dataclass(frozen=True)
class Shown:
    """What meters and the substation's instruments show at one time."""

    p_kw: Floats
    """(n_sp,) NaN where no meter says it"""
    q_kvar: Floats
    """(n_sp,) NaN where no meter says it"""
    age_s: Floats | None = None
    """(n_sp,) how old each reading is; None where all are of now"""
    unchanged: NDArray[np.int64] | None = None
    """(n_sp,) how many readings in a row had exactly this P; None where nobody counts"""
    inside: tuple[Measurement, ...] = ()
    """readings inside the network"""
    accuracy: float = METER_ACCURACY
    devices_kw: Floats | None = None
    """(n_sp,) what devices there take by their own word; counts only where no meter is read"""


def estimate_snapshot(
    estimator: Estimator,
    network: Network,
    shown: Shown,
    *,
    slack_scale: float = 1.0,
    most_suspects: int = MOST_SUSPECTS,
) -> Estimate | NoEstimate:
    """The state, without what all others contradict; its `suspects` are all that were left out.

    `slack_scale` is what is expected of the voltage above the transformer. Raises UnknownElement as
    `Estimator.estimate` does.
    """

    def estimated(shown: Shown, most: int) -> Estimate | NoEstimate:
        measurements, prior = _told(network, shown, slack_scale)
        return estimator.estimate(measurements, prior, most_suspects=most)

    first = estimated(shown, most_suspects)
    wrong = [suspect.place for suspect in first.suspects if suspect.place is not None]
    if not wrong:
        return first
    second = estimated(_without(shown, first, wrong), max(most_suspects - len(first.suspects), 0))
    return _unless_too_many(replace(second, suspects=(*first.suspects, *second.suspects)), shown)


def _unless_too_many(found: Estimate | NoEstimate, shown: Shown) -> Estimate | NoEstimate:
    """Where so many contradict each other nobody knows who is right, and what fits may be the wrong ones."""
    contradicted = [s.source for s in found.suspects if s.place is not None and s.fault != "impossible"]
    read = int(np.isfinite(shown.p_kw).sum())
    if len(contradicted) <= max(_FEW_SUSPECTS, _MOST_SUSPECT * read):
        return found
    reason = (
        f"{len(contradicted)} of {read} meters contradict the others, more than single mistakes can be: "
        "the network, the assignment of meters or the substation's reading may be wrong"
    )
    return NoEstimate(reason, found.suspects)


def _without(shown: Shown, found: Estimate | NoEstimate, wrong: list[int]) -> Shown:
    out = {reading for suspect in found.suspects for reading in suspect.readings}
    p_kw, q_kvar = shown.p_kw.copy(), shown.q_kvar.copy()
    p_kw[wrong] = q_kvar[wrong] = np.nan
    inside = tuple(reading for reading in shown.inside if reading not in out)
    return replace(shown, p_kw=p_kw, q_kvar=q_kvar, inside=inside)


def _told(network: Network, shown: Shown, slack_scale: float) -> tuple[Measurements, Belief]:
    """An old reading says something of the level, too, but less of its own house."""
    meters = meter_readings(shown.p_kw, shown.q_kvar, accuracy=shown.accuracy, unchanged=shown.unchanged)
    prior = from_defaults(network, meters, slack_scale=slack_scale)
    if shown.age_s is not None:
        meters = meter_readings(
            shown.p_kw,
            shown.q_kvar,
            age_s=shown.age_s,
            usual_var=prior.variance,
            accuracy=shown.accuracy,
            unchanged=shown.unchanged,
        )
    if shown.devices_kw is not None:
        prior = _with_devices(network, meters, prior, shown.devices_kw)
    return Measurements(meters, shown.inside), prior


def _with_devices(network: Network, meters: MeterReadings, prior: Belief, devices_kw: Floats) -> Belief:
    """A house of which nothing else is known takes what its devices take, and its own default power."""
    unread = ~meters.read & (devices_kw > 0)
    mean = prior.mean.copy()
    mean[unread, 0] = np.maximum(mean[unread, 0], (network.default_p_kw + devices_kw)[unread])
    return replace(prior, mean=mean)
