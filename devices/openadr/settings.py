"""What the VTN needs to know: its listener, its clients, and how much of everything."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from devices.errors import ProfileRejected
from devices.openadr.bounds import Bounds
from devices.openadr.callback_guard import CallbackRules
from devices.openadr.clients import Clients
from devices.openadr.field_types import checked_uri
from devices.openadr.notifier import NotifierSettings
from devices.openadr.objects import VERSIONS, Version
from devices.openadr.tokens import MIN_KEY_BYTES
from devices.openadr.webhooks import WebhookSettings


@dataclass(frozen=True, slots=True)
class VtnSettings:
    """One VTN. Without `tls` secrets and tokens go in clear text: 127.0.0.1 behind a proxy, and tests."""

    clients: Clients
    token_key: bytes = field(repr=False)
    """at least 32 bytes that nobody else knows; with another one all tokens are void"""
    host: str = "127.0.0.1"
    port: int = 8443
    path: str = "/openadr3"
    """versions are below it: `https://HOST:PORT/openadr3/3.1.1`"""
    versions: tuple[Version, ...] = VERSIONS
    public_url: str | None = None
    """how clients reach us, such as `https://vtn.example.org`; without it as they ask for us"""
    tls: ssl.SSLContext | None = None
    token_lifetime_s: int = 3600
    bounds: Bounds = field(default_factory=Bounds)
    callbacks: CallbackRules = field(default_factory=CallbackRules)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    own_program: str | None = None
    """the name of the program that only our own business logic writes"""
    mqtt: NotifierSettings | None = None
    """the notifier that runs beside the VTN, for 3.1.1 to tell of"""
    max_body_bytes: int = 1_048_576
    max_ven_body_bytes: int = 65_536
    """of a VEN, and of whoever has not logged in yet"""
    ven_requests_per_s: float = 20.0
    ven_requests_burst: int = 400
    """of one VEN; beyond them it is told to try again"""
    body_deadline_s: float = 10.0
    header_deadline_s: float = 10.0
    """a connection that has not sent a whole request head by then is closed"""
    write_deadline_s: float = 30.0
    """a client that reads nothing of its answer for so long is cut off"""
    keep_alive_s: int = 30
    """an idle connection is closed after it"""
    max_connections: int = 2_000
    log_in_failures: int = 5
    """per client and address; then it has to wait"""
    lockout_s: float = 60.0
    goodbye_s: float = 5.0
    """so long requests under way may take when we stop"""


def check_settings(settings: VtnSettings) -> None:
    """Raise ProfileRejected with all that is wrong, one finding a line."""
    findings = []
    if len(settings.token_key) < MIN_KEY_BYTES:
        findings.append(f"token_key has {len(settings.token_key)} bytes, expected {MIN_KEY_BYTES} or more")
    if not settings.path.startswith("/") or settings.path.endswith("/"):
        findings.append(f"path is {settings.path!r}, expected to begin with / and not to end with it")
    if not settings.versions or not set(settings.versions) <= set(VERSIONS):
        findings.append(f"versions are {settings.versions}, expected of {', '.join(VERSIONS)}")
    if settings.public_url is not None:
        try:
            checked_uri(settings.public_url)
        except ValueError as error:
            findings.append(f"public_url: {error}")
    if findings:
        raise ProfileRejected("\n".join(findings))


def server_tls_context(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """A server context of TLS 1.2 or later. Raises OSError (ssl.SSLError included)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(certificate_file), str(key_file))
    return context
