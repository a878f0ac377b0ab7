"""What changed in the VTN, as it is told to whoever notifies others. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devices.openadr.ports import Body, ObjectKind

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True)
class Change:
    """One object was made, replaced or removed, and is so on the disk."""

    kind: ObjectKind
    operation: Operation
    body: Body
    """the object as OpenADR 3.1.1 shows it, with id and objectType; of DELETE as it was last. A
    subscription's bearer tokens are left out. Never to be changed.
    """
    ven_ids: tuple[str, ...] = ()
    """of a program or event with targets: the vens that it targets; of the others: the ven it belongs to.
    A program or event without targets is for everybody, and has none here.
    """
    before: Body | None = None
    """of UPDATE: the object as it was, so that those who may no longer see it can be told"""
    ven_ids_before: tuple[str, ...] = ()
    """as `ven_ids`, of `before`"""
    size: int = 0
    """bytes of the object as JSON, more or less"""


Listener = Callable[[Change], None]
"""Takes a change at once, on the loop's thread; never blocks or raises. What it queues, it bounds."""
