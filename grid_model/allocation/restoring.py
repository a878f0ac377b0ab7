"""[6] The way back: who is let go, when, and how far, so that nothing is overloaded again.

A device that was held back takes more than before for a while once it is free: a house has cooled down, and
cars that would have been full by now all charge at the same time. So each release is put into the future as
it will be, rebound included, and every moment from there on is checked with load flow; only if all of them
hold it becomes a step. Where a full release would not hold, half of the way is tried.

Knows no requests and no clock: times are seconds from now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Limits
from grid_model.watch import Watch


@dataclass(frozen=True, slots=True)
class Rebound:
    """What a device takes once it is free, as a multiple of what it took before, and for how long."""

    factor: float = 1.0
    duration_s: float = 0.0


REBOUND_BY_KIND: Mapping[str, Rebound] = {
    "ev_charger": Rebound(1.0, 0.0),  # its power is bounded: it takes longer, not more
    "heat_pump": Rebound(1.3, 3600.0),
    "air_conditioner": Rebound(1.3, 1800.0),
    "boiler": Rebound(1.2, 1800.0),
}
"""Where nothing better is known; assumptions of ours, to be replaced by what the meters show."""


def rebound_of(kind: str) -> Rebound:
    """That of a kind of device; none where it makes up for nothing, or is not known."""
    return REBOUND_BY_KIND.get(kind, Rebound())


@dataclass(frozen=True, slots=True)
class Held:
    """A device that is held back now."""

    device: str
    service_point: int
    now_kw: float
    """what it takes, part of the snapshot"""
    back_kw: float
    """what it would take without the limit"""
    rebound: Rebound = Rebound()
    most_kw: float | None = None
    """more than this it cannot take, rebound or not"""
    rank: float = 0.0
    """who has the higher one is let go first: kWh given, or time held"""

    def taken_kw(self, share: float, since_s: float) -> float:
        """What it takes `since_s` seconds after it was let go `share` of the way back."""
        if share < 1:
            return self.now_kw + share * (self.back_kw - self.now_kw)
        taken = self.back_kw * (self.rebound.factor if since_s < self.rebound.duration_s else 1.0)
        return taken if self.most_kw is None else min(taken, max(self.most_kw, self.back_kw))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the way back may be gone."""

    step_s: float = 60.0
    steps: int = 60
    """how far ahead is planned"""
    most_kw_per_step: float = np.inf
    """What may come back in one step; one device always may."""
    shares: tuple[float, ...] = (1.0, 0.5)
    """of the way back that are tried, the largest first; below 1 the device keeps a limit"""

    def __post_init__(self) -> None:
        if not (self.step_s > 0 and self.steps > 0 and self.shares and all(0 < s <= 1 for s in self.shares)):
            raise ValueError("a pace needs step_s and steps above 0, and shares above 0 and up to 1")


@dataclass(frozen=True, slots=True)
class RestoreStep:
    """One release."""

    at_s: float
    device: str
    limit_kw: float | None
    """None: it is free"""


@dataclass(frozen=True)
class Restoration:
    """The way back, as far as it was found."""

    steps: tuple[RestoreStep, ...]
    held: tuple[str, ...]
    """Devices that are not free at the end of what was planned."""
    p_kw: Floats
    """(n_step, n_sp) what the service points take then: each row within the limits from the first release
    on"""


def restore(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    held: Sequence[Held],
    *,
    limits: Limits,
    pace: Pace | None = None,
) -> Restoration:
    """Steps that free `held`, the highest rank first, none of which breaks `limits` then or later.

    `p_kw` is (n_sp,) the snapshot with all limits in force, or (n_step, n_sp) a forecast of it, the last row
    standing for all later ones. `q_kvar` is (n_sp,).
    """
    way = _Way(network, load_flow, p_kw, q_kvar, limits=limits, pace=pace or Pace())
    return way.find(sorted(held, key=lambda device: (-device.rank, device.device)))


class _Way:
    def __init__(
        self,
        network: Network,
        load_flow: FactoredLoadFlow,
        p_kw: Floats,
        q_kvar: Floats,
        *,
        limits: Limits,
        pace: Pace,
    ) -> None:
        self._load_flow, self._q_kvar, self._pace = load_flow, q_kvar, pace
        self._watch = Watch(network, limits)
        rows = np.atleast_2d(p_kw)
        self._p_kw = rows[np.minimum(np.arange(pace.steps), len(rows) - 1)].copy()
        self._steps: list[RestoreStep] = []
        self._share: dict[str, float] = {}

    def find(self, held: Sequence[Held]) -> Restoration:
        for step in range(self._pace.steps):
            left = [device for device in held if self._share.get(device.device, 0.0) < 1]
            if not left:
                break
            if not self._as_before(step):
                self._one_step(step, left)
        free = {device for device, share in self._share.items() if share == 1}
        return Restoration(
            tuple(self._steps), tuple(d.device for d in held if d.device not in free), self._p_kw
        )

    def _as_before(self, step: int) -> bool:
        """Nobody could be let go a step ago, and nothing is different since."""
        if step == 0 or (self._steps and self._steps[-1].at_s == (step - 1) * self._pace.step_s):
            return False
        return bool((self._p_kw[step - 1 :] == self._p_kw[step - 1]).all())

    def _one_step(self, step: int, left: Sequence[Held]) -> None:
        budget_kw, first = self._pace.most_kw_per_step, True
        for device in left:
            for share in sorted(self._pace.shares, reverse=True):
                before = self._share.get(device.device, 0.0)
                kw = (share - before) * abs(device.back_kw - device.now_kw)
                if share <= before or (kw > budget_kw and not first) or not self._try(step, device, share):
                    continue
                budget_kw, first = budget_kw - kw, False
                break

    def _try(self, step: int, device: Held, share: float) -> bool:
        """Let go, if all moments from `step` on hold."""
        seconds = np.arange(self._pace.steps - step) * self._pace.step_s
        before = self._share.get(device.device, 0.0)
        was_kw = device.taken_kw(before, 0.0)  # below 1: the same at all times
        more = np.array([device.taken_kw(share, since) for since in seconds]) - was_kw
        after = self._p_kw[step:].copy()
        after[:, device.service_point] += more
        if not self._holds(after):
            return False
        self._p_kw[step:] = after
        self._share[device.device] = share
        limit_kw = None if share == 1 else device.taken_kw(share, 0.0)
        self._steps.append(RestoreStep(step * self._pace.step_s, device.device, limit_kw))
        return True

    def _holds(self, p_kw: Floats) -> bool:
        cases = np.unique(p_kw, axis=0)
        q_kvar = np.broadcast_to(self._q_kvar, cases.shape)
        return all(self._watch.holds(result) for result in self._load_flow.solve_batch(cases, q_kvar))
