"""[5] What an operator of the network may choose about an allocation."""

from dataclasses import dataclass

SPREAD = 0.005
"""What is well spent on spreading: how much more than the least the whole may cost so that the cut does not
sit on one customer."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Ask for more than is needed, because not all will do what they are asked."""

    confidence: float = 0.95
    """probability with which everything is to be within limits"""
    draws: int = 500
    """cases drawn to check it"""
    seed: int = 0
    """of the draws"""

    def __post_init__(self) -> None:
        if not 0.5 <= self.confidence < 1 or self.draws < 1:
            raise ValueError(
                "a reserve needs a confidence of at least 0.5 and below 1, and draws of at least 1"
            )


@dataclass(frozen=True, slots=True)
class Rules:
    """How to choose among the cuts that clear."""

    spread: float = 0.0
    """`SPREAD`, say; 0: the least cut, even if one customer gives all of it"""
    rotation: int = 0
    """Another number, another order among those who are equal: the number of the event, say."""
    least_cut_kw: float = 0.0
    """Cuts below this are not worth a command, and left out where the others suffice at the same allowance"""
    reserve: Reserve | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.spread <= 1 and self.least_cut_kw >= 0):
            raise ValueError("spread must lie between 0 and 1, and least_cut_kw must not be below 0")
