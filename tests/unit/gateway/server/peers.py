"""The other end of the wire for tests of the server: blocking TLS clients and a small app."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import Receive, Scope, Send

from tkkpg.gateway.authority import Issued
from tkkpg.gateway.server import exec_tls, page_tls
from tkkpg.gateway.web.peer import peer_fingerprint

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Certificates:
    """One gateway's certificates, and the ways for a merchant to be refused by it."""

    ca: Path
    servers: tuple[Issued, ...]
    merchants_ca: Path
    good: Issued
    strange: Issued
    expired: Issued
    for_servers: Issued

    def for_exec(self) -> ssl.SSLContext:
        """TLS of a new Exec listener."""
        return exec_tls(self.merchants_ca, *(one.pair for one in self.servers))

    def for_page(self) -> ssl.SSLContext:
        """TLS of a new page listener."""
        return page_tls(*(one.pair for one in self.servers))


@dataclass
class App:
    """Answers who the peer is; waits first when the path is /wait, reads nothing for /early."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/early":
            while (await receive()).get("more_body"):
                pass
        self.asked.set()
        if scope["path"] == "/wait":
            await self.may_answer.wait()
        body = (peer_fingerprint(scope) or "nobody").encode()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


def trusting(
    ca: Path, own: Issued | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """Make a client's context that trusts a CA and may show a certificate."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = context.maximum_version = version
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return context


def connect(port: int) -> socket.socket:
    """Open a TCP connection."""
    return socket.create_connection(("127.0.0.1", port), TIMEOUT_S)


@dataclass(frozen=True)
class Heard:
    """What came back on a connection until it ended, and its TLS session."""

    data: bytes
    session: ssl.SSLSession | None = None
    reused: bool = False

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def ask(port: int, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Heard:
    """Send one request in one connection; a connection that breaks has said nothing more."""
    data = b""
    with connect(port) as raw:
        try:
            with tls.wrap_socket(raw, server_hostname="localhost", session=session) as wrapped:
                wrapped.sendall(GET)
                while piece := wrapped.recv(65_536):
                    data += piece
                return Heard(data, wrapped.session, wrapped.session_reused is True)
        except (ssl.SSLError, ConnectionError):
            return Heard(data)


def hear(peer: socket.socket, end: bytes) -> bytes:
    """Read from a connection that stays open, until something has come."""
    data = b""
    while not data.endswith(end):
        piece = peer.recv(65_536)
        assert piece, f"the connection ended after {data!r}"
        data += piece
    return data


def say(port: int, *pieces: bytes) -> bytes:
    """Send pieces over plain TCP and return what came back until the connection ended."""
    data = b""
    with connect(port) as raw:
        try:
            for piece in pieces:
                raw.sendall(piece)
            while received := raw.recv(65_536):
                data += received
        except ConnectionError:
            pass
    return data


def open_files() -> int:
    """Count the file descriptors of this process."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
