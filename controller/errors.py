"""The errors of this room.

ControllerError
├── IllegalMove      a request cannot take this step: a fault of ours, nothing was changed
├── BooksBroken      the journal tells something that cannot have happened: stop, do not guess
├── LedgerConflict   the same key with another content: an alarm, never an update
├── Replaced         another controller has taken over: stop commanding, do not retry
├── JournalAhead     the journal has entries that the books do not know: read it before anything else
├── RecordBroken     the stored journal or ledger was altered; the message names the first place
└── ConfigRejected   a settings file is wrong: the engineer's fault, all findings at once

`controller.stores.port.StoreUnavailable` stands beside them: it belongs to the port.
"""

from collections.abc import Sequence


class ControllerError(Exception):
    """Anything that goes wrong in the controller itself."""


class IllegalMove(ControllerError):
    """The table of `controller.requests` has no such step; the request stays as it was."""

    def __init__(self, state: str, trigger: str) -> None:
        super().__init__(f"a request that is {state} cannot take the step {trigger!r}")
        self.state = state
        self.trigger = trigger


class BooksBroken(ControllerError):
    """An entry does not fit what the entries before it say."""


class LedgerConflict(ControllerError):
    """A transaction's key is there already, with another content."""


class Replaced(ControllerError):
    """A controller with a higher epoch has taken over."""


class JournalAhead(ControllerError):
    """What a lost connection left in doubt is in the journal after all; the caller counted it as not
    written."""


class RecordBroken(ControllerError):
    """The stored record is not what was once written."""


class ConfigRejected(ControllerError):
    """A settings file is wrong; each finding names file, line, key and what was expected."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)
