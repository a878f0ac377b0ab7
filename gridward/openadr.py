"""Builds the OpenADR VTN of a site from its settings. As a command it makes the entry of a new client.

python -m gridward.openadr ID ROLE
"""

import argparse
import hashlib
import hmac
import secrets
import ssl
import sys
from collections.abc import Sequence

import numpy as np
import tomli_w

from controller.errors import ConfigRejected
from controller.settings import OpenAdr, Site
from devices.openadr.callback_guard import CallbackRules
from devices.openadr.clients import Clients, hashed_secret, load_clients
from devices.openadr.notifier import NotifierSettings
from devices.openadr.object_store import ObjectStore
from devices.openadr.settings import VtnSettings, server_tls_context
from devices.openadr.vtn import Vtn
from devices.openadr.webhooks import WebhookSettings
from devices.ports import Clock

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def openadr_vtn(
    site: Site,
    secret: bytes,
    rng: np.random.Generator,
    wire_clock: Clock,
    mqtt: NotifierSettings | None = None,
) -> Vtn | None:
    """None when the site has no `[openadr]`. `secret` is the site's; `mqtt` the notifier that runs beside it.

    Raises ConfigRejected, ProfileRejected; OSError for certificates.
    """
    openadr = site.openadr
    if openadr is None:
        return None
    hosts = openadr.callback_hosts
    settings = VtnSettings(
        clients=vtn_clients(openadr),
        token_key=token_key(secret),
        host=openadr.host,
        port=openadr.port,
        path=openadr.path,
        versions=openadr.versions,
        public_url=openadr.public_url,
        tls=vtn_tls(openadr),
        callbacks=CallbackRules(
            allow_http=openadr.callback_http,
            allowed_hosts=None if hosts is None else frozenset(host.lower() for host in hosts),
        ),
        own_program=openadr.program,
        webhooks=WebhookSettings(challenge=openadr.callback_challenge),
        mqtt=mqtt,
    )
    return Vtn(settings, ObjectStore(openadr.store_file), wire_clock, rng)


def token_key(site_secret: bytes) -> bytes:
    """The key of our tokens (RFC 2104: HMAC as a pseudo-random function): another one than devices know."""
    return hmac.digest(site_secret, b"openadr tokens", hashlib.sha256)


def vtn_clients(openadr: OpenAdr) -> Clients:
    """Who may connect. Raises ConfigRejected, ProfileRejected."""
    try:
        return load_clients(openadr.clients_file)
    except OSError as error:
        raise ConfigRejected(
            [f"openadr.clients_file: {openadr.clients_file}: {error.strerror or error}"]
        ) from error


def vtn_tls(openadr: OpenAdr) -> ssl.SSLContext | None:
    """None for plain HTTP, which is for this machine alone. Raises ConfigRejected."""
    if openadr.certificate_file is not None and openadr.key_file is not None:
        try:
            return server_tls_context(openadr.certificate_file, openadr.key_file)
        except OSError as error:
            expected = "expected PEM files of a certificate and its key"
            raise ConfigRejected([f"openadr.certificate_file: {expected}: {error}"]) from error
    if openadr.certificate_file is not None or openadr.key_file is not None:
        given = "certificate_file" if openadr.key_file is None else "key_file"
        raise ConfigRejected([f"openadr.{given}: expected certificate_file and key_file, or none of them"])
    if openadr.host not in _LOOPBACK:
        reason = "secrets would go in clear text; expected certificate_file and key_file"
        raise ConfigRejected([f"openadr.host: {openadr.host!r}: {reason}"])
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a new secret and the entry for the clients file."""
    parser = argparse.ArgumentParser(prog="python -m gridward.openadr", description=main.__doc__)
    parser.add_argument("id", help="the client's id")
    parser.add_argument("role", choices=["BL", "VEN"])
    parser.add_argument("--ven-name", help="the VEN goes by this name, and no other VEN may")
    given = parser.parse_args(arguments)
    secret = secrets.token_urlsafe(24)
    entry = {"id": given.id, "role": given.role, "secret": hashed_secret(secret)}
    if given.ven_name is not None:
        entry["ven_name"] = given.ven_name
    print(f"the client's secret, which is kept nowhere else: {secret}", file=sys.stderr)
    print(tomli_w.dumps({"client": [entry]}, multiline_strings=False), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
