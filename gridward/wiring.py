"""Builds the daemon of a site from its settings: the one place that knows every part.

`gridward run` and the end-to-end tests use the same function.
"""

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
import numpy as np
import structlog
from fastapi import FastAPI
from prometheus_client import ProcessCollector

import console
from controller.access.account_file import AccountsUnavailable
from controller.access.account_store import AccountStore
from controller.access.openid import OpenId, OpenIdSettings
from controller.access.sign_in import SignInDesk
from controller.api.app import create_app
from controller.api.openid import PATH as OPENID_PATH
from controller.api.system import SystemSources
from controller.auditing.checkpoints import NoteRejected, SigningKey, key_name, read_signing_key
from controller.auditing.sealing import OutsideCopy, Sealer
from controller.clock import WallClock
from controller.daemon import Daemon
from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl, build_control
from controller.log_ring import LogRing
from controller.metrics import Metrics
from controller.occurrences.recorder import Recorder, folder_of
from controller.people.notice_messages import consent_links
from controller.rewards.statement_source import StatementSource
from controller.settings import Feeder, Site
from controller.stores.history import History
from controller.stores.opening import open_store
from controller.stores.port import Store
from customers.consent_links import ConsentLinks
from customers.contact_store import ContactStore
from devices.ports import Clock
from grid_model.network import load_network
from gridward.chargers import charging_map
from gridward.field_links import field_links
from gridward.key_files import make_once
from gridward.registries import registry_of

_P = ParamSpec("_P")
_T = TypeVar("_T")
SECRET_BYTES = 32
log = structlog.get_logger()


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


def assemble(site: Site, clock: Clock, rng: np.random.Generator, log_ring: LogRing | None = None) -> Assembly:
    """Build all parts of a site. `log_ring` has the log's latest lines, for people to look at.

    Raises NetworkRejected, RegistryRejected, ConfigRejected or ProfileRejected: each names file and reason;
    StoreUnavailable.
    """
    secret = site_secret(site.secret_file)
    links = consent_links(site, secret)
    feeders = [_control(site, feeder, links) for feeder in site.feeder]
    wire_clock = WallClock()
    field = field_links(site, feeders, clock, wire_clock=wire_clock, rng=rng, secret=secret)
    store = open_store(site.store)
    metrics = Metrics()
    daemon = Daemon(
        site,
        feeders,
        store=store,
        sources=field.sources,
        commands=field.commands,
        notices=field.notices,
        failsafes=field.commands,
        heartbeats=field.heartbeats,
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
        links=field.health,
        recorder=Recorder(
            folder_of(site.store.history_folder),
            {control.feeder: control for control in feeders},
            WorkerThread(),
            keep_days=site.store.keep_samples_days,
            most_bytes=site.store.most_recorded_bytes,
        ),
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
        charging=charging_map(site, field.central),
        sign_in=_sign_in(site, wire_clock),
        openid=_openid(site, wire_clock),
        system=SystemSources(
            site=site,
            daemon=daemon.status,
            process=ProcessCollector(registry=metrics.registry),
            log=log_ring or LogRing(),
            offload=WorkerThread(),
        ),
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
    return build_control(site, feeder, network, registry_of(feeder), links=links)


def _sign_in(site: Site, clock: Clock) -> SignInDesk | None:
    """None where the accounts cannot be used: a site is controlled also while nobody can sign in."""
    try:
        store = AccountStore(site.api.accounts)
    except AccountsUnavailable as error:
        log.error("accounts_unavailable", error=str(error), told="nobody can sign in until the next start")
        return None
    return SignInDesk(store, clock, WorkerThread(), hashing=WorkerThread())


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
    believed = ssl.create_default_context()
    if given.ca_file is not None:
        try:
            believed.load_verify_locations(given.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigRejected([f"{given.ca_file}: expected certificates in PEM: {error}"]) from error
    return OpenId(settings, httpx.AsyncClient(trust_env=False, verify=believed), clock)
