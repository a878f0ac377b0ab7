"""Builds the daemon of a site from its settings: the one place that knows every part.

`gridward run` and the end-to-end tests use the same function.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
import numpy as np
from fastapi import FastAPI

import console
from controller.access.account_store import AccountStore
from controller.access.openid import OpenId, OpenIdSettings
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.api.openid import PATH as OPENID_PATH
from controller.auditing.checkpoints import NoteRejected, SigningKey, key_name, read_signing_key
from controller.auditing.sealing import OutsideCopy, Sealer
from controller.clock import WallClock
from controller.daemon import Daemon
from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl, build_control
from controller.metrics import Metrics
from controller.people.notice_messages import consent_links
from controller.proving.settlement_terms import RULES
from controller.rewards.statement_source import StatementSource
from controller.settings import Broker, Feeder, Site
from controller.stores.history import History
from controller.stores.opening import open_store
from controller.stores.port import Store
from customers.consent_links import ConsentLinks
from customers.contact_store import ContactStore
from customers.registry import Registry
from customers.registry_files import load_registry
from devices.modbus.driver import ModbusRtu, RtuSettings
from devices.modbus.register_map import load_profile
from devices.mqtt.driver import MqttLink
from devices.mqtt.settings import LinkSettings, tls_context
from devices.mqtt.topics import Topics
from devices.ports import Clock
from devices.routing import CommandRouter, claims
from grid_model.network import load_network
from gridward.chargers import central_system, charging_map
from gridward.key_files import make_once
from gridward.notices import notice_channel

_P = ParamSpec("_P")
_T = TypeVar("_T")
SECRET_BYTES = 32


@dataclass(frozen=True)
class Assembly:
    """A daemon that is ready to run, and the application that shows it."""

    daemon: Daemon
    app: FastAPI
    store: Store


class WorkerThread:
    """Runs what would block the loop in one worker thread, in order."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="offload")

    async def __call__(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The function's result, awaited."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)


def assemble(site: Site, clock: Clock, rng: np.random.Generator) -> Assembly:
    """Build all parts of a site.

    Raises NetworkRejected, RegistryRejected, ConfigRejected or ProfileRejected: each names file and reason;
    StoreUnavailable.
    """
    secret = site_secret(site.secret_file)
    links = consent_links(site, secret)
    feeders = [_control(site, feeder, links) for feeder in site.feeder]
    wire_clock = WallClock()
    link = MqttLink(_link_settings(site), clock, rng, wire_clock)
    rtus = [_rtu(feeder, clock, rng, wire_clock) for feeder in site.feeder if feeder.rtu is not None]
    central = central_system(site, feeders, clock, rng, wire_clock)
    chargers = [] if central is None else [central]
    claimed = {} if central is None else claims([(central, central.devices)])
    commands = CommandRouter(link, claimed)
    people = notice_channel(site, feeders, link, clock=clock, wire_clock=wire_clock, secret=secret)
    store = open_store(site.store)
    metrics = Metrics()
    daemon = Daemon(
        site,
        feeders,
        store=store,
        sources=[link, *rtus, *chargers, *([] if people is None else [people])],
        commands=commands,
        notices=people or link,
        failsafes=commands,
        heartbeats=link,
        clock=clock,
        wire_clock=wire_clock,
        offload=WorkerThread(),
        metrics=metrics,
        secret=secret,
        sealer=_sealer(site),
        open_contacts=partial(ContactStore, site.contacts.path),
        history=History(site.store.history_folder) if site.store.keep_history_days else None,
        background=WorkerThread(),
        copies=WorkerThread(),
        links={"broker": link}
        | {f"rtu {rtu.source}": rtu for rtu in rtus}
        | ({} if central is None else {"chargers": central}),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        version=version("gridward"),
    )
    registries = {control.feeder: control.registry for control in feeders}
    app = create_app(
        daemon,
        metrics.registry,
        console.static_dir(),
        clock=wire_clock,
        registries=registries,
        desks=daemon.desks,
        statements=StatementSource(site.store),
        charging=charging_map(site, central),
        sign_in=SignInDesk(AccountStore(site.api.accounts), wire_clock, WorkerThread()),
        openid=_openid(site, wire_clock),
    )
    return Assembly(daemon, app, store)


def site_secret(path: Path) -> bytes:
    """The site's secret, made on first use and readable by its owner only. Raises ConfigRejected."""
    make_once(path, secrets.token_hex(SECRET_BYTES))
    try:
        secret = bytes.fromhex(path.read_text(encoding="utf-8"))
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise ConfigRejected(
            [f"{path}: expected at least {2 * SECRET_BYTES} hexadecimal digits; devices know them"]
        )
    return secret


def signing_key(path: Path, site_name: str) -> SigningKey:
    """The key that seals the journal, made on first use as the site's secret is. Raises ConfigRejected."""
    if not path.exists():
        make_once(path, SigningKey(key_name(site_name), secrets.token_bytes(SECRET_BYTES)).text)
    try:
        return read_signing_key(path.read_text(encoding="utf-8").strip())
    except (NoteRejected, UnicodeDecodeError) as error:
        raise ConfigRejected([f"{path}: no key that seals the journal: {error}"]) from error


def _sealer(site: Site) -> Sealer:
    journal = site.journal
    key = signing_key(journal.signing_key_file, site.name)
    outside = None if journal.checkpoint_file is None else OutsideCopy(journal.checkpoint_file)
    return Sealer(key, journal.checkpoint_every_s, journal.checkpoint_every_entries, outside)


def _control(site: Site, feeder: Feeder, links: ConsentLinks | None) -> FeederControl:
    network = load_network(feeder.network, metered_generation=feeder.metered_generation)
    registry: Registry = load_registry(
        feeder.customers, feeder.devices, feeder.programmes, feeder.enrolments, RULES
    )
    return build_control(site, feeder, network, registry, links=links)


def _openid(site: Site, clock: Clock) -> OpenId | None:
    given = site.api.openid
    if given is None:
        return None
    settings = OpenIdSettings(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=given.client_secret_file.read_text(encoding="utf-8").strip(),
        redirect_uri=f"{(site.api.public_url or '').rstrip('/')}{OPENID_PATH}/back",
        roles=given.roles,
        groups_claim=given.groups_claim,
        name_claim=given.name_claim,
    )
    return OpenId(settings, httpx.AsyncClient(trust_env=False), clock)


def _link_settings(site: Site) -> LinkSettings:
    broker = site.broker
    return LinkSettings(
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
    )


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    return broker.password_file.read_text(encoding="utf-8").rstrip("\n")


def _rtu(feeder: Feeder, clock: Clock, rng: np.random.Generator, wire_clock: Clock) -> ModbusRtu:
    assert feeder.rtu is not None
    rtu = feeder.rtu
    settings = RtuSettings(feeder.id, rtu.host, rtu.port, rtu.unit, rtu.period_s)
    return ModbusRtu(settings, load_profile(rtu.profile), clock, rng, wire_clock)
