"""What customers without a device could give by what they own, for `gridward check --appliances`.

An expectation at the time of the newest reading, by the clock that its `at` is written in; nothing is
allocated on it. Knows no load flow.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from controller.settings import Requests
from customers.appliances.appliance_files import load_appliances
from customers.appliances.ownership import Ownership
from customers.appliances.use_files import load_use
from customers.errors import RegistryRejected
from grid_model.errors import Finding
from grid_model.network import Floats, Network
from grid_model.snapshot import Snapshot

LEAST_KW = Requests().notice_min_kw
"""nobody is asked to go below"""


def read_owned(path: Path, findings: list[Finding]) -> Ownership | None:
    """The appliances of a file; what is wrong with it is noted."""
    try:
        return Ownership(load_appliances(path), load_use(None))
    except RegistryRejected as rejected:
        for fault in rejected.findings:
            row = "" if fault.row is None else f" row {fault.row}"
            column = "" if fault.field is None else f", {fault.field}"
            findings.append(Finding("error", f"{path.name}{row}{column}", fault.expected))
        return None


def owned_flexible_kw(
    ownership: Ownership,
    network: Network,
    snapshot: Snapshot,
    *,
    without: Collection[int],
    customer_of: Mapping[str, str],
    at: datetime | None,
    warnings: list[str],
) -> Floats:
    """(n_sp,) kW; 0 at the places of `without` (connected or protected customers). `customer_of`: by service
    point, where that is known; what others own there moved away with them.
    """
    place = network.service_point_index()
    known = np.zeros(len(network.service_points))
    former = 0
    strangers = sorted(name for name in ownership.by_service_point if name not in place)
    for name in ownership.by_service_point:
        position = place.get(name)
        if position is not None and position not in without:
            owned = ownership.of(name, customer_of.get(name))
            former += len(ownership.of(name)) - len(owned)
            known[position] = ownership.flexible_kw(owned, float(snapshot.p_kw[position]), LEAST_KW, at)
    if strangers:
        shown = ", ".join(strangers[:3])
        warnings.append(f"{len(strangers)} service points with appliances are not in the network: {shown}")
    if former:
        warnings.append(f"{former} appliances are of customers who are not supplied there any more")
    if known.any():
        clock = "at any hour, because no reading has a time" if at is None else f"at {at:%H:%M on %Y-%m-%d}"
        warnings.append(
            f"{int((known > 0).sum())} customers without a device could give {known.sum():.1f} kW by the "
            f"appliances that they own, as expected {clock}; nothing is allocated on it"
        )
    return known
