"""Builds everything of a site that speaks to its field: broker, Modbus units, chargers, OpenADR, people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.settings import Broker, Site
from devices.mqtt.driver import MqttLink
from devices.mqtt.settings import LinkSettings, tls_context
from devices.mqtt.topics import Topics
from devices.ocpp.driver import CentralSystem
from devices.ports import Clock, CommandChannel, LinkHealth, NoticeChannel, TelemetrySource
from devices.routing import AllHear, CommandRouter, DeviceKey, claims
from gridward.chargers import central_system
from gridward.modbus_units import modbus_field
from gridward.notices import notice_channel
from gridward.openadr_devices import openadr_parts


@dataclass(frozen=True)
class FieldLinks:
    """What the daemon needs of them."""

    sources: Sequence[TelemetrySource]
    commands: CommandRouter
    notices: NoticeChannel
    heartbeats: AllHear
    health: Mapping[str, LinkHealth]
    """by a name for people"""
    central: CentralSystem | None
    """of the chargers"""


def field_links(
    site: Site,
    feeders: Sequence[FeederControl],
    clock: Clock,
    *,
    wire_clock: Clock,
    rng: np.random.Generator,
    secret: bytes,
) -> FieldLinks:
    """All of them. Raises ConfigRejected, ProfileRejected; OSError for files."""
    broker, *readings = (MqttLink(one, clock, rng, wire_clock) for one in _link_settings(site))
    modbus = modbus_field(site, feeders, clock, rng, wire_clock)
    central = central_system(site, feeders, clock, rng, wire_clock)
    openadr = openadr_parts(site, feeders, clock, rng=rng, wire_clock=wire_clock, secret=secret)
    people = notice_channel(site, feeders, broker, clock=clock, wire_clock=wire_clock, secret=secret)
    units = [] if modbus is None else [modbus]
    chargers = [] if central is None else [central]
    claimed: list[tuple[CommandChannel, frozenset[DeviceKey]]] = [
        *((unit, unit.devices) for unit in units),
        *((charger, charger.devices) for charger in chargers),
        *((channel, channel.devices) for channel in openadr.channels.values()),
    ]
    return FieldLinks(
        sources=[
            broker,
            *readings,
            *units,
            *chargers,
            *openadr.sources,
            *([] if people is None else [people]),
        ],
        commands=CommandRouter(broker, _by_device(claimed)),
        notices=people or broker,
        heartbeats=AllHear([broker, *units]),
        health={
            "broker": broker,
            **({"broker readings": readings[0]} if readings else {}),
            **({} if modbus is None else modbus.health),
            **({} if central is None else {"chargers": central}),
            **openadr.health,
        },
        central=central,
    )


def _by_device(
    channels: Sequence[tuple[CommandChannel, frozenset[DeviceKey]]],
) -> dict[DeviceKey, CommandChannel]:
    try:
        return claims(channels)
    except ValueError as error:
        raise ConfigRejected([f"{error}: expected each device on one protocol"]) from error


def _link_settings(site: Site) -> list[LinkSettings]:
    """The link that commands, and one for readings where they have one of their own."""
    broker = site.broker
    controller = LinkSettings(
        host=broker.host,
        port=broker.port,
        feeders=tuple(feeder.id for feeder in site.feeder),
        topics=Topics(broker.root),
        protocol=broker.protocol,
        client_id=broker.client_id,
        username=broker.username,
        password=_password(broker),
        tls=None
        if broker.ca_file is None
        else tls_context(broker.ca_file, broker.certificate_file, broker.key_file),
        session_expiry_s=broker.session_expiry_s,
    )
    if not broker.readings_link:
        return [controller]
    return [replace(controller, reads="devices"), _readings_settings(broker, controller)]


def _readings_settings(broker: Broker, controller: LinkSettings) -> LinkSettings:
    tls = controller.tls
    if broker.ca_file is not None and broker.readings_certificate_file is not None:
        tls = tls_context(broker.ca_file, broker.readings_certificate_file, broker.readings_key_file)
    return replace(controller, reads="readings", client_id=f"{broker.client_id}/reader1", tls=tls)


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    return broker.password_file.read_text(encoding="utf-8").rstrip("\n")
