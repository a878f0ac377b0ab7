"""What a check per phase found: states before and after, who causes what, what is cut and on which phase."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from grid_model.allocation import Curtailment
from grid_model.three_phase.location import PhaseContribution
from grid_model.three_phase.network import ThreePhaseNetwork
from grid_model.three_phase.phases import PHASES
from grid_model.three_phase.results import ThreePhaseResult
from grid_model.three_phase.violations import PhaseViolation

_DIGITS = 6


@dataclass(frozen=True)
class PhaseState:
    """One load flow and what is outside its limits."""

    result: ThreePhaseResult
    violations: tuple[PhaseViolation, ...]


@dataclass(frozen=True)
class PhaseCut:
    """What one device is told, and where that takes effect."""

    told: Curtailment
    share: Mapping[str, float]
    """of its power on each phase that it has: a, b, c, or in delta ab, bc, ca"""

    @property
    def phases(self) -> str:
        """`b`, `abc`, in delta `ab, bc`."""
        return (", " if any(len(name) > 1 for name in self.share) else "").join(self.share)


@dataclass(frozen=True)
class PhaseOutcome:
    """All that one check per phase found."""

    network: ThreePhaseNetwork
    before: PhaseState
    located: tuple[PhaseContribution, ...]
    """of the worst violations of each kind"""
    curtailments: tuple[PhaseCut, ...]
    after: PhaseState
    warnings: tuple[str, ...]

    @property
    def converged(self) -> bool:
        """Whether the numbers mean anything."""
        return self.before.result.converged

    @property
    def cleared(self) -> bool:
        """Nothing is outside its limits, at once or after the cuts."""
        return self.converged and self.after.result.converged and not self.after.violations

    @property
    def curtailed_kw(self) -> float:
        """In all."""
        return round(math.fsum(cut.told.curtailed_kw for cut in self.curtailments), _DIGITS)

    @property
    def curtailed_by_phase_kw(self) -> dict[str, float]:
        """What is cut on a, b, c (and ab, bc, ca where a device in delta is cut); sums to `curtailed_kw`."""
        total: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        for cut in self.curtailments:
            for phase, part in cut.share.items():
                total[phase] = total.get(phase, 0.0) + part * cut.told.curtailed_kw
        return {phase: round(kw, _DIGITS) for phase, kw in total.items()}
