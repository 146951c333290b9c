"""A gateway on the clock of its home, which tests move as `tkkpg clock` does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
from tests.gateway_fixtures import (
    FINGERPRINT,
    MERCHANT_ID,
    PAGE_URL,
    accept_everything,
    merchant,
    with_certificate,
)
from tests.paying import EXEC, AnsweringHost, Desk

from tkkpg.client import AsyncClient, Endpoint
from tkkpg.gateway.app import exec_app, open_gateway
from tkkpg.gateway.clock import BusinessClock, machine_time
from tkkpg.gateway.config import CLOCK, GatewayConfig
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.notify.base import Courier
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.threeds.scripted import everybody_proved
from tkkpg.protocol.values import AZN, Amount
from tkkpg.sandbox.cards import test_cards as all_cards

HOUR_S: Final = 3600.0


@asynccontextmanager
async def moved_desk(
    home: Path,
    *,
    host: AnsweringHost | None = None,
    courier: Courier | None = None,
    clock: BusinessClock | None = None,
    settle_every_s: float | None = HOUR_S,
    sandbox: bool = True,
) -> AsyncIterator[Desk]:
    """Open a gateway that settles so rarely that nothing but a move of the clock makes it."""
    config = GatewayConfig(
        page_url=PAGE_URL,
        sandbox=sandbox,
        test_cards={one.pan: one.expiry for one in all_cards()},
        settle_every_s=settle_every_s,
    )
    async with open_gateway(
        home,
        config,
        host or AnsweringHost(),
        everybody_proved(),
        clock=clock or BusinessClock(home / CLOCK),
        courier=courier or RecordedCourier(accept_everything),
    ) as gateway:
        certificate = Certificate(
            fingerprint=FINGERPRINT,
            merchant_id=MERCHANT_ID,
            not_after=machine_time() + timedelta(days=365),
        )
        await enrol(gateway, merchant(), certificate, Amount.of("10000.00", AZN))
        app = with_certificate(exec_app(gateway), FINGERPRINT)
        async with AsyncClient(
            Endpoint(EXEC), merchant_id=MERCHANT_ID, transport=httpx2.ASGITransport(app=app)
        ) as client:
            yield Desk(gateway, app, client)
