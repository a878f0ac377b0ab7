"""What a driver counts over all its links and units, for whoever watches it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts over all links of a driver."""

    received: int = 0
    """answers, good or refused"""
    refused: int = 0
    connections: int = 0
    strays: int = 0
    """frames that answered nothing that was asked: too late, or twice"""
    polls: int = 0
    late_polls: int = 0
    """polls that began more than half a period after their time"""
    overstayed: int = 0
    """limits that a unit kept past their end until it was told to let go"""
    unwritten: int = 0
    """writes that a unit's map does not name: not sent"""
