"""A load flow that asks its referee once for each snapshot.

Every daemon has pandapower look over its first check, which takes ten times as long as the check itself, and
hundreds of tests start a daemon over the same field. What pandapower says of the same numbers is the same;
whether it and we agree is for the tests of `grid_model`.
"""

from collections import OrderedDict

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Network
from grid_model.results import LoadFlowResult

KEPT = 256


class RememberedLoadFlow(FactoredLoadFlow):
    """For one network, which nobody changes."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self._answers: OrderedDict[tuple[bytes, bytes, float], LoadFlowResult] = OrderedDict()

    def by_runpp(self, p_kw: Floats, q_kvar: Floats, slack_scale: float) -> LoadFlowResult:
        key = p_kw.tobytes(), q_kvar.tobytes(), slack_scale
        if key not in self._answers:
            self._answers[key] = super().by_runpp(p_kw, q_kvar, slack_scale)
            if len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return self._answers[key]
