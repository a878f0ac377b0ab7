"""A pandapower network as fixed tables: buses, branches, service points [before 2].

Loads networks, checks them, and holds everything else in this room to plain arrays: pandapower's frames are
touched here and in `referee.py` only. Element ids are `bus:7`, `line:3`, `trafo:0`: the kind and the frame's index.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Finding

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Buses:
    """All buses, in the order of every `(n_bus,)` array of this room."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    vn_kv: Floats
    min_v_pu: Floats
    max_v_pu: Floats
    xy: Floats
    """(n_bus, 2) longitude and latitude, or metres, or NaN where the network has no coordinates."""


@dataclass(frozen=True)
class Branches:
    """All lines, or all transformers, in the order of every `(n_line,)` or `(n_trafo,)` array of this room."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    from_bus: Ints
    """Position in `Buses`; the high-voltage side of a transformer."""
    to_bus: Ints
    max_loading_percent: Floats
    """The element's own limit; 100 where the network says nothing."""


@dataclass(frozen=True)
class Network:
    """A network that passed its checks."""

    source: str
    net: Any
    """The pandapower network. Only this module and `referee.py` may look inside."""
    buses: Buses
    lines: Branches
    transformers: Branches
    service_points: tuple[str, ...]
    """(n_sp,) unique names: that of the load element, or `load:INDEX` where it has none of its own."""
    load_ids: tuple[str, ...]
    """(n_sp,) `load:INDEX` of each service point."""
    service_point_bus: Ints
    """(n_sp,) position in `Buses`."""
    default_p_kw: Floats
    """(n_sp,) what the network itself says of each load."""
    default_q_kvar: Floats
    warnings: tuple[Finding, ...] = ()

    def service_point_index(self) -> dict[str, int]:
        """Every accepted spelling of a service point (its name, and `load:INDEX`) and its position."""
        by_id = {load_id: position for position, load_id in enumerate(self.load_ids)}
        return by_id | {name: position for position, name in enumerate(self.service_points)}


def load_network(source: str, *, metered_generation: bool = False) -> Network:
    """Load and check `FILE.json`, `simbench:CODE` or `pandapower:FUNCTION`.

    With `metered_generation` the readings of a service point are net of what is generated behind its meter, so the
    network's own static generators are switched off; without, they inject what the network says.
    Raises NetworkRejected with all findings at once.
    """
    raise NotImplementedError
