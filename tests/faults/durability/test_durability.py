"""No reply leaves before the sync of its batch: a killed process would never show it.

The page cache survives `SIGKILL` and not a power cut, so the order itself is observed: a shim
between the gateway and libc writes down writes and syncs of the write-ahead log and what leaves
by sockets. The same load on a copy of the gateway that never syncs must be found out.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest
from tests.faults.durability.order_log import Order, read_order, violations
from tests.faults.planted.plant import ROOT, load_bugs, plant
from tests.gateway_fixtures import MERCHANT_ID

from tkkpg.protocol.codec import decode_response, encode
from tkkpg.protocol.messages import CreateOrderRequest, CreateOrderResponse
from tkkpg.protocol.values import AZN, Language, Operation

pytestmark = pytest.mark.anyio

SHIM: Final = Path(__file__).with_name("order_shim.c")
PROGRAM: Final = "tests.faults.durability.gateway_process"
SYNC_LONGER_US: Final = 2000
"""As on a slow disk: a reply that does not wait has the time to leave."""
CONNECTIONS: Final = 16
ORDERS: Final = 400
STOPPED_S: Final = 30.0

CREATE_ORDER: Final = encode(
    CreateOrderRequest(
        language=Language.EN,
        merchant_id=MERCHANT_ID,
        amount_minor=3000,
        currency=AZN,
        approve_url="/ok",
        cancel_url="/cancel",
        decline_url="/declined",
    )
)


def compiled_shim(folder: Path) -> Path:
    """Compile the shim."""
    cc = shutil.which("cc")
    assert cc, (
        "Durability is observed by a small C library, and there is no C compiler `cc` on PATH. "
        "Install one, on Debian or Ubuntu: apt-get install gcc libc6-dev."
    )
    shim = folder / "order_shim.so"
    options = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run([cc, *options, "-o", shim, SHIM, "-ldl", "-pthread"], check=True)
    return shim


@contextmanager
def observed_gateway(folder: Path, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a gateway under the shim; gives its address, and a clean stop when it is left."""
    home = folder / "home"
    home.mkdir()
    preloaded = {
        **environment,
        "LD_PRELOAD": str(compiled_shim(folder)),
        "ORDER_LOG": str(log),
        "ORDER_SYNC_US": str(SYNC_LONGER_US),
    }
    errors = folder / "gateway.log"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", PROGRAM, home],
            cwd=ROOT,
            env=preloaded,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip().decode()
            assert port, errors.read_text(encoding="utf-8")
            yield f"http://127.0.0.1:{port}/Exec"
            process.terminate()
            assert process.wait(STOPPED_S) == 0, errors.read_text(encoding="utf-8")
        finally:
            if process.poll() is None:
                process.kill()


async def create_orders(url: str) -> set[str]:
    """Create orders over several connections at once; gives the session that each was told."""
    numbers = iter(range(ORDERS))
    sessions: set[str] = set()

    async def shop() -> None:
        async with httpx2.AsyncClient(timeout=STOPPED_S) as http:
            for _ in numbers:
                reply = await http.post(url, content=CREATE_ORDER)
                created = decode_response(reply.content, Operation.CREATE_ORDER)
                assert isinstance(created, CreateOrderResponse), created
                sessions.add(created.session_id)

    await asyncio.gather(*(shop() for _ in range(CONNECTIONS)))
    return sessions


async def order_under_load(folder: Path, environment: Mapping[str, str]) -> tuple[set[str], Order]:
    """Load an observed gateway; gives what its shops were told, and the order of things."""
    log = folder / "order.log"
    with observed_gateway(folder, log, environment) as url:
        sessions = await create_orders(url)
    return sessions, read_order(log, sessions)


async def test_no_reply_leaves_before_the_sync_of_its_batch(tmp_path: Path) -> None:
    sessions, order = await order_under_load(tmp_path, os.environ)

    assert len(sessions) == ORDERS
    assert order.replied.keys() == sessions
    assert violations(order) == []
    assert len(order.syncs) < ORDERS, "orders that come together share a sync"


async def test_a_gateway_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    planted = plant(load_bugs()["synchronous-off"], tmp_path / "planted")

    sessions, order = await order_under_load(tmp_path, planted.environment())

    assert planted.was_imported()
    assert order.replied.keys() == sessions
    assert len(violations(order)) == ORDERS


REPLIED: Final = "replied 9 " + "AB" * 16
WRITTEN: Final = "written /home/tkkpg.db-wal 8" + "AB" * 16 + "E1000010"
SYNC: Final = ("syncing 7 /home/tkkpg.db-wal", "synced 7 /home/tkkpg.db-wal")


@pytest.mark.parametrize(
    ("lines", "told_too_early"),
    [
        ((WRITTEN, *SYNC, REPLIED), 0),
        ((WRITTEN, REPLIED, *SYNC), 1),
        ((WRITTEN, SYNC[0], REPLIED, SYNC[1]), 1),
        ((SYNC[0], WRITTEN, SYNC[1], REPLIED), 1),
        ((*SYNC, WRITTEN, REPLIED), 1),
        ((*SYNC, REPLIED, WRITTEN), 1),
        ((WRITTEN, "syncing 7 /home/shop.db-wal", "synced 7 /home/shop.db-wal", REPLIED), 1),
        ((*SYNC, REPLIED), 1),
    ],
)
async def test_only_a_sync_between_write_and_reply_counts(
    tmp_path: Path, lines: tuple[str, ...], told_too_early: int
) -> None:
    log = tmp_path / "order.log"
    log.write_text("\n".join(lines) + "\n", encoding="ascii")

    assert len(violations(read_order(log, {"AB" * 16}))) == told_too_early
