"""The last check: whether pandapower makes its matrices of the network; what it refuses is told in its words.

All that we know can be wrong has a check of its own before this one. This one is for what we do not know.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.errors import Finding


def buildable(net: Any) -> Iterator[Finding]:
    """One error where pandapower raises before it begins to calculate; whether it converges is not asked."""
    import pandapower  # noqa: PLC0415

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            pandapower.runpp(net, max_iteration=0, numba=False, init="flat")
    except pandapower.LoadflowNotConverged:
        return
    except Exception as error:  # noqa: BLE001  whatever its builders meet
        reason = " ".join(str(error).split())[:300] or "no reason given"
        yield Finding(
            "error",
            "network",
            f"pandapower cannot calculate it ({type(error).__name__}: {reason})",
            repair="run pandapower.diagnostic on the network",
        )
