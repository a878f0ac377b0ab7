"""[2] Which reading contradicts all the others, and what is wrong with it.

Takes the hypothesis that explains best (`hypotheses.py`), when it explains much better than "all are right".
One at a time: whoever asks leaves the reading out and asks again.
"""

from dataclasses import dataclass, replace

import numpy as np

from grid_model.estimation.hypotheses import (
    FAULTS,
    Fault,
    House,
    broken_odds,
    fault_odds,
    instruments,
    unusual_odds,
)
from grid_model.estimation.least_squares import Fit
from grid_model.estimation.measurements import Measurement, MeterReadings, Quantity
from grid_model.estimation.residuals import others_of_meters, others_of_network

LOG_CONVINCED = float(np.log(20.0))
"""A fault is believed when it is so much likelier than that all is right."""
_LOG_AMBIGUOUS = float(np.log(20.0))
"""Another explanation within this factor is named beside the best."""

_IN_WORDS: dict[Quantity, tuple[str, str]] = {
    "p_kw": ("P", "kW"),
    "q_kvar": ("Q", "kvar"),
    "i_a": ("the current", "A"),
    "v_pu": ("the voltage", "pu"),
}
"""what people call a quantity, and its unit"""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A reading that was left out."""

    source: str
    """Service point, or who measured inside the network"""
    place: int | None
    """position of the service point; None for a reading inside the network"""
    what: str
    """`p_kw` of a meter, or quantity and element"""
    value: float
    fault: Fault
    expected: float
    """what all others say; NaN where they were not asked"""
    expected_sd: float
    """of the difference between the reading and that"""
    normalised_residual: float
    log_odds: float
    """natural logarithm of how much likelier the fault is than that all is right"""
    reason: str
    """one sentence for people"""
    instead: tuple[str, ...] = ()
    """whose fault would explain nearly as much"""
    readings: tuple[Measurement, ...] = ()
    """the readings inside the network that were left out; empty for a meter"""
    subject: str = ""
    """what was read, in words: how `reason` begins; empty for a meter"""


@dataclass(frozen=True, slots=True)
class Unusual:
    """A house without a reading takes what its prior hardly knows: no fault, its prior is to be widened."""

    place: int
    log_odds: float


def most_suspect(
    found: Fit, meters: MeterReadings, house: House, names: tuple[str, ...]
) -> Suspect | Unusual | None:
    """The best explanation, if it is a convincing one; None when all may be right."""
    groups = instruments(found)
    faults, broken = fault_odds(found, meters, house), broken_odds(found, groups)
    unusual = unusual_odds(found, house)
    by_kind = [float(odds.max(initial=-np.inf)) for odds in (faults, broken, unusual)]
    best = max(by_kind)
    if best < LOG_CONVINCED:
        return None
    if by_kind[2] == best:
        return Unusual(int(np.argmax(unusual)), best)
    houses = np.maximum(faults.max(axis=0), unusual) > best - _LOG_AMBIGUOUS
    close = [names[place] for place in np.flatnonzero(houses)]
    close += [_what(found, groups[row]) for row in np.flatnonzero(broken > best - _LOG_AMBIGUOUS)]
    if by_kind[1] == best:
        return _broken(found, groups[int(np.argmax(broken))], best, close)
    fault, place = (int(index) for index in np.unravel_index(int(np.argmax(faults)), faults.shape))
    suspect = _faulty(found, meters, FAULTS[fault], place, best)
    return replace(suspect, source=names[place], instead=tuple(set(close) - {names[place]}))


def _faulty(found: Fit, meters: MeterReadings, fault: Fault, place: int, best: float) -> Suspect:
    others = others_of_meters(found, meters)
    reading = float(meters.values[place, 0])
    expected = reading - float(others.difference[place])
    return Suspect(
        source="",
        place=place,
        what="p_kw",
        value=reading,
        fault=fault,
        expected=expected,
        expected_sd=float(np.sqrt(others.variance[place])),
        normalised_residual=float(others.normalised[place]),
        log_odds=best,
        reason=_reason(fault, reading, expected, int(meters.unchanged[place])),
    )


def _reason(fault: Fault, reading: float, expected: float, unchanged: int) -> str:
    says = f"reads {reading:.4g} kW, all others say {expected:.3g} kW"
    match fault:
        case "sign":
            return f"{says}; with the opposite sign it fits"
        case "thousand":
            return f"{says}; a thousandth of it fits: W taken for kW"
        case "thousandth":
            return f"{says}; a thousand times as much fits: kW taken for W"
        case "stuck" if unchanged > 1:
            return f"{says}; {unchanged} readings in a row were exactly the same"
        case "stuck":
            return f"{says}; an old value would explain it"
        case _:
            return says


def _broken(found: Fit, rows: tuple[int, ...], best: float, close: list[str]) -> Suspect:
    """Named by the reading of the group that is farthest off."""
    others, what = others_of_network(found), _what(found, rows)
    row = max(rows, key=lambda one: abs(float(others.normalised[one])))
    reading = found.asked.readings[row]
    expected = reading.value - float(others.difference[row])
    return Suspect(
        source=reading.source,
        place=None,
        what=what,
        value=reading.value,
        fault="wrong",
        expected=expected,
        expected_sd=float(np.sqrt(others.variance[row])),
        normalised_residual=float(others.normalised[row]),
        log_odds=best,
        reason=_broken_in_words(reading, expected),
        instead=tuple(set(close) - {what}),
        readings=tuple(found.asked.readings[one] for one in rows),
        subject=in_words(reading),
    )


def in_words(reading: Measurement) -> str:
    """What a reading inside the network is of, for people."""
    return f"{_IN_WORDS[reading.quantity][0]} of {reading.element}"


def _broken_in_words(reading: Measurement, expected: float) -> str:
    unit = _IN_WORDS[reading.quantity][1]
    return f"{in_words(reading)} reads {reading.value:.4g} {unit}, all others say {expected:.4g}"


def _what(found: Fit, rows: tuple[int, ...]) -> str:
    readings = [found.asked.readings[row] for row in rows]
    return f"{', '.join(reading.quantity for reading in readings)} of {readings[0].element}"
