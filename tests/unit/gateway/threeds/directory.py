"""A directory of our own over real HTTPS: it keeps what it hears and answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import trustme

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, given its body."""


@dataclass
class Stub:
    """The directory: port, and head and body of each request."""

    answer: Answer
    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/3ds"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.lower().splitlines()
            length = next(int(x.split(":")[1]) for x in lines if x.startswith("content-length:"))
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(length))
            await self.answer(self.bodies[-1], writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # our side hung up, which some tests are about
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def reply(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    """Write a whole HTTP reply."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def server_tls(ca: trustme.CA) -> ssl.SSLContext:
    """TLS of the directory: nobody without a certificate of the same CA gets in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_tls(ca: trustme.CA, own: trustme.CA | None) -> ssl.SSLContext:
    """TLS of our side: trusts a CA, and shows a certificate of another, if any."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    if own:
        own.issue_cert("gateway.example").configure_cert(context)
    return context


@asynccontextmanager
async def directory(answer: Answer, ca: trustme.CA) -> AsyncIterator[Stub]:
    """Run a directory on a free port of this machine."""
    it = Stub(answer)
    server = await asyncio.start_server(it.accept, "127.0.0.1", 0, ssl=server_tls(ca))
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for task in it.tasks:
            task.cancel()
        await asyncio.gather(*it.tasks, return_exceptions=True)
        await server.wait_closed()
