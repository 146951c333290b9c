"""A whole gateway in the process of the test: real store, real flows, applications to talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from tkkpg.client import AsyncClient, Endpoint
from tkkpg.gateway.app import exec_app, open_gateway, page_app
from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.host.base import Host
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.transaction import Outcome
from tkkpg.gateway.notify.base import Courier, Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.threeds.base import Authenticator
from tkkpg.gateway.threeds.scripted import everybody_proved
from tkkpg.gateway.web.peer import FINGERPRINT_KEY
from tkkpg.protocol.values import AZN, Amount
from tkkpg.sandbox.cards import test_cards as all_cards

MERCHANT_ID: Final = "E1000010"
FINGERPRINT: Final = "ab" * 32
PAGE_URL: Final = "https://localhost:8443/index.jsp"
SHOP: Final = "https://shop.example"


class ManualClock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        """Start at a fixed business time."""
        self.time = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Business time."""
        return self.time

    def wall(self) -> datetime:
        """Wall time, the same here."""
        return self.time

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep as long as it is until then: workers go on while this clock stands still."""
        await asyncio.sleep(max(0.0, (moment - self.time).total_seconds()))

    def advance(self, step: timedelta) -> None:
        """Let time pass; nobody is woken, so that the test decides what runs."""
        self.time += step

    def not_before(self, moment: datetime) -> None:
        """Go on where the stored time ends."""
        self.time = max(self.time, moment)

    def keep(self) -> timedelta:
        """Keep nothing: this clock is its own machine."""
        return timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A gateway with one enrolled merchant.

    Attributes:
        exec: The Exec application, asked with the merchant's certificate.
        page: The hosted page's application.
        client: The merchant's kit, talking to `exec`.
    """

    gateway: Gateway
    clock: ManualClock
    courier: RecordedCourier
    exec: ASGIApp
    page: ASGIApp
    client: AsyncClient


def accept_everything(_delivery: Delivery) -> DeliveryResult:
    """A receiver that takes every notification."""
    return DeliveryResult(delivered=True, detail="Taken.", http_status=200)


def with_certificate(app: ASGIApp, fingerprint: str | None) -> ASGIApp:
    """Put a client certificate on every request, as the TLS server does."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {FINGERPRINT_KEY: fingerprint} if fingerprint else {}
        await app(scope, receive, send)

    return served


def merchant(**changes: object) -> Merchant:
    """Make the test merchant, with some settings changed."""
    settings: dict[str, object] = {
        "merchant_id": MERCHANT_ID,
        "name": "Nar",
        "terminal_id": MERCHANT_ID,
        "base_url": SHOP,
        "notification_url": f"{SHOP}/notify",
    }
    return Merchant(**{**settings, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def stage(  # every part can be another one
    home: Path,
    *,
    host: Host | None = None,
    courier: Courier | None = None,
    clock: ManualClock | None = None,
    balance: str = "10000.00",
    trader: Merchant | None = None,
    authenticator: Authenticator | None = None,
) -> AsyncIterator[Stage]:
    """Open a gateway on a new or existing home; the host plays the sandbox's cards by default."""
    clock = clock or ManualClock()
    recorded = (
        courier if isinstance(courier, RecordedCourier) else RecordedCourier(accept_everything)
    )
    config = GatewayConfig(
        page_url=PAGE_URL,
        sandbox=True,
        test_cards={card.pan: card.expiry for card in all_cards()},
        host_timeout_s=0.2,
        settle_every_s=0.05,
    )
    carrier: Courier = courier or recorded
    authorising: Host = host or quick_host()
    proving: Authenticator = authenticator or everybody_proved()
    async with open_gateway(
        home, config, authorising, proving, clock=clock, courier=carrier
    ) as gateway:
        certificate = Certificate(
            fingerprint=FINGERPRINT,
            merchant_id=MERCHANT_ID,
            not_after=clock.wall() + timedelta(days=365),
        )
        await enrol(gateway, trader or merchant(), certificate, Amount.of(balance, AZN))
        app = with_certificate(exec_app(gateway), FINGERPRINT)
        async with AsyncClient(
            Endpoint("https://localhost:5443/Exec"),
            merchant_id=MERCHANT_ID,
            transport=httpx2.ASGITransport(app=app),
        ) as client:
            yield Stage(
                gateway=gateway,
                clock=clock,
                courier=recorded,
                exec=app,
                page=page_app(gateway),
                client=client,
            )


def quick_host() -> ScriptedHost:
    """The host of the test cards, whose silence lasts a fifth of a second."""
    return scripted_host(0.2)


def scripted_host(timeout_s: float) -> ScriptedHost:
    """Make a host in the process that does what the test cards say."""
    return ScriptedHost(
        {
            card.pan: Scenario(Outcome[card.outcome.name], card.host_code, card.delay_s)
            for card in all_cards()
        },
        timeout_s,
    )
