"""What a reader had to assume or leave out, kept with the network until its checks tell it [before 2].

pandapower's networks are dictionaries: the notes travel in one entry, which `network_checks.py` reads.
"""

from collections.abc import Iterable
from typing import Any

from grid_model.errors import Finding

NOTES = "gridward_notes"


def note(net: Any, findings: Iterable[Finding]) -> None:
    """Add what is to be told of this network."""
    net[NOTES] = (*net.get(NOTES, ()), *findings)


def noted(net: Any) -> tuple[Finding, ...]:
    """What its reader had to tell."""
    return tuple(net.get(NOTES, ()))
