"""[4] Complex voltages and demand per bus, for those who linearise the load flow.

The only module of steps 4 and 5 that looks into the factored form for more than its admittances.
"""

import numpy as np

from grid_model.admittance import Admittance, Complexes
from grid_model.load_flow import Factored
from grid_model.network import Floats


def bus_demand_conj(a: Admittance, p_kw: Floats, q_kvar: Floats) -> Complexes:
    """(n_free,) conj(P + jQ) in pu at nominal voltage that each free bus takes; `p_kw`, `q_kvar` are
    (n_sp,)."""
    n = len(a.fixed_demand)
    p = np.bincount(a.service_point, weights=p_kw, minlength=n + 1)[:n]
    q = np.bincount(a.service_point, weights=q_kvar, minlength=n + 1)[:n]
    return np.conj(a.fixed_demand + (p + 1j * q) / a.base_kva)[: a.n_free]


def voltages_along(
    factored: Factored, p_kw: Floats, q_kvar: Floats, fractions: Floats, slack_scale: float
) -> Complexes | None:
    """(n_fraction, n + 1) voltages of the internal buses, NaN last, when the service points take these
    fractions of `p_kw`, `q_kvar`; None when one of them does not converge.
    """
    idle = np.zeros(len(p_kw))
    without, present = factored.demand(idle, idle), factored.demand(p_kw, q_kvar)
    demand_conj = without + fractions[:, None] * (present - without)
    solved = factored.fixed_point.solve(demand_conj, slack_scale)
    return solved.v if np.all(solved.converged) else None
