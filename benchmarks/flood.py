"""A flood of connections that say nothing, or begin and stop: how long do all others wait?

    .venv/bin/python benchmarks/flood.py                   # every kind at 60 and 200 a second
    .venv/bin/python benchmarks/flood.py --seconds 30 --kind silent

Everybody comes from one address, as behind a NAT or a tunnel. Twice a second a merchant opens a
new connection to Exec and creates an order, and a payer opens the page; what is measured is the
whole of it, handshake included. `idle` is no flood: 2,000 connections whose handshakes are done.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import ssl
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `benchmarks.…`

from benchmarks.end_to_end import sandbox
from benchmarks.load import END, REQUEST, SUCCESS

RATES: Final = (60, 200)
ASKS: Final = 2.0  # merchants and payers a second
GIVE_UP_S: Final = 30.0
IDLE: Final = 2000
GOAL_S: Final = 0.5
BEHIND_TLS: Final = ("handshake, then nothing", "half a head", "a head that trickles")
TRICKLE: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "

Peer: TypeAlias = "Callable[[str, int], Coroutine[Any, Any, None]]"


def _client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="localhost"
    )
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def _stopping_after(begin: bytes, tls: ssl.SSLContext | None = None, trickle: bytes = b"") -> Peer:
    """Make a peer that sends the beginning of something and then waits for its connection's end."""

    async def peer(host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            writer.write(begin)
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(1.0 if trickle else None):
                        await reader.read()
                    return
                writer.write(trickle)
        finally:
            writer.close()

    return peer


def _kinds(payer: ssl.SSLContext) -> dict[str, Peer]:
    hello = _client_hello()
    return {
        "nothing": _nobody,
        "silent": _stopping_after(b""),
        "part of a ClientHello": _stopping_after(hello[:60]),
        "ClientHello, then nothing": _stopping_after(hello),
        "handshake, then nothing": _stopping_after(b"", payer),
        "half a head": _stopping_after(TRICKLE, payer),
        "a head that trickles": _stopping_after(TRICKLE, payer, b"a"),
    }


async def _nobody(_host: str, _port: int) -> None:
    """Stay away: what everybody waits without a flood."""


async def _merchant(tls: ssl.SSLContext, port: int) -> None:
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    writer.write(REQUEST)
    answer = await reader.readuntil(END)
    writer.close()
    if SUCCESS not in answer:
        raise ConnectionError(answer)


async def _payer(tls: ssl.SSLContext, port: int) -> None:
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    writer.write(b"GET /index.jsp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 4"):  # the page of an order that does not exist
        raise ConnectionError(answer)


async def _timed(work: Coroutine[Any, Any, None], taken: list[float]) -> None:
    began = perf_counter()
    try:
        async with asyncio.timeout(GIVE_UP_S):
            await work
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        taken.append(GIVE_UP_S)
    else:
        taken.append(perf_counter() - began)


async def _flood(
    peer: Peer, ports: list[int], rate: int, seconds: float, peers: set[asyncio.Task[None]]
) -> None:
    """Open connections at a rate, one port after the other; what comes of them counts nothing."""
    loop = asyncio.get_running_loop()
    turns = itertools.cycle(ports)
    began = loop.time()
    for number in range(round(rate * seconds)):
        peers.add(asyncio.create_task(peer("127.0.0.1", next(turns))))
        await asyncio.sleep(began + number / rate - loop.time())


async def measure(info: dict[str, Any], kind: str, rate: int, seconds: float) -> dict[str, float]:
    """Flood Exec and page, each at the rate, and return what others wait, in seconds."""
    exec_port, page_port = (urlsplit(info[f"{one}_url"]).port or 0 for one in ("exec", "page"))
    payer = ssl.create_default_context(cafile=info["ca"])
    payer.check_hostname = False  # a flood names an address
    merchant = ssl.create_default_context(cafile=info["ca"])
    merchant.load_cert_chain(info["certificate"], info["key"])
    ports = [exec_port, page_port]
    if kind == "idle":
        peer, rate = _stopping_after(b"", payer), round(IDLE / seconds)
    else:
        peer = _kinds(payer)[kind]
    if kind == "idle" or kind in BEHIND_TLS:
        ports = [page_port]  # Exec asks for a certificate first
    peers: set[asyncio.Task[None]] = set()
    flood = asyncio.create_task(_flood(peer, ports, rate * len(ports), seconds, peers))
    waited: dict[str, list[float]] = {"Exec": [], "page": []}
    asking: set[asyncio.Task[None]] = set()
    while not flood.done():
        asking.add(asyncio.create_task(_timed(_merchant(merchant, exec_port), waited["Exec"])))
        asking.add(asyncio.create_task(_timed(_payer(payer, page_port), waited["page"])))
        await asyncio.wait({flood}, timeout=1 / ASKS)
    await asyncio.gather(*asking)
    await flood
    for one in peers:
        one.cancel()
    await asyncio.gather(*peers, return_exceptions=True)
    return {
        f"{name} {what}": figure(taken)
        for name, taken in waited.items()
        for what, figure in (("median", median), ("longest", max))
    }


def main() -> None:
    """Flood a sandbox of its own with every kind at every rate, and print one line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--kind")
    asked = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds = [asked.kind] if asked.kind else [*_kinds(ssl.create_default_context()), "idle"]
    with tempfile.TemporaryDirectory() as folder:
        for kind, rate in itertools.product(kinds, RATES):
            if kind == "idle" and rate != RATES[0]:
                continue
            home = Path(folder) / f"{kind}-{rate}".replace(" ", "-").replace(",", "")
            with sandbox(home) as (info, _):
                figures = asyncio.run(measure(info, kind, rate, asked.seconds))
            shown = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in figures.items())
            missed = "" if max(figures.values()) <= GOAL_S else f"  (more than {GOAL_S} s)"
            print(f"{kind}, {'all at once' if kind == 'idle' else f'{rate}/s'}: {shown}{missed}")


if __name__ == "__main__":
    main()
