"""[3] Elements outside their limits."""

from dataclasses import dataclass
from typing import Literal

from grid_model.load_flow import LoadFlowResult
from grid_model.network import Network

ViolationKind = Literal["line_overload", "transformer_overload", "undervoltage", "overvoltage"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as outside. Elements that carry limits of their own keep the stricter one."""

    loading_percent: float = 100.0
    min_v_pu: float = 0.9
    max_v_pu: float = 1.1


@dataclass(frozen=True, slots=True)
class Violation:
    """One element outside its limit."""

    element: str
    """`line:3`, `trafo:0`, `bus:7`"""
    kind: ViolationKind
    value: float
    """loading in percent, or voltage in pu"""
    limit: float
    reverse: bool = False
    """A transformer overloaded by power flowing back into the higher voltage."""


def find_violations(network: Network, result: LoadFlowResult, limits: Limits) -> tuple[Violation, ...]:
    """All violations, the worst first. Raises Diverged when the result did not converge."""
    raise NotImplementedError
