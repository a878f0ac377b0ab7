"""Where each message travels: the topics of the design as functions, both ways. No I/O.

Everything of one feeder is below `ROOT/FEEDER/`, so that one subscription and one access rule cover it.
"""

from dataclasses import dataclass
from typing import Literal

from devices.identifiers import id_fault

Kind = Literal["meter", "batch", "substation", "status", "request", "answer", "notice"]

_NAMED: dict[tuple[str, str], Kind] = {
    ("meters", "reading"): "meter",
    ("devices", "status"): "status",
    ("devices", "request"): "request",
    ("devices", "answer"): "answer",
    ("customers", "notice"): "notice",
}


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says: which kind of message, on which feeder, of which meter, device or customer."""

    kind: Kind
    feeder: str
    name: str
    """The meter, device or customer; empty for a batch and for the substation."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below one root, which may itself have several levels."""

    root: str = "gridward"

    def __post_init__(self) -> None:
        for level in self.root.split("/"):
            fault = id_fault(level)
            if fault is not None:
                raise ValueError(f"MQTT root {self.root!r}: level {level!r} {fault}")

    def meter_reading(self, feeder: str, meter: str) -> str:
        """Meter → daemon."""
        return self._join(feeder, "meters", meter, "reading")

    def batch(self, feeder: str) -> str:
        """Concentrator → daemon: many meters at one time."""
        return self._join(feeder, "readings")

    def substation_reading(self, feeder: str) -> str:
        """RTU → daemon."""
        return self._join(feeder, "substation", "reading")

    def status(self, feeder: str, device: str) -> str:
        """Device → daemon, retained; its will says offline."""
        return self._join(feeder, "devices", device, "status")

    def request(self, feeder: str, device: str) -> str:
        """Daemon → device, QoS 1, never retained."""
        return self._join(feeder, "devices", device, "request")

    def answer(self, feeder: str, device: str) -> str:
        """Device → daemon."""
        return self._join(feeder, "devices", device, "answer")

    def notice(self, feeder: str, customer: str) -> str:
        """Daemon → the app of a customer, QoS 1."""
        return self._join(feeder, "customers", customer, "notice")

    def everything(self, feeder: str) -> str:
        """The filter that covers all of one feeder, unknown topics too: those are counted, not overlooked."""
        return f"{self._join(feeder)}/#"

    @property
    def controller_status(self) -> str:
        """Daemon → everybody, retained; its will says offline."""
        return f"{self.root}/controller/status"

    def parse(self, topic: str) -> Address | None:
        """The address that a topic names, or None when it is not one of ours."""
        if not topic.startswith(f"{self.root}/"):
            return None
        levels = topic[len(self.root) + 1 :].split("/")
        if any(id_fault(level) is not None for level in levels):
            return None
        match levels:
            case [feeder, "readings"]:
                return Address("batch", feeder, "")
            case [feeder, "substation", "reading"]:
                return Address("substation", feeder, "")
            case [feeder, group, name, leaf] if (group, leaf) in _NAMED:
                return Address(_NAMED[group, leaf], feeder, name)
            case _:
                return None

    def _join(self, *levels: str) -> str:
        for level in levels:
            fault = id_fault(level)
            if fault is not None:
                raise ValueError(f"id {level!r} cannot be part of an MQTT topic: it {fault}")
        return "/".join((self.root, *levels))
