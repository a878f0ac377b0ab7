"""[8] How likely a device does what it is asked, by what its settled requests show. Pure.

A part of the books. The newest requests count most. With few of its own a device is taken for what the
feeder's devices are on the whole, and with few of those for `PRIOR`: the mean of a beta distribution with the
prior's weight in requests (A. Gelman and others, "Bayesian Data Analysis", 3rd edition, section 2.4).
"""

from dataclasses import dataclass, field

PRIOR = 0.95
PRIOR_WEIGHT = 10.0
"""requests that count as much as the prior"""
_FADES = 0.95
"""what a request counts for when one more is known: twenty are remembered at a time"""


@dataclass(frozen=True, slots=True)
class _Count:
    kept: float = 0.0
    asked: float = 0.0

    def after(self, kept: bool, fades: float) -> "_Count":
        return _Count(fades * self.kept + kept, fades * self.asked + 1)

    def mean(self, prior: float) -> float:
        return (self.kept + PRIOR_WEIGHT * prior) / (self.asked + PRIOR_WEIGHT)


@dataclass(slots=True)
class Compliance:
    """One feeder's."""

    _all: _Count = field(default_factory=_Count)
    _device: dict[str, _Count] = field(default_factory=dict)

    def add(self, device: str, kept: bool) -> None:
        """One more request is settled; it was kept when the meter shows it."""
        self._all = self._all.after(kept, 1.0)
        self._device[device] = self._device.get(device, _Count()).after(kept, _FADES)

    def probability(self, device: str) -> float:
        """That the device does what it is asked: above 0 and below 1."""
        everybody = self._all.mean(PRIOR)
        count = self._device.get(device)
        return everybody if count is None else count.mean(everybody)

    def fork(self) -> "Compliance":
        """A copy that can be written to without touching this one."""
        return Compliance(self._all, dict(self._device))
