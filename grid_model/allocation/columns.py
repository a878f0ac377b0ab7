"""[5] Devices as columns of the linear programme: each a movement of 0 or more in one direction.

A charger is one column (down), a battery two (down, up), an inverter up to three (feed in less, reactive
power either way), a stepped device one all-or-nothing column for each step. Knows no network but positions.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grid_model.allocation.devices import FlexibleDevice
from grid_model.network import Floats, Ints

STEP_KW = 0.001
"""Limits are given in whole watts, and whole var."""
_EDGES = 32
"""Of the polygon inside the circle of apparent power: gives away 0.5 % of it at most."""
_TURN = 1e-4
"""By how much the turn of rotation parts the weights of equals: enough for a solver, nothing in kW."""


@dataclass(frozen=True)
class Columns:
    """All movements of all devices, arrays of (n,)."""

    devices: tuple[FlexibleDevice, ...]
    owner: Ints
    """position in `devices`"""
    point: Ints
    """service point"""
    sign: Floats
    """1: takes more; −1: takes less"""
    reactive: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    """all of `most`, or nothing"""
    most: Floats
    base: Floats
    """what the device takes of this quantity now"""
    cost: Floats
    """per kW or kvar"""
    comply: Floats

    def added(self, x: Floats, n_sp: int) -> tuple[Floats, Floats]:
        """(n_sp,) kW and kvar that the service points take more after the movements `x`."""
        signed = self.sign * x
        p = np.bincount(self.point, weights=np.where(self.reactive, 0.0, signed), minlength=n_sp)
        q = np.bincount(self.point, weights=np.where(self.reactive, signed, 0.0), minlength=n_sp)
        return p.astype(np.float64), q.astype(np.float64)

    def matrix(self, per_kw: Floats, per_kvar: Floats) -> Floats:
        """(m, n) what each column does to m outputs, of their derivatives (m, n_sp)."""
        chosen = np.where(self.reactive, per_kvar[:, self.point], per_kw[:, self.point])
        return np.asarray(chosen * self.sign)

    def rounded(self, x: Floats) -> Floats:
        """Whole watts, towards the present power: rounding takes nothing from a device. Never both ways."""
        x = x - np.minimum(x, self._opposite(x))
        signed = self.sign * self.base
        watts = np.floor((signed + x) / STEP_KW + 1e-6) * STEP_KW - signed
        watts = np.clip(watts, 0.0, self.most)
        watts = np.where(watts < STEP_KW / 2, 0.0, watts)
        return np.where(self.whole, np.where(x > self.most / 2, self.most, 0.0), watts)

    def _opposite(self, x: Floats) -> Floats:
        """(n,) what the column of the same device in the other direction moves."""
        kind = 2 * self.owner + self.reactive
        size = 2 * len(self.devices)
        up = np.bincount(kind, weights=np.where(self.sign > 0, x, 0.0), minlength=size)
        down = np.bincount(kind, weights=np.where(self.sign < 0, x, 0.0), minlength=size)
        return np.where(self.sign > 0, down[kind], up[kind])

    def one_step_each(self) -> tuple[Floats, Floats]:
        """Rows and bounds: of the steps of one device one at most."""
        owners = [o for o in np.unique(self.owner[self.whole]) if (self.owner[self.whole] == o).sum() > 1]
        rows = np.zeros((len(owners), len(self.most)))
        for row, owner in zip(rows, owners, strict=True):
            mine = self.whole & (self.owner == owner)
            row[mine] = 1 / self.most[mine]
        return rows, np.ones(len(owners))

    def within_ratings(self, x: Floats) -> Floats:
        """`x`, but with the reactive power of those inverters left as it is that `x` would overdraw."""
        rows, _ = self.overdrawn(x)
        return np.where(self.reactive & (rows != 0).any(axis=0), 0.0, x)

    def overdrawn(self, x: Floats) -> tuple[Floats, Floats]:
        """Rows and bounds: the edges of the apparent-power polygons that `x` crosses."""
        rows, bounds = [], []
        for owner in np.unique(self.owner[self.reactive]):
            device = self.devices[owner]
            if device.s_kva is None:
                continue
            mine = self.owner == owner
            p_kw = device.p_kw + float((self.sign * x)[mine & ~self.reactive].sum())
            q_kvar = device.q_kvar + float((self.sign * x)[mine & self.reactive].sum())
            cosine, sine, reach = _edge(device.s_kva, p_kw, q_kvar)
            reach = max(reach, cosine * device.p_kw + sine * device.q_kvar)  # it may stay where it is
            if cosine * p_kw + sine * q_kvar > reach + STEP_KW:
                rows.append(np.where(mine, self.sign * np.where(self.reactive, sine, cosine), 0.0))
                bounds.append(reach - cosine * device.p_kw - sine * device.q_kvar)
        return np.array(rows).reshape(len(rows), len(x)), np.array(bounds)


def _edge(s_kva: float, p_kw: float, q_kvar: float) -> tuple[float, float, float]:
    """Normal (cos, sin) and distance of the polygon's edge in the direction of (p, q)."""
    wide = 2 * math.pi / _EDGES
    middle = (math.floor(math.atan2(q_kvar, p_kw) / wide) + 0.5) * wide
    return math.cos(middle), math.sin(middle), s_kva * math.cos(wide / 2)


@dataclass(frozen=True, slots=True)
class _Column:
    sign: int
    most: float
    reactive: bool = False
    whole: bool = False


def columns_of(devices: Sequence[FlexibleDevice], rotation: int = 0) -> Columns:
    """The columns of all devices that may move; `rotation` decides between those that are equal otherwise."""
    found = [(owner, column) for owner, device in enumerate(devices) for column in _movements(device)]
    owner = np.array([owner for owner, _ in found], dtype=np.int64)
    turn = np.array([_turn(device.device, rotation) for device in devices])
    p_cost = np.array([device.weight for device in devices]) * (1 + _TURN * turn)
    q_cost = np.array([device.q_weight for device in devices])
    reactive = np.array([column.reactive for _, column in found], dtype=bool)
    p_base = np.array([device.p_kw for device in devices])
    q_base = np.array([device.q_kvar for device in devices])
    return Columns(
        devices=tuple(devices),
        owner=owner,
        point=np.array([devices[owner].service_point for owner, _ in found], dtype=np.int64),
        sign=np.array([column.sign for _, column in found], dtype=np.float64),
        reactive=reactive,
        whole=np.array([column.whole for _, column in found], dtype=bool),
        most=np.array([column.most for _, column in found]),
        base=np.where(reactive, q_base[owner], p_base[owner]) if found else np.zeros(0),
        cost=np.where(reactive, q_cost[owner], p_cost[owner]) if found else np.zeros(0),
        comply=np.array([devices[owner].comply for owner, _ in found]),
    )


def _turn(device: str, rotation: int) -> float:
    """In [0, 1), another one for each turn: the order among equals, reproducible from the record."""
    return zlib.crc32(f"{rotation}:{device}".encode()) / 2**32


def _movements(device: FlexibleDevice) -> Iterator[_Column]:
    if device.critical:
        return
    low, high = device.lowest_kw, device.highest_kw
    if device.steps_kw is None:
        ways = [_Column(-1, device.p_kw - low), _Column(1, high - device.p_kw)]
    else:
        steps = sorted({step for step in device.steps_kw if low <= step <= high})
        ways = [
            _Column(-1 if step < device.p_kw else 1, abs(step - device.p_kw), whole=True) for step in steps
        ]
    if device.min_q_kvar is not None and device.max_q_kvar is not None:
        ways.append(_Column(-1, device.q_kvar - device.min_q_kvar, reactive=True))
        ways.append(_Column(1, device.max_q_kvar - device.q_kvar, reactive=True))
    yield from (way for way in ways if way.most >= STEP_KW)
