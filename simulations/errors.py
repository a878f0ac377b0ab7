"""The errors of this room.

SimulationError
├── ScenarioRejected   the scenario cannot be used: all findings at once, each with its line
└── StandStill         simulated time has nothing left to wait for: a fault of ours, not of the scenario
"""

from collections.abc import Sequence


class SimulationError(Exception):
    """Anything that goes wrong in this room."""


class ScenarioRejected(SimulationError):
    """The scenario cannot be used; `findings` has every reason."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)


class StandStill(SimulationError):
    """Nothing is ready and no timer is set: the simulation would wait for ever."""
