"""[1, 2] Plain physics: readings that no state of the network can explain, whatever all others say."""

import numpy as np

from grid_model.connection import generation_kw, household_bound_kw
from grid_model.estimation.bad_data import Suspect, in_words
from grid_model.estimation.hypotheses import House
from grid_model.estimation.measurements import Measurement, Measurements
from grid_model.network import Floats, Network

OVER_BOUND = 1.2
"""A fuse lets this much through for long (reliability rule C8)."""
_V_PU = (0.5, 1.5)
_LEAST_REACTIVE_KVAR = 3.0
_REACTIVE_SHARE = 0.6
"""Of the connection's bound: motors, capacitors and inverters stay below."""


def houses(network: Network, bound_kw: Floats | None = None) -> House:
    """What each service point can do: takes `bound_kw` (n_sp,), or a household's fuse and twice its default
    power; gives no more than the network's generators and storages at its bus.
    """
    feed_in = generation_kw(network)
    if bound_kw is None:
        bound_kw = household_bound_kw(network) + feed_in
    return House(bound_kw=np.asarray(bound_kw, dtype=np.float64), feed_in_kw=feed_in)


def impossible(measurements: Measurements, house: House, names: tuple[str, ...]) -> tuple[Suspect, ...]:
    """Readings outside physics: power beyond the connection, reactive power without sense, voltages that no
    bus in service has.
    """
    p, q = measurements.meters.values.T
    most_p = OVER_BOUND * house.bound_kw
    most_q = np.maximum(_REACTIVE_SHARE * house.bound_kw, _LEAST_REACTIVE_KVAR)
    too_much = np.abs(p) > most_p  # false for NaN
    odd = ~too_much & (np.abs(q) > most_q)
    return (
        *(
            _suspect(
                names[place], int(place), f"{p[place]:.4g} kW", float(p[place]), f"{most_p[place]:.3g} kW"
            )
            for place in np.flatnonzero(too_much)
        ),
        *(
            _suspect(
                names[place], int(place), f"{q[place]:.4g} kvar", float(q[place]), f"{most_q[place]:.3g} kvar"
            )
            for place in np.flatnonzero(odd)
        ),
        *(_voltage(reading) for reading in measurements.network if not _possible(reading)),
    )


def _possible(reading: Measurement) -> bool:
    return np.isfinite(reading.value) and (
        reading.quantity != "v_pu" or _V_PU[0] <= reading.value <= _V_PU[1]
    )


def _suspect(name: str, place: int, shown: str, value: float, most: str) -> Suspect:
    return Suspect(
        source=name,
        place=place,
        what="q_kvar" if "kvar" in shown else "p_kw",
        value=value,
        fault="impossible",
        expected=np.nan,
        expected_sd=np.inf,
        normalised_residual=np.inf,
        log_odds=np.inf,
        reason=f"reads {shown}, a connection like this carries no more than {most}",
    )


def _voltage(reading: Measurement) -> Suspect:
    return Suspect(
        source=reading.source,
        place=None,
        what=f"{reading.quantity} of {reading.element}",
        value=reading.value,
        fault="impossible",
        expected=np.nan,
        expected_sd=np.inf,
        normalised_residual=np.inf,
        log_odds=np.inf,
        reason=f"{in_words(reading)} reads {reading.value:.3g}: no number, or no voltage of a bus in service",
        readings=(reading,),
        subject=in_words(reading),
    )
