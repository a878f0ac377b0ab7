"""Which callback URLs we may call, and at which address (SSRF guard).

A name is looked up by us, every address that it has must be allowed, and the connection goes to the address
that was looked at: a name that changes meanwhile (DNS rebinding) leads nowhere else. Source: OpenADR 3.1.1
Definition, "Webhooks"; OWASP, Server-Side Request Forgery.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from devices.openadr.problems import forbidden
from devices.ports import Clock

_LOOKUPS = 8
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""host and port -> addresses; OSError when there are none"""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """What the operator allows."""

    allow_http: bool = False
    """OpenADR wants https; http is for closed networks and tests"""
    allowed_hosts: frozenset[str] | None = None
    """None: any host with public addresses. With it these alone, and they may have private addresses."""
    resolve_deadline_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Callee:
    """A callback URL that may be called, at one address."""

    url: httpx.URL
    """with the address in place of the name"""
    headers: dict[str, str]
    extensions: dict[str, Any]
    """for httpx: the name that the certificate must have"""


class CallbackGuard:
    """Looks at URLs before they are called."""

    def __init__(self, rules: CallbackRules, clock: Clock, resolve: Resolve | None = None) -> None:
        self._rules, self._clock = rules, clock
        self._resolve = self._looked_up if resolve is None else resolve
        self._lookups: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Let go of the threads, until the next look-up."""
        if self._lookups is not None:
            self._lookups.shutdown(wait=False, cancel_futures=True)
        self._lookups = None

    async def callee(self, text: str, turn: int = 0) -> Callee:
        """Where to call: each turn the next of the host's addresses.

        Raises Problem 403 that says why not; its words tell nothing of our network.
        """
        url = self._sound(text)
        host = url.host
        allowed = self._rules.allowed_hosts
        if allowed is not None and host.lower() not in allowed:
            raise forbidden(f"callbacks to {host[:100]!a} are not allowed here")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with self._clock.timeout(self._rules.resolve_deadline_s):
                addresses = await self._resolve(host, port)
        except (OSError, TimeoutError, UnicodeError):
            raise forbidden(f"the callback's host {host[:100]!a} has no address") from None
        if not addresses or (allowed is None and not all(map(is_public, addresses))):
            raise forbidden(f"the callback's host {host[:100]!a} has no public address")
        return Callee(
            url.copy_with(host=addresses[turn % len(addresses)]),
            {"Host": url.netloc.decode("ascii")},
            {"sni_hostname": host} if url.scheme == "https" else {},
        )

    async def _looked_up(self, host: str, port: int) -> list[str]:
        """In threads of its own: names that nobody answers for must not take those of the daemon."""
        if self._lookups is None:
            self._lookups = ThreadPoolExecutor(max_workers=_LOOKUPS, thread_name_prefix="openadr-lookup")
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _sound(self, text: str) -> httpx.URL:
        try:
            parts = urlsplit(text)
            url = httpx.URL(text)
        except (ValueError, httpx.InvalidURL):
            raise forbidden("the callback is no URL") from None
        schemes = ("https", "http") if self._rules.allow_http else ("https",)
        if url.scheme not in schemes:
            raise forbidden(f"the callback's scheme is {url.scheme[:20]!a}, expected {' or '.join(schemes)}")
        if not url.host or parts.username is not None or parts.password is not None:
            raise forbidden("the callback needs a host, and no user name")
        return url


def is_public(address: str) -> bool:
    """Whether it is an address of the internet at large, also where IPv6 wraps an IPv4 address."""
    found: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if wrapped is None and found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        found = wrapped or found
    return found.is_global and not found.is_multicast and not found.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
