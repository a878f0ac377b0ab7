"""[5] The least curtailment that clears all violations, within floors: a linear programme on load-flow sensitivities,
repeated with load flow until clear."""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from grid_model.violations import Limits, Violation


@dataclass(frozen=True, slots=True)
class FlexibleDevice:
    """A device as the allocation sees it: what it takes now and the least it must be left with."""

    device: str
    service_point: int
    """position in `Network.service_points`"""
    p_kw: float
    min_kw: float
    critical: bool = False
    weight: float = 1.0
    """cost of one kW curtailed here, relative to the others"""


@dataclass(frozen=True, slots=True)
class Curtailment:
    """What one device is to be limited to. `limit_kw` is never below the device's `min_kw`."""

    device: str
    service_point: str
    p_kw: float
    limit_kw: float
    curtailed_kw: float


@dataclass(frozen=True)
class Allocation:
    """The answer: the cuts, and what a load flow over the cut snapshot says."""

    curtailments: tuple[Curtailment, ...]
    cleared: bool
    after: LoadFlowResult
    remaining: tuple[Violation, ...]
    """violations left over when not cleared"""
    rounds: int


def allocate(
    network: Network,
    load_flow: FactoredLoadFlow,
    p_kw: Floats,
    q_kvar: Floats,
    devices: Sequence[FlexibleDevice],
    limits: Limits,
) -> Allocation:
    """The least curtailed power that brings every element within `limits`; best effort when it cannot be cleared.

    `p_kw`, `q_kvar` are (n_sp,). Devices that are critical, or take no more than their `min_kw`, are never touched.
    Raises Diverged when the load flow before any cut does not converge.
    """
    raise NotImplementedError
