"""Builds what reaches devices by OpenADR: a channel for each VTN, clients of foreign ones, our notifier."""

import asyncio
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import FeederVen, ForeignVtn, OpenAdrMqtt, Site
from devices.mqtt.settings import tls_context
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.client import VtnAccess, VtnClient
from devices.openadr.notifier import MqttNotifier, NotifierSettings
from devices.openadr.notifier_topics import NotifierTopics
from devices.openadr.vtn import Vtn
from devices.openadr.vtn_token import Credentials
from devices.ports import Clock, Deliver, LinkHealth, TelemetrySource
from gridward.openadr import openadr_vtn


@dataclass(frozen=True)
class OpenAdrParts:
    """What runs for OpenADR."""

    channels: Mapping[str, OpenAdrChannel]
    """by the name of the VTN, "" for our own"""
    sources: Sequence[TelemetrySource]
    """the channels, our VTN, its notifier, and what closes clients of other VTNs"""
    health: Mapping[str, LinkHealth]
    """of all of them, by a name for people"""


@dataclass(frozen=True)
class ClientCloser:
    """A TelemetrySource that delivers nothing and lets go of a client's connections at the stop."""

    client: VtnClient

    async def run(self, deliver: Deliver) -> None:
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.client.close()


def openadr_parts(
    site: Site,
    feeders: Iterable[FeederControl],
    clock: Clock,
    *,
    rng: np.random.Generator,
    wire_clock: Clock,
    secret: bytes,
) -> OpenAdrParts:
    """All of it, or none. Raises ConfigRejected, ProfileRejected; OSError for files."""
    own = site.openadr
    mqtt = None if own is None or own.mqtt is None else notifier_settings(own.mqtt)
    vtn = openadr_vtn(site, secret, rng, wire_clock, mqtt)
    clients: list[VtnClient] = []
    channels = openadr_channels(site, feeders, vtn, clock, rng=rng, wire_clock=wire_clock, clients=clients)
    sources: list[TelemetrySource] = [*channels.values(), *map(ClientCloser, clients)]
    health: dict[str, LinkHealth] = {
        f"openadr {name or 'own'}": channel for name, channel in channels.items()
    }
    if vtn is not None:
        sources.append(vtn)
        health["openadr vtn"] = vtn
        if mqtt is not None:
            notifier = openadr_notifier(mqtt, vtn, wire_clock, rng)
            sources.append(notifier)
            health["openadr notifier"] = notifier
    return OpenAdrParts(channels, sources, health)


def notifier_settings(mqtt: OpenAdrMqtt) -> NotifierSettings:
    """Raises OSError for files."""
    return NotifierSettings(
        mqtt.host,
        mqtt.port,
        mqtt.uris,
        authentication=mqtt.authentication,
        topics=NotifierTopics(mqtt.root),
        username=mqtt.username,
        password=None if mqtt.password_file is None else _first_line(mqtt.password_file),
        tls=_tls(mqtt.ca_file, mqtt.certificate_file, mqtt.key_file),
    )


def openadr_notifier(
    settings: NotifierSettings, vtn: Vtn, wire_clock: Clock, rng: np.random.Generator
) -> MqttNotifier:
    """Told of every change in our VTN. Raises ProfileRejected."""
    notifier = MqttNotifier(settings, vtn.repository, wire_clock, rng)
    vtn.repository.listen(notifier.changed)
    return notifier


def openadr_channels(
    site: Site,
    feeders: Iterable[FeederControl],
    vtn: Vtn | None,
    clock: Clock,
    *,
    rng: np.random.Generator,
    wire_clock: Clock,
    clients: list[VtnClient] | None = None,
) -> dict[str, OpenAdrChannel]:
    """By the name of the VTN, "" for our own. `clients` gets those of other VTNs, for whoever closes them.

    Raises ConfigRejected, ProfileRejected; OSError for files.
    """
    rows = openadr_rows(site, feeders)
    foreign = {row.name: row for row in site.vtn}
    channels: dict[str, OpenAdrChannel] = {}
    for name in dict.fromkeys(name for name, _ in rows):
        devices = tuple(device for other, device in rows if other == name)
        if name:
            client, settings = _foreign(foreign[name], devices, wire_clock)
            if clients is not None:
                clients.append(client)
            channels[name] = OpenAdrChannel(settings, client, clock, rng, wire_clock)
            continue
        assert vtn is not None
        assert site.openadr is not None
        settings = ChannelSettings(devices, program_name=site.openadr.program)
        channels[name] = OpenAdrChannel(settings, vtn.repository, clock, rng, wire_clock)
        vtn.repository.listen(channels[name].changed)
    return channels


def _foreign(
    row: ForeignVtn,
    devices: tuple[OpenAdrDevice, ...],
    wire_clock: Clock,
) -> tuple[VtnClient, ChannelSettings]:
    credentials = Credentials(row.client_id, _first_line(row.secret_file), row.token_url, row.scope)
    access = VtnAccess(row.base_url, row.version, credentials, _tls(row.ca_file, None, None))
    settings = ChannelSettings(
        devices,
        row.version,
        program_name=row.program,
        enrol=row.enrol,
        poll_reports_s=row.poll_reports_s,
    )
    return VtnClient(access, wire_clock), settings


def openadr_rows(site: Site, feeders: Iterable[FeederControl]) -> list[tuple[str, OpenAdrDevice]]:
    """Every device of the feeders and the name of its VTN, "" for our own. Raises ConfigRejected with all
    findings.
    """
    controls = {control.feeder: control for control in feeders}
    known = {row.name for row in site.vtn} | ({""} if site.openadr is not None else set())
    rows: list[tuple[str, OpenAdrDevice]] = []
    findings: list[str] = []
    for place, feeder, row in ven_rows(site):
        if feeder in controls:
            faults = [f"{place}{fault}" for fault in _row_faults(row, controls[feeder], known)]
            findings += faults
            if not faults:
                rows.append((row.vtn or "", _device(row, controls[feeder])))
    if findings:
        raise ConfigRejected(findings)
    return rows


def ven_rows(site: Site) -> Iterator[tuple[str, str, FeederVen]]:
    """Of each row the place as findings name it, the feeder's id, and the settings."""
    for number, feeder in enumerate(site.feeder, start=1):
        for place, row in enumerate(feeder.ven, start=1):
            yield f"feeder[{number}].ven[{place}]", feeder.id, row


def _row_faults(row: FeederVen, control: FeederControl, vtns: Collection[str]) -> Iterator[str]:
    """Key and fault of each."""
    if row.device not in control.registry.device:
        yield f".device: ven {row.ven!r}: no device {row.device!r} on {control.feeder!r}"
    if row.vtn is None and row.client_id is None:
        reason = "expected client_id, the VEN's id in the clients file of [openadr]"
        yield f".client_id: device {row.device!r}, ven {row.ven!r}: {reason}"
    if (row.vtn or "") not in vtns:
        yield f".vtn: expected [[vtn]] with name {row.vtn!r}" if row.vtn else ": expected [openadr]"


def _device(row: FeederVen, control: FeederControl) -> OpenAdrDevice:
    return OpenAdrDevice(
        control.feeder,
        row.device,
        row.ven,
        row.client_id,
        row.resource,
        row.target,
        control.registry.device[row.device].min_kw,
        row.meter,
    )


def _first_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\n")


def _tls(ca_file: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    return None if ca_file is None else tls_context(ca_file, certificate, key)
