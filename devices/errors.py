"""The errors of this room.

DeviceError
├── Unreachable       the far side did not take it: may be retried
├── CommandRejected   the far side, or our own last check, will not have it: retrying is useless
├── MalformedMessage  what came in is not what the protocol says: the sender's fault
└── ProfileRejected   a register map or device profile is wrong: the engineer's fault
"""


class DeviceError(Exception):
    """Anything that goes wrong between us and the field."""


class Unreachable(DeviceError):
    """The far side did not take it in time; it may be retried."""


class CommandRejected(DeviceError):
    """The command must not or cannot be encoded; retrying is useless."""


class MalformedMessage(DeviceError):
    """What came in is not what the protocol says."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ProfileRejected(DeviceError):
    """A register map or device profile is wrong; the message names file, field and what was expected."""
