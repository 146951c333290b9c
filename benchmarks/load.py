"""Load over mutual TLS: keep-alive connections, each sends its next request after the answer."""

from __future__ import annotations

import asyncio
import ssl
from statistics import median, quantiles
from time import perf_counter
from typing import Final, NamedTuple

from benchmarks.in_process import CREATE_ORDER, BenchmarkError

REQUEST: Final = (
    f"POST /Exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
    f"Content-Length: {len(CREATE_ORDER.encode())}\r\n\r\n{CREATE_ORDER}"
).encode()
END: Final = b"</TKKPG>"
SUCCESS: Final = b"<Status>00</Status>"


class Load(NamedTuple):
    """What a server did under load.

    Attributes:
        answers: How many there were.
        rate: Answers a second.
        p50: Median of the answers' seconds.
        p99: What only one answer in a hundred exceeded, in seconds.
    """

    answers: int
    rate: float
    p50: float
    p99: float


class _Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._answer = bytearray()
        self._until = self._sent = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def begin(self, until: float) -> None:
        self._until = until
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.endswith(END):
            return
        now = perf_counter()
        self.taken.append(now - self._sent)
        if SUCCESS not in self._answer:
            self._end(BenchmarkError(f"An order was expected, not {bytes(self._answer)!r}."))
        elif now < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or BenchmarkError("The server closed the connection."))

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _ask(self) -> None:
        assert self._transport  # noqa: S101 - begins after the connection was made
        self._answer.clear()
        self._sent = perf_counter()
        self._transport.write(REQUEST)

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)


async def put_load(port: int, tls: ssl.SSLContext, connections: int, seconds: float) -> Load:
    """Send CreateOrders for some seconds; handshakes are made before and do not count.

    Raises:
        BenchmarkError: Something was answered with another status, or not at all.
    """
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(_Connection, "localhost", port, ssl=tls))[1]
        for _ in range(connections)
    ]
    began = perf_counter()
    for client in clients:
        client.begin(began + seconds)
    await asyncio.gather(*(client.ended for client in clients))
    took = perf_counter() - began
    for client in clients:
        client.close()
    taken = [one for client in clients for one in client.taken]
    return Load(len(taken), len(taken) / took, median(taken), quantiles(taken, n=100)[98])
