"""What a planted bug is, how it is put in the place of production code and taken out again, and the faults
in whose presence several of them show.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from simulations.faults.options import Options

Set = Callable[[Any, str, Any], None]


class Patch:
    """Puts something in the place of something else, until the end."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def __call__(self, owner: Any, name: str, value: Any) -> None:
        """`owner`: a module or class; `name`: of its own."""
        self._before.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, value)

    def undo(self) -> None:
        """As it was."""
        while self._before:
            setattr(*self._before.pop())


@dataclass(frozen=True)
class Bug:
    """One planted bug."""

    name: str
    what: str
    plant: Callable[[Set], None]
    like: dict[str, Any]
    """the options that its seeds have beside what they draw"""

    def options(self, drawn: Options) -> Options:
        """A seed's options, made fit to show it."""
        return replace(drawn, **(_PLAIN | self.like))


_PLAIN: dict[str, Any] = {
    "store": "memory", "act_early": False, "mixed": False, "voltages": False, "cable": 1.0, "settings": (),
}  # fmt: skip
BUGS: list[Bug] = []


def bug(**like: Any) -> Callable[[Callable[[Set], None]], Callable[[Set], None]]:
    """Adds a bug to the list; its first line of documentation says what it is."""

    def add(plant: Callable[[Set], None]) -> Callable[[Set], None]:
        BUGS.append(Bug(plant.__name__, (plant.__doc__ or "").strip(), plant, like))
        return plant

    return add


def named(name: str) -> Bug:
    """The bug of this name."""
    return next(bug for bug in BUGS if bug.name == name)


@contextmanager
def planted(one: Bug) -> Iterator[None]:
    """While the block lasts."""
    patch = Patch()
    try:
        one.plant(patch)
        yield
    finally:
        patch.undo()


BUSY: dict[str, Any] = {"guards": False, "period_s": 300.0, "singles": False}
CALM_WIRE = {"lost_up": 0.0, "lost_down": 0.0, "delayed": 0.0, "cut": 0.0, "broker_down": 0.0}
FLAWLESS = BUSY | CALM_WIRE | {
    "mad_reading": 0.0, "meters_silent": 0.0, "clock_jump": 0.0, "device_clock": 0.0, "device_crash": 0.0,
    "device_mood": 0.0, "owner_takes_back": 0.0, "disk_error": 0.0, "torn": 0.0, "controller_crash": 0.0,
    "controller_pause": 0.0, "disk_in_doubt": 0.0, "operator": 0.0, "registry": 0.0, "doubled": 0.0,
}  # fmt: skip
