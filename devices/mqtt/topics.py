"""Where each message travels: the topics of the design as functions, both ways. No I/O.

Everything of one feeder is below `ROOT/FEEDER/`, so that one subscription and one access rule cover it.
"""

from dataclasses import dataclass, field
from typing import Literal

from devices.identifiers import id_fault

KEPT_TOPICS = 100_000
"""So many topics are remembered; with more all are forgotten and read again."""

Kind = Literal["meter", "batch", "substation", "status", "request", "failsafe", "answer", "notice"]

_NAMED: dict[tuple[str, str], Kind] = {
    ("meters", "reading"): "meter",
    ("devices", "status"): "status",
    ("devices", "request"): "request",
    ("devices", "failsafe"): "failsafe",
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
    _known: dict[str, Address] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Topics that were read before: the field sends on the same ones for ever."""

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

    def failsafe(self, feeder: str, device: str) -> str:
        """Daemon → device of guard mode, QoS 1, retained: a device that lost its memory finds it when we are
        gone. It cannot be replayed: a device takes a higher (epoch, sequence) only.
        """
        return self._join(feeder, "devices", device, "failsafe")

    def answer(self, feeder: str, device: str) -> str:
        """Device → daemon."""
        return self._join(feeder, "devices", device, "answer")

    def notice(self, feeder: str, customer: str) -> str:
        """Daemon → the app of a customer, QoS 1."""
        return self._join(feeder, "customers", customer, "notice")

    def reading_filters(self, feeder: str, group: str | None = None) -> tuple[str, ...]:
        """What covers the readings of one feeder, and what stands in a wrong place but ends as they do: that
        is counted, not overlooked. With a group each reading goes to one of its members only.

        No two of all filters of a feeder overlap, and none covers what we publish: nothing comes twice, and
        the broker can tell when nobody listens to a command.
        """
        shared = "" if group is None else f"$share/{group}/"
        base = f"{shared}{self._join(feeder)}"
        return f"{base}/+", f"{base}/+/reading", f"{base}/+/+/reading"

    def device_filters(self, feeder: str) -> tuple[str, ...]:
        """What covers status and answers of one feeder's devices."""
        base = self._join(feeder)
        return f"{base}/+/+/status", f"{base}/+/+/answer"

    @property
    def controller_status(self) -> str:
        """Daemon → everybody, retained; its will says offline."""
        return f"{self.root}/controller/status"

    @property
    def heartbeat(self) -> str:
        """Daemon → all devices of guard mode, QoS 0, never retained or queued: an old heartbeat is a lie."""
        return f"{self.root}/controller/heartbeat"

    def parse(self, topic: str) -> Address | None:
        """The address that a topic names, or None when it is not one of ours."""
        known = self._known.get(topic)
        if known is not None:
            return known
        address = self._parse(topic)
        if address is not None:
            if len(self._known) >= KEPT_TOPICS:
                self._known.clear()
            self._known[topic] = address
        return address

    def feeder_of(self, topic: str) -> str | None:
        """The feeder that a topic is below, also where it is none of ours; None where it names none."""
        if not topic.startswith(f"{self.root}/"):
            return None
        feeder, below, _ = topic[len(self.root) + 1 :].partition("/")
        return feeder if below and id_fault(feeder) is None else None

    def _parse(self, topic: str) -> Address | None:
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
