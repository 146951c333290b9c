"""Lives of one sandbox home: started, perhaps with a crash point armed, and ended by SIGKILL."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from tests.sandbox_command import TKKPG

from tkkpg.client import AsyncClient, Credentials, Endpoint, TKKPGError
from tkkpg.gateway.crash import CRASH_AT, CRASH_TRACE
from tkkpg.sandbox.cardholder import browser

OPTIONS: Final = ("--host-timeout=0.5", "--opening-balance=1000000.00")
"""Silence is short, and the merchant's account covers every refund."""
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
    process: asyncio.subprocess.Process
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

    async def gone(self, within_s: float = GONE_S) -> bool:
        """Wait until it has died by itself; say whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.process.wait()
        return self.process.returncode is not None

    async def kill(self) -> None:
        """End it as a power cut does, and wait until its files are nobody's."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


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
    with home.with_suffix(".log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(str(TKKPG), "sandbox", "--json", f"--home={home}", *PORTS, *OPTIONS, *options),
            *_shop_port(home),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, **switches},
        )
    one = Life(home, process)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(one.kill)
        assert process.stdout is not None
        said = await process.stdout.readline()
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
            said_last = home.with_suffix(".log").read_text("utf-8")[-500:]
            raise RuntimeError(f"The sandbox did not start: {said_last}")
        yield one
