"""What an MQTT link needs to know, and how its certificate is checked. Reads certificates, nothing else."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from devices.identifiers import id_fault
from devices.mqtt.topics import Topics

DEFAULT_CLIENT_ID = "gridward-controller"
Protocol = Literal["3.1.1", "5"]
Reads = Literal["everything", "devices", "readings"]
"""everything: readings, status and answers · devices: status and answers only, where readings come by links
of their own · readings: such a link, which says nothing and commands nothing"""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """One broker, and the feeders that are reached through it."""

    host: str
    port: int
    feeders: tuple[str, ...]
    topics: Topics = field(default_factory=Topics)
    protocol: Protocol = "5"
    """A broker that does not speak 5 is asked again with 3.1.1."""
    client_id: str = DEFAULT_CLIENT_ID
    """Fixed: a second controller with the same id takes the link over, and the first one notices."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    keepalive_s: int = 20
    connect_deadline_s: float = 10.0
    """From the first packet to the broker's word that we are in, TLS included."""
    publish_deadline_s: float = 5.0
    """A command that the broker has not taken by then is Unreachable."""
    reads: Reads = "everything"
    readings_group: str | None = None
    """The group of a shared subscription (MQTT 5): each reading goes to one of its members only. Status and
    answers are never shared: the controller has to hear all of them."""
    session_expiry_s: int = 3600
    """So long the broker keeps answers (QoS 1) for us while we are away; 0: not at all. For a link that only
    brings readings it keeps nothing: see `kept_s`."""
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0

    def __post_init__(self) -> None:
        if self.reads == "readings" and self.client_id == DEFAULT_CLIENT_ID:
            raise ValueError(f"client_id {self.client_id!r} is the controller's, a reader needs another")
        if self.readings_group is None:
            return
        fault = id_fault(self.readings_group)
        if fault is not None:
            raise ValueError(f"readings_group {self.readings_group!r} {fault}")

    @property
    def kept_s(self) -> int:
        """So long the broker keeps our session.

        It keeps none of a reader: a broker goes on giving a reader of a group its share while that is away,
        and so withholds it from the others.
        """
        return 0 if self.reads == "readings" else self.session_expiry_s

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        filters: list[str] = []
        for feeder in self.feeders:
            if self.reads != "devices":
                filters += self.topics.reading_filters(feeder, self.readings_group)
            if self.reads != "readings":
                filters += self.topics.device_filters(feeder)
        return tuple(filters)


def tls_context(
    ca_file: Path, certificate_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """A client context that checks the broker's certificate and name against this CA and nothing else.

    With a certificate of our own the broker can check us too. Raises OSError (ssl.SSLError included) when a
    file cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate_file is not None:
        context.load_cert_chain(str(certificate_file), None if key_file is None else str(key_file))
    return context
