"""What payers and the tests do with pages: order, type a card, press, look at what was stored."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Final

from playwright.sync_api import Locator, Page, expect
from tests.browser.sandbox_process import Running

from tkkpg.client import AZN, Amount, CreatedOrder, Language, OrderOptions, OrderType
from tkkpg.client.options import NO_OPTIONS
from tkkpg.gateway.config import DATABASE
from tkkpg.sandbox.cards import find_card

PRICE: Final = Amount.of("30.00", AZN)
RETURN_URL: Final = "https://shop.example/back"
"""Another shop than the demo shop; the tests answer for it."""

CHECKED_S: Final = 15.0
"""How long a payment may be checked: the host's time-out and the looks of the pages."""


def new_order(
    sandbox: Running,
    language: Language = Language.EN,
    return_url: str = RETURN_URL,
    *,
    order_type: OrderType = OrderType.PURCHASE,
    options: OrderOptions = NO_OPTIONS,
) -> CreatedOrder:
    """Create an order, as a shop does."""
    return sandbox.client.create_order(
        amount=PRICE,
        description="Tea & jam",
        language=language,
        approve_url=return_url,
        cancel_url=return_url,
        decline_url=return_url,
        order_type=order_type,
        options=options,
    )


def type_card(page: Page, name: str = "approve") -> None:
    """Fill in the card form with a test card."""
    card = find_card(name)
    page.locator("#pan").fill(card.pan)
    page.locator("#expiry").fill(card.expiry)
    page.locator("#cvv2").fill(card.cvv2)


def pay_button(page: Page) -> Locator:
    """Find the button that sends the card."""
    return page.locator("form.pay button")


def pay(page: Page, name: str = "approve") -> None:
    """Pay with a test card."""
    type_card(page, name)
    pay_button(page).click()


def shows(page: Page, heading: str) -> None:
    """Wait until a page has this heading."""
    expect(page.locator("h1")).to_have_text(heading, timeout=CHECKED_S * 1000)


def back_to_shop(page: Page, heading: str) -> None:
    """Wait for the outcome and press its button, which is faster than the count."""
    shows(page, heading)
    page.locator("form.return button").click()


def ends(page: Page, order: CreatedOrder, heading: str) -> None:
    """Wait for the outcome, go back to the shop, and look again how the payment ended."""
    back_to_shop(page, heading)
    page.wait_for_url(RETURN_URL)
    page.goto(order.payment_url)
    shows(page, heading)


def code_on(page: Page) -> str:
    """Read the one-time code, which the sandbox shows on the issuer's page."""
    return page.locator(".code").inner_text()


def wrong_code_on(page: Page) -> str:
    """Give a code that is not the one on the issuer's page."""
    return f"{(int(code_on(page)) + 1) % 1_000_000:06}"


def confirm(page: Page, code: str) -> None:
    """Answer the issuer's page with a code."""
    page.locator("#code").fill(code)
    page.locator("form.confirm button").click()


def fill_basket(page: Page, sandbox: Running) -> None:
    """Go to the demo shop and choose tea."""
    page.goto(sandbox.shop_url)
    page.get_by_role("button", name=re.compile("Add to basket.*Lankaran tea")).click()


def to_bank(page: Page, sandbox: Running) -> None:
    """Go through the demo shop to the card form."""
    fill_basket(page, sandbox)
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.locator("#pan")).to_be_visible()


def transactions(sandbox: Running, order: CreatedOrder) -> list[tuple[str, str]]:
    """Read kind and state of everything that was sent to the host for an order."""
    with closing(sqlite3.connect(sandbox.home / DATABASE)) as database:
        return database.execute(
            "SELECT kind, state FROM tran WHERE order_id = ? AND sent_at IS NOT NULL",
            (order.order_id,),
        ).fetchall()


def saved_cards(sandbox: Running, order: CreatedOrder) -> list[str]:
    """Read the masked numbers of the cards that the payment of an order has saved."""
    with closing(sqlite3.connect(sandbox.home / DATABASE)) as database:
        found = database.execute(
            "SELECT pan_masked FROM saved_card WHERE order_id = ?", (order.order_id,)
        ).fetchall()
    return [masked for (masked,) in found]


def written(sandbox: Running) -> bytes:
    """Everything that the sandbox has written: databases with their journals, and the log."""
    paths = [sandbox.log, *(path for path in sandbox.home.rglob("*") if path.is_file())]
    return b"".join(path.read_bytes() for path in paths)


def scrolls_sideways(page: Page) -> bool:
    """Whether a page is wider than its window."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


def styled(page: Page) -> None:
    """Wait until a page has its style sheets; text is there, and can be measured, before them."""
    page.eval_on_selector_all(
        "link[rel=stylesheet]",
        """links => Promise.all(links.filter(one => !one.sheet).map(
            one => new Promise(come => one.addEventListener("load", come))))""",
    )
