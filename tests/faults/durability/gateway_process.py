"""A gateway in a process of its own whose replies leave in the clear, so that a shim can read them.

Started as `python -m tests.faults.durability.gateway_process HOME`; prints its port once it
accepts connections, and runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import uvloop
from tests.gateway_fixtures import (
    FINGERPRINT,
    MERCHANT_ID,
    PAGE_URL,
    merchant,
    quick_host,
    with_certificate,
)

from tkkpg.gateway.app import exec_app, open_gateway
from tkkpg.gateway.clock import SystemClock
from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.logs import configure, get_logger
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.server import Listener, Servers
from tkkpg.gateway.threeds.scripted import everybody_proved

LOOPBACK: Final = "127.0.0.1"
LIFE_S: Final = 120
"""Then it ends by itself, should whoever started it be gone."""


async def serve(home: Path) -> None:
    """Answer Exec on a free port until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    certificate = Certificate(
        fingerprint=FINGERPRINT,
        merchant_id=MERCHANT_ID,
        not_after=SystemClock().wall() + timedelta(days=1),
    )
    config = GatewayConfig(page_url=PAGE_URL, sandbox=True, test_cards=None)
    async with open_gateway(home, config, quick_host(), everybody_proved()) as gateway:
        await enrol(gateway, merchant(), certificate)
        app = with_certificate(exec_app(gateway), FINGERPRINT)
        listener = Listener("exec", app, LOOPBACK, 0)
        async with Servers([listener], log=get_logger("tests.server")) as servers:
            print(servers.port("exec"), flush=True)  # noqa: T201 - told to whoever started it
            await stop.wait()


if __name__ == "__main__":
    signal.alarm(LIFE_S)
    configure(sys.stderr, human=False)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1])))
