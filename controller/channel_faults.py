"""What the journal says of a channel that failed: a word of ours. Pure.

What a channel says itself may hold a name or an address, and the journal is for ever: that goes into the log
only, shortened.
"""

from typing import Literal

from devices.errors import CommandRejected, Unreachable
from devices.notices.words import WordRefused

FaultWord = Literal["unreachable", "rejected", "timeout", "fault"]
LONGEST_TEXT = 200


def fault_word(error: Exception) -> FaultWord:
    """The kind of a failure to hand something over; `fault` is one of the channel itself."""
    match error:
        case TimeoutError():
            return "timeout"
        case Unreachable():
            return "unreachable"
        case CommandRejected():
            return "rejected"
        case _:
            return "fault"


def refusal(error: Exception) -> str:
    """Why something was rejected for good: the fixed word of a channel to people, where the error has one."""
    return error.word if isinstance(error, WordRefused) else "rejected"


def shortened(error: Exception) -> str:
    """Its text for the log, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
