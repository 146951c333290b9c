"""A payer at a whole gateway in this process: database, scripted host, hosted page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self

import httpx2
import structlog
from structlog.testing import LogCapture
from tests.gateway_fixtures import ManualClock, merchant, stage

from tkkpg.gateway.flows.create_order import create_order
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import Outcome
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.web.hosted_page import hosted_page
from tkkpg.gateway.web.i18n import Wording
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import AZN, Language, OrderRef

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


def read_forms(page: str) -> dict[str, dict[str, str]]:
    """Give each form of a page by its address: names and values of its fields."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms


def said(page: httpx2.Response, language: Language, key: str, **values: str) -> bool:
    """Whether a page says a text."""
    return Wording(language).say(key, **values) in unescape(page.text)


def is_trouble(page: httpx2.Response, status: int, *languages: Language) -> bool:
    """Whether a page says one trouble, in three languages or those given, and nothing inside."""
    spoken = {at for at in Language if said(page, at, f"trouble.{status}.heading")}
    return (
        page.status_code == status
        and spoken == set(languages or Language)
        and "Traceback" not in page.text
        and page.headers["cache-control"] == "no-store"
    )


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms[values["action"]] = {}
        elif tag == "input" and (values.get("type") != "checkbox" or "checked" in values):
            self.forms[list(self.forms)[-1]][values["name"]] = values["value"]


@dataclass(slots=True)
class Payer:
    """One order and a browser without script; redirects are seen, not followed."""

    gateway: Gateway
    clock: ManualClock
    log: LogCapture
    browser: httpx2.AsyncClient
    trader: Merchant
    ref: OrderRef = field(default_factory=lambda: OrderRef(0, ""))

    @property
    def query(self) -> dict[str, str]:
        return {"ORDERID": str(self.ref.order_id), "SESSIONID": self.ref.session_id}

    async def order(
        self,
        language: Language = Language.EN,
        description: str = "Three books",
        **more: Any,  # noqa: ANN401 - fields of the request
    ) -> Self:
        """Let the shop create the order that this payer is to pay, with more fields if named."""
        request = CreateOrderRequest(
            language=language,
            merchant_id=self.trader.merchant_id,
            amount_minor=3000,
            currency=AZN,
            description=description,
            approve_url="/approve",
            cancel_url="/cancel",
            decline_url="/decline",
            **more,
        )
        reply = await create_order(self.gateway, self.trader, request)
        self.ref = OrderRef(reply.order_id, reply.session_id)
        return self

    async def stored(self) -> Order:
        order = await self.gateway.store.order(self.ref.order_id)
        assert order is not None
        return order

    async def saved_card(self) -> SavedCard | None:
        """The card that the host keeps after this payment."""
        facts = await self.gateway.store.facts(self.ref.order_id)
        assert facts is not None
        (payment,) = facts.transactions
        return await self.gateway.store.saved_card(payment.card_uid or "")

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
async def at_the_page(
    home: Path, *, sandbox: bool = True, trader: Merchant | None = None
) -> AsyncIterator[Payer]:
    """Open a gateway with one merchant, and a payer's browser that has no order yet."""
    host = ScriptedHost(SCENARIOS, timeout_s=0.3)
    trader, log = trader or merchant(notification_url=""), LogCapture()
    async with stage(home, host=host, trader=trader) as built:
        gateway = replace(
            built.gateway,
            config=replace(
                built.gateway.config,
                sandbox=sandbox,
                test_cards=dict.fromkeys(SCENARIOS, "12/40") if sandbox else None,
                page_patience_s=0.05,
            ),
            log=structlog.wrap_logger(structlog.PrintLogger(), processors=[log]),
        )
        transport = httpx2.ASGITransport(app=hosted_page(gateway))
        async with httpx2.AsyncClient(transport=transport, base_url="https://pay.test") as browser:
            yield Payer(gateway, built.clock, log, browser, trader)
