"""The sandbox: gateway and demo shop in one process, the issuer in another, ready to be paid at."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from tkkpg.client import AsyncClient, Credentials, Endpoint
from tkkpg.gateway.app import exec_app, health_app, open_gateway, page_app, results_app
from tkkpg.gateway.clock import BusinessClock, Clock, SystemClock
from tkkpg.gateway.config import CLOCK, CONTROL, DATABASE, LOCK, RECORDS, GatewayConfig
from tkkpg.gateway.control import serve_control
from tkkpg.gateway.host.iso_host import Address, Dial, IsoHost, tcp
from tkkpg.gateway.logs import configure, get_logger
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.server import Listener, Servers, must_have_files
from tkkpg.gateway.server.tunnel import Tunnel, tunnel_listener
from tkkpg.gateway.store.owner import ownership
from tkkpg.gateway.verbs import owner_verbs
from tkkpg.issuer.journal import play
from tkkpg.protocol.values import AZN, Amount
from tkkpg.sandbox.accounts import never_sent
from tkkpg.sandbox.cards import every_card
from tkkpg.sandbox.certificates import open_certificates
from tkkpg.sandbox.enrolment import WRITTEN, enrol_merchant
from tkkpg.sandbox.faults import (
    Dice,
    HttpFaults,
    Place,
    Wishes,
    Wishing,
    WishingAuthenticator,
    fault_verbs,
    faulty_line,
    outcome_verbs,
)
from tkkpg.sandbox.issuer_process import IssuerProcess, issuer_process
from tkkpg.sandbox.later import Later
from tkkpg.sandbox.shop.app import demo_shop
from tkkpg.sandbox.shop.settings import ShopSettings
from tkkpg.sandbox.threeds import threeds_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime

    from starlette.types import ASGIApp

    from tkkpg.gateway.authority import Issued
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.sandbox.certificates import Certificates

MERCHANT_ID: Final = "E1000010"
"""The bank's shared test merchant (document)."""
LOOPBACK: Final = "127.0.0.1"
INFO: Final = "sandbox.json"
SHOP_DATABASE: Final = "shop.db"
ISSUER: Final = "issuer"
NOTIFY: Final = "/notify"
LINK_READY_S: Final = 5.0
"""How long the start waits for the issuer to take the sign-on."""
OPENING_BALANCE: Final = Amount.of("10000.00", AZN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """What the sandbox is told at its start.

    Attributes:
        home: Folder of database, keys and certificates; made when missing.
        exec_port: Port of /Exec; 0 picks a free one, as for all of them.
        page_port: Port of the hosted page.
        shop_port: Port of the demo shop.
        metrics_port: Port of /metrics and /healthz.
        acs_port: Port of the issuer's page, where a payer is challenged.
        tunnel: Where Exec is served over plain HTTP too; `None` for nowhere.
        host_names: Names to answer to besides localhost, such as `tstpg.kapitalbank.az`; the first
            is in the addresses that the sandbox tells.
        opening_balance: What the merchant's current account holds in a fresh home.
        fresh: Start empty.
        host_timeout_s: How long a silent host is waited for.
        settle_every_s: Pause between settlements.
        host_tls: Whether the link to the issuer is under TLS.
        fault_seed: The same seed gives the same faults.
        fault_rates: Name of a fault to the share of messages that it strikes.
    """

    home: Path
    exec_port: int = 5443
    page_port: int = 8443
    shop_port: int = 8080
    metrics_port: int = 9464
    acs_port: int = 8444
    tunnel: Tunnel | None = None
    host_names: tuple[str, ...] = ()
    opening_balance: Amount = OPENING_BALANCE
    fresh: bool = False
    host_timeout_s: float = 15.0
    settle_every_s: float = 1.0
    host_tls: bool = False
    fault_seed: int = 0
    fault_rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxInfo:
    """Where everything is, once everything accepts connections.

    Attributes:
        acs_url: Origin of the issuer's page, where a payer is challenged.
        journal: The issuer's database: what it really did.
        issuer_pid: Its process; another one after it had to be started again.
        tunnel: Address of Exec over plain HTTP; empty where it is not served.
    """

    exec_url: str
    page_url: str
    shop_url: str
    metrics_url: str
    acs_url: str
    merchant_id: str
    ca: Path
    certificate: Path
    key: Path
    database: Path
    journal: Path
    pid: int
    issuer_pid: int
    tunnel: str

    def as_json(self) -> dict[str, str | int]:
        """Give the values by name, paths as text."""
        return {
            name: value if isinstance(value, int) else str(value)
            for name, value in asdict(self).items()
        }


def main(settings: SandboxSettings, started: Callable[[SandboxInfo], None], *, human: bool) -> int:
    """Run the sandbox until SIGINT or SIGTERM.

    Args:
        settings: What to run.
        started: Told once everything accepts connections.
        human: Logs for people on standard error, instead of JSON lines.

    Raises:
        ConfigurationError: A port is busy, the home is in use, or a file cannot be used.
    """
    configure(sys.stderr, human=human)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold card data
    must_have_files()

    async def until_signalled() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with sandbox(settings) as info:
            started(info)
            await stop.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_signalled())
    return 0


@asynccontextmanager
async def sandbox(settings: SandboxSettings) -> AsyncIterator[SandboxInfo]:
    """Run the sandbox in this event loop; on leaving, what is under way is finished."""
    home = settings.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ownership(home / LOCK):
        if settings.fresh:
            _empty(home)
        now = SystemClock().wall()
        certificates = open_certificates(home, MERCHANT_ID, settings.host_names, now)
        served, connect = _host_tls(certificates, now) if settings.host_tls else (None, tcp())
    clock = BusinessClock(home / CLOCK)
    apps = {name: Later() for name in ("exec", "page", "results", "shop", "metrics")}
    log = get_logger("tkkpg.sandbox")
    async with AsyncExitStack() as stack, AsyncExitStack() as listening:
        ours = _listeners(settings, certificates, apps)
        servers = await listening.enter_async_context(
            Servers(ours, log=get_logger("tkkpg.gateway.server"))
        )
        # It ends after the gateway, which asks it while payments under way are finished.
        threeds = await stack.enter_async_context(
            threeds_world(
                certificates,
                clock,
                acs_port=settings.acs_port,
                results_port=servers.port("results"),
            )
        )
        issuer = await stack.enter_async_context(
            issuer_process(home / ISSUER, lambda: _describe(current()), log, served)
        )

        def current() -> SandboxInfo:
            return _info(settings, certificates, servers, threeds.acs_url, issuer)

        info = current()
        dice = Dice(settings.fault_seed, settings.fault_rates)
        link = _link(settings, (LOOPBACK, issuer.port), connect, dice, clock)
        wishes = Wishes()
        async with (
            open_gateway(
                home,
                _config(settings, info),
                Wishing(link, never_sent(), wishes, partial(play, issuer.journal)),
                WishingAuthenticator(threeds.authenticator, wishes),
                clock=clock,
            ) as gateway,
            _client(info, servers.port("exec")) as client,
            serve_control(
                home / CONTROL,
                owner_verbs(gateway) | fault_verbs(dice) | outcome_verbs(wishes, gateway.store),
            ),
        ):
            await _until_ready(link)
            await _enrol(gateway, settings, certificates.merchant, info)
            _watch(gateway, certificates)
            apps["exec"].becomes(HttpFaults(exec_app(gateway), dice, Place.EXEC))
            apps["page"].becomes(page_app(gateway))
            apps["results"].becomes(results_app(gateway, certificates.directories))
            apps["metrics"].becomes(health_app(gateway))
            # Not in the access log: the shop's addresses are secrets of their payers.
            apps["shop"].becomes(_shop(home, info, client, dice))
            _describe(info)
            try:
                yield info
            finally:
                (home / INFO).unlink(missing_ok=True)
                await listening.aclose()  # answers what was asked before the gateway closes


def _describe(info: SandboxInfo) -> None:
    """Write down where everything is, for the commands that ask for it."""
    path = info.database.with_name(INFO)
    path.write_text(json.dumps(info.as_json()) + "\n", encoding="utf-8")


def _shop(home: Path, info: SandboxInfo, client: AsyncClient, dice: Dice) -> ASGIApp:
    """Make the demo shop, with faults where it is notified."""
    settings = ShopSettings(
        base_url=info.shop_url, page_url=info.page_url, database=home / SHOP_DATABASE
    )
    return HttpFaults(demo_shop(client, settings), dice, Place.NOTIFICATION, path=NOTIFY)


def _host_tls(certificates: Certificates, now: datetime) -> tuple[tuple[Path, Path], Dial]:
    """Return what the issuer shows, and how the gateway connects that believes it."""
    return certificates.authority.host_certificate(now).pair, tcp(certificates.host_tls())


def _link(
    settings: SandboxSettings, issuer: Address, connect: Dial, dice: Dice, clock: Clock
) -> IsoHost:
    """Make the link to the issuer, with faults on it."""

    def dial(address: Address, make: Callable[[], asyncio.Protocol]) -> Awaitable[object]:
        line = partial(connect, address)
        return faulty_line(line, dice, host_timeout_s=settings.host_timeout_s)(make)

    return IsoHost(
        [issuer],
        timeout_s=settings.host_timeout_s,
        now=clock.now,
        log=get_logger("tkkpg.gateway.host"),
        dial=dial,
    )


async def _until_ready(link: IsoHost) -> None:
    """Wait until a payment can be sent; a link that is late is no reason not to start."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINK_READY_S):
            while not link.ready:  # noqa: ASYNC110 - it signs on in milliseconds, once
                await asyncio.sleep(0.005)


def _watch(gateway: Gateway, certificates: Certificates) -> None:
    """Let the metrics tell how long the certificates last that people have to do with."""
    server = min(certificates.servers, key=lambda issued: issued.not_after)
    watched = (("server", server), (f"merchant {MERCHANT_ID}", certificates.merchant))
    for name, issued in watched:
        gateway.metrics.watch_certificate(name, issued.not_after, gateway.clock.wall)


def _listeners(
    settings: SandboxSettings, certificates: Certificates, apps: dict[str, Later]
) -> list[Listener]:
    mutual, page = certificates.mutual_tls(), certificates.page_tls()
    own, tunnel = certificates.merchant.fingerprint, settings.tunnel
    return [
        *([tunnel_listener(tunnel, apps["exec"], own)] if tunnel else []),
        Listener("exec", apps["exec"], LOOPBACK, settings.exec_port, mutual),
        Listener("page", apps["page"], LOOPBACK, settings.page_port, page),
        Listener("results", apps["results"], LOOPBACK, 0, certificates.mutual_tls()),
        Listener("shop", apps["shop"], LOOPBACK, settings.shop_port),
        Listener("metrics", apps["metrics"], LOOPBACK, settings.metrics_port),
    ]


def _info(
    settings: SandboxSettings,
    certificates: Certificates,
    servers: Servers,
    acs_url: str,
    issuer: IssuerProcess,
) -> SandboxInfo:
    name, *_ = (*settings.host_names, "localhost")
    page_port = servers.port("page")
    page = name if page_port == 443 else f"{name}:{page_port}"  # noqa: PLR2004 - https's own port
    return SandboxInfo(
        exec_url=f"https://{name}:{servers.port('exec')}/Exec",
        page_url=f"https://{page}/index.jsp",
        shop_url=f"http://localhost:{servers.port('shop')}",
        metrics_url=f"http://{LOOPBACK}:{servers.port('metrics')}/metrics",
        acs_url=acs_url,
        merchant_id=MERCHANT_ID,
        ca=certificates.authority.servers_ca,
        certificate=certificates.merchant.certificate,
        key=certificates.merchant.key,
        database=settings.home / DATABASE,
        journal=issuer.journal,
        pid=os.getpid(),
        issuer_pid=issuer.pid,
        tunnel=settings.tunnel.url(servers.port("tunnel")) if settings.tunnel else "",
    )


async def _enrol(
    gateway: Gateway, settings: SandboxSettings, issued: Issued, info: SandboxInfo
) -> None:
    merchant = Merchant(
        merchant_id=MERCHANT_ID,
        name="Nar",
        terminal_id="E1000010",
        base_url=info.shop_url,
        notification_url=f"{info.shop_url}{NOTIFY}",
    )
    certificate = Certificate(
        fingerprint=issued.fingerprint, merchant_id=MERCHANT_ID, not_after=issued.not_after
    )
    await enrol_merchant(gateway, settings.home, merchant, certificate, settings.opening_balance)


def _config(settings: SandboxSettings, info: SandboxInfo) -> GatewayConfig:
    return GatewayConfig(
        page_url=info.page_url,
        sandbox=True,
        test_cards={card.pan: card.expiry for card in every_card()},
        host_timeout_s=settings.host_timeout_s,
        settle_every_s=settings.settle_every_s,
        allow_loopback=True,
    )


def _client(info: SandboxInfo, exec_port: int) -> AsyncClient:
    """Make the shop's line to the gateway; `localhost` needs no line in the hosts file."""
    return AsyncClient(
        Endpoint(f"https://localhost:{exec_port}/Exec", info.page_url),
        Credentials(info.certificate, info.key, ca=info.ca),
        merchant_id=MERCHANT_ID,
    )


def _empty(home: Path) -> None:
    """Remove what a run leaves; certificates stay, browsers may trust them already."""
    for name in RECORDS:
        (home / name).unlink(missing_ok=True)
    for pattern in (f"{SHOP_DATABASE}*", WRITTEN, INFO, f"{ISSUER}/*"):
        for path in home.glob(pattern):
            path.unlink()
