"""What the channel needs to know: which devices are reached by OpenADR, as what, and by which rules. Pure."""

from dataclasses import dataclass
from typing import Literal

from devices.errors import ProfileRejected
from devices.identifiers import id_fault

Version = Literal["3.0.1", "3.1.1"]
"""What the VTN's bodies look like. Our own repository has 3.1.1 inside, whatever its clients speak."""
MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class OpenAdrDevice:
    """One device of one feeder, and which VEN it hangs on."""

    feeder: str
    device: str
    ven: str
    """its venName"""
    client_id: str | None = None
    """The VEN's OAuth2 client id. A report of another client is refused. Needed to enrol it in 3.1.1."""
    resource: str | None = None
    """The resourceName of the device. None: the VEN is the device."""
    target: str | None = None
    """What its events are targeted at in 3.1.1; None: its resource or VEN by name, in the words of 3.0.1."""
    floor_kw: float = 0.0
    meter: str | None = None
    """Its powers are readings of this meter as well."""

    @property
    def targeted_as(self) -> str:
        """The one target of its events in 3.1.1."""
        if self.target is not None:
            return self.target
        return f"VEN_NAME:{self.ven}" if self.resource is None else f"RESOURCE_NAME:{self.resource}"


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One VTN, and what is reached through it."""

    devices: tuple[OpenAdrDevice, ...]
    version: Version = "3.1.1"
    program_name: str = "Gridward"
    priority: int = 0
    """of our events; 0 goes before all others"""
    enrol: bool = True
    """Make vens and resources in the VTN where they are missing. False for a VTN that has its own office."""
    poll_reports_s: float | None = None
    """Ask the VTN for reports this often. None: it tells of each by `OpenAdrChannel.changed`."""
    report_every_s: float = 60.0
    """So often a VEN is asked to say its power and state, event or not."""
    silent_after_s: float = 300.0
    """A VEN that has not reported for so long counts as offline."""
    power_fresh_s: float = 180.0
    """An older power is not shown in a status."""
    clock_tolerance_s: float = 60.0
    """A VEN whose clock is further off gets no limits, only releases."""
    reports_per_s: float = 2.0
    reports_burst: int = 60
    """More reports about one device are refused as a flood."""
    keep_ended_s: float = 86_400.0
    """So long an event that is over stays in the VTN, so that a VEN that asks late sees that it is over."""
    standing_for_s: float = 86_400.0
    """A standing request for reports is made anew after this."""
    tidy_every_s: float = 300.0
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0


def check_settings(settings: ChannelSettings) -> None:
    """ProfileRejected when the settings contradict themselves."""
    places: set[tuple[str, str]] = set()
    seats: set[tuple[str, str | None]] = set()
    targets: set[str] = set()
    for row in settings.devices:
        where = f"openadr device {row.device!r} of feeder {row.feeder!r}"
        for name, value in (("feeder", row.feeder), ("device", row.device)):
            fault = id_fault(value)
            if fault is not None:
                raise ProfileRejected(f"{where}: `{name}` {fault}")
        for name, text in (("ven", row.ven), ("resource", row.resource), ("target", row.targeted_as)):
            if text is not None and not 1 <= len(text) <= MAX_NAME:
                raise ProfileRejected(
                    f"{where}: `{name}` has {len(text)} characters, expected 1 to {MAX_NAME}"
                )
        if (row.feeder, row.device) in places:
            raise ProfileRejected(f"{where}: is listed twice")
        if (row.ven, row.resource) in seats:
            raise ProfileRejected(f"{where}: ven {row.ven!r} has resource {row.resource!r} twice")
        if row.targeted_as in targets:
            raise ProfileRejected(
                f"{where}: another device has the target {row.targeted_as!r} too: set `target`"
            )
        places.add((row.feeder, row.device))
        seats.add((row.ven, row.resource))
        targets.add(row.targeted_as)
