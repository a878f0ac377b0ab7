"""The part of a field that is real: hardware in the loop. Pure.

Whatever is named here is left alone by the simulation (it shows no status, answers nothing, reports no
meter), and what it truly takes is put in its place, so that the substation and every element see it as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from customers.registry import Registry
from grid_model.network import Floats


@dataclass(frozen=True, slots=True)
class RealParts:
    """Devices and meters of the registry that are not simulated."""

    devices: frozenset[str] = frozenset()
    meters: frozenset[str] = frozenset()


NOTHING_REAL = RealParts()


class RealPower:
    """What the real part takes, as it was told last. What was never told, or is no longer known: a device
    takes nothing, behind a meter the simulated household lives on.
    """

    def __init__(self, parts: RealParts, registry: Registry) -> None:
        self.parts = parts
        devices = {device.device: n for n, device in enumerate(registry.devices)}
        meters = {customer.meter: n for n, customer in enumerate(registry.customers)}
        self._devices = {name: devices[name] for name in parts.devices}
        self._meters = {name: meters[name] for name in parts.meters}
        self._device_kw: Mapping[str, float] = {}
        self._meter_kw: Mapping[str, float] = {}

    def tell(self, device_kw: Mapping[str, float], meter_kw: Mapping[str, float]) -> None:
        """From now on; names that are not of the real part are ignored."""
        self._device_kw = {name: kw for name, kw in device_kw.items() if name in self._devices}
        self._meter_kw = {name: kw for name, kw in meter_kw.items() if name in self._meters}

    def in_devices(self, device_kw: Floats) -> Floats:
        """(n_device,) with the real ones in their places."""
        if not self._devices:
            return device_kw
        mixed = device_kw.copy()
        for name, place in self._devices.items():
            mixed[place] = self._device_kw.get(name, 0.0)
        return mixed

    def in_service_points(self, p_kw: Floats, q_kvar: Floats) -> tuple[Floats, Floats]:
        """(n_sp,) each with the real ones in their places; real meters tell no reactive power: it stays in
        the proportion of the simulated household.
        """
        if not self._meter_kw:
            return p_kw, q_kvar
        p_mixed, q_mixed = p_kw.copy(), q_kvar.copy()
        for name, kw in self._meter_kw.items():
            place = self._meters[name]
            ratio = q_kvar[place] / p_kw[place] if abs(p_kw[place]) > 1e-6 else 0.0
            p_mixed[place] = kw
            q_mixed[place] = float(np.clip(ratio, -1.0, 1.0)) * kw
        return p_mixed, q_mixed
