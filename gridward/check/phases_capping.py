"""What is believed of the devices of a check per phase: no more on a phase than its meter shows there.

Knows no file but by the rows it warns of, and no load flow.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grid_model.allocation import FlexibleDevice
from grid_model.network import Floats
from grid_model.three_phase.allocation import PhaseDevice
from gridward.check.tables import Cells

_WATT = 1e-3


def capped(
    placed: Sequence[tuple[PhaseDevice, Cells]], p_kw: Floats, warnings: list[str]
) -> tuple[PhaseDevice, ...]:
    """No device takes, and no inverter feeds in, more on a phase than its service point does: several are cut
    down in proportion."""
    taking = _believed([one for one, _ in placed if one.device.p_kw > 0], p_kw)
    giving = _believed([one for one, _ in placed if _feeds_in(one)], -p_kw)
    believed = []
    for one, cells in placed:
        device = one.device
        part = giving if _feeds_in(one) else taking
        factor = float(part[device.service_point][np.array(one.share) > 0].min())
        if factor < 1.0 and (device.p_kw > 0 or _feeds_in(one)):
            does = "feeds in" if _feeds_in(one) else "takes"
            warnings.append(
                f"{cells.file} row {cells.row}: device {device.device!r} says {abs(device.p_kw):g} kW, but "
                f"its service point {does} less on its phases; taken as {abs(device.p_kw) * factor:.3f} kW"
            )
            one = replace(one, device=_scaled(device, factor))  # noqa: PLW2901
        believed.append(one)
    return tuple(believed)


def _feeds_in(one: PhaseDevice) -> bool:
    """Whether it is feed-in that may be held back."""
    return one.device.max_kw is not None


def _believed(devices: Sequence[PhaseDevice], there_kw: Floats) -> Floats:
    """(n_sp, 3) the part of what `devices` claim that is there, 1 at most; `there_kw` in their direction."""
    claimed = np.zeros_like(there_kw)
    for one in devices:
        claimed[one.device.service_point] += abs(one.device.p_kw) * np.array(one.share)
    there = np.clip(there_kw, 0.0, None)
    return np.divide(there, claimed, out=np.ones_like(claimed), where=claimed > there + _WATT)


def _scaled(device: FlexibleDevice, factor: float) -> FlexibleDevice:
    """The device with so much of its power; what an inverter is left with stays, as far as it is there."""
    p_kw = device.p_kw * factor
    if device.max_kw is None:
        return replace(device, p_kw=p_kw)
    return replace(device, p_kw=p_kw, min_kw=p_kw, max_kw=max(device.max_kw, p_kw))
