"""The shop and the real gateway in one process: a payer walks from the shelf to the truth."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.gateway_fixtures import PAGE_URL, Stage, stage
from tests.unit.sandbox.shop.peers import SHOP_URL, Browser

from tkkpg.client import AZN, Amount
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.protocol.redirect import read_payment_url
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.shop.app import demo_shop
from tkkpg.sandbox.shop.settings import ShopSettings

pytestmark = pytest.mark.anyio


@dataclass
class Payer:
    """A visitor with a browser that can be at the shop and at the bank's page."""

    stage: Stage
    shop: Browser
    bank: httpx2.AsyncClient
    payment_url: str = ""
    order_path: str = ""

    async def buy(self, product: str) -> None:
        """Go from the shelf to the bank's page."""
        self.payment_url = (await self.shop.buy(product)).headers["Location"]
        await self.shop.open("/")
        found = re.search(r'href="(/order/[^"]+)"', self.shop.page)
        assert found
        self.order_path = found[1]

    async def press(self, action: str, **fields: str) -> str:
        """Send a form of the bank's page; give the page that comes next."""
        page = (await self.bank.get(self.payment_url)).text
        form = next(
            form
            for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
            if f'action="{action}"' in form
        )
        fields |= _hidden(form)
        reply = await self.bank.post(action, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        return reply.text

    async def pay(self, card_name: str) -> str:
        """Pay with a test card."""
        card = find_card(card_name)
        return await self.press("/pay", pan=card.pan, expiry=card.expiry, cvv2=card.cvv2)

    async def go_back(self, page: str) -> None:
        """Send the form that leads back to the shop, and look at the order."""
        form = next(f for f in re.findall(r"<form.*?</form>", page, re.DOTALL) if "xmlmsg" in f)
        found = re.search(r'action="([^"]+)"', form)
        assert found
        reply = await self.shop.post(urlsplit(unescape(found[1])).path, data=_hidden(form))
        assert reply.headers["Location"] == self.order_path
        await self.look()

    async def look(self) -> str:
        """Look at the order in the shop."""
        await self.shop.open(self.order_path)
        return self.shop.words


def _hidden(form: str) -> dict[str, str]:
    pairs = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in pairs}


@pytest.fixture
def notified() -> asyncio.Event:
    """Happens when the gateway sends its first notification."""
    return asyncio.Event()


@pytest.fixture
async def payer(tmp_path: Path, notified: asyncio.Event) -> AsyncIterator[Payer]:
    def taken(_: Delivery) -> DeliveryResult:
        notified.set()
        return DeliveryResult(delivered=True, detail="Taken.", http_status=200)

    courier = RecordedCourier(taken)
    settings = ShopSettings(base_url=SHOP_URL, page_url=PAGE_URL, database=tmp_path / "shop.db")
    async with (
        stage(tmp_path, courier=courier) as gateway,
        Browser(demo_shop(gateway.client, settings)) as shop,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=gateway.page),
            base_url=PAGE_URL.removesuffix("/index.jsp"),
            follow_redirects=True,
        ) as bank,
    ):
        yield Payer(gateway, shop, bank)


async def test_the_banks_test_card_pays_the_order(payer: Payer) -> None:
    await payer.buy("coaster")
    await payer.go_back(await payer.pay("approve"))

    assert "Order no. 1 Paid The bank confirms your payment." in payer.shop.words
    assert "disagree" not in payer.shop.words


async def test_a_declined_card_is_followed_by_another_try(payer: Payer) -> None:
    await payer.buy("tea")
    await payer.go_back(await payer.pay("076"))
    assert "Order no. 1 Not paid The bank declined the card." in payer.shop.words

    again = await payer.shop.press(f"{payer.order_path}/pay")
    assert again.headers["Location"] != payer.payment_url
    payer.payment_url = again.headers["Location"]
    await payer.go_back(await payer.pay("approve"))

    assert "Order no. 1 Paid" in payer.shop.words


async def test_a_payer_who_leaves_has_not_paid(payer: Payer) -> None:
    await payer.buy("tea")
    await payer.go_back(await payer.press("/cancel"))

    assert "Not paid You left the payment page without paying." in payer.shop.words


async def test_a_payer_who_never_comes_back_is_found_out_by_asking(payer: Payer) -> None:
    await payer.buy("tea")
    assert "Not paid yet" in await payer.look()
    await payer.pay("approve")

    assert "Paid The bank confirms your payment." in await payer.look()


async def test_an_order_that_nobody_paid_expires(payer: Payer) -> None:
    await payer.buy("tea")
    payer.stage.clock.advance(timedelta(hours=1))

    assert "Not paid The time for paying ran out. Pay again" in await payer.look()


async def test_a_refund_through_the_client_is_seen_in_the_shop(payer: Payer) -> None:
    await payer.buy("jam")
    await payer.go_back(await payer.pay("approve"))
    ref = read_payment_url(payer.payment_url)
    assert ref
    await payer.stage.client.refund(ref, amount=Amount.of("4.00", AZN))

    assert "Refunded 4.00 AZN of 9.80 AZN went back to the card." in await payer.look()


async def test_the_gateways_own_notification_is_taken_once(
    payer: Payer, notified: asyncio.Event
) -> None:
    await payer.buy("tea")
    await payer.pay("approve")
    async with asyncio.timeout(5):
        await notified.wait()
    delivery = payer.stage.courier.deliveries[0]

    for _ in range(2):
        reply = await payer.shop.post(
            "/notify",
            data=dict(delivery.form),
            headers={"TKKPG-Delivery-Id": delivery.delivery_id},
        )
        assert reply.status_code == 200

    assert "Order no. 1 Paid" in await payer.look()
    assert "disagree" not in payer.shop.words
