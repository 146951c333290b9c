"""The other end of the link: a small host on the loopback that does as a test says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, cast

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import Frames, frame

NOW: Final = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DEADLINE_S: Final = 20.0
"""Far more than anything here takes; a test that waits so long has failed."""

_KEPT: Final = (
    fields.PROCESSING,
    fields.AMOUNT,
    fields.TRANSMITTED,
    fields.STAN,
    fields.RRN,
    fields.TERMINAL,
    fields.MERCHANT,
    fields.CURRENCY,
    fields.NETWORK,
)


def now() -> datetime:
    """A business time that stands still."""
    return NOW


def reply_to(request: Mapping[str, str], code: str = "001", approval: str = "123456") -> Message:
    """Answer a request as a host in order does, approving unless told otherwise."""
    reply = {number: request[number] for number in _KEPT if number in request}
    reply[fields.TYPE] = fields.reply_to(request[fields.TYPE])
    reply[fields.RESPONSE] = code
    if approval:
        reply[fields.APPROVAL] = approval
    return reply


def written(message: Mapping[str, str]) -> bytes:
    """A message as it travels."""
    return frame(fields.encode(message))


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - the conditions are of many kinds
            await asyncio.sleep(0.002)


class Peer(asyncio.Protocol):
    """One connection, seen from the host."""

    def __init__(self, host: SmallHost) -> None:
        self.host = host
        self.frames = Frames()
        self.received: list[Message] = []
        self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.host.peers.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True

    def data_received(self, data: bytes) -> None:
        for raw in self.frames.feed(data):
            self.take(fields.decode(raw))

    def take(self, message: Message) -> None:
        """Answer what manages the link, unless told not to; the test answers the rest."""
        self.received.append(message)
        code = message.get(fields.NETWORK)
        if code is None:
            self.host.on_request(self, message)
        elif code not in self.host.ignored:
            self.send(reply_to(message, self.host.network_code, ""))

    def send(self, *messages: Mapping[str, str]) -> None:
        """Write messages."""
        self.transport.write(b"".join(written(message) for message in messages))

    def reset(self) -> None:
        """Close as a host does that dies: with RST."""
        own = self.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    @property
    def managed(self) -> list[str]:
        """What the link asked for itself, in order."""
        return [m[fields.NETWORK] for m in self.received if fields.NETWORK in m]

    @property
    def asked(self) -> list[Message]:
        """The financial requests, in order."""
        return [m for m in self.received if fields.NETWORK not in m]


def approve(peer: Peer, request: Message) -> None:
    """Answer every request at once."""
    peer.send(reply_to(request))


def keep_silent(peer: Peer, request: Message) -> None:
    """Leave the answer to the test."""


class SmallHost:
    """A listening host.

    Attributes:
        on_request: What it does with a financial request.
        ignored: Network management codes that it does not answer.
        network_code: Its response code to the others.
    """

    def __init__(self) -> None:
        self.on_request: Callable[[Peer, Message], None] = keep_silent
        self.ignored: set[str] = set()
        self.network_code = "001"
        self.peers: list[Peer] = []
        self.address = ("127.0.0.1", 0)

    @property
    def peer(self) -> Peer:
        """The newest connection."""
        return self.peers[-1]

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[SmallHost]:
        """Listen on the loopback until the end of the block."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Peer(self), *self.address, ssl=tls)
        self.address = server.sockets[0].getsockname()[:2]
        try:
            yield self
        finally:
            server.close()
            for peer in self.peers:
                peer.transport.abort()
            await until(lambda: all(peer.gone for peer in self.peers))
