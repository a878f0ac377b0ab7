"""[4] Who causes a violation, and how much each: sensitivity x power."""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.violations import Violation


@dataclass(frozen=True, slots=True)
class Contribution:
    """One service point's part in one violation."""

    service_point: str
    violation: str
    """the element's id"""
    share_percent: float
    """of what all service points together put on the element in the violation's direction"""
    p_kw: float
    flexible_kw: float
    """what its devices could give"""


def locate(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    violations: Sequence[Violation],
    flexible_kw: Floats,
) -> tuple[Contribution, ...]:
    """Contributions of every service point that takes part, largest share first within each violation.

    `p_kw`, `q_kvar` and `flexible_kw` are (n_sp,).
    """
    raise NotImplementedError
