"""Wrong ways that several planted bugs take: a gate that lets pass, a message that is changed."""

from collections.abc import Callable
from typing import Any

from controller import (
    dispatch,
    safety_gate,
)
from controller.safety_gate import Passed, Refused
from simulations.faults.planted.planting import Set


def gate_lets_pass(put: Set, *reasons: str) -> None:
    """The gate refuses nothing for these reasons."""
    judge = safety_gate.judge

    def lenient(ask: Any, facts: Any) -> Any:
        verdict = judge(ask, facts)
        return Passed() if isinstance(verdict, Refused) and verdict.reason in reasons else verdict

    put(safety_gate, "judge", lenient)


def in_message(put: Set, change: Callable[[Any], Any]) -> None:
    """Change every command on its way out, but for releases."""
    message = dispatch._message

    def changed(control: Any, record: Any, epoch: int) -> Any:
        told = message(control, record, epoch)
        return told if record.releasing or record.resource == "person" else change(told)

    put(dispatch, "_message", changed)
