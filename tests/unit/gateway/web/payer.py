"""A payer at a whole gateway in this process: database, scripted host, hosted page."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self

import httpx2
import structlog
from structlog.testing import LogCapture

from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.create_order import create_order
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.ids import Ids
from tkkpg.gateway.keys import load_keys
from tkkpg.gateway.metrics import Metrics
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import Outcome
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.runtime import Background, Gateway
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.sqlite import SQLiteStore
from tkkpg.gateway.web.hosted_page import hosted_page
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import AZN, Language, OrderRef

START = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
PAGE = "https://pay.test"

GOOD = "4169733213495869"
POOR = "4000000000000762"
SLOW = "5200000000005006"
SILENT = "5200000000008109"
CUT_OFF = "4000000000000010"
REAL = "5555555555554444"
"""A valid number that no test card has."""

SCENARIOS = {
    GOOD: Scenario(Outcome.APPROVED, "001"),
    POOR: Scenario(Outcome.DECLINED, "076"),
    SLOW: Scenario(Outcome.APPROVED, "001", delay_s=0.15),
    SILENT: Scenario(Outcome.UNKNOWN, "810"),
    CUT_OFF: Scenario(Outcome.NOT_SENT, "-1"),
}


@dataclass(slots=True)
class MovedClock:
    """Time is a value that the test moves."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def wall(self) -> datetime:
        return self.moment


def read_forms(page: str) -> dict[str, dict[str, str]]:
    """Give each form of a page by its address: names and values of its fields."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms[values["action"]] = {}
        elif tag == "input":
            self.forms[list(self.forms)[-1]][values["name"]] = values["value"]


@dataclass(slots=True)
class Payer:
    """One order and a browser without script; redirects are seen, not followed."""

    gateway: Gateway
    clock: MovedClock
    log: LogCapture
    browser: httpx2.AsyncClient
    merchant: Merchant
    ref: OrderRef = field(default_factory=lambda: OrderRef(0, ""))

    @property
    def query(self) -> dict[str, str]:
        return {"ORDERID": str(self.ref.order_id), "SESSIONID": self.ref.session_id}

    async def order(self, language: Language = Language.EN, **changes: Any) -> Self:
        """Let the shop create the order that this payer is to pay."""
        values: dict[str, Any] = {
            "language": language,
            "merchant_id": self.merchant.merchant_id,
            "amount_minor": 3000,
            "currency": AZN,
            "description": "Three books",
            "approve_url": "/approve",
            "cancel_url": "/cancel",
            "decline_url": "/decline",
        }
        request = CreateOrderRequest(**(values | changes))
        reply = await create_order(self.gateway, self.merchant, request)
        self.ref = OrderRef(reply.order_id, reply.session_id)
        return self

    async def stored(self) -> Order:
        order = await self.gateway.store.order(self.ref.order_id)
        assert order is not None
        return order

    async def transactions(self) -> int:
        facts = await self.gateway.store.facts(self.ref.order_id)
        assert facts is not None
        return len(facts.transactions)

    async def get(self, path: str = "/index.jsp", **extra: str) -> httpx2.Response:
        return await self.browser.get(path, params=self.query | extra)

    async def form(self, action: str = "/pay", **extra: str) -> dict[str, str]:
        """Open the page and give the fields of one of its forms."""
        return read_forms((await self.get(**extra)).text)[action]

    async def pay(self, pan: str = GOOD, **typed: str) -> httpx2.Response:
        """Open the page, fill the card form and send it."""
        card = {"pan": pan, "expiry": "12/40", "cvv2": "123"}
        return await self.send("/pay", await self.form() | card | typed)

    async def send(
        self, action: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        return await self.browser.post(action, data=dict(fields), headers=dict(headers or {}))

    async def ended(self) -> httpx2.Response:
        """Wait until nothing is under way, and look at the outcome."""
        assert await self.gateway.background.drain(5) == 0
        return await self.get("/outcome")


@asynccontextmanager
async def open_gateway(
    folder: Path, *, sandbox: bool = True, merchant: Merchant | None = None
) -> AsyncIterator[Payer]:
    """Start a gateway in a folder, with one merchant and a payer without an order yet."""
    migrate(folder / "tkkpg.db")
    keys = load_keys(folder / "keys.toml", os.urandom)
    store = SQLiteStore(folder / "tkkpg.db", sign=lambda text: keys.sign("audit", text))
    captured, clock = LogCapture(), MovedClock()
    log = structlog.wrap_logger(structlog.PrintLogger(), processors=[captured])
    gateway = Gateway(
        config=GatewayConfig(
            page_url=f"{PAGE}/index.jsp",
            sandbox=sandbox,
            test_cards=frozenset(SCENARIOS) if sandbox else None,
            host_timeout_s=0.3,
            page_patience_s=0.05,
        ),
        store=store,
        host=ScriptedHost(SCENARIOS, timeout_s=0.3),
        courier=RecordedCourier(_nobody_listens),
        clock=clock,
        ids=Ids(os.urandom, store.reserve_numbers),
        keys=keys,
        metrics=Metrics.create(),
        log=log,
        background=Background(log),
    )
    merchant = merchant or make_merchant()
    certificate = Certificate(
        fingerprint="a" * 64,
        merchant_id=merchant.merchant_id,
        not_after=START + timedelta(days=365),
    )
    await enrol(gateway, merchant, certificate)
    transport = httpx2.ASGITransport(app=hosted_page(gateway))
    async with httpx2.AsyncClient(transport=transport, base_url=PAGE) as browser:
        yield Payer(gateway, clock, captured, browser, merchant)
    await gateway.background.drain(5)
    await store.aclose()


def make_merchant(**changes: Any) -> Merchant:
    """Make the merchant of these tests."""
    values: dict[str, Any] = {
        "merchant_id": "E1000010",
        "name": "Xəzər Kitab",
        "terminal_id": "E1000010",
        "base_url": "https://shop.test/return/",
    }
    return Merchant(**(values | changes))


def _nobody_listens(_delivery: Delivery) -> DeliveryResult:
    message = "No merchant of these tests has a notification URL."
    raise AssertionError(message)
