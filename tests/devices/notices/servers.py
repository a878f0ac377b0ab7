"""Real counterparts on free ports: a mail server (aiosmtpd) and a receiver of webhooks, both as ill as
wished."""

import asyncio
import email
import email.policy
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Mailbox:
    """What a mail server took, and how it answers: codes by recipient, in the order of the tries."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.rcpt: dict[str, list[str]] = {}
        """answers to RCPT; the last one stays"""
        self.data = "250 OK"
        self.tries = 0
        self.together = self.most_together = 0
        self.hold: asyncio.Event | None = None
        """DATA is answered only once this is set"""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        self.tries += 1
        answers = self.rcpt.get(address, ["250 OK"])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            if self.hold is not None:
                await self.hold.wait()
            if self.data.startswith("250"):
                raw = cast("bytes", envelope.original_content)
                self.raw.append(raw)
                self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))
            return self.data
        finally:
            self.together -= 1


@asynccontextmanager
async def mail_server(
    mailbox: Mailbox, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> AsyncIterator[int]:
    """Its port."""

    def is_right(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        shown = (data.login.decode(), data.password.decode())
        return AuthResult(success=shown == login, handled=False)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            mailbox,
            hostname="mail.example.org",
            loop=loop,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=login is not None,
            authenticator=is_right if login else None,
            decode_data=False,
        ),
        "127.0.0.1",
        0,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Hook:
    """What a webhook receiver got, and how it answers."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.statuses = [200]
        """the last one stays"""
        self.delay: asyncio.Event | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        (length,) = (line.split(":")[1] for line in head.lower().splitlines() if "content-length" in line)
        body = await reader.readexactly(int(length))
        if self.delay is not None:
            await self.delay.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 200:
            self.bodies.append(json.loads(body))
            self.paths.append(head.split()[1])
        writer.write(f"HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def web_server(hook: Hook) -> AsyncIterator[int]:
    """Its port."""
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """One that takes the connection and says nothing."""
    held: list[asyncio.StreamWriter] = []

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.close()
