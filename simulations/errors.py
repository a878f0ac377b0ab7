"""The errors of this room.

SimulationError
├── ScenarioRejected   the scenario cannot be used: all findings at once, each with its line
├── StudyRejected      the same of a study's file
├── NoCluster          the Dask cluster that a study names cannot be used
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


class StudyRejected(SimulationError):
    """The study's file cannot be used; `findings` has every reason."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)


class NoCluster(SimulationError):
    """There is no Dask cluster at the address, or `distributed` is not installed."""


class StandStill(SimulationError):
    """Nothing is ready and no timer is set: the simulation would wait for ever."""
