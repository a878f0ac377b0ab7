"""Planted bugs in what counts as a reading."""

from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from controller import (
    cycle,
    feeder_check,
    feeder_state,
    plausibility,
)
from simulations.faults.planted.planting import BUSY, Set, bug


@bug(**BUSY, mad_reading=0.15)
def quarantine_off(put: Set) -> None:
    """Every reading is plausible."""
    put(plausibility, "screen", lambda columns, **_: plausibility.Screened(plausibility._sorted(columns)))


@bug(**BUSY, mad_reading=0.15)
def no_bound_of_power(put: Set) -> None:
    """What a connection cannot carry is believed."""
    screen = plausibility.screen

    def unbounded(columns: Any, *, bound_kw: Any, **named: Any) -> Any:
        return screen(columns, bound_kw=np.full_like(bound_kw, 1e9), **named)

    put(plausibility, "screen", unbounded)


@bug(**BUSY, meters_silent=0.3, lost_up=0.3)
def guesses_are_stored(put: Set) -> None:
    """What nobody measured stands in the samples as if it had been."""
    sample = cycle._sample

    def guessed(situation: Any, uncontrolled: Any) -> Any:
        return replace(sample(situation, uncontrolled), p_kw=situation.check.snapshot.p_kw.astype(np.float32))

    put(cycle, "_sample", guessed)


@bug(**BUSY, meters_silent=0.4)
def old_readings_are_fresh(put: Set) -> None:
    """A reading stays fresh until the next one."""
    snapshot = feeder_state.snapshot

    def timeless(state: Any, control: Any, now: Any) -> Any:
        site = structs.replace(control.site, cycle=structs.replace(control.site.cycle, fresh_s=1e9))
        return snapshot(state, replace(control, site=site), now)

    put(feeder_check, "snapshot", timeless)
