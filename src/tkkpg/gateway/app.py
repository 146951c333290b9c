"""Wiring: the only file that knows every concrete class of the gateway."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tkkpg import __version__
from tkkpg.gateway.clock import Clock, SystemClock
from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.upkeep.claim import claim
from tkkpg.gateway.flows.upkeep.deliver import AT_ONCE, deliver
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.flows.upkeep.reconcile import reconcile, recover
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.host.scripted import ScriptedHost
from tkkpg.gateway.ids import Ids
from tkkpg.gateway.keys import Keys, load_keys
from tkkpg.gateway.logs import AccessLog, get_logger
from tkkpg.gateway.metrics import Metrics
from tkkpg.gateway.notify.http import HttpCourier
from tkkpg.gateway.runtime import Background, Gateway
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.owner import ownership
from tkkpg.gateway.store.sqlite import SQLiteStore
from tkkpg.gateway.web.exec import Exec
from tkkpg.gateway.web.health import create_health_app
from tkkpg.gateway.web.hosted_page import hosted_page
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp
    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.base import Host, Unclaimed
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.notify.base import Courier

DATABASE: Final = "tkkpg.db"
KEYS: Final = "keys.toml"
LOCK: Final = "tkkpg.lock"
CONTROL: Final = "control.sock"
EXPIRE_EVERY_S: Final = 1.0
DELIVER_EVERY_S: Final = 1.0
RECONCILE_EVERY_S: Final = 5.0
LEFT_BEHIND_MAX: Final = 1_000_000
"""Transactions of a crash that are resolved from the start on; more wait for the later rounds."""
EVER: Final = datetime.max.replace(tzinfo=UTC)
HOST_GRACE_S: Final = 10.0
"""Beyond the host's time-out, before somebody else than the sender may touch a transaction."""


@asynccontextmanager
async def open_gateway(
    home: Path,
    config: GatewayConfig,
    host: Host,
    *,
    clock: Clock | None = None,
    courier: Courier | None = None,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> AsyncIterator[Gateway]:
    """Open the gateway of a home, resolve what a crash left behind, and keep it working.

    On leaving, what is under way is finished before the database is closed.

    Args:
        home: Existing folder of the database, the keys and the lock.
        config: Settings.
        host: The authorisation host; closed on leaving.
        clock: Business and wall time; the machine's by default.
        courier: Takes notifications out; real HTTP by default. Closed on leaving.
        random_bytes: Source of every random identifier and key.

    Raises:
        ConfigurationError: The home is in use, or a file in it cannot be used.
    """
    async with AsyncExitStack() as stack:
        gateway = await _open(
            stack,
            home,
            config,
            host,
            clock=clock or SystemClock(),
            courier=courier,
            random_bytes=random_bytes,
        )
        # Nothing is under way yet, so whatever has no outcome was left behind by a crash; also
        # what was sent "later" than now, by a clock that was set back since.
        left_behind = await gateway.store.unresolved(EVER, LEFT_BEHIND_MAX)
        await gateway.store.release_notifications()

        def claimed(unclaimed: Unclaimed) -> None:
            gateway.background.start(claim(gateway, unclaimed))

        await host.start(claimed)
        for work in _workers(gateway, left_behind):
            stack.push_async_callback(_stop, asyncio.create_task(work))
        yield gateway


@asynccontextmanager
async def open_offline(home: Path) -> AsyncIterator[Gateway]:
    """Open a home that no gateway runs on, to change what an operator decides and nothing else.

    No host is asked, nothing is delivered, no worker runs.

    Raises:
        ConfigurationError: The home is in use, or a file in it cannot be used.
    """
    config = GatewayConfig(page_url="", sandbox=False, test_cards=None)
    nobody = ScriptedHost({}, timeout_s=0)
    async with AsyncExitStack() as stack:
        yield await _open(
            stack, home, config, nobody, clock=SystemClock(), courier=None, random_bytes=os.urandom
        )


async def _open(
    stack: AsyncExitStack,
    home: Path,
    config: GatewayConfig,
    host: Host,
    *,
    clock: Clock,
    courier: Courier | None,
    random_bytes: Callable[[int], bytes],
) -> Gateway:
    """Open a home; the stack closes it again."""
    log = get_logger("tkkpg.gateway")
    metrics = Metrics.create()
    stack.enter_context(ownership(home / LOCK))
    keys = _keys(home, random_bytes)
    (home / DATABASE).touch(mode=0o600)  # sessions of orders are in it
    migrate(home / DATABASE)
    store = SQLiteStore(
        home / DATABASE,
        sign=lambda text: keys.sign("audit", text),
        observe=metrics.committed,
    )
    stack.push_async_callback(store.aclose)
    carrier = courier or HttpCourier(
        allow_loopback=config.allow_loopback, user_agent=f"tkkpg/{__version__}"
    )
    stack.push_async_callback(carrier.aclose)
    stack.push_async_callback(host.aclose)
    gateway = Gateway(
        config=config,
        store=store,
        host=host,
        courier=carrier,
        clock=clock,
        ids=Ids(random_bytes, store.reserve_numbers),
        keys=keys,
        metrics=metrics,
        log=log,
        background=Background(log),
    )
    stack.push_async_callback(gateway.background.drain, config.host_timeout_s + HOST_GRACE_S)
    return gateway


def _keys(home: Path, random_bytes: Callable[[int], bytes]) -> Keys:
    if (home / DATABASE).exists() and not (home / KEYS).exists():
        message = (
            f"{home / KEYS} is missing beside its database: nothing sealed or hashed before "
            "could be checked with new keys. Restore it from its backup."
        )
        raise ConfigurationError(message)
    return load_keys(home / KEYS, random_bytes)


def _workers(
    gateway: Gateway, left_behind: Sequence[Transaction]
) -> list[Coroutine[None, None, None]]:
    grace = timedelta(seconds=gateway.config.host_timeout_s + HOST_GRACE_S)
    first_round = [left_behind]

    async def unresolved() -> int:
        """Take what a crash left behind first: two rounds at once would ask twice."""
        if first_round:
            await recover(gateway, first_round.pop())
        return await reconcile(gateway, gateway.clock.now() - grace)

    async def outbox() -> int:
        gateway.outbox.clear()
        attempted = await deliver(gateway)
        if attempted == AT_ONCE:
            gateway.outbox.set()  # more may be due than was taken
        return attempted

    async def woken() -> None:
        # Not wait_for: Python 3.11's loses a cancellation that meets the event: closing hangs.
        with suppress(TimeoutError):
            async with asyncio.timeout(DELIVER_EVERY_S):
                await gateway.outbox.wait()

    async def pause(seconds: float) -> None:
        await asyncio.sleep(seconds)

    log = gateway.log
    return [
        _repeat(lambda: expire(gateway), lambda: pause(EXPIRE_EVERY_S), log),
        _repeat(lambda: settle(gateway), lambda: pause(gateway.config.settle_every_s), log),
        _repeat(
            unresolved,
            lambda: pause(RECONCILE_EVERY_S),
            log,
        ),
        _repeat(outbox, woken, log),
    ]


async def _repeat(
    work: Callable[[], Awaitable[int]],
    rest: Callable[[], Awaitable[None]],
    log: FilteringBoundLogger,
) -> None:
    """Work, rest, and again; a failed round is logged and the next one tries anew."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("worker_round_failed")
        await rest()


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def exec_app(gateway: Gateway) -> ASGIApp:
    """The application of the Exec listener."""
    return _logged(gateway, Exec(gateway), "exec")


def page_app(gateway: Gateway) -> ASGIApp:
    """The application of the hosted page's listener."""
    return _logged(gateway, hosted_page(gateway), "page")


def health_app(gateway: Gateway) -> ASGIApp:
    """The application of the metrics listener, for loopback only."""

    async def check() -> None:
        await gateway.store.backlog()

    return create_health_app(
        gateway.metrics, check=check, read_backlog=gateway.store.backlog, now=gateway.clock.now
    )


def _logged(gateway: Gateway, app: ASGIApp, name: str) -> ASGIApp:
    return AccessLog(app, get_logger("tkkpg.access").bind(), name, new_id=gateway.ids.token)
