"""The VTN's clients: who they are, their role, and their secrets, hashed. No I/O but the reading of the file.

The file is TOML, one `[[client]]` each:

    [[client]]
    id = "ven-17"
    role = "VEN"                      # or "BL", business logic: may write programs and events
    secret = "scrypt$14$8$1$SALT$HASH"
    ven_name = "home-17"              # optional: the VEN goes by this name, and no other VEN may

`secret` is what `hashed_secret` makes; the secret itself is nowhere.
"""

import base64
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from devices.errors import ProfileRejected
from devices.openadr.objects import Role

LOG2_N, BLOCK, LANES = 14, 8, 1
"""of scrypt: 16 MiB and some 50 ms a log-in (RFC 7914; OWASP names 2^14 with 5 lanes and 2^17 with one)"""
_HASH_BYTES = 32
_MAX_LOG2_N = 20


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One client of the VTN."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    role: Role
    secret: str
    ven_name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client: list[Client] = []


@dataclass(frozen=True, slots=True)
class Clients:
    """All clients."""

    by_id: dict[str, Client]
    _nobody: str = field(default_factory=lambda: hashed_secret(secrets.token_hex(16)), repr=False)

    @property
    def ven_names(self) -> dict[str, str]:
        """venName -> client id, where the file says so."""
        return {one.ven_name: one.id for one in self.by_id.values() if one.ven_name is not None}

    def with_secret(self, client_id: str, secret: str) -> Client | None:
        """The client that proves to be it. Takes as long for ids that do not exist. Blocks some 50 ms."""
        client = self.by_id.get(client_id)
        fits = secret_fits(secret, self._nobody if client is None else client.secret)
        return client if fits else None


def gathered(clients: Iterable[Client]) -> Clients:
    """Raises ProfileRejected with all that is wrong, one finding a line."""
    listed = list(clients)
    findings = list(_faults(listed))
    if findings:
        raise ProfileRejected("\n".join(findings))
    return Clients({client.id: client for client in listed})


def load_clients(path: Path) -> Clients:
    """Raises ProfileRejected, naming file and field; OSError when it cannot be read."""
    try:
        return gathered(msgspec.toml.decode(path.read_bytes(), type=_File).client)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ProfileRejected(f"{path}: {error}") from error
    except ProfileRejected as error:
        raise ProfileRejected("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def hashed_secret(secret: str, salt: bytes | None = None) -> str:
    """For a client's `secret`: `scrypt$LOG2_N$R$P$SALT$HASH`, salt and hash in base64."""
    salt = secrets.token_bytes(16) if salt is None else salt
    made = _scrypt(secret, salt, LOG2_N, BLOCK, LANES)
    numbers = f"{LOG2_N}${BLOCK}${LANES}"
    return f"scrypt${numbers}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def secret_fits(secret: str, hashed: str) -> bool:
    """Whether it is the secret, in constant time for hashes of the same numbers."""
    log2_n, block, lanes, salt, expected = _parts(hashed)
    return hmac.compare_digest(_scrypt(secret, salt, log2_n, block, lanes), expected)


def _scrypt(secret: str, salt: bytes, log2_n: int, block: int, lanes: int) -> bytes:
    memory = 128 * block * (2**log2_n + lanes + 2) + 2**20
    return hashlib.scrypt(
        secret.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=2**log2_n,
        r=block,
        p=lanes,
        maxmem=memory,
        dklen=_HASH_BYTES,
    )


def _parts(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    """Raises ValueError when it is none of ours."""
    name, log2_n, block, lanes, salt, made = hashed.split("$")
    numbers = int(log2_n), int(block), int(lanes)
    salt_bytes, made_bytes = base64.b64decode(salt, validate=True), base64.b64decode(made, validate=True)
    sound = 10 <= numbers[0] <= _MAX_LOG2_N and 1 <= numbers[1] <= 32 and 1 <= numbers[2] <= 16
    if name != "scrypt" or not sound or len(salt_bytes) < 8 or len(made_bytes) != _HASH_BYTES:
        raise ValueError("no hash of ours")
    return *numbers, salt_bytes, made_bytes


def _faults(clients: list[Client]) -> Iterator[str]:
    for client in clients:
        try:
            _parts(client.secret)
        except ValueError:
            yield f"client {client.id!r}: `secret` is not of the form scrypt$LOG2_N$R$P$SALT$HASH"
        if client.ven_name is not None and client.role != "VEN":
            yield f"client {client.id!r}: `ven_name` is for the role VEN"
    for what, values in (
        ("id", [client.id for client in clients]),
        ("ven_name", [client.ven_name for client in clients if client.ven_name is not None]),
    ):
        yield from (f"{what} {value!r} is there {n} times" for value, n in Counter(values).items() if n > 1)
