"""Planted bugs in what the network has room for."""

from controller import (
    events,
    raising,
    release,
)
from simulations.faults.planted.planting import FLAWLESS, Set, bug


@bug(**FLAWLESS)
def release_without_check(put: Set) -> None:
    """No load flow is asked before somebody is released."""
    put(release, "_fits", lambda *_: True)
    put(release, "_pace", lambda *_: (float("inf"), True))


@bug(**FLAWLESS)
def raised_without_check(put: Set) -> None:
    """No load flow is asked before a limit goes up."""
    put(raising, "_leaves_room", lambda *_: True)


@bug(**FLAWLESS)
def released_all_at_once(put: Set) -> None:
    """Nobody waits for the pace of releases."""
    put(release, "_pace", lambda *_: (float("inf"), True))


@bug(**FLAWLESS)
def event_opens_at_once(put: Set) -> None:
    """The first check above the limit opens an event."""
    put(events, "_opens", lambda *_: True)


@bug(**FLAWLESS)
def event_closes_at_once(put: Set) -> None:
    """An event is over as soon as nobody is limited."""
    put(events, "closes", lambda tracker, rules, nobody_limited, now: nobody_limited)
