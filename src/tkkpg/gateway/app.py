"""Wiring: the only file that knows every concrete class of the gateway."""

from __future__ import annotations

import asyncio
import math
import os
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from tkkpg import __version__
from tkkpg.gateway.clock import BusinessClock, Clock
from tkkpg.gateway.config import CLOCK, DATABASE, HEAD, LOCK, GatewayConfig
from tkkpg.gateway.flows.authenticate import keep_result
from tkkpg.gateway.flows.upkeep.claim import claim
from tkkpg.gateway.flows.upkeep.rounds import HOST_GRACE_S
from tkkpg.gateway.flows.upkeep.workers import workers
from tkkpg.gateway.home import open_home
from tkkpg.gateway.host.scripted import ScriptedHost
from tkkpg.gateway.ids import Ids
from tkkpg.gateway.logs import AccessLog, get_logger
from tkkpg.gateway.metrics import Metrics
from tkkpg.gateway.notify.http import HttpCourier
from tkkpg.gateway.runtime import Authentications, Background, Gateway
from tkkpg.gateway.store.base import EVER
from tkkpg.gateway.store.file import must_be_whole
from tkkpg.gateway.store.head import HeadKeeper
from tkkpg.gateway.store.owner import ownership
from tkkpg.gateway.store.sqlite import SQLiteStore
from tkkpg.gateway.store.views.audit import newest_at
from tkkpg.gateway.threeds.results import create_results_app
from tkkpg.gateway.threeds.scripted import ScriptedAuthenticator
from tkkpg.gateway.web.exec import Exec
from tkkpg.gateway.web.health import create_health_app
from tkkpg.gateway.web.hosted_page import hosted_page
from tkkpg.gateway.web.password_auth import PasswordAuth
from tkkpg.gateway.web.peer import peer_fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.types import ASGIApp
    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.host.base import Host, Unclaimed
    from tkkpg.gateway.notify.base import Courier
    from tkkpg.gateway.store.head import Head
    from tkkpg.gateway.threeds.base import Authenticator

HEAD_LOGGED_S: Final = 60.0
"""How often the log carries the head of the history, so that another machine can be its witness."""
LEFT_BEHIND_MAX: Final = 1_000_000
"""Transactions of a crash that are resolved from the start on; more wait for the later rounds."""


@asynccontextmanager
async def open_gateway(
    home: Path,
    config: GatewayConfig,
    host: Host,
    authenticator: Authenticator,
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
        authenticator: 3-D Secure; closed on leaving.
        clock: Business and wall time; the home's own by default.
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
            authenticator,
            clock=clock or BusinessClock(home / CLOCK),
            courier=courier,
            random_bytes=random_bytes,
            head_written=_witness(get_logger("tkkpg.gateway")),
        )
        # Nothing is under way yet, so whatever has no outcome was left behind by a crash; also
        # what was sent "later" than now, by a clock that was set back since.
        left_behind = await gateway.store.unresolved(EVER, LEFT_BEHIND_MAX)
        await gateway.store.release_notifications()

        def claimed(unclaimed: Unclaimed) -> None:
            gateway.background.start(claim(gateway, unclaimed))

        await host.start(claimed)
        for work in workers(gateway, left_behind):
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
            stack,
            home,
            config,
            nobody,
            ScriptedAuthenticator({}),
            clock=BusinessClock(home / CLOCK),
            courier=None,
            random_bytes=os.urandom,
        )


async def _open(
    stack: AsyncExitStack,
    home: Path,
    config: GatewayConfig,
    host: Host,
    authenticator: Authenticator,
    *,
    clock: Clock,
    courier: Courier | None,
    random_bytes: Callable[[int], bytes],
    head_written: Callable[[Head], None] = lambda _head: None,
) -> Gateway:
    """Open a home; the stack closes it again."""
    log = get_logger("tkkpg.gateway")
    metrics = Metrics.create()
    stack.enter_context(ownership(home / LOCK))
    if not must_be_whole(home / DATABASE):
        log.warning("database_not_wholly_checked", advice="tkkpg check")
    keys, head, beyond = open_home(home, random_bytes, clock.now())
    if beyond:
        log.warning("history_continued", seals=beyond, after_seal=head.seal_id - beyond)
    store = SQLiteStore(
        home / DATABASE,
        sign=lambda text: keys.sign("audit", text),
        observe=metrics.committed,
        head=HeadKeeper(
            home / HEAD,
            head,
            keys,
            written=head_written,
            failed=lambda error: log.error("head_not_written", reason=error.strerror),
        ),
    )
    stack.push_async_callback(store.aclose)
    if (stored := newest_at(home / DATABASE)) is not None:
        clock.not_before(stored)
    carrier = courier or HttpCourier(
        allow_loopback=config.allow_loopback, user_agent=f"tkkpg/{__version__}"
    )
    stack.push_async_callback(carrier.aclose)
    stack.push_async_callback(host.aclose)
    stack.push_async_callback(authenticator.aclose)
    background = Background(log)
    gateway = Gateway(
        config=config,
        store=store,
        host=host,
        authenticator=authenticator,
        courier=carrier,
        clock=clock,
        ids=Ids(random_bytes, store.reserve_numbers),
        keys=keys,
        metrics=metrics,
        log=log,
        background=background,
        authentications=Authentications(background),
    )
    stack.push_async_callback(gateway.background.drain, config.host_timeout_s + HOST_GRACE_S)
    stack.push_async_callback(gateway.authentications.stop)
    return gateway


def _witness(log: FilteringBoundLogger) -> Callable[[Head], None]:
    """Carry the head in the log, once a minute."""
    logged = -math.inf

    def written(head: Head) -> None:
        nonlocal logged
        if monotonic() - logged >= HEAD_LOGGED_S:
            logged = monotonic()
            log.info("history_head", seal=head.seal_id, audit=head.audit_id, mac=head.mac)

    return written


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def exec_app(gateway: Gateway) -> ASGIApp:
    """The application of the Exec listener."""
    return _logged(gateway, Exec(gateway), "exec")


def page_app(gateway: Gateway) -> ASGIApp:
    """The application of the hosted page's listener, which serves ExecPasswordAuth too."""
    return _logged(gateway, PasswordAuth(gateway, hosted_page(gateway)), "page")


def results_app(gateway: Gateway, directories: frozenset[str]) -> ASGIApp:
    """The application of the listener on which the directory tells the results of challenges.

    Args:
        gateway: Whose challenges they are.
        directories: SHA-256 of the DER of the directory's certificates, lower-case hexadecimal.
    """
    app = create_results_app(
        partial(keep_result, gateway),
        directories=directories,
        peer=peer_fingerprint,
        log=gateway.log,
    )
    return _logged(gateway, app, "results")


def health_app(gateway: Gateway) -> ASGIApp:
    """The application of the metrics listener, for loopback only."""

    async def check() -> None:
        await gateway.store.backlog()
        await gateway.store.prove_commits()

    return create_health_app(
        gateway.metrics, check=check, read_backlog=gateway.store.backlog, now=gateway.clock.now
    )


def _logged(gateway: Gateway, app: ASGIApp, name: str) -> ASGIApp:
    return AccessLog(app, get_logger("tkkpg.access").bind(), name, new_id=gateway.ids.token)
