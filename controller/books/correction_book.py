"""How often each settlement was corrected, and which disputes are open. Pure; a part of the books."""

from dataclasses import dataclass, field

from controller.entries import DisputeClosed, DisputeOpened, SettlementCorrected
from controller.errors import BooksBroken
from controller.shared_map import SharedMap


@dataclass(slots=True)
class CorrectionBook:
    """Of all requests there ever were: one may be corrected when its detail is long forgotten."""

    _versions: SharedMap[str, int] = field(default_factory=SharedMap)
    """request → version of its latest correction"""
    _disputes: dict[str, DisputeOpened] = field(default_factory=dict)

    def open_disputes(self) -> tuple[DisputeOpened, ...]:
        """Those nobody has decided, oldest first."""
        return tuple(self._disputes.values())

    def next_version(self, request: str) -> int:
        """The version of the next correction of a request's settlement."""
        return self._versions.get(request, 0) + 1

    def fits(self, entry: SettlementCorrected) -> None:
        """Raises BooksBroken when this is not the next correction of its request."""
        if entry.version != self.next_version(entry.request):
            raise BooksBroken(f"correction {entry.version} of {entry.request} is not the next one")

    def correct(self, entry: SettlementCorrected) -> None:
        """Take a correction in that fits."""
        self._versions[entry.request] = entry.version

    def dispute(self, entry: DisputeOpened | DisputeClosed) -> None:
        """Take a dispute in; raises BooksBroken for one that cannot be."""
        if isinstance(entry, DisputeOpened):
            if entry.dispute in self._disputes:
                raise BooksBroken(f"dispute {entry.dispute} opened twice")
            self._disputes[entry.dispute] = entry
        elif self._disputes.pop(entry.dispute, None) is None:
            raise BooksBroken(f"dispute {entry.dispute} closed, but it is not open")

    def fork(self) -> "CorrectionBook":
        """A copy that can be written to without touching this one."""
        return CorrectionBook(self._versions.fork(), dict(self._disputes))
