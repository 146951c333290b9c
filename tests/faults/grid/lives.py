"""Lives of one sandbox home: started, perhaps with a crash point armed, and ended by SIGKILL.

Each is a process of its own, forked from one that has read the program and done nothing else: what
a start costs most is reading it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

import httpx2

from tkkpg.client import AsyncClient, Credentials, Endpoint, TKKPGError
from tkkpg.gateway import crash
from tkkpg.gateway.crash import CRASH_AT, CRASH_TRACE
from tkkpg.sandbox.cardholder import browser

PROGRAM: Final = (
    "tkkpg.cli.main",
    "tkkpg.cli.commands.sandbox",
    "tkkpg.gateway.store.schema",
    "sqlalchemy.dialects.sqlite",
    "scripts.crash",
)
"""What is read once."""
SETTLES_S: Final = 0.2
OPTIONS: Final = (
    *("--host-timeout=0.5", "--opening-balance=1000000.00", f"--settle-every={SETTLES_S}"),
)
"""Silence and what is unsettled are short, and the merchant's account covers every refund."""
UNSETTLED: Final = "--settle-every=86400"
"""Of a life whose charges are not settled before it ends."""
PORTS: Final = ("--exec-port=0", "--page-port=0", "--acs-port=0", "--metrics-port=0")
SHOP_PORTS: Final = range(10_000, 30_000)
"""Below the ones that systems pick for themselves."""
GONE_S: Final = 10.0
UNANSWERED: Final = (TKKPGError, OSError, httpx2.HTTPError)
"""How a drive ends whose gateway has died."""


@dataclass(slots=True)
class Life:
    """A sandbox from its start to its end.

    Attributes:
        home: Its home.
        info: What it said about itself; empty when it died before it could.
        client: The merchant's line to it.
        http: A payer's browser.
    """

    home: Path
    process: ForkServerProcess
    info: dict[str, Any] = field(default_factory=dict)
    client: AsyncClient = field(init=False)
    http: httpx2.AsyncClient = field(init=False)

    @property
    def begun(self) -> bool:
        """Whether it got as far as accepting connections."""
        return bool(self.info)

    @property
    def issuer_pid(self) -> int:
        """The issuer that runs now; it changes when the sandbox had to start it again."""
        with suppress(OSError, ValueError):  # being written
            self.info |= json.loads((self.home / "sandbox.json").read_text("utf-8"))
        return int(self.info["issuer_pid"])

    def signal_issuer(self, number: signal.Signals) -> None:
        """Do something to the issuer's process, if there is one."""
        with suppress(ProcessLookupError):
            os.kill(self.issuer_pid, number)

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        return self.process.exitcode is not None

    async def gone(self, within_s: float = GONE_S) -> bool:
        """Wait until it has died by itself; say whether it has."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.process.sentinel, ended.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await ended.wait()
        finally:
            loop.remove_reader(self.process.sentinel)
        self.process.join(0)
        return self.dead

    async def kill(self) -> None:
        """End it as a power cut does, and wait until its files are nobody's."""
        self.process.kill()
        await self.gone()


def _shop_port(home: Path) -> tuple[str]:
    """Keep a home's shop where it was: notifications of one life are delivered by the next."""
    kept = home.with_suffix(".port")
    if not kept.exists():
        kept.write_text(str(_free_port()), encoding="utf-8")
    return (f"--shop-port={kept.read_text('utf-8')}",)


def _free_port() -> int:
    while True:
        port = SHOP_PORTS[secrets.randbelow(len(SHOP_PORTS))]
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@asynccontextmanager
async def life(
    home: Path, *, crash_at: str = "", trace: Path | None = None, options: tuple[str, ...] = ()
) -> AsyncIterator[Life]:
    """Start a sandbox on free ports; on leaving it is killed, if it is not dead yet.

    Args:
        home: Its home.
        crash_at: Crash point at which it ends by itself.
        trace: File that gets the points that it reaches.
        options: More of `tkkpg sandbox`.
    """
    switches = {CRASH_AT: crash_at, CRASH_TRACE: str(trace) if trace else ""}
    words = ("sandbox", "--json", f"--home={home}", *PORTS, *OPTIONS, *options, *_shop_port(home))
    log = home.with_suffix(".log")
    told, tells = multiprocessing.Pipe(duplex=False)
    process = _STARTS.Process(target=_live, args=(words, switches, str(log), tells), daemon=True)
    await asyncio.to_thread(process.start)
    tells.close()
    one = Life(home, process)
    async with AsyncExitStack() as stack:
        stack.callback(told.close)
        stack.push_async_callback(one.kill)
        said = await asyncio.to_thread(_line, told)
        if said:
            one.info = json.loads(said)
            endpoint = Endpoint(one.info["exec_url"], one.info["page_url"])
            ca = Path(one.info["ca"])
            credentials = Credentials(one.info["certificate"], one.info["key"], ca=ca)
            one.client = await stack.enter_async_context(
                AsyncClient(endpoint, credentials, merchant_id=one.info["merchant_id"])
            )
            one.http = await stack.enter_async_context(browser(ca))
        elif not crash_at:
            said_last = log.read_text("utf-8")[-500:]
            raise RuntimeError(f"The sandbox did not start: {said_last}")
        yield one


_STARTS: Final = multiprocessing.get_context("forkserver")
_STARTS.set_forkserver_preload(list(PROGRAM))


def _live(words: tuple[str, ...], switches: Mapping[str, str], log: str, told: Connection) -> None:
    """Be `tkkpg` in a process of its own: with its own switches, log and standard output."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    os.dup2(told.fileno(), 1)
    told.close()
    os.environ.update(switches)
    importlib.reload(crash)  # it reads its switches as the process starts
    importlib.import_module("tkkpg.cli.main").main([*words], prog_name="tkkpg")


def _line(told: Connection) -> str:
    """Read what it says first; empty when it dies before that."""
    with os.fdopen(os.dup(told.fileno()), encoding="utf-8") as text:
        return text.readline()
