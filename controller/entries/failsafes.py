"""What devices of guard mode are told to do in silence."""

from controller.entries.journal_entry import JournalEntry


class FailsafeArmed(JournalEntry, frozen=True, kw_only=True, tag="failsafe_armed"):
    """The intent to tell a device of guard mode what to do in silence: durable before it is sent."""

    feeder: str
    device: str
    failsafe_kw: float
    failsafe_s: int
    """held at least so long"""
    heartbeat_timeout_s: int
    """after so long without a heartbeat"""
    epoch: int
    sequence: int


class FailsafeConfirmed(JournalEntry, frozen=True, kw_only=True, tag="failsafe_confirmed"):
    """The device's own status shows the failsafe that it was told."""

    feeder: str
    device: str
    failsafe_kw: float
    failsafe_s: int
    sequence: int
    """of the `FailsafeArmed` that it answers"""
