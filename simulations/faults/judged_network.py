"""The network as the judge reckons it: its own load flow, and what that says of loadings and voltages."""

import numpy as np

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from simulations.faults.ears import PHASES, Ears
from simulations.faults.promises import Promised

ROOM, ROOM_PU = 0.02, 0.002
"""Above the closing threshold, for readings that came since the decision. Of a loading's limit; of a voltage,
however tight its limits are."""

POSSIBLE_PU = 0.5
"""A voltage further from nominal is a meter's fault, and says nothing of the network."""


class JudgedNetwork:
    """As its file says, with all powers at the same `tan_phi`."""

    def __init__(
        self, promised: Promised, load_flow: FactoredLoadFlow, network: Network, tan_phi: float
    ) -> None:
        self._promised, self._load_flow, self._tan_phi = promised, load_flow, tan_phi
        self._buses, self._bus = network.buses, network.service_point_bus
        self._nominal_v = network.buses.vn_kv[network.service_point_bus] * 1000 / PHASES**0.5

    def ratio(self, p_kw: Floats) -> float | None:
        """The largest loading, or deviation of a voltage, as a share of what is allowed."""
        ratios = self.ratios(p_kw)
        return None if ratios is None else float(ratios.max())

    def ratios(self, p_kw: Floats, before_kw: Floats | None = None) -> Floats | None:
        """The same of each element; None where there is no solution. `before_kw`: the powers that the
        reactive power is of, where it is taken to stay as it was.
        """
        q_kvar = self._tan_phi * (p_kw if before_kw is None else before_kw)
        result, promised = self._load_flow.solve(p_kw, q_kvar), self._promised
        if not result.converged:
            return None
        return np.concatenate(
            (
                result.line_loading_percent / promised.loading_percent,
                result.transformer_loading_percent / promised.loading_percent,
                (1 - result.v_pu) / (1 - promised.lowest_v_pu),
                (result.v_pu - 1) / (promised.highest_v_pu - 1),
            )
        )

    def has_room(self, p_kw: Floats, before_kw: Floats) -> bool:
        """Whether nothing is above the closing threshold once powers are no more `before_kw`; what is freed
        is taken to move no reactive power, as an inverter's does not.
        """
        ratios, promised = self.ratios(p_kw, before_kw), self._promised
        if ratios is None:
            return False
        room_by_part = (ROOM, ROOM_PU / (1 - promised.lowest_v_pu), ROOM_PU / (promised.highest_v_pu - 1))
        n_bus = len(self._buses.ids)
        room = np.repeat(room_by_part, (len(ratios) - 2 * n_bus, n_bus, n_bus))
        return bool((ratios < promised.close_below + room).all())

    def contradicted_by(self, ears: Ears, p_kw: Floats, most_pu: float) -> int:
        """How many houses showed, with these powers, a voltage that is off by more."""
        result = self._load_flow.solve(p_kw, self._tan_phi * p_kw)
        if not result.converged:
            return 0
        off = 0
        for place, kw in enumerate(p_kw):
            said = ears.said(place, float(kw))
            volts = max(said, key=lambda one: one[0])[2] if said else None
            if volts is not None:
                shown_pu = volts / float(self._nominal_v[place])
                off_pu = abs(shown_pu - float(result.v_pu[self._bus[place]]))
                off += abs(shown_pu - 1) <= POSSIBLE_PU and off_pu > most_pu
        return off
